from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dynamodb_wrapper import timezones as tz
from dynamodb_wrapper.exceptions import ValidationError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAIVE = datetime(2026, 1, 31, 12)


@pytest.fixture(autouse=True)
def no_chosen_zone() -> Iterator[None]:
    tz.set_global_timezone(None)
    yield
    tz.set_global_timezone(None)


def test_utcnow_is_aware_and_in_utc() -> None:
    assert tz.utcnow().tzinfo is UTC
    assert abs(tz.utcnow() - datetime.now(UTC)) < timedelta(seconds=5)


def test_now_in_tz_is_now_on_that_zones_clock() -> None:
    now = tz.now_in_tz("Asia/Tokyo")
    assert now.utcoffset() == timedelta(hours=9)
    assert abs(now - tz.utcnow()) < timedelta(seconds=5)
    assert tz.now_in_tz().utcoffset() == timedelta(0)


def test_to_utc_keeps_the_point_in_time() -> None:
    local = datetime(2026, 7, 1, 14, tzinfo=ZoneInfo("Europe/Oslo"))
    assert tz.to_utc(local) == local
    assert tz.to_utc(local).isoformat() == "2026-07-01T12:00:00+00:00"


@pytest.mark.parametrize(
    "refuse",
    [
        tz.to_utc,
        tz.to_user_timezone,
        tz.format_iso,
        lambda dt: tz.convert_utc_to_user_tz(dt, "Europe/Oslo"),
        tz.get_timezone_manager().to_utc,
        tz.get_timezone_manager().to_user,
    ],
)
def test_a_naive_datetime_is_refused_with_the_mend(refuse: Any) -> None:
    with pytest.raises(ValidationError, match="ensure_timezone_aware") as caught:
        refuse(NAIVE)
    assert list(caught.value.errors) == ["dt"]


def test_display_takes_argument_then_chosen_zone_then_utc() -> None:
    assert tz.to_user_timezone(NOON).isoformat() == "2026-01-31T12:00:00+00:00"
    tz.set_global_timezone("America/Chicago")
    assert tz.to_user_timezone(NOON).isoformat() == "2026-01-31T06:00:00-06:00"
    assert tz.to_user_timezone(NOON, "Asia/Tokyo").isoformat() == "2026-01-31T21:00:00+09:00"
    assert tz.convert_utc_to_user_tz(NOON, "Australia/Sydney").isoformat() == "2026-01-31T23:00:00+11:00"


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        ("2026-03-08T06:59:59Z", "2026-03-08T01:59:59-05:00"),
        ("2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"),
        ("2026-11-01T05:30:00Z", "2026-11-01T01:30:00-04:00"),
        ("2026-11-01T06:30:00Z", "2026-11-01T01:30:00-05:00"),
    ],
)
def test_display_is_right_around_daylight_saving_changes_and_round_trips(utc: str, shown: str) -> None:
    local = tz.to_user_timezone(tz.parse_iso(utc), "America/New_York")
    assert local.isoformat() == shown
    assert tz.to_utc(local) == tz.parse_iso(utc)


def test_ensure_timezone_aware_leaves_an_aware_datetime_alone() -> None:
    local = NOON.astimezone(ZoneInfo("Asia/Tokyo"))
    assert tz.ensure_timezone_aware(local, "Europe/Oslo") is local


def test_ensure_timezone_aware_reads_a_naive_one_on_the_named_clock() -> None:
    assert tz.ensure_timezone_aware(NAIVE).isoformat() == "2026-01-31T12:00:00+00:00"
    assert tz.ensure_timezone_aware(NAIVE, "Europe/Oslo").isoformat() == "2026-01-31T12:00:00+01:00"


def test_of_a_time_shown_twice_fold_decides() -> None:
    twice = datetime(2026, 11, 1, 1, 30)
    assert tz.ensure_timezone_aware(twice, "America/New_York").utcoffset() == timedelta(hours=-4)
    assert tz.ensure_timezone_aware(twice.replace(fold=1), "America/New_York").utcoffset() == timedelta(
        hours=-5
    )


