"""The codec against real engines, with boto3 as the witness of what is stored."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.local import RunningEngine
from dynamodb_wrapper.wire.blocking import BlockingTransport
from dynamodb_wrapper.wire.compiled import Codec
from dynamodb_wrapper.wire.sizes import ITEM_LIMIT, item_size
from dynamodb_wrapper.wire.values import decode_item, encode_item, encode_value, read_item

TABLE = "codec"
KEY = {"id": {"S": "it"}}

texts = st.text(max_size=20) | st.sampled_from(
    [
        "",
        '"',
        "\\",
        '\\"',
        '{"S":"x"}',
        '"},"b":{"S":"',
        "\n\t\r\x00\x1f",
        "é日本😀",
        "\u2028\x7f",
        "true",
        "1E5",
        "\\u0041",
    ]
)
names = st.sampled_from(
    ["S", "N", "M", "L", "BOOL", "NULL", "BS", "a b", '"', "\\", "x.y", "#a", ":b", "日"]
) | st.text(min_size=1, max_size=8)
numbers = (
    st.integers(-(10**38) + 1, 10**38 - 1)
    | st.builds(
        lambda digits, power: Decimal(f"{digits}E{power}"), st.integers(1, 10**38 - 1), st.integers(-129, 87)
    )
    | st.sampled_from(
        [
            Decimal("9.9999999999999999999999999999999999999E+125"),
            Decimal("-1E-130"),
            Decimal("1E+100"),
            Decimal("1.50"),
        ]
    )
)
scalars = texts | numbers | st.booleans() | st.none() | st.binary(max_size=20)
sets = (
    st.sets(texts.filter(bool), min_size=1, max_size=4)
    | st.sets(numbers, min_size=1, max_size=4)
    | st.sets(st.binary(min_size=1, max_size=8), min_size=1, max_size=4)
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
items = st.dictionaries(names.filter(lambda name: name != "id"), values, max_size=6)
live = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Wire:
    """Sends calls to one engine."""

    def __init__(self, engine: RunningEngine) -> None:
        self._transport = BlockingTransport(
            DynamoDBConfig(
                endpoint_url=engine.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
        )

    def __call__(self, action: str, **body: Any) -> bytes:
        call = Call(action, {"TableName": TABLE, **body}, TABLE)
        return self._transport(call, time.monotonic() + 20)


@pytest.fixture(scope="module")
def wire(engine: RunningEngine, boto3_client: Any) -> Iterator[Wire]:
    boto3_client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield Wire(engine)
    boto3_client.delete_table(TableName=TABLE)


@live
@given(item=items)
def test_an_item_is_stored_as_boto3_reads_it(wire: Wire, boto3_client: Any, item: dict[str, Any]) -> None:
    wire("PutItem", Item=encode_item(item) | KEY)
    stored = item | {"id": "it"}
    assert read_item(wire("GetItem", Key=KEY)) == stored
    seen = boto3_client.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert decode_item(seen) == stored


@live
@given(item=items)
def test_an_item_that_boto3_stored_is_read(wire: Wire, boto3_client: Any, item: dict[str, Any]) -> None:
    serialize = TypeSerializer().serialize
    stored = item | {"id": "it"}
    boto3_client.put_item(TableName=TABLE, Item={name: serialize(value) for name, value in stored.items()})
    assert read_item(wire("GetItem", Key=KEY)) == stored


@live
@given(number=numbers)
def test_a_number_is_stored_as_boto3_stores_it(wire: Wire, boto3_client: Any, number: int | Decimal) -> None:
    wire("PutItem", Item=KEY | {"n": encode_value(number)})
    ours = boto3_client.get_item(TableName=TABLE, Key=KEY)["Item"]["n"]
    boto3_client.put_item(TableName=TABLE, Item=KEY | {"n": TypeSerializer().serialize(number)})
    theirs = boto3_client.get_item(TableName=TABLE, Key=KEY)["Item"]["n"]
    assert Decimal(ours["N"]) == Decimal(theirs["N"]) == number


@live
@given(
    number=st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda n: n == 0 or 1e-130 <= abs(n) < 1e126
    )
)
def test_a_float_comes_back_as_the_very_same_float(wire: Wire, number: float) -> None:
    class Measured(BaseModel):
        id: str = "it"
        ratio: float

    codec = Codec(Measured)
    wire("PutItem", Item=codec.encode(Measured(ratio=number)))
    read = codec.read_item(wire("GetItem", Key=KEY))
    assert read is not None
    assert read.ratio == number


def test_a_number_that_boto3_cannot_read_is_read(wire: Wire, boto3_client: Any) -> None:
    wire("PutItem", Item=KEY | {"n": {"N": "1" + "0" * 60}})
    assert read_item(wire("GetItem", Key=KEY)) == {"id": "it", "n": 10**60}
    raw = boto3_client.get_item(TableName=TABLE, Key=KEY)["Item"]["n"]
    if "E" not in raw["N"]:
        with pytest.raises(ArithmeticError):
            TypeDeserializer().deserialize(raw)


@pytest.mark.parametrize("number", ["1E+126", "9.9E-131", "1" * 39])
def test_the_engine_refuses_the_numbers_that_the_codec_refuses(wire: Wire, number: str) -> None:
    with pytest.raises(DynamoDBWrapperError):
        wire("PutItem", Item=KEY | {"n": {"N": number}})


def test_nesting_of_32_levels_comes_back(wire: Wire) -> None:
    value: Any = "deep"
    for level in range(31):
        value = [value] if level % 2 else {"M": value}
    wire("PutItem", Item=encode_item({"id": "it", "value": value}))
    assert read_item(wire("GetItem", Key=KEY)) == {"id": "it", "value": value}


def test_a_model_comes_back_and_keeps_what_another_program_added(wire: Wire, boto3_client: Any) -> None:
    class Stage(BaseModel):
        name: str
        at: datetime
        seconds: Decimal | None = None

    class Run(BaseModel):
        id: str
        active: bool = True
        stages: list[Stage] = []
        config: dict[str, Any] = {}

    codec = Codec(Run, ("id", "active"))
    run = Run(
        id="it",
        active=False,
        stages=[Stage(name="é", at=datetime(2026, 1, 31, tzinfo=UTC))],
        config={"a": [1, None]},
    )
    wire("PutItem", Item=codec.encode(run))
    boto3_client.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET stages[0].host = :h, added = :a",
        ExpressionAttributeValues={":h": {"S": "h1"}, ":a": {"BS": [b"\x00", b"\xff"]}},
    )
    read = codec.read_item(wire("GetItem", Key=KEY))
    assert read is not None
    assert read.model_dump() == run.model_dump()
    wire("PutItem", Item=codec.encode(read.model_copy(update={"active": True})))
    stored = boto3_client.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert stored["active"] == {"S": "true"}
    assert stored["stages"]["L"][0]["M"]["host"] == {"S": "h1"}
    assert set(stored["added"]["BS"]) == {b"\x00", b"\xff"}


def test_the_engine_counts_the_size_of_an_item_as_the_codec_does(wire: Wire) -> None:
    def of_size(size: int) -> dict[str, Any]:
        item = encode_item({"id": "it", "é": ["ab", True, None, {"k": b"abc"}], "s": {"x", "yz"}, "text": ""})
        item["text"]["S"] = "a" * (size - item_size(item))
        return item

    assert len(msgspec.json.encode(of_size(ITEM_LIMIT))) > ITEM_LIMIT
    wire("PutItem", Item=of_size(ITEM_LIMIT))
    with pytest.raises(DynamoDBWrapperError):
        wire("PutItem", Item=of_size(ITEM_LIMIT + 1))
