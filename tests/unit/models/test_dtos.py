from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import (
    Dto,
    PipelineConfigUpsert,
    PipelineRunLogStatusUpdate,
    PipelineRunLogUpsert,
    RunStatus,
    TableConfigUpsert,
)

PIPELINE: dict[str, Any] = {
    "pipeline_id": "p1",
    "pipeline_name": "Flights",
    "source_type": "file",
    "destination_type": "warehouse",
}
TABLE: dict[str, Any] = {
    "table_id": "t1",
    "pipeline_id": "p1",
    "table_name": "flights",
    "table_type": "source",
    "data_format": "csv",
    "location": "s3://bucket/flights",
}
RUN: dict[str, Any] = {"run_id": "r1", "pipeline_id": "p1", "status": "running", "trigger_type": "manual"}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

GOOD: list[tuple[type[Dto], dict[str, Any]]] = [
    (PipelineConfigUpsert, PIPELINE),
    (TableConfigUpsert, TABLE),
    (PipelineRunLogUpsert, RUN),
    (PipelineRunLogStatusUpdate, {"status": "running"}),
]


@pytest.mark.parametrize(("dto", "values"), GOOD)
def test_required_fields_are_those_of_the_contract(dto: type[Dto], values: dict[str, Any]) -> None:
    assert dto.model_validate(values).model_fields_set == set(values)
    with pytest.raises(ValidationError) as caught:
        dto.model_validate({})
    assert caught.value.errors == {name: ["is required"] for name in values}


@pytest.mark.parametrize(
    ("dto", "base", "values"),
    [
        (PipelineConfigUpsert, PIPELINE, {"pipeline_id": "a" * 128, "pipeline_name": "n" * 256}),
        (PipelineConfigUpsert, PIPELINE, {"schedule_expression": "0 6 * * 1-5", "version": "10.20.30"}),
        (PipelineConfigUpsert, PIPELINE, {"cpu_cores": 1000, "memory_gb": 1000}),
        (PipelineConfigUpsert, PIPELINE, {"cpu_cores": 1, "memory_gb": "0.5"}),
        (TableConfigUpsert, TABLE, {"cache_level": "MEMORY_AND_DISK_SER", "location": "/data"}),
        (TableConfigUpsert, TABLE, {"retention_days": 36500, "archive_after_days": 1}),
        (PipelineRunLogUpsert, RUN, {"status": "failed", "error_message": "disk full"}),
        (PipelineRunLogUpsert, RUN, {"retry_count": 10, "duration_seconds": 0}),
        (PipelineRunLogUpsert, RUN, {"start_time": NOON, "end_time": NOON, "status": "success"}),
    ],
)
def test_values_within_the_limits_pass(dto: type[Dto], base: dict[str, Any], values: dict[str, Any]) -> None:
    dto.model_validate(base | values)


@pytest.mark.parametrize(
    ("dto", "base", "values", "field"),
    [
        (PipelineConfigUpsert, PIPELINE, {"pipeline_id": ""}, "pipeline_id"),
        (PipelineConfigUpsert, PIPELINE, {"pipeline_id": "a b"}, "pipeline_id"),
        (PipelineConfigUpsert, PIPELINE, {"pipeline_id": "a\n"}, "pipeline_id"),
        (PipelineConfigUpsert, PIPELINE, {"pipeline_id": "a" * 129}, "pipeline_id"),
        (PipelineConfigUpsert, PIPELINE, {"pipeline_name": "n" * 257}, "pipeline_name"),
        (PipelineConfigUpsert, PIPELINE, {"description": "d" * 1001}, "description"),
        (PipelineConfigUpsert, PIPELINE, {"source_type": "ftp"}, "source_type"),
        (PipelineConfigUpsert, PIPELINE, {"destination_type": "tape"}, "destination_type"),
        (PipelineConfigUpsert, PIPELINE, {"schedule_expression": "every day"}, "schedule_expression"),
        (
            PipelineConfigUpsert,
            PIPELINE,
            {"schedule_expression": "0 0 1 1 " + "0," * 200 + "0"},
            "schedule_expression",
        ),
        (PipelineConfigUpsert, PIPELINE, {"environment": "production"}, "environment"),
        (PipelineConfigUpsert, PIPELINE, {"version": "1.0"}, "version"),
        (PipelineConfigUpsert, PIPELINE, {"cpu_cores": 0}, "cpu_cores"),
        (PipelineConfigUpsert, PIPELINE, {"cpu_cores": 1001}, "cpu_cores"),
        (PipelineConfigUpsert, PIPELINE, {"memory_gb": 0.4}, "memory_gb"),
        (PipelineConfigUpsert, PIPELINE, {"memory_gb": 1000.1}, "memory_gb"),
        (PipelineConfigUpsert, PIPELINE, {"memory_gb": 1.9, "cpu_cores": 4}, "memory_gb"),
        (PipelineConfigUpsert, PIPELINE, {"created_by": "u" * 129}, "created_by"),
        (TableConfigUpsert, TABLE, {"table_id": "t/1"}, "table_id"),
        (TableConfigUpsert, TABLE, {"table_type": "sink"}, "table_type"),
        (TableConfigUpsert, TABLE, {"data_format": "xml"}, "data_format"),
        (TableConfigUpsert, TABLE, {"location": "bucket/flights"}, "location"),
        (TableConfigUpsert, TABLE, {"location": "/" + "x" * 1000}, "location"),
        (TableConfigUpsert, TABLE, {"cache_level": "RAM"}, "cache_level"),
        (TableConfigUpsert, TABLE, {"retention_days": 0}, "retention_days"),
        (TableConfigUpsert, TABLE, {"archive_after_days": 36501}, "archive_after_days"),
        (TableConfigUpsert, TABLE, {"archive_after_days": 30, "retention_days": 30}, "archive_after_days"),
        (TableConfigUpsert, TABLE, {"environment": ""}, "environment"),
        (PipelineRunLogUpsert, RUN, {"status": "done"}, "status"),
        (PipelineRunLogUpsert, RUN, {"trigger_type": "cosmic"}, "trigger_type"),
        (PipelineRunLogUpsert, RUN, {"duration_seconds": -1}, "duration_seconds"),
        (PipelineRunLogUpsert, RUN, {"total_records_processed": -1}, "total_records_processed"),
        (PipelineRunLogUpsert, RUN, {"retry_count": 11}, "retry_count"),
        (PipelineRunLogUpsert, RUN, {"error_message": "e" * 2001}, "error_message"),
        (PipelineRunLogUpsert, RUN, {"error_stack_trace": "e" * 10001}, "error_stack_trace"),
        (PipelineRunLogUpsert, RUN, {"status": "failed"}, "error_message"),
        (
            PipelineRunLogUpsert,
            RUN,
            {"start_time": NOON, "end_time": NOON - timedelta(seconds=1)},
            "end_time",
        ),
        (
            PipelineRunLogUpsert,
            RUN,
            {"total_records_failed": 2, "total_records_processed": 1},
            "total_records_failed",
        ),
        (PipelineRunLogUpsert, RUN, {"cpu_hours": float("nan")}, "cpu_hours"),
        (PipelineRunLogUpsert, RUN, {"log_level": "loud"}, "log_level"),
        (PipelineRunLogUpsert, RUN, {"updated_by": "ada"}, "updated_by"),
        (PipelineRunLogStatusUpdate, {}, {"status": "failed"}, "error_message"),
        (PipelineRunLogStatusUpdate, {}, {"status": "done"}, "status"),
    ],
)
def test_a_breach_is_reported_under_its_field(
    dto: type[Dto], base: dict[str, Any], values: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError, match=field) as caught:
        dto.model_validate(base | values)
    assert list(caught.value.errors) == [field]


