from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper import GSI, DynamoDBModel, PipelineConfig, PipelineRunLog, RunStatus, TableConfig, utils
from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.utils import (
    build_filter_expression,
    build_gsi_key_condition,
    build_model_key,
    build_model_key_condition,
    build_projection_expression,
    ensure_timezone_aware,
    extract_model_metadata,
    get_model_gsi_names,
    get_model_key_fields,
    to_user_timezone,
    to_utc,
)

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
NOON_TEXT = "2024-07-01T12:00:00.000000+00:00"


class Parcel(DynamoDBModel):
    """A user's own model: a number as sort key, and an index with two attributes on each side."""

    depot: str
    number: int
    country: str
    city: str
    urgent: bool = False
    due: datetime

    class Meta:
        table_name = "parcels"
        partition_key = "depot"
        sort_key = "number"
        gsis = (GSI("ByPlace", ["country", "urgent"], ["city", "due"], projection=["number"]),)


def shown(condition: Any) -> str:
    """A condition with its names and values in place, for reading."""
    params = Params()
    text: str = condition.encode(params)
    body = params.into({})
    marks = body.get("ExpressionAttributeNames", {}) | {
        mark: next(iter(value.values())) for mark, value in body.get("ExpressionAttributeValues", {}).items()
    }
    for mark in sorted(marks, key=len, reverse=True):
        text = text.replace(mark, str(marks[mark]))
    return text


@pytest.mark.parametrize(
    ("model", "table", "partition", "sort", "indexes"),
    [
        (
            PipelineConfig,
            "pipeline_config",
            "pipeline_id",
            None,
            {
                "ActivePipelinesIndex": ("is_active", "updated_at"),
                "EnvironmentIndex": ("environment", "created_at"),
            },
        ),
        (
            TableConfig,
            "table_config",
            "table_id",
            None,
            {
                "PipelineTablesIndex": ("pipeline_id", "table_type"),
                "TableTypeIndex": ("table_type", "pipeline_id"),
                "RecentTablesIndex": ("environment", "updated_at"),
            },
        ),
        (
            PipelineRunLog,
            "pipeline_run_logs",
            "run_id",
            "pipeline_id",
            {
                "PipelineRunsIndex": ("pipeline_id", "start_time"),
                "StatusRunsIndex": ("status", "start_time"),
            },
        ),
        (
            Parcel,
            "parcels",
            "depot",
            "number",
            {"ByPlace": (["country", "urgent"], ["city", "due"])},
        ),
    ],
)
def test_the_metadata_is_what_meta_says(
    model: type[BaseModel], table: str, partition: str, sort: str | None, indexes: dict[str, Any]
) -> None:
    metadata = extract_model_metadata(model)
    assert (metadata["table_name"], metadata["partition_key"], metadata["sort_key"]) == (
        table,
        partition,
        sort,
    )
    assert {gsi["name"]: (gsi["partition_key"], gsi["sort_key"]) for gsi in metadata["gsis"]} == indexes
    assert get_model_gsi_names(model) == list(indexes)
    assert get_model_key_fields(model) == [name for name in (partition, sort) if name]


def test_the_metadata_can_be_written_into_a_meta_again() -> None:
    described = extract_model_metadata(Parcel)

    class Again(Parcel):
        class Meta:
            table_name = described["table_name"]
            partition_key = described["partition_key"]
            sort_key = described["sort_key"]
            gsis = described["gsis"]

    assert extract_model_metadata(Again) == described


def test_a_model_without_meta_is_refused_by_name() -> None:
    class Bare(BaseModel):
        id: str

    for function in (extract_model_metadata, get_model_key_fields, get_model_gsi_names, build_model_key):
        with pytest.raises(MetaError, match="Bare"):
            function(Bare)


def test_keys_are_as_boto3_takes_them() -> None:
    assert build_model_key(PipelineConfig, pipeline_id="p1") == {"pipeline_id": "p1"}
    assert build_model_key(TableConfig, table_id="t1") == {"table_id": "t1"}
    run = build_model_key(PipelineRunLog, pipeline_id="p1", run_id="r1")
    assert run == {"run_id": "r1", "pipeline_id": "p1"}
    assert build_model_key(Parcel, depot="north", number=7) == {"depot": "north", "number": 7}


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"run_id": "r1"}, "pipeline_id"),
        ({"run_id": "r1", "pipeline_id": ""}, "pipeline_id"),
        ({"run_id": 7, "pipeline_id": "p1"}, "run_id"),
        ({"run_id": "r" * 2049, "pipeline_id": "p1"}, "run_id"),
        ({"run_id": "r1", "pipeline_id": "p1", "status": "failed"}, "status"),
    ],
)
def test_a_wrong_key_is_refused_by_the_name_of_its_part(keys: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        build_model_key(PipelineRunLog, **keys)


def test_a_key_condition_of_the_table() -> None:
    assert shown(build_model_key_condition(PipelineRunLog, run_id="r1")) == "run_id = r1"
    both = build_model_key_condition(Parcel, "gt", depot="north", number=7)
    assert shown(both) == "(depot = north AND number > 7)"


def test_a_bool_in_a_key_is_the_text_that_is_stored() -> None:
    for given in (True, "true"):
        condition = build_gsi_key_condition(PipelineConfig, "ActivePipelinesIndex", is_active=given)
        assert shown(condition) == "is_active = true"


def test_an_enum_in_a_key_is_its_value() -> None:
    condition = build_gsi_key_condition(PipelineRunLog, "StatusRunsIndex", status=RunStatus.FAILED)
    assert shown(condition) == "status = failed"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("eq", "="), ("lt", "<"), ("lte", "<="), ("gt", ">"), ("gte", ">=")],
)
def test_sort_conditions_compare_a_datetime_as_it_is_stored(condition: str, expected: str) -> None:
    oslo = NOON.astimezone(timezone(timedelta(hours=2)))
    built = build_gsi_key_condition(
        PipelineRunLog, "PipelineRunsIndex", condition, pipeline_id="p1", start_time=oslo
    )
    assert shown(built) == f"(pipeline_id = p1 AND start_time {expected} {NOON_TEXT})"


