"""A run of the pipeline for one month: its stages in order, logged, and loaded if the rules hold.

Knows what a run is told and when it goes no further. Must not know what does the work of a stage: `work` does
it on the files, `spark_work` on Spark.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

from dynamodb_wrapper.demo import catalog, pipeline
from dynamodb_wrapper.demo.flights import SCHEMAS, YEAR
from dynamodb_wrapper.display import Progress
from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs import Run, Stage
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.runs.interrupt import Interrupted

R_co = TypeVar("R_co", bound=Run, covariant=True)


class QualityError(Exception):
    """Quality rules were broken, so nothing may be loaded; the text says which and by how much."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over, and why it failed if it did."""

    run_id: str
    seconds: float
    status: RunStatus
    reason: str | None = None


class Work(ABC):
    """The work of one run's stages, asked for in this order; most tell how many records they gave."""

    @abstractmethod
    def extract(self) -> int:
        """Read the month's flights."""

    @abstractmethod
    def join(self) -> int:
        """Join them with the other tables."""

    @abstractmethod
    def aggregate(self) -> int:
        """Make a record of each day at each airport."""

    @abstractmethod
    def figures(self) -> pipeline.Figures:
        """Count what the quality rules look at."""

    @abstractmethod
    def load(self) -> int:
        """Write the days, and tell the run so."""

    @abstractmethod
    def close(self) -> None:
        """The run ends, well or not."""


class MonthlyRuns(Generic[R_co]):
    """Runs the pipeline month by month.

    Parameters:
        begin: gives the block of a run: `runs.pipeline_run` or its like.
        work: gives the work of a run for a month (1-12) of 2013.
    """

    def __init__(
        self, begin: Callable[..., AbstractContextManager[R_co]], work: Callable[[R_co, int], Work]
    ) -> None:
        self._begin, self._work = begin, work

    def run(self, month: int, progress: Progress) -> FinishedRun:
        """Run one month (1-12) through all stages; a month that breaks a rule is not loaded.

        Raises:
            Interrupted: Ctrl-C came; the run is CANCELLED, which a note of the error says.
            SystemExit: SIGTERM or SIGHUP came; its cause is an `Interrupted`.
        """
        label, run_id, began = f"{YEAR}-{month:02}", uuid7(), perf_counter()
        block = self._begin(
            catalog.PIPELINE_ID, created_by=catalog.CREATED_BY, run_id=run_id, tags={"month": label}
        )
        try:
            with block as run, closing(self._work(run, month)) as work:
                self._stages(run, work, month, lambda stage: progress.working_on(f"{label}: {stage}"))
        except QualityError as error:
            return FinishedRun(run_id, perf_counter() - began, RunStatus.FAILED, str(error))
        return FinishedRun(run_id, perf_counter() - began, RunStatus.SUCCESS)

    def _stages(self, run: Run, work: Work, month: int, tell: Callable[[str], None]) -> None:
        def stage(name: str) -> AbstractContextManager[Stage]:
            tell(name)
            return run.stage(name)

        try:
            with stage("extract") as extract:
                extract.records = work.extract()
                run.input("flights", rows=extract.records)
            with stage("join") as join:
                join.records = work.join()
                for table in [name for name in SCHEMAS if name != "flights"]:
                    run.input(table)
            with stage("aggregate") as aggregate:
                aggregate.records = work.aggregate()
            with stage("quality checks") as checks:
                found = work.figures()
                checks.records = found.flights
                _check(run, month, found)
            with stage("load") as load:
                load.records = work.load()
        except QualityError:
            run.skip_stage("load")
            raise
        except Interrupted as error:
            error.add_note(f"run {run.run_id} is now CANCELLED")
            raise


def _check(run: Run, month: int, found: pipeline.Figures) -> None:
    run.note(total_records_processed=found.flights, total_records_failed=found.without_departure)
    outcomes = pipeline.judge(month, found)
    for one in outcomes:
        run.check(one.name, one.passed, one.expected, one.actual, one.reason)
    if broken := [one.reason for one in outcomes if one.reason]:
        raise QualityError("; ".join(broken))
