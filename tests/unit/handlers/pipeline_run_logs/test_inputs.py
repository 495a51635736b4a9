"""What callers give, without a service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_wrapper import RunStatus, ValidationError
from dynamodb_wrapper.expressions import Between, Compare, Path
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import OPEN, TERMINAL, run_status, within

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
START = Path(("start_time",))


def test_a_status_is_open_or_terminal() -> None:
    assert set(OPEN) == {"pending", "running"}
    assert set(TERMINAL) == {"success", "failed", "cancelled", "skipped"}


@pytest.mark.parametrize("given", ["failed", RunStatus.FAILED])
def test_a_status_is_known_by_its_value(given: Any) -> None:
    assert run_status(given) is RunStatus.FAILED


@pytest.mark.parametrize("given", ["FAILED", "", 1, None])
def test_another_status_is_refused_with_the_known_ones(given: Any) -> None:
    with pytest.raises(ValidationError, match="pending, running, success, failed, cancelled, skipped"):
        run_status(given)


def test_a_misspelt_status_is_suggested() -> None:
    with pytest.raises(ValidationError, match="did you mean 'cancelled'"):
        run_status("canceled")


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        (None, None),
        ((None, None), None),
        ((NOON, None), Compare(START, ">=", NOON)),
        ((None, NOON), Compare(START, "<=", NOON)),
        ((NOON, LATER), Between(START, NOON, LATER)),
        ([NOON, NOON], Between(START, NOON, NOON)),
    ],
)
def test_a_range_of_times_is_open_where_it_is_none(given: Any, condition: object) -> None:
    assert within("start_time", given) == condition


@pytest.mark.parametrize("given", [(LATER, NOON), NOON, (NOON,), (datetime(2024, 1, 1), None)])
def test_a_range_that_makes_no_sense_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        within("start_time", given)
