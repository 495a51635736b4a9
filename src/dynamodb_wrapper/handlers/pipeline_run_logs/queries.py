"""Reading runs, by the names that their users have for it.

Knows which question each method asks. Which index answers it stands in `searches`, how a list is read, cut
and shown in `handlers.reading`.
"""

from __future__ import annotations

from functools import partial

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.moments import DAY, HOUR, days_ago, span
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import Status, TimeRange, run_status, within
from dynamodb_wrapper.handlers.pipeline_run_logs.ranges import RangeQueries
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import PIPELINE_RUNS, STATUS_RUNS
from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import (
    PipelineRunStatistics,
    RunFigures,
    statistics_of,
)
from dynamodb_wrapper.handlers.reading import DEFAULT_LIMIT, Listing
from dynamodb_wrapper.handlers.views import Projection
from dynamodb_wrapper.models import PipelineRunLogSummaryView, PipelineRunLogView, RunStatus
from dynamodb_wrapper.query.filters import Filters


class PipelineRunLogsQueries(RangeQueries):
    """What can be read of runs; parameters that every read takes are told in `Queries`.

    Lists have the newest run first; `ascending=True` turns them round. A status is a `RunStatus` or its
    value. `pipeline_id` may be left out where `run_id` alone identifies the run; where runs of two pipelines
    have it, leaving it out is a `ValidationError`. "The last so many hours" of a list end with its first
    page: those that follow count from the same moment.
    """

    @method
    def get_by_id(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[PipelineRunLogView]:
        """Read one run.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._get_run(run_id, pipeline_id, projection, user_timezone, consistent_read, self.view)

    @method
    def find_by_id(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[PipelineRunLogView | None]:
        """Read one run, or None where there is none with that id."""
        return self._find_run(run_id, pipeline_id, projection, user_timezone, consistent_read, self.view)

    @method
    def get_run_summary(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[PipelineRunLogSummaryView]:
        """Read one run in a line.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        view = PipelineRunLogSummaryView
        return self._get_run(run_id, pipeline_id, None, user_timezone, consistent_read, view)

    @method
    def query_by_pipeline(
        self,
        pipeline_id: str,
        status: Status | None = None,
        start_time_range: TimeRange | None = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs of a pipeline.

        Parameters:
            start_time_range: (start, end), both included; either may be None.
            filters: values by attribute, or a condition.
        """
        window = within("start_time", start_time_range, parameters=["start_time_range"])
        search = self._by_pipeline(pipeline_id, status, window, filters, ascending=ascending)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def query_by_status(
        self,
        status: Status,
        pipeline_id: str | None = None,
        time_range: TimeRange | None = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs that have a status, of all pipelines or of one.

        With a pipeline, the index is read that has fewer runs to drop: that of the pipeline for runs that are
        over, that of the status for pending and running ones, which are few.

        Parameters:
            time_range: (start, end) of the start time, both included; either may be None.
            filters: values by attribute, or a condition.
        """
        search = self._by_status(
            status, pipeline_id, within("start_time", time_range), filters, ascending=ascending
        )
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def get_running_pipelines(
        self,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs that are running, of all pipelines."""
        search = self._by_status(RunStatus.RUNNING, ascending=ascending)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def get_failed_runs(
        self,
        pipeline_id: str | None = None,
        hours: float = 24,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the failed runs that started in the last so many hours."""
        search = partial(self._by_status, RunStatus.FAILED, pipeline_id, ascending=ascending)
        length = span("hours", hours, HOUR)
        return self._list_last(length, search, projection, limit, last_key, user_timezone)

    @method
    def get_recent_runs(
        self,
        pipeline_id: str,
        hours: float = 24,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs of a pipeline that started in the last so many hours, whatever became of them."""
        search = partial(self._by_pipeline, pipeline_id, None, ascending=ascending)
        length = span("hours", hours, HOUR)
        return self._list_last(length, search, projection, limit, last_key, user_timezone)

    @method
    def get_successful_runs(
        self,
        pipeline_id: str | None = None,
        days: float = 7,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the successful runs that started in the last so many days."""
        search = partial(self._by_status, RunStatus.SUCCESS, pipeline_id, ascending=ascending)
        length = span("days", days, DAY)
        return self._list_last(length, search, projection, limit, last_key, user_timezone)

    @method
    def scan_for_all_runs(
        self,
        projection: Projection = None,
        filters: Filters = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List all runs, in no order; the whole table is read and paid for."""
        search = self._scan(filters, consistent=consistent_read)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def count_runs_by_pipeline(self, pipeline_id: str) -> Flow[int]:
        """How many runs a pipeline has."""
        return self._count({"pipeline_id": pipeline_id}, PIPELINE_RUNS)

    @method
    def count_runs_by_status(self, status: Status) -> Flow[int]:
        """How many runs of all pipelines have a status."""
        return self._count({"status": run_status(status)}, STATUS_RUNS)

    @method
    def get_pipeline_run_statistics(
        self, pipeline_id: str, days: float = 30, *, user_timezone: str | None = None
    ) -> Flow[PipelineRunStatistics]:
        """Figures of the runs of a pipeline that started in the last so many days.

        All of them are read, but of each only status, start and duration are sent.

        Parameters:
            user_timezone: the zone whose calendar days the runs are counted by.
        """
        since = days_ago(days, "days")
        window = within("start_time", (since, None))
        search = self._by_pipeline(pipeline_id, None, window, ascending=True)
        runs, _ = yield from self._list(search, None, None, None, user_timezone, RunFigures)
        return statistics_of(pipeline_id, since, runs)


class PipelineRunLogsReadApi(PipelineRunLogsQueries, BlockingApi):
    """Reads runs, blocking."""


class AsyncPipelineRunLogsReadApi(PipelineRunLogsQueries, AwaitingApi):
    """Reads runs, awaiting."""
