"""The stages of the pipeline `nyc-flights` that compute: join, aggregate, check.

Knows flights and days. Must not know DynamoDB, files or the console; every function is pure. (The first
stage, extract, is `FlightFiles.extract`; the last, load, is a write API's `upsert_many`.)
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from dynamodb_wrapper.demo.flights import YEAR, Flight, Lookups, Weather

STAGES = ("extract", "join", "aggregate", "quality checks", "load")
LATE_MINUTES = 15  # late as the US Bureau of Transportation Statistics counts it: 15 minutes or more
MOST_WITHOUT_DEPARTURE = Decimal("0.04")

_CENT = Decimal("0.01")


class JoinedFlight(NamedTuple):
    """A flight with what the other tables know of it; None where they know nothing."""

    flight: Flight
    airline: str | None
    destination: str | None
    seats: int | None
    weather: Weather | None


@dataclass(frozen=True, slots=True)
class DayAtOrigin:
    """One day at one airport; delays in minutes over the flights that departed, weather over their hours.

    Parameters:
        date: the local date, as "2013-02-08".
        cancelled: flights without a departure time.
        late_departures: flights that left 15 minutes late or later.
        most_delayed_airline: the airline whose flights lost the most minutes in sum.
        most_delayed_destination: the airport to which flights lost the most minutes in sum.
        seats_on_late_departures: seats of those late planes whose size is known.
        mean_wind_mph: over the hours that had flights, as the two below.
        precipitation_inches: the sum of those hours.
        lowest_visibility_miles: the worst of those hours.
    """

    origin: str
    date: str
    flights: int
    departed: int
    cancelled: int
    late_departures: int
    mean_departure_delay: Decimal | None
    longest_departure_delay: int | None
    mean_arrival_delay: Decimal | None
    most_delayed_airline: str | None
    most_delayed_destination: str | None
    seats_on_late_departures: int
    mean_wind_mph: Decimal | None
    precipitation_inches: Decimal | None
    lowest_visibility_miles: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What the quality rules look at: counts of one month.

    Parameters:
        distinct: flights that differ in date, carrier, number or origin.
        days: days with flights.
    """

    flights: int
    without_departure: int
    of_unknown_airlines: int
    distinct: int
    days: int


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one quality rule; `reason` says what is wrong when it did not pass."""

    name: str
    passed: bool
    expected: Decimal | int
    actual: Decimal | int
    reason: str | None = None


def join(flights: Iterable[Flight], lookups: Lookups) -> list[JoinedFlight]:
    """Each flight with its airline's name, its destination's name, its plane's seats and its weather."""
    airline, airport, seats = lookups.airlines.get, lookups.airports.get, lookups.seats.get
    weather = lookups.weather.get
    return [
        JoinedFlight(
            flight,
            airline(flight.carrier),
            airport(flight.destination),
            seats(flight.tailnum),
            weather((flight.origin, flight.hour)),
        )
        for flight in flights
    ]


def aggregate(joined: Iterable[JoinedFlight]) -> list[DayAtOrigin]:
    """One record for each airport and day, ordered by both."""
    days: defaultdict[tuple[str, str], _Tally] = defaultdict(_Tally)
    for row in joined:
        days[row.flight.origin, row.flight.date].add(row)
    return [days[key].day(*key) for key in sorted(days)]


def figures(joined: Collection[JoinedFlight], days: Iterable[DayAtOrigin]) -> Figures:
    """Count what the quality rules look at."""
    distinct = {(row.flight.date, row.flight.carrier, row.flight.number, row.flight.origin) for row in joined}
    return Figures(
        flights=len(joined),
        without_departure=sum(not row.flight.departure_time for row in joined),
        of_unknown_airlines=sum(row.airline is None for row in joined),
        distinct=len(distinct),
        days=len({day.date for day in days}),
    )


def judge(month: int, found: Figures) -> list[Check]:
    """The quality rules for what was counted in one month (1-12), in a fixed order."""
    return [_departures(month, found), _airlines(found), _repeats(found), _days(month, found)]


