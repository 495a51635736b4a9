"""A run of the pipeline for one month: its stages in order, logged, and loaded if the rules hold.

Knows the stages and the APIs they are logged and loaded through. Must not know tables or other months.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from decimal import Decimal
from time import process_time
from typing import Any

from dynamodb_wrapper.demo import catalog, pipeline
from dynamodb_wrapper.demo.display import Progress
from dynamodb_wrapper.demo.domain import DailyDelaysWriteApi, DailyDelayUpsert
from dynamodb_wrapper.demo.flights import SCHEMAS, YEAR, Extract, FlightFiles
from dynamodb_wrapper.demo.runlog import LoggedRun, QualityError, Tally
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import DataQualityResult
from dynamodb_wrapper.runs.interrupt import Interrupts


class MonthlyRuns:
    """Runs the pipeline month by month.

    Parameters:
        files: the flights and what they are joined with.
        runs: where runs are logged.
        days: where the days are loaded.
        interrupts: keeps signals away from the middle of a write.
    """

    def __init__(
        self,
        files: FlightFiles,
        runs: PipelineRunLogsWriteApi,
        days: DailyDelaysWriteApi,
        interrupts: Interrupts,
    ) -> None:
        self._files, self._runs, self._days, self._interrupts = files, runs, days, interrupts

    def run(self, month: int, progress: Progress) -> LoggedRun:
        """Run one month (1-12) of 2013 through all stages; a month that breaks a rule is not loaded."""
        label = f"{YEAR}-{month:02}"
        run = LoggedRun(self._runs, catalog.PIPELINE_ID, self._interrupts, label)
        with run.entered(
            tags={"month": label},
            pipeline_version=catalog.PIPELINE_VERSION,
            input_tables=[catalog.table_id(name) for name in SCHEMAS],
            output_tables=[catalog.DESTINATION_ID],
            config_snapshot={"year": YEAR, "month": month, "stages": list(pipeline.STAGES)},
            created_by=catalog.CREATED_BY,
        ):
            self._stages(run, month, lambda stage: progress.working_on(f"{label}: {stage}"))
        return run

    def _stages(self, run: LoggedRun, month: int, tell: Callable[[str], None]) -> None:
        def stage(name: str) -> AbstractContextManager[Tally]:
            tell(name)
            return run.stage(name)

        cpu = process_time()
        with stage("extract") as tally:
            extract = self._files.extract(month)
            tally.records = len(extract.flights)
        with stage("join") as tally:
            joined = pipeline.join(extract.flights, self._files.lookups)
            tally.records = len(joined)
        with stage("aggregate") as tally:
            days = pipeline.aggregate(joined)
            tally.records = len(days)
        try:
            with stage("quality checks") as tally:
                tally.records = len(joined)
                checks = pipeline.check(month, joined, days)
                run.measured(_metrics(extract, joined, checks, process_time() - cpu))
                if broken := [one.reason for one in checks if one.reason]:
                    raise QualityError("; ".join(broken))
        except QualityError:
            run.skip("load")
            raise
        with stage("load") as tally:
            dtos = [DailyDelayUpsert(**asdict(day), run_id=run.run_id) for day in days]
            with self._interrupts.shield():
                self._days.upsert_many(dtos)
            tally.records = len(days)


def _metrics(
    extract: Extract, joined: list[pipeline.JoinedFlight], checks: list[pipeline.Check], cpu_seconds: float
) -> dict[str, Any]:
    return {
        "total_records_processed": len(joined),
        "total_records_failed": pipeline.without_departure(joined),
        "input_data_size_bytes": extract.size_bytes,
        "cpu_hours": Decimal(f"{cpu_seconds / 3600:.9f}"),
        "data_quality_passed": all(one.passed for one in checks),
        "data_quality_results": [
            DataQualityResult(
                check_name=one.name,
                passed=one.passed,
                expected_value=one.expected,
                actual_value=one.actual,
                error_message=one.reason,
            )
            for one in checks
        ],
    }
