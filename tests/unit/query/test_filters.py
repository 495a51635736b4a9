"""Where each filter of a query goes: to the sort key, to the filter expression, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import TableConfig, TableType, ValidationError
from dynamodb_wrapper.expressions import Compare, Condition, Params, Path
from dynamodb_wrapper.query.filters import FilterPlan, Filters, plan_filters
from dynamodb_wrapper.schema import schema_of

TABLES = schema_of(TableConfig)
OF_PIPELINE = TABLES.index("PipelineTablesIndex")
IS_SOURCE = Compare(Path(("table_type",)), "=", TableType.SOURCE)


def plan(filters: Filters, sort: Condition | None = None) -> FilterPlan:
    """Filters of a query of one pipeline's tables."""
    return plan_filters(TABLES, OF_PIPELINE, {"pipeline_id": "p"}, sort, filters)


def text(condition: Condition | None) -> tuple[str, list[Any]]:
    assert condition is not None
    params = Params(TABLES.codec.encode_attribute)
    encoded = condition.encode(params)
    body = params.into({})
    for mark, name in body["ExpressionAttributeNames"].items():
        encoded = encoded.replace(mark, name)
    return encoded, list(body.get("ExpressionAttributeValues", {}).values())


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"location": "/x"}, ("location = :0", [{"S": "/x"}])),
        ({"record_count": 7}, ("record_count = :0", [{"N": "7"}])),
        ({"is_active": True}, ("is_active IN (:1, :0)", [{"S": "true"}, {"BOOL": True}])),
        (
            {"cache_level": None},
            ("(attribute_not_exists(cache_level) OR attribute_type(cache_level, :0))", None),
        ),
        ({"data_format": ["csv", "json"]}, ("data_format IN (:0, :1)", [{"S": "csv"}, {"S": "json"}])),
        ({"location": "/x", "record_count": 7}, ("(location = :0 AND record_count = :1)", None)),
        (Attr("size_bytes").gt(7), ("size_bytes > :0", [{"N": "7"}])),
    ],
)
def test_what_is_no_key_goes_to_the_filter(filters: Filters, expected: tuple[str, list[Any] | None]) -> None:
    planned = plan(filters)
    encoded, values = text(planned.filter)
    assert encoded == expected[0]
    assert expected[1] is None or values == expected[1]
    assert planned.sort is None


def test_a_list_with_none_in_it_means_that_too() -> None:
    encoded, _ = text(plan({"cache_level": [None, "OFF_HEAP"]}).filter)
    assert "attribute_not_exists(cache_level)" in encoded
    assert "cache_level = " in encoded


def test_more_values_than_one_operator_takes_are_all_asked_for() -> None:
    encoded, values = text(plan({"record_count": list(range(150))}).filter)
    assert len(values) == 150
    assert encoded.count(" = ") == 150


def test_no_filter_is_no_filter() -> None:
    assert plan(None) == plan({}) == FilterPlan(None, None)


def test_the_sort_key_goes_to_the_key_condition() -> None:
    assert plan({"table_type": "source"}) == FilterPlan(IS_SOURCE, None)
    assert plan({"table_type": "source"}, IS_SOURCE).sort == IS_SOURCE


@pytest.mark.parametrize(
    ("filters", "sort"),
    [
        ({"table_type": "lookup"}, IS_SOURCE),
        ({"table_type": ["lookup", "source"]}, None),
        ({"table_type": None}, None),
    ],
)
def test_what_one_sort_condition_cannot_say_is_refused(filters: Filters, sort: Condition | None) -> None:
    with pytest.raises(ValidationError, match="one value") as caught:
        plan(filters, sort)
    assert caught.value.errors.keys() == {"table_type"}


def test_the_partition_may_be_named_again_but_not_otherwise() -> None:
    assert plan({"pipeline_id": "p"}) == plan({"pipeline_id": ["q", "p"]}) == FilterPlan(None, None)
    for other in ("q", None, ["q", "r"], []):
        with pytest.raises(ValidationError, match="no item is both"):
            plan({"pipeline_id": other})


def test_in_a_scan_any_attribute_may_be_filtered() -> None:
    filters = {"pipeline_id": ["p", "q"], "table_type": "source", "table_id": "t"}
    planned = plan_filters(TABLES, None, {}, None, filters)
    assert planned.sort is None
    assert text(planned.filter)[0] == "(pipeline_id IN (:0, :1) AND table_type = :2 AND table_id = :3)"


def test_an_unknown_attribute_an_empty_list_and_what_is_no_filter_are_refused() -> None:
    with pytest.raises(ValidationError, match="did you mean 'is_active'"):
        plan({"is_activ": True})
    with pytest.raises(ValidationError, match="empty list"):
        plan({"location": []})
    with pytest.raises(ValidationError, match="condition"):
        plan("is_active = :x")
