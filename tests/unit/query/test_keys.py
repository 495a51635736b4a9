"""Key conditions and the choice of an index, from a model's Meta."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from dynamodb_wrapper import GSI, DynamoDBModel, PipelineConfig, PipelineRunLog, ValidationError
from dynamodb_wrapper.expressions import Condition, Params
from dynamodb_wrapper.query.keys import best_index, key_condition, sort_condition
from dynamodb_wrapper.schema import schema_of

RUNS = schema_of(PipelineRunLog)


class Match(DynamoDBModel):
    class Meta:
        table_name = "matches"
        partition_key = "match_id"
        gsis: ClassVar = [GSI("ByPlace", ["country", "city"], ["year", "round"])]

    match_id: str
    country: str
    city: str
    year: int
    round: str


def text(condition: Condition) -> tuple[str, dict[str, Any]]:
    """The condition with its placeholders' names put back, and its values."""
    params = Params()
    encoded = condition.encode(params)
    body = params.into({})
    for mark, name in body["ExpressionAttributeNames"].items():
        encoded = encoded.replace(mark, name)
    return encoded, body["ExpressionAttributeValues"]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("eq", ["b"], "at = :0"),
        ("lt", ["b"], "at < :0"),
        ("lte", ["b"], "at <= :0"),
        ("gt", ["b"], "at > :0"),
        ("gte", ["b"], "at >= :0"),
        ("begins_with", ["b"], "begins_with(at, :0)"),
        ("between", ["b", "c"], "at BETWEEN :0 AND :1"),
    ],
)
def test_each_sort_condition_is_written_as_dynamodb_has_it(
    name: str, values: list[str], expected: str
) -> None:
    encoded, sent = text(sort_condition("at", name, *values))
    assert encoded == expected
    assert list(sent.values()) == [{"S": value} for value in values]


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("like", ["b"], "sort_condition"),
        ("between", ["b"], "sort_value2"),
        ("eq", ["b", "c"], "sort_value2"),
        ("begins_with", ["b", "c"], "sort_value2"),
    ],
)
def test_a_sort_condition_that_makes_no_sense_is_refused(name: str, values: list[str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        sort_condition("at", name, *values)
    assert caught.value.errors.keys() == {field}


def test_a_query_of_a_table_needs_its_partition_key() -> None:
    condition = key_condition(RUNS, RUNS.primary, {"run_id": "r"}, sort_condition("pipeline_id", "eq", "p"))
    assert text(condition)[0] == "(run_id = :0 AND pipeline_id = :1)"
    with pytest.raises(ValidationError, match="the table needs run_id"):
        key_condition(RUNS, RUNS.primary, {"run_id": None})


def test_a_query_of_an_index_with_many_attributes_needs_all_of_its_partition() -> None:
    schema = schema_of(Match)
    index = schema.index("ByPlace")
    condition = key_condition(schema, index, {"city": "Oslo", "country": "NO"})
    assert text(condition) == ("(country = :0 AND city = :1)", {":0": {"S": "NO"}, ":1": {"S": "Oslo"}})
    with pytest.raises(ValidationError, match="missing: city") as caught:
        key_condition(schema, index, {"country": "NO"})
    assert caught.value.errors.keys() == {"city"}


def test_an_attribute_that_is_not_of_the_partition_is_not_passed_over() -> None:
    index = RUNS.index("PipelineRunsIndex")
    with pytest.raises(ValidationError, match="not status") as caught:
        key_condition(RUNS, index, {"pipeline_id": "p", "status": "failed"})
    assert caught.value.errors.keys() == {"status"}


@pytest.mark.parametrize(
    ("partition", "sort", "expected"),
    [
        ("run_id", None, None),
        ("run_id", "pipeline_id", None),
        ("pipeline_id", "start_time", "PipelineRunsIndex"),
        ("pipeline_id", None, "PipelineRunsIndex"),
        ("status", "created_at", "StatusRunsIndex"),  # no index is sorted by it
    ],
)
def test_the_best_index_has_the_partition_and_if_possible_the_sort_key(
    partition: str, sort: str | None, expected: str | None
) -> None:
    assert best_index(RUNS, partition, sort).name == expected


def test_without_an_index_the_error_names_those_there_are() -> None:
    with pytest.raises(ValidationError, match="environment, is_active, pipeline_id"):
        best_index(schema_of(PipelineConfig), "source_type", None)
