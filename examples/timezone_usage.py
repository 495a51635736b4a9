"""Zones: stored in UTC always, shown in the zone of the call, else of the settings, else in UTC.

Run `python examples/timezone_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dynamodb_wrapper import (
    DynamoDB,
    DynamoDBConfig,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    RunStatus,
    create_table_gateway,
)
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.utils import ensure_timezone_aware, to_user_timezone, to_utc


def show(config: DynamoDBConfig) -> None:
    """Write a time of one zone, see it stored in UTC, read it in others."""
    begun = datetime(2024, 3, 10, 3, 30, tzinfo=ZoneInfo("America/New_York"))
    run = PipelineRunLogUpsert(
        run_id="run-1",
        pipeline_id="nightly",
        status=RunStatus.RUNNING,
        trigger_type="schedule",
        start_time=begun,
    )
    with PipelineRunLogsWriteApi(config) as write:
        write.create_run_log(run)
    with create_table_gateway(config, "pipeline_run_logs") as gateway:
        stored = gateway.get_item(Key={"run_id": "run-1", "pipeline_id": "nightly"})["Item"]
        print(f"stored: {stored['start_time']}")

    with PipelineRunLogsReadApi(config) as read:
        in_utc = read.get_by_id("run-1", "nightly")
        in_oslo = read.get_by_id("run-1", "nightly", user_timezone="Europe/Oslo")
        print(f"read:   {in_utc.start_time} and {in_oslo.start_time}")
        assert in_utc.start_time == in_oslo.start_time == begun, "one moment, shown in two ways"
    new_york = config.model_copy(update={"user_timezone": "America/New_York"})
    with PipelineRunLogsReadApi(new_york) as read:
        print(f"as set: {read.get_by_id('run-1', 'nightly').start_time}")


def functions() -> None:
    """Convert by hand, across a change to summer time, and see naive times refused."""
    for hour in (6, 7):
        moment = datetime(2024, 3, 10, hour, 30, tzinfo=UTC)
        print(f"{moment:%H:%M} UTC is {to_user_timezone(moment, 'America/New_York'):%H:%M %Z}")
    naive = datetime(2024, 7, 1, 9, 0)
    try:
        to_utc(naive)
    except ValidationError as error:
        print(f"refused: {error.message.partition(',')[0]}")
    print(f"named:   {to_utc(ensure_timezone_aware(naive, 'Asia/Tokyo'))}")
    try:
        ensure_timezone_aware(datetime(2024, 3, 10, 2, 30), "America/New_York")
    except ValidationError as error:
        print(f"refused: {error.message}")


def main() -> None:
    """Make the table and show the zones."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="zones_")
        with DynamoDB(config) as db:
            db.delete_table(PipelineRunLog)
            db.create_table(PipelineRunLog)
        show(config)
        functions()


if __name__ == "__main__":
    main()
