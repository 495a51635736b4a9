from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire.arrow import ArrowReader
from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT
from dynamodb_wrapper.wire.values import encode_item

MOMENT = pa.timestamp("us", "UTC")


def body(*items: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"Items": items, "Count": len(items), "ScannedCount": len(items), **more})


def column(kind: Any, *values: Any, **options: Any) -> list[Any]:
    """What a column of that type makes of wire values; None stands for a missing attribute."""
    reader = ArrowReader(pa.schema([pa.field("it", kind, **options)]))
    items: list[dict[str, Any]] = [{} if value is None else {"it": value} for value in values]
    (batch,) = reader.read_page(body(*items)).items
    assert batch.schema.field("it").type == kind
    found: list[Any] = batch.column(0).to_pylist()
    return found


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        (pa.string(), {"S": "é"}, "é"),
        (pa.large_string(), {"S": ""}, ""),
        (
            pa.string(),
            {"N": "12345678901234567890123456789012345678"},
            "12345678901234567890123456789012345678",
        ),
        (pa.int64(), {"N": "-9"}, -9),
        (pa.int64(), {"N": "1E+2"}, 100),
        (pa.int32(), {"N": "2.0"}, 2),
        (pa.float64(), {"N": "0.1"}, 0.1),
        (pa.decimal128(38, 2), {"N": "12.5"}, Decimal("12.50")),
        (pa.decimal128(38, 2), {"N": "1E+3"}, Decimal("1000.00")),
        (pa.bool_(), {"BOOL": False}, False),
        (pa.bool_(), {"S": "true"}, True),
        (pa.binary(), {"B": "AAE="}, b"\x00\x01"),
        (MOMENT, {"S": "2026-01-31T12:00:00.000001+00:00"}, datetime(2026, 1, 31, 12, 0, 0, 1, UTC)),
        (MOMENT, {"S": "2026-01-31T12:00:00+02:00"}, datetime(2026, 1, 31, 10, tzinfo=UTC)),
        (MOMENT, {"S": "2026-01-31T12:00:00"}, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (MOMENT, {"N": "1769860800"}, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (pa.date32(), {"S": "2026-01-31"}, date(2026, 1, 31)),
        (pa.list_(pa.int64()), {"L": [{"N": "1"}, {"NULL": True}]}, [1, None]),
        (pa.list_(pa.int64()), {"NS": ["1", "2"]}, [1, 2]),
        (pa.list_(pa.string()), {"SS": ["a", "b"]}, ["a", "b"]),
        (pa.list_(pa.string()), {"NS": ["1.50"]}, ["1.50"]),
        (pa.list_(pa.binary()), {"BS": ["AA=="]}, [b"\x00"]),
        (pa.list_(MOMENT), {"L": [{"S": "2026-01-31T12:00:00Z"}]}, [datetime(2026, 1, 31, 12, tzinfo=UTC)]),
        (pa.list_(pa.list_(pa.string())), {"L": [{"L": [{"S": "a"}]}, {"SS": ["b"]}]}, [["a"], ["b"]]),
        (
            pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())])), ("d", pa.bool_())]),
            {"M": {"a": {"N": "1"}, "b": {"M": {"c": {"S": "x"}}}, "more": {"L": []}, "d": {"BOOL": True}}},
            {"a": 1, "b": {"c": "x"}, "d": True},
        ),
        (pa.struct([("a", pa.int64())]), {"M": {}}, {"a": None}),
        (
            pa.map_(pa.string(), pa.list_(pa.decimal128(10, 1))),
            {"M": {"k": {"L": [{"N": "1.5"}]}}},
            [("k", [Decimal("1.5")])],
        ),
    ],
)
def test_a_value_is_in_its_column_as_it_was_stored(kind: Any, wire: dict[str, Any], value: Any) -> None:
    assert column(kind, wire, {"NULL": True}, None, wire) == [value, None, None, value]


def test_what_has_no_type_may_be_a_text_of_json() -> None:
    value = {
        "M": {"n": {"N": "1.50"}, "l": {"L": [{"NULL": True}, {"BS": ["AA=="]}]}, "s": {"SS": ["b", "a"]}}
    }
    (text, absent, null) = column(pa.string(), value, None, {"NULL": True}, metadata=JSON_TEXT)
    assert json.loads(text) == {"n": 1.5, "l": [None, ["AA=="]], "s": ["a", "b"]}
    assert '"n":1.50' in text
    assert (absent, null) == (None, None)


