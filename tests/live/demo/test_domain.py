from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo.domain import (
    DailyDelay,
    DailyDelaysReadApi,
    DailyDelaysWriteApi,
    DailyDelayUpsert,
    DailyDelayView,
)
from dynamodb_wrapper.exceptions import ValidationError


def day(date: str, mean: str | None, origin: str = "JFK") -> DailyDelayUpsert:
    return DailyDelayUpsert(
        origin=origin,
        date=date,
        flights=3,
        departed=2,
        cancelled=1,
        late_departures=1,
        mean_departure_delay=None if mean is None else Decimal(mean),
        run_id="r",
    )


def test_the_worst_days_come_first_and_days_without_departures_not_at_all(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(DailyDelay)
    with DailyDelaysWriteApi(config) as write, DailyDelaysReadApi(config) as read:
        write.upsert_many(
            [
                day("2013-02-08", "9.50"),
                day("2013-02-09", None),
                day("2013-02-10", "-3"),
                day("2013-02-11", "56.22"),
                day("2013-02-11", "99", origin="LGA"),
            ]
        )
        assert [(found.date, found.mean_departure_delay) for found in read.worst_days("JFK", 2)] == [
            ("2013-02-11", Decimal("56.22")),
            ("2013-02-08", Decimal("9.50")),
        ]
        assert [found.date for found in read.worst_days("JFK")][2:] == ["2013-02-10"]
        assert read.get({"origin": "JFK", "date": "2013-02-09"}) == DailyDelayView(
            origin="JFK", date="2013-02-09", flights=3, cancelled=1
        )


def test_what_is_no_day_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        day("8 Feb 2013", None, origin="jfk")
    assert caught.value.errors.keys() == {"origin", "date"}
