from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire.values import (
    AttributeValue,
    decode_item,
    decode_value,
    encode_item,
    encode_value,
    read_item,
    read_page,
)

NASTY_TEXTS = [
    "",
    '"',
    "\\",
    '\\"',
    '"}',
    '{"S":"x"}',
    '"},"b":{"S":"',
    "\n\t\r\x00\x1f",
    "é",
    "日本語",
    "😀",
    "\u2028",
    "\x7f",
    "\\u0041",
    "true",
    "1E5",
    "x" * 300,
]
NASTY_NAMES = [
    "S",
    "N",
    "B",
    "M",
    "L",
    "SS",
    "NS",
    "BS",
    "BOOL",
    "NULL",
    "a b",
    '"',
    "\\",
    '"}',
    "x.y",
    "#a",
    ":b",
    "日",
    "__class__",
]

texts = st.sampled_from(NASTY_TEXTS) | st.text()
names = st.sampled_from(NASTY_NAMES) | st.text(min_size=1, max_size=8)
numbers = (
    st.integers(-(10**38) + 1, 10**38 - 1)
    | st.builds(
        lambda digits, exponent: Decimal(f"{digits}E{exponent}"),
        st.integers(1, 10**38 - 1),
        st.integers(-129, 80),
    )
    | st.sampled_from(
        [Decimal("9.9999999999999999999999999999999999999E+125"), Decimal("-1E-130"), Decimal("1E+100")]
    )
)
scalars = texts | numbers | st.booleans() | st.none() | st.binary(max_size=40)
sets = (
    st.sets(texts, min_size=1, max_size=4)
    | st.sets(numbers, min_size=1, max_size=4)
    | st.sets(st.binary(), min_size=1, max_size=4)
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
items = st.dictionaries(names, values, max_size=6)


@given(items)
def test_every_item_comes_back_as_it_was_and_is_written_back_unchanged(item: dict[str, Any]) -> None:
    wire = json.loads(json.dumps(encode_item(item)))
    assert decode_item(wire) == item
    assert read_item(json.dumps({"Item": wire}).encode()) == item
    assert read_page(json.dumps({"Items": [wire, wire]}).encode()).items == [item, item]
    assert encode_item(decode_item(wire)) == wire


@given(items)
def test_the_wire_form_is_boto3s(item: dict[str, Any]) -> None:
    serialize = TypeSerializer().serialize
    assert encode_item(item) == {name: in_json(serialize(value)) for name, value in item.items()}


def in_json(value: Any) -> dict[str, Any]:
    """boto3's attribute value as JSON has it: binary in base64, sets in order, numbers as written here."""
    tag: str
    ((tag, content),) = value.items()
    match tag:
        case "N":
            return encode_value(Decimal(content))
        case "B":
            return {"B": base64.b64encode(content).decode()}
        case "SS":
            return {"SS": sorted(content)}
        case "BS":
            return {"BS": sorted(base64.b64encode(each).decode() for each in content)}
        case "NS":
            return {"NS": sorted(encode_value(Decimal(each))["N"] for each in content)}
        case "L":
            return {"L": [in_json(each) for each in content]}
        case "M":
            return {"M": {name: in_json(each) for name, each in content.items()}}
        case _:
            return {tag: content}


def test_nesting_of_32_levels_comes_back() -> None:
    value: Any = "deep"
    for level in range(32):
        value = [value] if level % 2 else {"M": value}
    assert decode_value(encode_value(value)) == value


@pytest.mark.parametrize(
    ("value", "wire", "back"),
    [
        (1.5, {"N": "1.5"}, Decimal("1.5")),
        (2.0, {"N": "2.0"}, Decimal(2)),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}, [1, "a"]),
        (frozenset({"b", "a"}), {"SS": ["a", "b"]}, {"a", "b"}),
        (set(), {"L": []}, []),
        (
            datetime(2026, 1, 31, tzinfo=UTC),
            {"S": "2026-01-31T00:00:00.000000+00:00"},
            "2026-01-31T00:00:00.000000+00:00",
        ),
        ({0.5, Decimal("0.25")}, {"NS": ["0.25", "0.5"]}, {Decimal("0.5"), Decimal("0.25")}),
        ({0.1, Decimal("0.10")}, {"NS": ["0.10"]}, {Decimal("0.1")}),
    ],
)
def test_what_dynamodb_has_no_type_for_comes_back_as_the_next_of_kin(
    value: Any, wire: dict[str, Any], back: Any
) -> None:
    assert encode_value(value) == wire
    assert decode_value(wire) == back


