"""A run of the pipeline for one month on Spark, in a run context, written to DynamoDB by the connector.

Knows the stages, the integration and the registered tables. Must not know what a stage computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from dynamodb_wrapper.demo import catalog, pipeline, spark_stages
from dynamodb_wrapper.demo.display import Progress
from dynamodb_wrapper.demo.flights import SCHEMAS, YEAR
from dynamodb_wrapper.demo.runlog import QualityError
from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs import Stage
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.spark import SparkDynamoDBIntegration, SparkRun
from dynamodb_wrapper.spark.checks import Check

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TASKS = 2
"""How many tasks write at a time: as many as a small machine has cores."""


@dataclass
class Ran:
    """A run that is over."""

    run_id: str
    seconds: float
    status: RunStatus
    reason: str | None = None


class SparkMonthlyRuns:
    """Runs the pipeline month by month on Spark.

    Parameters:
        integration: with its session; the tables are registered.
        checks: those of the flights' table that have an expression.
    """

    def __init__(self, integration: SparkDynamoDBIntegration, checks: list[Check]) -> None:
        self._integration, self._checks = integration, checks
        self._tables: dict[str, DataFrame] = {
            name: integration.read_table(catalog.table_id(name)) for name in SCHEMAS
        }

    def run(self, month: int, progress: Progress) -> Ran:
        """Run one month (1-12) of 2013 through all stages; a month that breaks a rule is not loaded."""
        label, run_id, began = f"{YEAR}-{month:02}", uuid7(), perf_counter()
        block = self._integration.pipeline_run_context(
            catalog.PIPELINE_ID, created_by=catalog.CREATED_BY, run_id=run_id, tags={"month": label}
        )
        try:
            with block as run:
                progress.working_on(label)
                self._stages(run, month)
        except QualityError as error:
            return Ran(run_id, perf_counter() - began, RunStatus.FAILED, str(error))
        return Ran(run_id, perf_counter() - began, RunStatus.SUCCESS)

    def _stages(self, run: SparkRun, month: int) -> None:
        from pyspark.sql import functions as F

        kept: list[DataFrame] = []

        def keep(df: DataFrame) -> tuple[DataFrame, int]:
            """A DataFrame whose rows are computed once, and how many there are."""
            kept.append(df.persist())
            return df, df.count()

        try:
            with run.stage("extract") as stage:
                flights, stage.records = keep(self._tables["flights"].filter(F.col("month") == month))
                run.input("flights", rows=stage.records)
            with run.stage("join") as stage:
                joined, stage.records = keep(spark_stages.join(flights, self._tables))
                for name in SCHEMAS.keys() - {"flights"}:
                    run.input(name)
            with run.stage("aggregate") as stage:
                days, stage.records = keep(spark_stages.aggregate(joined))
            try:
                with run.stage("quality checks") as stage:
                    self._check(run, stage, month, joined, days)
            except QualityError:
                run.skip_stage("load")
                raise
            with run.stage("load") as stage:
                rows = days.withColumn("run_id", F.lit(run.run_id)).coalesce(TASKS)
                stage.records = self._integration.write_table(rows, catalog.DESTINATION_ID, run=run)
        finally:
            for df in kept:
                df.unpersist()

    def _check(self, run: SparkRun, stage: Stage, month: int, joined: DataFrame, days: DataFrame) -> None:
        found = spark_stages.figures(joined, days.select("date").distinct().count(), self._checks)
        stage.records = found.flights
        run.note(total_records_processed=found.flights, total_records_failed=found.without_departure)
        checks = pipeline.judge(month, found)
        for one in checks:
            run.check(one.name, one.passed, one.expected, one.actual, one.reason)
        if broken := [one.reason for one in checks if one.reason]:
            raise QualityError("; ".join(broken))
