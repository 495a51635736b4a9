"""Figures of runs, without a service."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper import RunStatus
from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import RunFigures, nearest_rank, statistics_of

NOON = datetime(2024, 3, 10, 12, tzinfo=UTC)


def runs(*durations: str | None, status: RunStatus = RunStatus.SUCCESS) -> list[RunFigures]:
    return [
        RunFigures(status=status, start_time=NOON, duration_seconds=None if text is None else Decimal(text))
        for text in durations
    ]


def test_no_runs_have_no_rate_and_no_durations() -> None:
    found = statistics_of("p1", NOON, [])
    assert (found.total_runs, found.success_rate, found.average_duration_seconds) == (0, None, None)
    assert (found.p50_duration_seconds, found.p95_duration_seconds) == (None, None)
    assert found.counts_by_status == dict.fromkeys(RunStatus, 0)
    assert found.counts_by_day == {}


def test_the_rate_is_of_the_runs_that_succeeded_or_failed() -> None:
    others = [status for status in RunStatus if status not in (RunStatus.SUCCESS, RunStatus.FAILED)]
    open_runs = [run for status in others for run in runs(None, status=status)]
    assert statistics_of("p1", NOON, open_runs).success_rate is None
    judged = [*runs("1", "2", "3"), *runs("4", status=RunStatus.FAILED)]
    found = statistics_of("p1", NOON, [*open_runs, *judged])
    assert found.success_rate == 0.75
    assert found.total_runs == 8


def test_runs_without_a_duration_do_not_count_in_the_durations() -> None:
    found = statistics_of("p1", NOON, runs("1", None, "0.000002"))
    assert found.average_duration_seconds == Decimal("0.500001")


@pytest.mark.parametrize(
    ("count", "median", "p95"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (10, 5, 10), (20, 10, 19), (100, 50, 95)]
)
def test_percentiles_are_by_nearest_rank(count: int, median: int, p95: int) -> None:
    found = statistics_of("p1", NOON, runs(*map(str, range(count, 0, -1))))
    assert (found.p50_duration_seconds, found.p95_duration_seconds) == (Decimal(median), Decimal(p95))


@given(st.lists(st.decimals(0, 10**9, places=6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    values: list[Decimal], percent: int
) -> None:
    found = nearest_rank(sorted(values), percent)
    assert found is not None
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_days_are_those_of_the_zone_and_in_order() -> None:
    newest_first = [NOON - timedelta(hours=8 * number) for number in range(5)]
    figures = [
        RunFigures(status=RunStatus.SUCCESS, start_time=start.astimezone(ZoneInfo("America/New_York")))
        for start in newest_first
    ]
    found = statistics_of("p1", NOON, figures)
    assert list(found.counts_by_day.items()) == [
        (date(2024, 3, 8), 1),
        (date(2024, 3, 9), 3),
        (date(2024, 3, 10), 1),
    ]
