"""What the rules and checks of a table do while it is read or written, and what a run gets to know of it.

Knows rules, checks and runs. Must not know how tables are found, nor formats.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataQualityResult, TableConfig
from dynamodb_wrapper.spark.checks import ROWS, Check, checks_of, counted, judged, require_expressions
from dynamodb_wrapper.spark.rules import require_columns, ruled, rules_of
from dynamodb_wrapper.spark.runs import SparkRun
from dynamodb_wrapper.spark.tables import storage_level

if TYPE_CHECKING:
    from pyspark import StorageLevel
    from pyspark.sql import Column, DataFrame, Observation

log = logging.getLogger("dynamodb_wrapper.spark")


@dataclass(frozen=True, slots=True)
class Quality:
    """The rules and checks of a table, understood.

    Parameters:
        table: the table.
        checks: those that are counted whenever it is read or written.
        cached: how it is kept once it is read; None where it is not.
    """

    table: TableConfig
    checks: Sequence[Check]
    cached: StorageLevel | None

    @classmethod
    def of(cls, table: TableConfig) -> Self:
        """Those of a table.

        Raises:
            ValidationError: names what is not understood; nothing was read or written.
        """
        rules_of(table)
        return cls(table, checks_of(table), storage_level(table) if table.caching_enabled else None)

    def in_order(self, df: DataFrame, observation: Observation | None = None) -> DataFrame:
        """The same rows, of which the first one that breaks a rule fails the job that computes it.

        Parameters:
            observation: gets the figures that `settle` wants. It stands below the rules: else Spark 4.0 moves
                them below a join, and asks them of rows that the join leaves out.

        Raises:
            ValidationError: columns are missing, or a rule or check cannot be asked of these columns; nothing
                was computed.
        """
        require_columns(df, self.table)
        require_expressions(df, self.table, self.checks)
        columns = df.columns
        if observation is not None:
            df = df.observe(observation, *self.counts())
        return ruled(df, self.table, columns)

    def counts(self) -> list[Column]:
        """The aggregations that `settle` wants the figures of, named."""
        return [column.alias(name) for name, column in counted(self.checks).items()]

    def read(self, df: DataFrame, run: SparkRun | None) -> DataFrame:
        """What is read of the table: `in_order`, checked, observed for the run, and cached where it is to be.

        Checks whose failure is only noted are counted by the first action that computes the DataFrame, and
        noted when its stage or the run ends; without a run they are not asked, which is logged. A check that
        is to fail the pipeline must do so before anything is made of the data: then all are counted at once,
        by a job of its own, which fills the cache where the table is cached.

        Raises:
            ValidationError: as for `in_order`, or a check whose `on_failure` is "fail" failed.
        """
        df, at_once = self.in_order(df), any(check.fails for check in self.checks)
        if run is not None:
            run.input(self.table.table_name)
            self.keep_config(run)
            df = self._observed(df, run, () if at_once else self.checks)
        elif self.checks and not at_once:
            names = ", ".join(check.name for check in self.checks)
            log.warning("table %s: not asked, for no run was given: %s", self.table.table_id, names)
        if self.cached is not None:
            df = df.persist(self.cached)
        if at_once:
            try:
                (row,) = df.agg(*self.counts()).collect()
                self.settle(row.asDict(), run, f"the data of table {self.table.table_id} are not in order")
            except BaseException:
                if self.cached is not None:
                    df.unpersist()
                raise
        return df

    def keep_config(self, run: SparkRun | None) -> None:
        """Keep the table's configuration with the run."""
        if run is not None:
            kept = self.table.model_dump(mode="json", exclude_none=True)
            run.snapshot("tables", {self.table.table_id: kept})

    def settle(self, figures: Mapping[str, Any], run: SparkRun | None, outcome: str) -> None:
        """Note the results of the checks, and refuse data that one of them is to refuse.

        Parameters:
            figures: what `counts` gave.
            outcome: what has become of the data by now, for the error.

        Raises:
            ValidationError: a check whose `on_failure` is "fail" failed.
        """
        results = judged(self.checks, figures)
        self._note(results, run)
        told: dict[str, list[str]] = {}
        for check, result in zip(self.checks, results, strict=True):
            if check.fails and not result.passed:
                told.setdefault(check.name, []).append(f"{check.name}: {result.error_message}")
        if told:
            reasons = "; ".join(text for texts in told.values() for text in texts)
            raise ValidationError(f"{outcome}: {reasons}", errors=told)

    def _observed(self, df: DataFrame, run: SparkRun, checks: Sequence[Check]) -> DataFrame:
        def take(figures: dict[str, Any]) -> dict[str, Any]:
            if ROWS in figures:
                run.input(self.table.table_name, figures[ROWS])
                self._note(judged(checks, figures), run)
            return {name: value for name, value in figures.items() if name == ROWS}

        return run._observing.observe(df, f"read {self.table.table_id}", counted(checks), take)

    def _note(self, results: Sequence[DataQualityResult], run: SparkRun | None) -> None:
        """Note results in the run, by the table's id and the check's name.

        One that has failed stays so, however often the run reads or writes the table again.
        """
        for result in results:
            name = f"{self.table.table_id}.{result.check_name}"
            if not result.passed:
                log.warning("the check %s failed: %s", name, result.error_message)
            if run is not None and run._observing.is_news(name, result.passed):
                run.check(
                    name, result.passed, result.expected_value, result.actual_value, result.error_message
                )
