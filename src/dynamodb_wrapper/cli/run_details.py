"""How one run is told: its times and end as lines, its stages, checks and metrics as tables.

Knows the log of a run. Must not know where it was read.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import typer
from pydantic import Field

from dynamodb_wrapper.display import Display, Section
from dynamodb_wrapper.models import DataQualityResult, LogLevel, PipelineRunLogView, StageInfo
from dynamodb_wrapper.models.base import Instant

__all__ = ["RunDetails", "figure", "moment", "show_run"]

UNKNOWN = "-"


class RunDetails(PipelineRunLogView):
    """A run with all that is logged of it."""

    stages: list[StageInfo] = Field(default_factory=list)
    current_stage: str | None = None
    input_tables: list[str] = Field(default_factory=list)
    output_tables: list[str] = Field(default_factory=list)
    input_data_size_bytes: int | None = None
    output_data_size_bytes: int | None = None
    data_quality_results: list[DataQualityResult] = Field(default_factory=list)
    metrics: dict[str, Any] = Field(default_factory=dict)
    error_stack_trace: str | None = None
    config_snapshot: dict[str, Any] = Field(default_factory=dict)
    spark_application_id: str | None = None
    spark_version: str | None = None
    python_version: str | None = None
    cpu_hours: Decimal | None = None
    memory_usage_gb: Decimal | None = None
    monitoring_urls: dict[str, str] = Field(default_factory=dict)
    log_level: LogLevel | None = None
    log_messages: list[dict[str, Any]] = Field(default_factory=list)
    lease_until: Instant | None = None
    heartbeat_at: Instant | None = None


def show_run(run: RunDetails) -> None:
    """Print a run; what was not logged of it is left out."""
    for name, value in _lines(run).items():
        if value not in (None, "", UNKNOWN):
            typer.echo(f"{name:10}  {value}")
    display = Display()
    for section in (_stages(run.stages), _checks(run.data_quality_results), _metrics(run)):
        if section.rows:
            display.show(section)
    if run.error_stack_trace:
        typer.echo(f"\nTrace\n{run.error_stack_trace.rstrip()}")


def moment(at: datetime | None) -> str:
    """A point in time to the second, with its offset."""
    return UNKNOWN if at is None else at.isoformat(timespec="seconds")


def figure(value: Decimal | int | None) -> str:
    """A number, seconds to the thousandth."""
    return UNKNOWN if value is None else f"{value:.3f}" if isinstance(value, Decimal) else str(value)


def _lines(run: RunDetails) -> dict[str, str | None]:
    over = run.status is not None and run.status.is_terminal
    return {
        "run": run.run_id,
        "pipeline": run.pipeline_id,
        "status": run.status,
        "data": None if run.data_quality_passed else "a check of its data failed",
        "trigger": run.trigger_type,
        "started": moment(run.start_time),
        "ended": moment(run.end_time),
        "seconds": figure(run.duration_seconds),
        "heard of": None if over else moment(run.heartbeat_at),
        "stage": None if over else run.current_stage,
        "records": figure(run.total_records_processed),
        "failed": figure(run.total_records_failed),
        "inputs": ", ".join(run.input_tables),
        "outputs": ", ".join(run.output_tables),
        "message": run.error_message,
    }


def _stages(stages: list[StageInfo]) -> Section:
    return Section(
        "Stages",
        ("stage", "status", "started", ">seconds", ">records", "message"),
        [
            (
                stage.stage_name,
                stage.status.upper(),
                moment(stage.start_time),
                figure(stage.duration_seconds),
                figure(stage.records_processed),
                stage.error_message or "",
            )
            for stage in stages
        ],
    )


def _checks(results: list[DataQualityResult]) -> Section:
    return Section(
        "Checks",
        ("check", "outcome", "expected", "actual", "message"),
        [
            (
                result.check_name,
                "passed" if result.passed else "FAILED",
                _text(result.expected_value),
                _text(result.actual_value),
                result.error_message or "",
            )
            for result in results
        ],
    )


def _metrics(run: RunDetails) -> Section:
    return Section(
        "Metrics", ("metric", ">value"), [(name, _text(run.metrics[name])) for name in run.metrics]
    )


def _text(value: object) -> str:
    return UNKNOWN if value is None else str(value)