def test_a_whole_number_is_read_as_int_and_any_other_as_decimal() -> None:
    assert [type(decode_value({"N": text})) for text in ("7", "-7", "7.0", "7E+1")] == [
        int,
        int,
        Decimal,
        Decimal,
    ]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"limits": [1, 2, 3, {"value": Decimal("NaN")}]}, "config.limits[3].value"),
        ({"since": datetime(2026, 1, 31)}, "config.since"),
        ({"by": {1: "a"}}, "config.by.1"),
        ({"mixed": {1, "a"}}, "config.mixed"),
        ({"flags": {True}}, "config.flags"),
        ({"what": [object()]}, "config.what[0]"),
        ({"text": "\ud800"}, "config.text"),
        ({"\ud800": 1}, "config.'\\ud800'"),
        (10**38 + 1, "config"),
    ],
)
def test_a_refusal_names_the_path(value: object, path: str) -> None:
    with pytest.raises(ValidationError) as refused:
        encode_value(value, "config")
    assert list(refused.value.errors) == [path]
    assert refused.value.message.startswith(f"{path} cannot be stored: ")


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValidationError, match="contains itself"):
        encode_value(value)


@pytest.mark.parametrize(
    "value", [{}, {"S": "a", "N": "1"}, {"X": "a"}, {"N": "abc"}, {"L": 5}, {"B": 7}, {"M": {"a": "b"}}]
)
def test_what_is_no_attribute_value_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no DynamoDB attribute value"):
        decode_value(value)


def test_a_value_decoded_by_msgspec_and_one_in_dict_form_are_read_alike() -> None:
    assert decode_value(AttributeValue(M={"a": AttributeValue(N="1"), "b": AttributeValue(B=b"x")})) == {
        "a": 1,
        "b": b"x",
    }


def test_a_type_of_tomorrow_is_one_clear_error() -> None:
    with pytest.raises(ValidationError, match="newer version"):
        read_item(b'{"Item":{"a":{"VECTOR":[1,2]}}}')


def test_a_page_carries_its_counts_and_its_key_in_wire_form() -> None:
    page = read_page(
        b'{"Items":[{"a":{"N":"1"}}],"Count":1,"ScannedCount":9,"LastEvaluatedKey":{"a":{"N":"1"}},'
        b'"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5},"Tomorrow":1}'
    )
    assert page.items == [{"a": 1}]
    assert (page.count, page.scanned_count) == (1, 9)
    assert page.last_evaluated_key == {"a": {"N": "1"}}
    assert page.consumed_capacity == {"TableName": "t", "CapacityUnits": 0.5}


def test_a_page_without_items_is_read() -> None:
    counted, empty = (
        read_page(b'{"Count":7,"ScannedCount":7}'),
        read_page(b'{"Items":[],"LastEvaluatedKey":{"a":{"S":"x"}}}'),
    )
    assert (counted.items, counted.count, counted.last_evaluated_key) == ([], 7, None)
    assert (empty.items, empty.last_evaluated_key) == ([], {"a": {"S": "x"}})


def test_an_item_is_read_from_its_member_or_is_none() -> None:
    assert read_item(b'{"Attributes":{"a":{"S":"x"}}}', "Attributes") == {"a": "x"}
    assert read_item(b"{}") is None
    assert read_item(b'{"Item":{}}') == {}


@pytest.mark.parametrize("read", [read_item, read_page])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"Item":{"a":', b'{"Item":{"a":5},"Items":[{"a":5}]}', b"\xff"]
)
def test_a_body_that_dynamodb_would_not_send_is_a_connection_error(
    read: Callable[[bytes], Any], body: bytes
) -> None:
    with pytest.raises(ConnectionError, match="did not answer as DynamoDB does"):
        read(body)


def test_threads_encode_side_by_side() -> None:
    results: list[Any] = []
    item = {"n": Decimal("1.5"), "s": {1, 2}}
    threads = [
        threading.Thread(target=lambda: results.extend(encode_item(item) for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"n": {"N": "1.5"}, "s": {"NS": ["1", "2"]}}] * 800