def _departures(month: int, found: Figures) -> Check:
    missing, total = found.without_departure, found.flights
    passed = missing <= MOST_WITHOUT_DEPARTURE * total
    share = Decimal(missing) / total if total else Decimal(0)
    reason = (
        f"{share * 100:.2f} % of the {total:,} flights of {YEAR}-{month:02} ({missing:,} flights) have no "
        f"departure time; at most {MOST_WITHOUT_DEPARTURE * 100:.0f} % are allowed"
    )
    return Check(
        "flights_without_departure_time",
        passed,
        MOST_WITHOUT_DEPARTURE,
        share.quantize(Decimal("0.0001")),
        None if passed else reason,
    )


def _airlines(found: Figures) -> Check:
    unknown = found.of_unknown_airlines
    return Check(
        "flights_of_unknown_airlines",
        not unknown,
        0,
        unknown,
        f"{unknown:,} flights have a carrier that is not among the airlines" if unknown else None,
    )


def _repeats(found: Figures) -> Check:
    repeats = found.flights - found.distinct
    return Check(
        "repeated_flights",
        not repeats,
        0,
        repeats,
        f"{repeats:,} flights occur more than once" if repeats else None,
    )


def _days(month: int, found: Figures) -> Check:
    expected, actual = calendar.monthrange(YEAR, month)[1], found.days
    return Check(
        "days_with_flights",
        actual == expected,
        expected,
        actual,
        None if actual == expected else f"{actual} of the {expected} days of {YEAR}-{month:02} have flights",
    )


@dataclass(slots=True)
class _Tally:
    flights: int = 0
    departed: int = 0
    late: int = 0
    departure_minutes: int = 0
    longest: int | None = None
    arrived: int = 0
    arrival_minutes: int = 0
    seats: int = 0
    lost_by_airline: dict[str, int] = field(default_factory=dict)
    lost_by_destination: dict[str, int] = field(default_factory=dict)
    weather: dict[str, Weather] = field(default_factory=dict)

    def add(self, row: JoinedFlight) -> None:
        flight, airline, destination, seats, weather = row
        self.flights += 1
        if weather is not None:
            self.weather[flight.hour] = weather
        if flight.arrival_delay is not None:
            self.arrived += 1
            self.arrival_minutes += flight.arrival_delay
        delay = flight.departure_delay
        if delay is None:
            return
        self.departed += 1
        self.departure_minutes += delay
        self.longest = delay if self.longest is None else max(self.longest, delay)
        if delay > 0:
            _add(self.lost_by_airline, airline or flight.carrier, delay)
            _add(self.lost_by_destination, destination or flight.destination, delay)
        if delay >= LATE_MINUTES:
            self.late += 1
            self.seats += seats or 0

    def day(self, origin: str, date: str) -> DayAtOrigin:
        hours = self.weather.values()
        wind = [hour.wind_speed for hour in hours if hour.wind_speed is not None]
        rain = [hour.precipitation for hour in hours if hour.precipitation is not None]
        visibility = [hour.visibility for hour in hours if hour.visibility is not None]
        return DayAtOrigin(
            origin=origin,
            date=date,
            flights=self.flights,
            departed=self.departed,
            cancelled=self.flights - self.departed,
            late_departures=self.late,
            mean_departure_delay=_mean(self.departure_minutes, self.departed),
            longest_departure_delay=self.longest,
            mean_arrival_delay=_mean(self.arrival_minutes, self.arrived),
            most_delayed_airline=_largest(self.lost_by_airline),
            most_delayed_destination=_largest(self.lost_by_destination),
            seats_on_late_departures=self.seats,
            mean_wind_mph=_mean(sum(wind), len(wind)),
            precipitation_inches=_mean(sum(rain), 1) if rain else None,
            lowest_visibility_miles=_mean(min(visibility), 1) if visibility else None,
        )


def _add(sums: dict[str, int], name: str, minutes: int) -> None:
    sums[name] = sums.get(name, 0) + minutes


def _mean(total: float, count: int) -> Decimal | None:
    return (Decimal(str(total)) / count).quantize(_CENT) if count else None


def _largest(sums: dict[str, int]) -> str | None:
    return min(sums, key=lambda name: (-sums[name], name), default=None)