def test_between_takes_two_values() -> None:
    built = build_gsi_key_condition(
        PipelineRunLog,
        "PipelineRunsIndex",
        sort_condition="between",
        sort_value2=NOON + timedelta(hours=1),
        pipeline_id="p1",
        start_time=NOON,
    )
    later = NOON_TEXT.replace("T12", "T13")
    assert shown(built) == f"(pipeline_id = p1 AND start_time BETWEEN {NOON_TEXT} AND {later})"


def test_begins_with_compares_the_stored_text() -> None:
    built = build_gsi_key_condition(
        PipelineRunLog, "PipelineRunsIndex", "begins_with", pipeline_id="p1", start_time="2024-07"
    )
    assert shown(built) == "(pipeline_id = p1 AND begins_with(start_time, 2024-07))"


def test_an_index_of_several_attributes_is_asked_from_the_left() -> None:
    place: dict[str, Any] = {"country": "NO", "urgent": True}
    assert shown(build_gsi_key_condition(Parcel, "ByPlace", **place)) == "(country = NO AND urgent = true)"
    built = build_gsi_key_condition(Parcel, "ByPlace", "lt", city="Oslo", due=NOON, **place)
    assert shown(built) == f"(country = NO AND urgent = true AND (city = Oslo AND due < {NOON_TEXT}))"
    with pytest.raises(ValidationError, match="due needs city"):
        build_gsi_key_condition(Parcel, "ByPlace", "lt", due=NOON, **place)


@pytest.mark.parametrize(
    ("index", "options", "keys", "said"),
    [
        ("NoSuchIndex", {}, {"pipeline_id": "p"}, "PipelineRunsIndex"),
        ("PipelineRunsIndex", {}, {}, "pipeline_id"),
        ("PipelineRunsIndex", {}, {"pipeline_id": "p", "status": "failed"}, "status"),
        ("PipelineRunsIndex", {"sort_condition": "like"}, {"pipeline_id": "p", "start_time": NOON}, "like"),
        ("PipelineRunsIndex", {"sort_condition": "between"}, {"pipeline_id": "p", "start_time": NOON}, "two"),
        ("PipelineRunsIndex", {"sort_value2": NOON}, {"pipeline_id": "p", "start_time": NOON}, "one value"),
        ("PipelineRunsIndex", {"sort_condition": "lt"}, {"pipeline_id": "p"}, "start_time"),
        ("PipelineRunsIndex", {"sort_value2": NOON}, {"pipeline_id": "p"}, "start_time"),
        (
            "PipelineRunsIndex",
            {"sort_condition": "lt"},
            {"pipeline_id": "p", "start_time": NOON.replace(tzinfo=None)},
            "time zone",
        ),
    ],
)
def test_a_question_that_the_index_cannot_answer_is_refused(
    index: str, options: dict[str, Any], keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        build_gsi_key_condition(PipelineRunLog, index, **options, **keys)


def test_a_projection_hides_reserved_words_behind_names() -> None:
    built = build_projection_expression(["status", "config.limits[0]", "status"])
    names = built["ExpressionAttributeNames"]
    text = built["ProjectionExpression"]
    for mark in sorted(names, key=len, reverse=True):
        text = text.replace(mark, names[mark])
    assert text == "status, config.limits[0]"
    assert build_projection_expression([]) == {}


@pytest.mark.parametrize("fields", ["status", ["a..b"], [""]])
def test_what_is_no_list_of_paths_is_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        build_projection_expression(fields)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": RunStatus.FAILED}, "status = failed"),
        ({"status": ["failed", "running"]}, "status IN (failed, running)"),
        ({"is_active": True}, "is_active IN (True, true)"),
        ({"ended": None}, "(attribute_not_exists(ended) OR attribute_type(ended, NULL))"),
        ({"a.b": 1, "c": "x"}, "(a.b = 1 AND c = x)"),
    ],
)
def test_filters_are_conditions(filters: dict[str, Any], expected: str) -> None:
    assert shown(build_filter_expression(filters)) == expected


def test_no_filters_are_no_condition() -> None:
    assert build_filter_expression({}) is None


def test_an_empty_list_of_values_is_refused() -> None:
    with pytest.raises(ValidationError, match="status"):
        build_filter_expression({"status": []})


def test_the_time_functions_are_those_of_timezones() -> None:
    oslo = to_user_timezone(NOON, "Europe/Oslo")
    assert oslo.isoformat() == "2024-07-01T14:00:00+02:00"
    assert to_utc(oslo) == NOON
    assert to_utc(oslo).tzinfo is UTC
    assert ensure_timezone_aware(datetime(2024, 7, 1, 14), "Europe/Oslo") == NOON
    assert ensure_timezone_aware(NOON) is NOON
    with pytest.raises(ValidationError, match="time zone"):
        to_utc(datetime(2024, 7, 1))


@pytest.mark.parametrize("name", utils.__all__)
def test_every_function_is_documented(name: str) -> None:
    assert getattr(utils, name).__doc__