@pytest.mark.parametrize(
    ("dto", "base", "field"),
    [
        (PipelineRunLogUpsert, RUN, "start_time"),
        (PipelineRunLogUpsert, RUN, "end_time"),
        (PipelineRunLogStatusUpdate, {"status": "running"}, "end_time"),
    ],
)
@pytest.mark.parametrize("naive", [datetime(2026, 1, 31), "2026-01-31T12:00:00"])
def test_a_naive_datetime_is_refused_with_the_mend(
    dto: type[Dto], base: dict[str, Any], field: str, naive: Any
) -> None:
    with pytest.raises(ValidationError, match="ensure_timezone_aware") as caught:
        dto.model_validate(base | {field: naive})
    assert list(caught.value.errors) == [field]


def test_all_breaches_are_reported_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        PipelineConfigUpsert.model_validate(
            PIPELINE | {"source_type": "x", "environment": "y", "discription": "z"}
        )
    assert set(caught.value.errors) == {"source_type", "environment", "discription"}
    assert "did you mean 'description'" in str(caught.value)


@pytest.mark.parametrize("dto", [PipelineRunLogUpsert, PipelineRunLogStatusUpdate])
@pytest.mark.parametrize("status", RunStatus)
def test_only_a_terminal_status_without_end_gets_now(dto: type[Dto], status: RunStatus) -> None:
    base = RUN if dto is PipelineRunLogUpsert else {}
    made: Any = dto.model_validate(base | {"status": status, "error_message": "why"})
    if status.is_terminal:
        assert abs(made.end_time - datetime.now(UTC)) < timedelta(seconds=30)
        assert "end_time" in made.model_fields_set
    else:
        assert made.end_time is None
    given: Any = dto.model_validate(base | {"status": status, "error_message": "why", "end_time": NOON})
    assert given.end_time == NOON


@pytest.mark.parametrize(
    ("given", "kept"), [(0.1, "0.1"), ("0.1", "0.1"), (3, "3"), (1.10, "1.1"), ("1.10", "1.10")]
)
def test_decimals_are_exact(given: Any, kept: str) -> None:
    made = PipelineRunLogUpsert.model_validate(RUN | {"cpu_hours": given})
    assert made.cpu_hours is not None
    assert str(made.cpu_hours) == str(Decimal(kept))


def test_a_dto_reads_json() -> None:
    made = PipelineRunLogUpsert.model_validate_json(
        '{"run_id": "r1", "pipeline_id": "p1", "status": "running", "trigger_type": "api", '
        '"start_time": "2026-01-31T12:00:00Z", "data_quality_results": [{"check_name": "c", "passed": true}]}'
    )
    assert made.start_time == NOON
    assert made.data_quality_results[0].passed


@pytest.mark.parametrize("number", ["20240101", "1.5", "-3", " 2024 ", 0, 1.5, Decimal(2024), True])
def test_a_time_is_never_read_from_a_bare_number(number: Any) -> None:
    run = {"run_id": "r", "pipeline_id": "p", "status": "running", "trigger_type": "manual"}
    for field in ("start_time", "end_time"):
        with pytest.raises(ValidationError, match="a bare number is not a point in time") as caught:
            PipelineRunLogUpsert(**run, **{field: number})
        assert list(caught.value.errors) == [field]
    with pytest.raises(ValidationError, match="bare number"):
        PipelineRunLogStatusUpdate(status="success", end_time=number)


def test_a_time_may_be_written_out_with_its_offset() -> None:
    dto = PipelineRunLogStatusUpdate(status="success", end_time="2024-01-01T02:00:00+02:00")
    assert dto.end_time == datetime(2024, 1, 1, tzinfo=UTC)
