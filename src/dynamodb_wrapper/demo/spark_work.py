"""The work of a run's stages on Spark; the days are written to DynamoDB by the connector.

Knows the integration, the registered tables, and which DataFrames are kept. Must not know what a stage
computes, nor other months.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dynamodb_wrapper.demo import catalog, spark_stages
from dynamodb_wrapper.demo.pipeline import Figures
from dynamodb_wrapper.demo.run import Work
from dynamodb_wrapper.spark import SparkDynamoDBIntegration, SparkRun
from dynamodb_wrapper.spark.checks import Check

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TASKS = 2
"""How many tasks write at a time: as many as a small machine has cores."""


class SparkWork(Work):
    """What the stages of one run do.

    Parameters:
        integration: with its session; the tables are registered.
        tables: the source tables by name.
        checks: those of the flights' table that have an expression.
        run: is told what is written.
        month: 1-12.
    """

    _flights: DataFrame
    _joined: DataFrame
    _days: DataFrame

    def __init__(
        self,
        integration: SparkDynamoDBIntegration,
        tables: Mapping[str, DataFrame],
        checks: list[Check],
        run: SparkRun,
        month: int,
    ) -> None:
        self._integration, self._tables, self._checks = integration, tables, checks
        self._run, self._month = run, month
        self._kept: list[DataFrame] = []

    def extract(self) -> int:
        """Filter the month's flights."""
        from pyspark.sql import functions as F

        self._flights = self._keep(self._tables["flights"].filter(F.col("month") == self._month))
        return self._flights.count()

    def join(self) -> int:
        """Join each flight with its airline, destination, plane and weather."""
        self._joined = self._keep(spark_stages.join(self._flights, self._tables))
        return self._joined.count()

    def aggregate(self) -> int:
        """Group by airport and day."""
        self._days = self._keep(spark_stages.aggregate(self._joined))
        return self._days.count()

    def figures(self) -> Figures:
        """Count flights and days."""
        days = self._days.select("date").distinct().count()
        return spark_stages.figures(self._joined, days, self._checks)

    def load(self) -> int:
        """Write the days, each with the run that did so."""
        from pyspark.sql import functions as F

        rows = self._days.withColumn("run_id", F.lit(self._run.run_id)).coalesce(TASKS)
        return self._integration.write_table(rows, catalog.DESTINATION_ID, run=self._run)

    def close(self) -> None:
        """Let go of what was kept in memory."""
        for df in self._kept:
            df.unpersist()

    def _keep(self, df: DataFrame) -> DataFrame:
        """The same, whose rows are computed once."""
        self._kept.append(df.persist())
        return df
