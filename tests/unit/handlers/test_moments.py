"""Spans of time up to now, as callers name them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dynamodb_wrapper import ValidationError
from dynamodb_wrapper.handlers.moments import DAY, HOUR, days_ago, span
from dynamodb_wrapper.timezones import utcnow


@pytest.mark.parametrize("days", [0, 0.5, 90, 36_500])
def test_a_number_of_days_ago_is_a_moment_in_utc(days: float) -> None:
    before = utcnow()
    moment = days_ago(days, "days_old")
    assert before <= moment + timedelta(days=days) <= utcnow()
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize("days", [-1, -0.1, True, "90", None, 36_501, float("nan"), float("inf")])
def test_what_is_no_age_is_refused_by_the_name_of_its_parameter(days: Any) -> None:
    with pytest.raises(ValidationError, match="days_old is") as caught:
        days_ago(days, "days_old")
    assert caught.value.errors.keys() == {"days_old"}


def test_a_span_is_so_many_of_its_unit() -> None:
    assert span("hours", 1.5, HOUR) == timedelta(minutes=90)
    assert span("hours", 876_000, HOUR) == span("days", 36_500, DAY) == timedelta(days=36_500)


@pytest.mark.parametrize("given", [-0.1, 876_001, float("inf"), float("nan"), "1", None, True])
def test_a_span_that_makes_no_sense_is_refused_in_its_unit(given: Any) -> None:
    with pytest.raises(ValidationError, match="a number of hours from 0 to 876,000") as refused:
        span("hours", given, HOUR)
    assert list(refused.value.errors) == ["hours"]
