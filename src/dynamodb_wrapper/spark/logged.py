"""A run that is logged in single calls, by a program that has no block for it.

Knows what Spark and Python tell of themselves. Must not know leases: nobody notices when such a program dies.
"""

from __future__ import annotations

import platform
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ConflictError
from dynamodb_wrapper.expressions import In, Path
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import OPEN, run_status
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogUpsert, RunStatus
from dynamodb_wrapper.redaction import redacted
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.runs.recorder import with_snapshot
from dynamodb_wrapper.spark.runs import context_of
from dynamodb_wrapper.spark.sessions import running_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEPT = frozenset(
    {"run_id", "pipeline_id", "status", "trigger_type", "end_time", "error_message", "created_by"}
)


def log_pipeline_run_from_spark(
    pipeline_id: str,
    status: RunStatus | str,
    *,
    run_id: str | None = None,
    trigger_type: str = "spark",
    error_message: str | None = None,
    start_time: datetime | None = None,
    session: SparkSession | None = None,
    config: DynamoDBConfig | None = None,
    **fields: Any,
) -> PipelineRunLog:
    """Log a run that is over in one call, or one that goes on in several: "running" first, "success" later.

    A new run gets what is stored of its pipeline, and the versions of Spark and Python. One that is stored
    already goes on: it gets the status and the fields that are given now, and keeps the others.

    Parameters:
        status: pending, running, success, failed, cancelled or skipped.
        run_id: the run; a new one where it is left out.
        trigger_type: manual, schedule, event, dependency, api, retry or spark; of a new run.
        error_message: why it failed; required for failed.
        start_time: when it began. `duration_seconds` follows from it; where it is not known, the duration of
            a run that is logged in one call is left open.
        session: the Spark session that ran it; the one that runs where none is given.
        fields: further fields of `PipelineRunLogUpsert`, such as `total_records_processed` or `end_time`.

    Returns:
        The run as it is stored now. A run that is over with this status stays as it is.

    Raises:
        ValidationError: there is no such status, or a field is wrong; nothing was written.
        ConflictError: the run is over with another status; carries it as `current_item`.
    """
    config = config or DynamoDBConfig.for_pyspark()
    given = redacted({"error_message": error_message, "start_time": start_time, **fields})
    about = {name: value for name, value in _about(session).items() if name not in given}
    dto = PipelineRunLogUpsert(
        run_id=run_id or uuid7(),
        pipeline_id=pipeline_id,
        status=run_status(status),
        trigger_type=trigger_type,
        **about,
        **given,
    )
    with PipelineRunLogsWriteApi(config) as api:
        try:
            return api.create_run_log(with_snapshot(config, dto))
        except ConflictError as error:
            stored: PipelineRunLog | None = error.current_item
            if stored is None:
                raise
        changes = {name: getattr(dto, name) for name in {**about, **given}.keys() - _KEPT}
        changes = {name: value for name, value in changes.items() if value is not None}
        if changes:
            _set_while_open(config, dto, changes)
        ended = dto.end_time if given.get("end_time") is not None else None
        return api.update_run_status(dto.run_id, pipeline_id, dto.status, dto.error_message, ended)


def _set_while_open(config: DynamoDBConfig, dto: PipelineRunLogUpsert, changes: dict[str, Any]) -> None:
    """Set fields of a run, unless it is over."""
    key = {"run_id": dto.run_id, "pipeline_id": dto.pipeline_id}
    try:
        with DynamoDB(config) as db:
            db.update(PipelineRunLog, key, changes, condition=In(Path(("status",)), OPEN))
    except ConditionalCheckFailedError:
        return


def _about(session: SparkSession | None) -> dict[str, Any]:
    """What Spark and Python tell of themselves."""
    about = {"python_version": platform.python_version()}
    session = session or running_session()
    if session is not None:
        about["spark_version"] = session.version
        if (context := context_of(session)) is not None:
            about["spark_application_id"] = context.applicationId
    return about
