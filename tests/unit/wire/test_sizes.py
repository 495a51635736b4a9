from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.sizes import ITEM_LIMIT, check_item_size, check_key, item_size
from dynamodb_wrapper.wire.values import encode_item

texts = st.text(max_size=12)
scalars = texts | st.integers(-(10**38) + 1, 10**38 - 1) | st.booleans() | st.none() | st.binary(max_size=12)
items = st.dictionaries(
    texts,
    st.recursive(
        scalars
        | st.sets(texts, max_size=4)
        | st.sets(st.integers(-9, 9), max_size=4)
        | st.sets(st.binary(max_size=12), max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=8,
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "é€😀"}, 9),
        ({"S": ""}, 0),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1200"}, 2),
        ({"N": "-123.45"}, 5),
        ({"N": "0.0001"}, 2),
        ({"N": "1.5E+100"}, 2),
        ({"B": ""}, 0),
        ({"B": "YQ=="}, 1),
        ({"B": "YWI="}, 2),
        ({"B": "YWJj"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "234"]}, 5),
        ({"BS": ["YQ==", "YWJj"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 8),
        ({"M": {"é": {"S": "x"}}}, 7),
    ],
)
def test_a_value_counts_as_the_developer_guide_says(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == 4 + size


@given(items)
def test_the_json_of_an_item_is_never_shorter_than_its_size(item: dict[str, Any]) -> None:
    wire = encode_item(item)
    assert len(msgspec.json.encode(wire)) >= item_size(wire)


def test_an_item_of_400_kb_passes_and_one_byte_more_is_refused() -> None:
    item = {"id": {"S": "x"}, "text": {"S": "a" * (ITEM_LIMIT - 7)}}
    check_item_size(item)
    item["text"]["S"] += "a"
    with pytest.raises(ValidationError, match="409,601 bytes") as refused:
        check_item_size(item, "runs")
    assert list(refused.value.errors) == ["text"]
    assert refused.value.context == {"table": "runs", "size": 409_601}


@pytest.mark.parametrize(
    ("value", "partition", "why"),
    [
        ({"S": ""}, True, "is empty"),
        ({"B": ""}, False, "is empty"),
        ({"S": "a" * 2049}, True, "2,049 bytes"),
        ({"S": "é" * 513}, False, "1,026 bytes"),
        ({"B": "YWJj" * 700}, True, "2,100 bytes"),
        ({"BOOL": True}, True, "not BOOL"),
        ({"NULL": True}, False, "not NULL"),
        ({}, False, "not nothing"),
    ],
)
def test_a_key_that_the_service_would_refuse_is_refused(
    value: dict[str, Any], partition: bool, why: str
) -> None:
    with pytest.raises(ValidationError, match=why) as refused:
        check_key("run_id", value, partition)
    assert list(refused.value.errors) == ["run_id"]


@pytest.mark.parametrize(
    ("value", "partition"),
    [({"S": "a" * 2048}, True), ({"S": "a" * 1024}, False), ({"N": "0"}, True), ({"B": "YQ=="}, False)],
)
def test_a_key_within_the_limits_passes(value: dict[str, Any], partition: bool) -> None:
    check_key("run_id", value, partition)