@pytest.mark.parametrize(
    ("skipped", "zone"),
    [
        (datetime(2026, 3, 8, 2, 30), "America/New_York"),
        (datetime(2026, 3, 8, 2, 30, fold=1), "America/New_York"),
        (datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe"),
        (datetime(2011, 12, 30, 12), "Pacific/Apia"),
    ],
)
def test_a_time_that_the_clock_skipped_is_refused(skipped: datetime, zone: str) -> None:
    with pytest.raises(ValidationError, match="does not exist in"):
        tz.ensure_timezone_aware(skipped, zone)


@pytest.mark.parametrize(
    ("naive", "zone", "earlier", "later"),
    [
        ("2026-03-08T02:30:00", "America/New_York", "2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"),
        ("2026-03-29T01:30:00", "Europe/London", "2026-03-29T00:30:00+00:00", "2026-03-29T02:30:00+01:00"),
        (
            "2026-10-04T02:15:00",
            "Australia/Lord_Howe",
            "2026-10-04T01:45:00+10:30",
            "2026-10-04T02:45:00+11:00",
        ),
        ("2011-12-30T12:00:00", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"),
    ],
)
def test_a_skipped_time_may_be_moved_before_or_behind_the_gap(
    naive: str, zone: str, earlier: str, later: str
) -> None:
    for fold in (0, 1):
        skipped = datetime.fromisoformat(naive).replace(fold=fold)
        assert tz.ensure_timezone_aware(skipped, zone, skipped="earlier").isoformat() == earlier
        assert tz.ensure_timezone_aware(skipped, zone, skipped="later").isoformat() == later
    assert tz.parse_iso(naive, zone, skipped="later") == datetime.fromisoformat(later)


@pytest.mark.parametrize(
    ("naive", "zone", "earlier", "later"),
    [
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"),
        ("2026-10-25T01:30:00", "Europe/London", "2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"),
        (
            "2026-04-05T01:45:00",
            "Australia/Lord_Howe",
            "2026-04-05T01:45:00+11:00",
            "2026-04-05T01:45:00+10:30",
        ),
        ("2021-04-04T03:30:00", "Pacific/Apia", "2021-04-04T03:30:00+14:00", "2021-04-04T03:30:00+13:00"),
    ],
)
def test_of_a_time_shown_twice_one_may_be_chosen_or_both_refused(
    naive: str, zone: str, earlier: str, later: str
) -> None:
    twice = datetime.fromisoformat(naive)
    for fold, meant in ((0, earlier), (1, later)):
        folded = twice.replace(fold=fold)
        assert tz.ensure_timezone_aware(folded, zone).isoformat() == meant
        assert tz.ensure_timezone_aware(folded, zone, ambiguous="earlier").isoformat() == earlier
        assert tz.ensure_timezone_aware(folded, zone, ambiguous="later").isoformat() == later
        with pytest.raises(ValidationError, match=f"shown twice by the clock of {zone}"):
            tz.ensure_timezone_aware(folded, zone, ambiguous="refuse")
    assert tz.parse_iso(naive, zone, ambiguous="later") == datetime.fromisoformat(later)


def test_a_choice_that_there_is_not_is_refused() -> None:
    wrong: Any = "first"
    with pytest.raises(ValidationError, match="fold, earlier, later, refuse"):
        tz.ensure_timezone_aware(NAIVE, ambiguous=wrong)
    with pytest.raises(ValidationError, match="refuse, earlier, later"):
        tz.parse_iso("2026-01-31T12:00:00", "UTC", skipped=wrong)


def test_what_leaves_the_calendar_in_another_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="outside the years 1 to 9999"):
        tz.to_utc(datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")))
    with pytest.raises(ValidationError, match="outside the years 1 to 9999"):
        tz.to_user_timezone(datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Tokyo")


def test_the_zone_to_show_is_the_first_that_is_named_then_the_chosen_then_utc() -> None:
    assert tz.display_zone() is tz.display_zone(None, None) is UTC
    tz.set_global_timezone("America/Chicago")
    assert tz.display_zone(None) == ZoneInfo("America/Chicago")
    assert tz.display_zone(None, "Asia/Tokyo") == ZoneInfo("Asia/Tokyo")
    assert tz.display_zone("Europe/Oslo", "Asia/Tokyo") == ZoneInfo("Europe/Oslo")
    with pytest.raises(ValidationError, match="is not an IANA time zone"):
        tz.display_zone("", "Asia/Tokyo")


def test_validate_timezone_string_returns_the_name() -> None:
    assert tz.validate_timezone_string("America/New_York") == "America/New_York"
    assert tz.validate_timezone_string("UTC") == "UTC"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("America/New_Yrok", "America/New_York"),
        ("america/new_york", "America/New_York"),
        ("New York", "America/New_York"),
        ("Europe/Olso", "Europe/Oslo"),
        ("Tokyo", "Asia/Tokyo"),
    ],
)
def test_a_near_miss_gets_a_suggestion(name: str, meant: str) -> None:
    with pytest.raises(ValidationError, match=f"did you mean '{meant}'"):
        tz.validate_timezone_string(name)


@pytest.mark.parametrize("name", ["Mars/City", "Mars/Olympus", "Nowhere"])
def test_what_is_near_to_no_zone_gets_none(name: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an IANA time zone such as 'Europe/Oslo' or 'UTC'$"):
        tz.validate_timezone_string(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "America",
        "../etc/passwd",
        "/etc/localtime",
        "a\0b",
        "right/UTC",
        "posix/UTC",
        "x" * 500,
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not an IANA time zone"):
        tz.validate_timezone_string(name)


def test_stored_texts_have_one_width_and_sort_as_the_times_do() -> None:
    times = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(seconds=1), NOON + timedelta(days=300)]
    texts = [tz.format_iso(time.astimezone(ZoneInfo("Asia/Tokyo"))) for time in times]
    assert texts[0] == "2026-01-31T12:00:00.000000+00:00"
    assert len({len(text) for text in texts}) == 1
    assert sorted(texts) == texts
    assert [tz.parse_iso(text) for text in texts] == times


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00.000000+0000",
        "2026-01-31 06:00:00-06:00",
    ],
)
def test_parse_iso_reads_every_offset(text: str) -> None:
    assert tz.parse_iso(text) == NOON
    assert tz.parse_iso(text).tzinfo is UTC


