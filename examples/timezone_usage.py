"""Zones: stored in UTC always, shown in the zone of the call, the settings, the context, or in UTC.

Run `python examples/timezone_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dynamodb_wrapper import (
    AsyncPipelineRunLogsReadApi,
    DynamoDB,
    DynamoDBConfig,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsRepository,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    RunStatus,
    create_table_gateway,
)
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.timezones import (
    ensure_timezone_aware,
    format_iso,
    get_timezone_manager,
    parse_iso,
    set_global_timezone,
    to_user_timezone,
    to_utc,
    validate_timezone_string,
)


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


def in_v1(config: DynamoDBConfig) -> None:
    """Write what a clock in Tokyo shows, and read a whole list in the zone of a user."""
    with PipelineRunLogsRepository(config) as runs:
        clock = datetime(2024, 3, 10, 16, 45)
        runs.create_run_log("run-2", "nightly", "manual", start_time=clock, current_timezone="Asia/Tokyo")
        found = runs.get_runs_by_pipeline("nightly", user_timezone="Asia/Kolkata")
        print("in V1: ", ", ".join(f"{run.run_id} {run.start_time}" for run in found))


async def for_several_users(config: DynamoDBConfig) -> None:
    """Serve users at once, each with a zone of their own, which holds for their task alone."""
    async with AsyncPipelineRunLogsReadApi(config) as read:

        async def start_for(zone: str) -> str:
            set_global_timezone(zone)
            run = await read.get_by_id("run-1", "nightly")
            return f"{run.start_time:%H:%M}"

        zones = "Europe/Oslo", "Asia/Tokyo", "Australia/Lord_Howe"
        shown = await asyncio.gather(*map(start_for, zones))
        print("users: ", ", ".join(shown), "and here", get_timezone_manager().timezone)


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
    new_york, skipped, twice = "America/New_York", datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30)
    try:
        ensure_timezone_aware(skipped, new_york)
    except ValidationError as error:
        print(f"refused: {error.message}")
    print(f"moved:   {ensure_timezone_aware(skipped, new_york, skipped='later')}")
    first, second = (
        ensure_timezone_aware(twice, new_york, ambiguous="earlier"),
        ensure_timezone_aware(twice, new_york, ambiguous="later"),
    )
    print(f"twice:   {first} and {second}, {to_utc(second) - to_utc(first)} later")
    print(f"text:    {format_iso(parse_iso('2024-07-01T09:00:00', 'Asia/Tokyo'))}")
    try:
        validate_timezone_string("Europe/Olso")
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
        in_v1(config)
        asyncio.run(for_several_users(config))
        functions()


if __name__ == "__main__":
    main()