@pytest.mark.parametrize(
    ("kind", "wire", "held"),
    [
        (pa.int64(), {"S": "1"}, "S"),
        (pa.int64(), {"N": "1.5"}, "N"),
        (pa.int8(), {"N": "300"}, "N"),
        (pa.string(), {"BOOL": True}, "BOOL"),
        (pa.bool_(), {"S": "yes"}, "S"),
        (pa.decimal128(38, 2), {"N": "1.234"}, "N"),
        (pa.decimal128(3, 0), {"N": "1234"}, "N"),
        (pa.float32(), {"N": "1" + "0" * 50}, "N"),
        (MOMENT, {"S": "soon"}, "S"),
        (MOMENT, {"S": "2026-01-01T00:00:00.1234567+00:00"}, "S"),
        (pa.date32(), {"N": "1"}, "N"),
        (pa.list_(pa.int64()), {"L": [{"S": "x"}]}, "L"),
        (pa.struct([("a", pa.int64())]), {"M": {"a": {"S": "x"}}}, "M"),
        (pa.map_(pa.string(), pa.int64()), {"SS": ["a"]}, "SS"),
    ],
)
def test_a_misfit_tells_its_attribute_and_the_key_of_its_item(
    kind: Any, wire: dict[str, Any], held: str
) -> None:
    reader = ArrowReader(pa.schema([("id", pa.string()), ("it", kind)]), ["id"])
    reply = body({"id": {"S": "a"}}, {"id": {"S": "b"}, "it": wire})
    with pytest.raises(ValidationError) as raised:
        reader.read_page(reply, table="things")
    assert raised.value.errors.keys() == {"it"}
    assert f"holds {held}" in raised.value.message
    assert raised.value.context == {"table": "things", "key": {"id": "b"}, "attribute": "it"}


def test_a_column_that_may_not_be_null_is_in_every_item() -> None:
    reader = ArrowReader(pa.schema([pa.field("id", pa.string(), nullable=False)]), ["id"])
    assert reader.read_page(body({"id": {"S": "a"}})).items[0].num_rows == 1
    with pytest.raises(ValidationError, match="holds nothing, which does not fit string not null"):
        reader.read_page(body({"id": {"S": "a"}}, {}))


def test_a_page_tells_where_the_next_one_starts_and_a_page_without_items_has_no_batch() -> None:
    reader = ArrowReader(pa.schema([("id", pa.string())]))
    page = reader.read_page(body(LastEvaluatedKey={"id": {"S": "z"}}))
    assert (page.items, page.count, page.last_evaluated_key) == ([], 0, {"id": {"S": "z"}})
    assert reader.read_page(b'{"Count":3}').count == 3


def test_one_item_is_a_batch_of_one_row() -> None:
    reader = ArrowReader(pa.schema([("id", pa.string())]))
    assert reader.read_item(b'{"Item":{"id":{"S":"a"},"more":{"N":"1"}}}').to_pylist() == [{"id": "a"}]
    assert reader.read_item(b"{}") is None
    assert reader.decode({"id": {"S": "a"}}).num_rows == 1


@pytest.mark.parametrize("reply", [b"<html>", b"[]", b'{"Items":[1]}', b'{"Items":[{}],"Count":"x"}'])
def test_what_is_no_reply_is_an_error_of_the_connection(reply: bytes) -> None:
    with pytest.raises(ConnectionError):
        ArrowReader(pa.schema([("id", pa.string())])).read_page(reply)


@pytest.mark.parametrize("kind", [pa.duration("s"), pa.map_(pa.int64(), pa.string()), pa.list_(pa.null())])
def test_a_type_that_dynamodb_has_nothing_for_is_refused(kind: Any) -> None:
    with pytest.raises(ValidationError, match="DynamoDB has nothing for"):
        ArrowReader(pa.schema([("it", kind)]))


rows = st.fixed_dictionaries(
    {"id": st.text(max_size=5)},
    optional={
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "d": st.none() | st.integers(-(10**35), 10**35).map(lambda digits: Decimal(digits).scaleb(-2)),
        "at": st.datetimes(
            min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)
        ),
        "tags": st.none() | st.lists(st.text(max_size=3), max_size=3),
        "sizes": st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=3),
        "raw": st.binary(max_size=4),
        "on": st.booleans(),
    },
)
ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("n", pa.int64()),
        ("d", pa.decimal128(38, 2)),
        ("at", MOMENT),
        ("tags", pa.list_(pa.string())),
        ("sizes", pa.map_(pa.string(), pa.int64())),
        ("raw", pa.binary()),
        ("on", pa.bool_()),
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(rows, min_size=1, max_size=5))
def test_what_was_written_is_what_the_columns_hold(written: list[dict[str, Any]]) -> None:
    (batch,) = ArrowReader(ROWS, ["id"]).read_page(body(*map(encode_item, written))).items
    found = batch.to_pylist(maps_as_pydicts="strict")
    assert found == [dict.fromkeys(ROWS.names) | row for row in written]