def test_parse_iso_refuses_a_text_without_offset_unless_told_its_zone() -> None:
    with pytest.raises(ValidationError, match="without a time zone"):
        tz.parse_iso("2026-01-31T12:00:00")
    assert tz.parse_iso("2026-01-31T13:00:00", "Europe/Oslo") == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30T00:00:00Z", "1767225600", None])
def test_parse_iso_refuses_what_is_no_time(text: Any) -> None:
    with pytest.raises(ValidationError, match="is not a point in time"):
        tz.parse_iso(text)


def test_the_chosen_zone_of_one_thread_is_not_that_of_another() -> None:
    tz.set_global_timezone("America/Chicago")
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(tz.get_timezone_manager().timezone))
    thread.start()
    thread.join()
    assert seen == ["UTC"]
    assert tz.get_timezone_manager().timezone == "America/Chicago"


async def test_tasks_choose_zones_without_disturbing_each_other() -> None:
    async def shown_in(name: str) -> str:
        tz.set_global_timezone(name)
        await asyncio.sleep(0)
        return str(tz.to_user_timezone(NOON).tzinfo)

    names = ["Europe/Oslo", "Asia/Tokyo", "America/Chicago"]
    assert await asyncio.gather(*map(shown_in, names)) == names
    assert tz.get_timezone_manager().timezone == "UTC"


def test_an_unknown_zone_is_not_chosen() -> None:
    tz.set_global_timezone("Asia/Tokyo")
    with pytest.raises(ValidationError):
        tz.set_global_timezone("Mars/Olympus")
    assert tz.get_timezone_manager().timezone == "Asia/Tokyo"


def test_a_manager_shows_times_in_its_default_zone() -> None:
    manager = tz.TimezoneManager("Europe/Oslo")
    assert manager.timezone == "Europe/Oslo"
    assert manager.to_user(NOON).isoformat() == "2026-01-31T13:00:00+01:00"
    assert manager.to_user(NOON, "UTC").isoformat() == "2026-01-31T12:00:00+00:00"
    assert manager.now().tzinfo == ZoneInfo("Europe/Oslo")
    assert manager.to_utc(manager.now()).tzinfo is UTC


def test_a_manager_writes_and_reads_texts_of_its_zone() -> None:
    manager = tz.TimezoneManager("Europe/Oslo")
    assert manager.format(NOON) == "2026-01-31T13:00:00+01:00"
    assert manager.format(NOON, "Asia/Tokyo") == "2026-01-31T21:00:00+09:00"
    assert manager.parse("2026-01-31T13:00:00") == NOON
    assert manager.parse("2026-01-31T21:00:00", "Asia/Tokyo") == NOON
    assert manager.parse("2026-01-31T12:00:00Z", "Asia/Tokyo") == NOON
    assert manager.parse("2026-10-25T02:30:00", ambiguous="later").hour == 1


def test_managers_do_not_disturb_each_other() -> None:
    own = tz.TimezoneManager("Europe/Oslo")
    own.set_timezone("Asia/Tokyo")
    assert (own.timezone, tz.get_timezone_manager().timezone) == ("Asia/Tokyo", "UTC")
    own.set_timezone(None)
    assert own.timezone == "Europe/Oslo"


def test_without_the_systems_zone_data_those_of_tzdata_serve() -> None:
    code = """
import zoneinfo
from datetime import datetime, timezone
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.timezones import to_user_timezone, validate_timezone_string
print(zoneinfo.TZPATH, len(zoneinfo.available_timezones()) > 400)
print(to_user_timezone(datetime(2026, 7, 1, 12, tzinfo=timezone.utc), "Australia/Lord_Howe").isoformat())
try:
    validate_timezone_string("Tokio")
except ValidationError as error:
    print(error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    path, shown, refused = done.stdout.splitlines()
    assert path == "() True"
    assert shown == "2026-07-01T22:30:00+10:30"
    assert refused.startswith("'Tokio' is not an IANA time zone")
