"""Every IANA zone: storage is UTC, and what is shown is the same moment, on real engines.

The days are those on which clocks were put forward or back, and the day that Apia never had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from dynamodb_wrapper import (
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsRepository,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    ValidationError,
)
from dynamodb_wrapper import timezones as tz

ZONES = sorted(available_timezones())
MOMENTS = [datetime(year, month, 15, 3, 30, 15, 250, tzinfo=UTC) for year in (1970, 2026) for month in (1, 7)]
QUARTER = timedelta(minutes=15)

# The zone, the day, and by how much its clock was moved on it.
DAYS = [
    ("America/New_York", date(2026, 3, 8), timedelta(hours=1)),
    ("America/New_York", date(2026, 11, 1), timedelta(hours=-1)),
    ("Europe/London", date(2026, 3, 29), timedelta(hours=1)),
    ("Europe/London", date(2026, 10, 25), timedelta(hours=-1)),
    ("Australia/Lord_Howe", date(2026, 10, 4), timedelta(minutes=30)),
    ("Australia/Lord_Howe", date(2026, 4, 5), timedelta(minutes=-30)),
    ("Pacific/Apia", date(2012, 9, 30), timedelta(hours=1)),
    ("Pacific/Apia", date(2012, 4, 1), timedelta(hours=-1)),
    ("Pacific/Apia", date(2011, 12, 30), timedelta(hours=24)),
]
each_day = pytest.mark.parametrize(
    ("zone", "day", "moved"), DAYS, ids=lambda value: str(value).replace("/", "-")
)


def moments_of(zone: str, day: date) -> Iterator[datetime]:
    """Each quarter of an hour of the day, in UTC."""
    clock = ZoneInfo(zone)
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    for _ in range(3 * 96):
        if moment.astimezone(clock).date() == day:
            yield moment
        moment += QUARTER


def clock_times(day: date) -> list[datetime]:
    """What a clock shows at each quarter of an hour of an ordinary day."""
    start = datetime(day.year, day.month, day.day)
    return [start + quarter * QUARTER for quarter in range(96)]


def exists(clock: datetime, zone: str) -> bool:
    try:
        tz.ensure_timezone_aware(clock, zone)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_is_the_same_in_every_zone_and_text(zone: str) -> None:
    for moment in MOMENTS:
        shown = tz.to_user_timezone(moment, zone)
        assert shown == moment
        assert shown.utcoffset() == ZoneInfo(zone).utcoffset(shown)
        assert tz.to_utc(shown) == moment
        assert tz.to_utc(shown).tzinfo is UTC
        assert tz.format_iso(shown) == moment.isoformat(timespec="microseconds")
        assert tz.parse_iso(tz.format_iso(shown)) == moment
        assert tz.ensure_timezone_aware(shown.replace(tzinfo=None), zone) == moment


async def test_what_is_stored_of_every_zone_is_utc_and_what_is_shown_in_it_is_that_moment(
    face: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]
) -> None:
    [name] = tables(PipelineRunLog)
    write, read, of_v1 = (
        face(kind) for kind in (PipelineRunLogsWriteApi, PipelineRunLogsReadApi, PipelineRunLogsRepository)
    )
    moment = MOMENTS[-1]
    dtos = [
        PipelineRunLogUpsert(
            run_id=str(number),
            pipeline_id="p",
            status="running",
            trigger_type="manual",
            start_time=moment.astimezone(ZoneInfo(zone)),
        )
        for number, zone in enumerate(ZONES)
    ]
    await write.upsert_many(dtos)
    pages = boto3_table(name).meta.client.get_paginator("scan").paginate(TableName=name)
    texts = {item["start_time"] for page in pages for item in page["Items"]}
    assert texts == {"2026-07-15T03:30:15.000250+00:00"}

    async def shown(number: int, zone: str) -> None:
        key = str(number), "p"
        view = await read.get_by_id(*key, projection=["start_time"], user_timezone=zone)
        assert view.start_time == moment
        assert view.start_time.utcoffset() == ZoneInfo(zone).utcoffset(view.start_time)

    await asyncio.gather(*(shown(number, zone) for number, zone in enumerate(ZONES)))
    for zone in ("Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham"):
        runs = await of_v1.list_all(user_timezone=zone)
        assert len(runs) == len(ZONES)
        assert {run.start_time.isoformat() for run in runs} == {moment.astimezone(ZoneInfo(zone)).isoformat()}


@each_day
def test_such_a_day_is_as_much_shorter_or_longer(zone: str, day: date, moved: timedelta) -> None:
    moments = list(moments_of(zone, day))
    assert len(moments) * QUARTER == timedelta(days=1) - moved
    for moment in moments:
        shown = tz.to_user_timezone(moment, zone)
        assert tz.to_utc(shown) == moment
        assert tz.parse_iso(shown.isoformat()) == moment
        assert tz.parse_iso(tz.format_iso(shown)) == moment
        clock = shown.replace(tzinfo=None)
        assert tz.to_utc(tz.ensure_timezone_aware(clock, zone)) == moment, "fold tells which of two is meant"
    texts = [tz.format_iso(moment.astimezone(ZoneInfo(zone))) for moment in moments]
    assert texts == sorted(texts)


@each_day
def test_what_its_clock_skipped_is_refused_and_what_it_shows_twice_is_chosen(
    zone: str, day: date, moved: timedelta
) -> None:
    skipped = twice = 0
    for clock in clock_times(day):
        if exists(clock, zone):
            first = tz.ensure_timezone_aware(clock, zone, ambiguous="earlier")
            second = tz.ensure_timezone_aware(clock, zone, ambiguous="later")
            assert tz.to_utc(second) - tz.to_utc(first) in (timedelta(0), -moved)
            twice += tz.to_utc(first) != tz.to_utc(second)
        else:
            before = tz.ensure_timezone_aware(clock, zone, skipped="earlier")
            after = tz.ensure_timezone_aware(clock, zone, skipped="later")
            assert tz.to_utc(after) - tz.to_utc(before) == moved
            skipped += 1
    assert skipped * QUARTER == max(moved, timedelta(0))
    assert twice * QUARTER == max(-moved, timedelta(0))


async def test_each_half_hour_of_such_days_is_stored_and_shown(
    face: Any, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    of_v1 = face(PipelineRunLogsRepository)
    for zone, day, _ in DAYS:
        moments = [moment for moment in moments_of(zone, day) if moment.minute % 30 == 0]
        pipeline = f"{zone.rpartition('/')[2]}-{day}"
        await asyncio.gather(
            *(
                of_v1.create_run_log(
                    f"{pipeline}-{number}",
                    pipeline,
                    "manual",
                    start_time=moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None),
                    current_timezone=zone,
                )
                for number, moment in enumerate(moments)
            )
        )
        runs = await of_v1.get_runs_by_pipeline(pipeline, user_timezone=zone)
        assert [tz.to_utc(run.start_time) for run in reversed(runs)] == moments
        assert {run.start_time.date() for run in runs} <= {day}
