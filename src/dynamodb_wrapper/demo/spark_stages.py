"""The stages of the pipeline `nyc-flights` that compute, on Spark: the same figures as `pipeline` has.

Knows DataFrames with the columns of the flights' files. Must not know runs, configurations or DynamoDB.
Sums and means are computed with decimals, and rounded half to even, as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.demo.pipeline import LATE_MINUTES, Figures
from dynamodb_wrapper.spark.checks import ROWS, Check, counted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

DAY = ["origin", "date"]
UNKNOWN_AIRLINE = "flights_of_unknown_airlines"
NO_DEPARTURE = "flights_without_departure_time"


def join(flights: DataFrame, lookups: Mapping[str, DataFrame]) -> DataFrame:
    """Each flight with its airline's name, its destination's name, its plane's seats and its weather.

    Parameters:
        flights: those of one month.
        lookups: "airlines", "airports", "planes" and "weather".
    """
    from pyspark.sql import functions as F

    airlines = lookups["airlines"].select("carrier", F.col("name").alias("airline"))
    airports = lookups["airports"].select(F.col("faa").alias("dest"), F.col("name").alias("destination"))
    planes = lookups["planes"].select("tailnum", "seats")
    weather = lookups["weather"].select("origin", "time_hour", "wind_speed", "precip", "visib")
    date = F.date_format(F.make_date("year", "month", "day"), "yyyy-MM-dd").alias("date")
    return (
        flights.select(
            date,
            *("carrier", "flight", "tailnum", "origin", "dest", "time_hour"),
            *("dep_time", "dep_delay", "arr_delay"),
        )
        .join(F.broadcast(airlines), "carrier", "left")
        .join(F.broadcast(airports), "dest", "left")
        .join(F.broadcast(planes), "tailnum", "left")
        .join(F.broadcast(weather), ["origin", "time_hour"], "left")
    )


def aggregate(joined: DataFrame) -> DataFrame:
    """One row for each airport and day, with the columns of `pipeline.DayAtOrigin`."""
    from pyspark.sql import functions as F

    delay = F.col("dep_delay")
    late = delay >= LATE_MINUTES
    days = joined.groupBy(*DAY).agg(
        F.count(F.lit(1)).alias("flights"),
        F.count(delay).alias("departed"),
        (F.count(F.lit(1)) - F.count(delay)).alias("cancelled"),
        F.count_if(late).alias("late_departures"),
        _mean("dep_delay").alias("mean_departure_delay"),
        F.max(delay).alias("longest_departure_delay"),
        _mean("arr_delay").alias("mean_arrival_delay"),
        F.coalesce(F.sum(F.when(late, F.col("seats"))), F.lit(0)).alias("seats_on_late_departures"),
    )
    airline = F.coalesce("airline", "carrier")
    destination = F.coalesce("destination", "dest")
    for found in (
        _most_delayed(joined, airline, "most_delayed_airline"),
        _most_delayed(joined, destination, "most_delayed_destination"),
        _weather(joined),
    ):
        days = days.join(found, DAY, "left")
    return days.orderBy(*DAY)


def figures(joined: DataFrame, days: int, checks: Sequence[Check]) -> Figures:
    """What the quality rules look at, counted in one pass.

    Parameters:
        days: how many days have flights.
        checks: those of the flights' table that have an expression.
    """
    from pyspark.sql import functions as F

    wanted = {"distinct": F.count_distinct("date", "carrier", "flight", "origin"), **counted(checks)}
    (row,) = joined.agg(*(column.alias(name) for name, column in wanted.items())).collect()
    broken: dict[str, Any] = {check.name: row[f"check_{number}"] or 0 for number, check in enumerate(checks)}
    return Figures(
        flights=row[ROWS],
        without_departure=broken[NO_DEPARTURE],
        of_unknown_airlines=broken[UNKNOWN_AIRLINE],
        distinct=row["distinct"],
        days=days,
    )


def _most_delayed(joined: DataFrame, group: Column, name: str) -> DataFrame:
    """The group whose flights lost the most minutes in sum; the first by name among equals."""
    from pyspark.sql import functions as F

    lost = (
        joined.filter("dep_delay > 0").groupBy(*DAY, group.alias(name)).agg(F.sum("dep_delay").alias("lost"))
    )
    return lost.groupBy(*DAY).agg(F.min_by(name, F.struct(-F.col("lost"), F.col(name))).alias(name))


def _weather(joined: DataFrame) -> DataFrame:
    """The weather of the hours that had flights."""
    from pyspark.sql import functions as F

    hours = joined.select(*DAY, "time_hour", "wind_speed", "precip", "visib").distinct()
    return hours.groupBy(*DAY).agg(
        _mean("wind_speed").alias("mean_wind_mph"),
        F.bround(F.sum(_exact("precip")), 2).alias("precipitation_inches"),
        F.bround(F.min(_exact("visib")), 2).alias("lowest_visibility_miles"),
    )


def _mean(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.bround(F.sum(_exact(name)) / F.count(name).cast("decimal(10,0)"), 2).cast("decimal(18,2)")


def _exact(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(name).cast("decimal(12,5)")
