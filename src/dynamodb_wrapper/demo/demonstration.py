"""The demonstration from end to end: tables, registration, a run for each month, and the report.

Knows the order of things. Must not know options, engines or how anything is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from time import perf_counter

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo import catalog, payload, report
from dynamodb_wrapper.demo.domain import (
    DailyDelay,
    DailyDelaysReadApi,
    DailyDelaysWriteApi,
    DailyDelayView,
)
from dynamodb_wrapper.demo.flights import YEAR, FlightFiles, SourceTable
from dynamodb_wrapper.demo.run import FinishedRun, MonthlyRuns
from dynamodb_wrapper.demo.work import FileWork
from dynamodb_wrapper.display import Display, Section
from dynamodb_wrapper.handlers.pipeline_config.commands import PipelineConfigWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.handlers.table_config.commands import TableConfigWriteApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, RunStatus, TableConfig, TableConfigUpsert
from dynamodb_wrapper.runs import Run, pipeline_run

MODELS = (PipelineConfig, TableConfig, PipelineRunLog, DailyDelay)
WORST_AT = "JFK"
ORIGINS = ("EWR", "JFK", "LGA")
FAILURE_HOURS = 24
STATISTICS_DAYS = 30


class Demonstration:
    """Runs the pipeline `nyc-flights` and shows what the APIs know of it afterwards.

    Parameters:
        config: where the tables are.
        files: the flights and what they are joined with.
        display: where everything is shown.
    """

    def __init__(self, config: DynamoDBConfig, files: FlightFiles, display: Display) -> None:
        self._meter = payload.Meter()
        self._client = DynamoDB(config, observers=[self._meter])
        self._config, self._files, self._display = config, files, display

    def run(self, months: Sequence[int], *, alone: bool) -> list[FinishedRun]:
        """Prepare, run every month, and report.

        Parameters:
            months: 1-12.
            alone: whether no other process uses these tables, so that a run that is still RUNNING is one
                whose process was killed; such runs are set to CANCELLED.

        Raises:
            Interrupted: Ctrl-C came; the run of that moment is CANCELLED, which a note of the error says.
        SystemExit: SIGTERM or SIGHUP came in a run; the cause is such an error.
        """
        began, start = datetime.now(UTC), perf_counter()
        self._prepare(alone)
        runs = self._run_months(months)
        self._say(f"runs: {len(runs)}, in {perf_counter() - start:.1f} s with the preparations")
        for section in self._report(runs, began):
            self._display.show(section)
        return runs

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _prepare(self, alone: bool) -> None:
        made = [self._client.create_table(model) for model in MODELS]
        self._say(f"tables: {made.count(True)} created, {made.count(False)} were there")
        if alone:
            left = PipelineRunLogsWriteApi(client=self._client).cancel_running_runs_for_pipeline(
                catalog.PIPELINE_ID, cancelled_by=catalog.CREATED_BY
            )
            if left:
                self._say(f"runs of killed processes that were still RUNNING and are now CANCELLED: {left}")
        sources = self._sources()
        tables = TableConfigWriteApi(client=self._client)
        PipelineConfigWriteApi(client=self._client).upsert_pipeline(catalog.pipeline(self._files))
        tables.upsert_many(self._tables(sources))
        tables.bulk_update_statistics(
            [
                {
                    "table_id": catalog.table_id(source.name),
                    "record_count": source.records,
                    "size_bytes": source.size_bytes,
                    "last_updated_data": source.modified,
                }
                for source in sources
            ]
        )
        self._say(f"registered: pipeline {catalog.PIPELINE_ID} with {len(sources) + 1} tables")

    def _run_months(self, months: Sequence[int]) -> list[FinishedRun]:
        pipeline = self._monthly_runs()
        runs: list[FinishedRun] = []
        with self._display.progress(len(months)) as progress:
            for month in months:
                run = pipeline.run(month, progress)
                runs.append(run)
                progress.finished(
                    "  ".join(
                        [f"{YEAR}-{month:02}", f"{run.status.value.upper():9}", f"{run.seconds:5.2f} s"]
                        + ([run.reason] if run.reason else [])
                    )
                )
        if any(run.status is RunStatus.SUCCESS for run in runs):
            self._count_days()
        return runs

    def _monthly_runs(self) -> MonthlyRuns[Run]:
        days = DailyDelaysWriteApi(client=self._client)
        return MonthlyRuns(partial(pipeline_run, config=self._config), partial(FileWork, self._files, days))

    def _sources(self) -> list[SourceTable]:
        return self._files.tables()

    def _tables(self, sources: list[SourceTable]) -> list[TableConfigUpsert]:
        return catalog.tables(sources)

    def _worst_days(self) -> tuple[list[DailyDelayView], int]:
        """The worst days at one airport, and how many of it are loaded."""
        days = DailyDelaysReadApi(client=self._client)
        return days.worst_days(WORST_AT), days.count({"origin": WORST_AT})

    def _count_days(self) -> None:
        days = DailyDelaysReadApi(client=self._client)
        TableConfigWriteApi(client=self._client).update_table_statistics(
            catalog.DESTINATION_ID,
            record_count=sum(days.count({"origin": origin}) for origin in ORIGINS),
            last_updated_data=datetime.now(UTC),
        )

    def _report(self, runs: Sequence[FinishedRun], began: datetime) -> list[Section]:
        read = PipelineRunLogsReadApi(client=self._client)
        tables = TableConfigReadApi(client=self._client)
        ids = {run.run_id for run in runs}
        since, _ = read.query_by_pipeline(catalog.PIPELINE_ID, start_time_range=(began, None), limit=None)
        these = [run for run in since if run.run_id in ids]
        failed, _ = read.get_failed_runs(catalog.PIPELINE_ID, hours=FAILURE_HOURS, limit=None)
        of_pipeline, _ = tables.query_by_pipeline(catalog.PIPELINE_ID, limit=None)
        return [
            report.runs(these, read.count_runs_by_pipeline(catalog.PIPELINE_ID)),
            report.failures(run for run in failed if run.run_id in ids),
            *self._stages_of_failures(runs),
            report.statistics(
                read.get_pipeline_run_statistics(catalog.PIPELINE_ID, STATISTICS_DAYS), STATISTICS_DAYS
            ),
            report.tables(of_pipeline),
            report.worst_days(
                WORST_AT,
                *self._worst_days(),
                report.failed_months(these),
            ),
            report.payloads(payload.measure(self._client, self._meter, catalog.PIPELINE_ID, WORST_AT)),
        ]

    def _stages_of_failures(self, runs: Sequence[FinishedRun]) -> list[Section]:
        failed = [run.run_id for run in runs if run.status is RunStatus.FAILED]
        keys = [{"run_id": run_id, "pipeline_id": catalog.PIPELINE_ID} for run_id in failed]
        stored = self._client.batch_get(PipelineRunLog, keys)
        return [report.stages(run.tags.get("month", run.run_id), run.stages) for run in stored if run]

    def _say(self, line: str) -> None:
        self._display.say(line)
