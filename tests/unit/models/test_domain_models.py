from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.models import (
    DataQualityResult,
    DynamoDBModel,
    LogLevel,
    PipelineConfig,
    PipelineRunLog,
    StageInfo,
    TableConfig,
)
from dynamodb_wrapper.schema import schema_of

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

MODELS: list[tuple[type[DynamoDBModel], dict[str, Any]]] = [
    (PipelineConfig, PIPELINE),
    (TableConfig, TABLE),
    (PipelineRunLog, RUN),
]


@pytest.mark.parametrize(
    ("model", "table", "key", "indexes"),
    [
        (
            PipelineConfig,
            "pipeline_config",
            ("pipeline_id", None),
            [
                ("ActivePipelinesIndex", "is_active", "updated_at"),
                ("EnvironmentIndex", "environment", "created_at"),
            ],
        ),
        (
            TableConfig,
            "table_config",
            ("table_id", None),
            [
                ("PipelineTablesIndex", "pipeline_id", "table_type"),
                ("TableTypeIndex", "table_type", "pipeline_id"),
                ("RecentTablesIndex", "environment", "updated_at"),
            ],
        ),
        (
            PipelineRunLog,
            "pipeline_run_logs",
            ("run_id", "pipeline_id"),
            [("PipelineRunsIndex", "pipeline_id", "start_time"), ("StatusRunsIndex", "status", "start_time")],
        ),
    ],
)
def test_meta_is_that_of_the_contract(
    model: Any, table: str, key: tuple[str, str | None], indexes: list[tuple[str, str, str]]
) -> None:
    meta = model.Meta
    assert (meta.table_name, meta.partition_key, meta.sort_key) == (table, *key)
    assert [(gsi["name"], gsi["partition_key"], gsi["sort_key"]) for gsi in meta.gsis] == indexes
    assert schema_of(model).table_name == table


@pytest.mark.parametrize(("model", "values"), MODELS)
def test_required_fields_are_those_of_the_contract(
    model: type[DynamoDBModel], values: dict[str, Any]
) -> None:
    assert {name for name, field in model.model_fields.items() if field.is_required()} == set(values)


@pytest.mark.parametrize(("model", "values"), MODELS)
def test_times_default_to_now_in_utc(model: type[DynamoDBModel], values: dict[str, Any]) -> None:
    made = model.model_validate(values)
    for name in ("created_at", "updated_at"):
        moment = getattr(made, name)
        assert moment.tzinfo is UTC
        assert abs(moment - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(("model", "values"), MODELS)
def test_a_naive_time_is_refused(model: type[DynamoDBModel], values: dict[str, Any]) -> None:
    with pytest.raises(PydanticError, match="timezone"):
        model.model_validate(values | {"created_at": datetime(2026, 1, 31)})


@pytest.mark.parametrize(("model", "values"), MODELS)
def test_an_item_of_each_model_round_trips(model: type[DynamoDBModel], values: dict[str, Any]) -> None:
    made = model.model_validate(values | {"tags": {"team": "air"}, "created_by": "ada"})
    assert model.from_dynamodb_item(made.to_dynamodb_item()) == made


def test_a_run_with_stages_and_checks_round_trips() -> None:
    start = datetime(2026, 1, 31, 12, tzinfo=UTC)
    stage = StageInfo(stage_name="load", status="success", start_time=start, duration_seconds=Decimal("1.5"))
    check = DataQualityResult(
        check_name="cancelled", passed=False, expected_value="<= 4 %", actual_value=Decimal("4.1")
    )
    run = PipelineRunLog.model_validate(RUN | {"stages": [stage], "data_quality_results": [check]})
    again = PipelineRunLog.from_dynamodb_item(run.to_dynamodb_item())
    assert again == run
    assert again.log_level is LogLevel.INFO


def test_defaults_are_not_shared_between_instances() -> None:
    one, two = (PipelineConfig.model_validate(PIPELINE) for _ in range(2))
    one.tags["a"] = "b"
    assert two.tags == {}
