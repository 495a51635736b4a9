"""The demo's own domain, `daily_delays`: a model with Meta, a view, a DTO, and its two APIs.

Knows what is stored of a day at an airport. Must not know where the figures come from.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from dynamodb_wrapper.handlers.reading import ReadApi
from dynamodb_wrapper.handlers.writing import WriteApi
from dynamodb_wrapper.models import Dto, DynamoDBModel, View
from dynamodb_wrapper.schema import GSI

WORST_DAYS = "WorstDaysIndex"


class DailyDelay(DynamoDBModel):
    """One day at one airport; the figures are those of `demo.pipeline.DayAtOrigin`."""

    origin: str
    date: str
    flights: int
    departed: int
    cancelled: int
    late_departures: int
    mean_departure_delay: Decimal | None = None
    longest_departure_delay: int | None = None
    mean_arrival_delay: Decimal | None = None
    most_delayed_airline: str | None = None
    most_delayed_destination: str | None = None
    seats_on_late_departures: int = 0
    mean_wind_mph: Decimal | None = None
    precipitation_inches: Decimal | None = None
    lowest_visibility_miles: Decimal | None = None
    run_id: str

    class Meta:
        """By airport and date; the index orders an airport's days by their mean departure delay."""

        table_name = "daily_delays"
        partition_key = "origin"
        sort_key = "date"
        gsis = (GSI(WORST_DAYS, "origin", "mean_departure_delay"),)


class DailyDelayView(View):
    """A day as lists show it."""

    origin: str
    date: str
    flights: int | None = None
    cancelled: int | None = None
    mean_departure_delay: Decimal | None = None
    longest_departure_delay: int | None = None
    most_delayed_airline: str | None = None
    precipitation_inches: Decimal | None = None


class DailyDelaySummaryView(View):
    """A day in a line."""

    origin: str
    date: str
    flights: int | None = None
    mean_departure_delay: Decimal | None = None


class DailyDelayUpsert(Dto):
    """What the load stage writes; the run that wrote it is named in `run_id`."""

    origin: str = Field(pattern=r"^[A-Z]{3}$")
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    flights: int = Field(ge=1)
    departed: int = Field(ge=0)
    cancelled: int = Field(ge=0)
    late_departures: int = Field(ge=0)
    mean_departure_delay: Decimal | None = None
    longest_departure_delay: int | None = None
    mean_arrival_delay: Decimal | None = None
    most_delayed_airline: str | None = None
    most_delayed_destination: str | None = None
    seats_on_late_departures: int = Field(default=0, ge=0)
    mean_wind_mph: Decimal | None = Field(default=None, ge=0)
    precipitation_inches: Decimal | None = Field(default=None, ge=0)
    lowest_visibility_miles: Decimal | None = Field(default=None, ge=0)
    run_id: str = Field(min_length=1, max_length=128)


class DailyDelaysReadApi(ReadApi[DailyDelay, DailyDelayView]):
    """Reads days at airports."""

    model = DailyDelay
    view = DailyDelayView

    def worst_days(self, origin: str, limit: int = 5) -> list[DailyDelayView]:
        """The days with the longest mean departure delay at an airport, the worst first."""
        days, _ = self.query({"origin": origin}, WORST_DAYS, limit=limit, ascending=False)
        return days


class DailyDelaysWriteApi(WriteApi[DailyDelay, DailyDelayUpsert]):
    """Writes days at airports."""

    model = DailyDelay
    dto = DailyDelayUpsert
