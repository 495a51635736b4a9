from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dynamodb_wrapper.demo.flights import Flight, FlightFiles, Lookups
from dynamodb_wrapper.demo.pipeline import Check, JoinedFlight, aggregate, figures, join, judge

NOTHING = Lookups({}, {}, {}, {})


def flight(number: int, *, date: str = "2013-02-01", left: bool = True) -> JoinedFlight:
    delay = 0 if left else None
    text = "600" if left else ""
    return JoinedFlight(
        Flight(date, "DL", str(number), "N1", "JFK", "ATL", f"{date}T11:00:00Z", text, delay, delay),
        "Delta Air Lines Inc.",
        None,
        None,
        None,
    )


def outcome(rows: list[JoinedFlight], name: str) -> Check:
    """That of one rule for flights of February."""
    (found,) = [one for one in judge(2, figures(rows, aggregate(rows))) if one.name == name]
    return found


@pytest.fixture
def february(excerpt: Path) -> list[JoinedFlight]:
    files = FlightFiles(excerpt)
    return join(files.extract(2).flights, files.lookups)


def test_a_join_names_what_it_knows_and_keeps_flights_that_nothing_is_known_of(
    february: list[JoinedFlight],
) -> None:
    assert [(row.airline, row.destination, row.seats) for row in february] == [
        ("Delta Air Lines Inc.", "Hartsfield Jackson Atlanta Intl", 178),
        ("JetBlue Airways", None, 20),
        ("JetBlue Airways", "Hartsfield Jackson Atlanta Intl", None),
        (None, "Hartsfield Jackson Atlanta Intl", None),
        ("JetBlue Airways", "Hartsfield Jackson Atlanta Intl", None),
    ]


def test_a_day_counts_flights_and_averages_those_that_departed(february: list[JoinedFlight]) -> None:
    day = aggregate(february)[0]
    assert (day.origin, day.date) == ("JFK", "2013-02-08")
    assert (day.flights, day.departed, day.cancelled, day.late_departures) == (3, 2, 1, 1)
    assert (day.mean_departure_delay, day.longest_departure_delay) == (Decimal("7.50"), 15)
    assert day.mean_arrival_delay == Decimal("-5.00")
    assert (day.most_delayed_airline, day.most_delayed_destination) == ("JetBlue Airways", "SJU")
    assert day.seats_on_late_departures == 20


def test_a_day_has_the_weather_of_each_hour_once(february: list[JoinedFlight]) -> None:
    day = aggregate(february)[0]
    assert day.mean_wind_mph == Decimal("15.50")
    assert day.precipitation_inches == Decimal("0.12")
    assert day.lowest_visibility_miles == Decimal("0.25")


def test_a_day_without_departures_has_no_mean_and_no_weather_is_unknown_not_zero(
    february: list[JoinedFlight],
) -> None:
    day = aggregate(february)[1]
    assert (day.date, day.departed, day.cancelled) == ("2013-02-09", 0, 1)
    delays = (day.mean_departure_delay, day.longest_departure_delay, day.most_delayed_airline)
    weather = (day.mean_wind_mph, day.precipitation_inches, day.lowest_visibility_miles)
    assert delays == weather == (None, None, None)


def test_days_are_ordered_by_origin_and_date(february: list[JoinedFlight]) -> None:
    assert [(day.origin, day.date) for day in aggregate(reversed(february))] == [
        ("JFK", "2013-02-08"),
        ("JFK", "2013-02-09"),
        ("LGA", "2013-02-08"),
    ]


@pytest.mark.parametrize(("cancelled", "passed"), [(0, True), (4, True), (5, False)])
def test_four_in_a_hundred_flights_may_lack_a_departure_and_not_one_more(
    cancelled: int, passed: bool
) -> None:
    rows = [flight(number, left=number >= cancelled) for number in range(100)]
    found = outcome(rows, "flights_without_departure_time")
    assert (found.passed, found.actual) == (passed, Decimal(cancelled) / 100)
    assert figures(rows, []).without_departure == cancelled


def test_the_reason_names_share_counts_month_and_limit() -> None:
    rows = [flight(number, left=number >= 5) for number in range(100)]
    assert outcome(rows, "flights_without_departure_time").reason == (
        "5.00 % of the 100 flights of 2013-02 (5 flights) have no departure time; at most 4 % are allowed"
    )


def test_a_carrier_that_is_no_airline_fails(february: list[JoinedFlight]) -> None:
    found = outcome(february, "flights_of_unknown_airlines")
    assert (found.passed, found.actual) == (False, 1)


def test_a_repeated_flight_fails() -> None:
    rows = [flight(1), flight(2), flight(1)]
    found = outcome(rows, "repeated_flights")
    assert (found.passed, found.actual) == (False, 1)
    assert outcome(rows[:2], "repeated_flights").passed


def test_a_month_with_missing_days_fails() -> None:
    days = [f"2013-02-{day:02}" for day in range(1, 29)]
    rows = [flight(1, date=date) for date in days]
    assert outcome(rows, "days_with_flights").passed
    found = outcome(rows[1:], "days_with_flights")
    assert (found.passed, found.reason) == (False, "27 of the 28 days of 2013-02 have flights")


def test_no_flights_at_all_join_and_aggregate_to_nothing_and_fail() -> None:
    assert aggregate(join([], NOTHING)) == []
    assert [one.name for one in judge(2, figures([], [])) if not one.passed] == ["days_with_flights"]
