"""Runs by the names that V1 has for what is done with them.

Knows which search or command each method is. What it does stands in `handlers.pipeline_run_logs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.expressions import Condition
from dynamodb_wrapper.handlers.moments import HOUR, span
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsCommands
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import Status, ambiguous, partition_of, within
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import RunSearches
from dynamodb_wrapper.handlers.reading import checked_limit
from dynamodb_wrapper.handlers.views import refuse_unknown_zone
from dynamodb_wrapper.models import PipelineRunLog, RunStatus, StageInfo
from dynamodb_wrapper.repositories.base import AsyncBaseDynamoRepository, BaseDynamoRepository, Repository
from dynamodb_wrapper.repositories.records import logged
from dynamodb_wrapper.repositories.zones import placed
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.validation import from_pydantic

__all__ = ["AsyncPipelineRunLogsRepository", "PipelineRunLogsRepository"]


class PipelineRunLogsMethods(Repository[PipelineRunLog]):
    """What can be done with runs; what every method takes and raises is told in `Repository`.

    Lists have the newest run first. A status is a `RunStatus` or its value. `pipeline_id` may be left out
    where `run_id` alone identifies the run; where runs of two pipelines have it, leaving it out is a
    `ValidationError`.
    """

    model_class = PipelineRunLog

    @logged
    def get_by_run_id(
        self, run_id: str, pipeline_id: str | None = None, user_timezone: str | None = None
    ) -> Flow[PipelineRunLog | None]:
        """Read one run, or None where there is none with that id."""
        if pipeline_id is not None:
            return (yield from self._find({"run_id": run_id, "pipeline_id": pipeline_id}, user_timezone))
        search = self._queries()._query(partition_of(self._schema, run_id))
        found = yield from self._list(search, 2, user_timezone)
        if len(found) > 1:
            raise ambiguous(run_id)
        return found[0] if found else None

    @logged
    def get_runs_by_pipeline(
        self, pipeline_id: str, limit: int | None = None, user_timezone: str | None = None
    ) -> Flow[list[PipelineRunLog]]:
        """The runs of a pipeline: all of them, or the newest `limit`."""
        search = self._searches()._by_pipeline(pipeline_id, ascending=False)
        return self._list(search, limit, user_timezone)

    @logged
    def get_runs_by_status(
        self, status: Status, limit: int | None = None, user_timezone: str | None = None
    ) -> Flow[list[PipelineRunLog]]:
        """The runs of all pipelines that have a status: all of them, or the newest `limit`."""
        return self._list(self._searches()._by_status(status, ascending=False), limit, user_timezone)

    @logged
    def get_running_pipelines(self, user_timezone: str | None = None) -> Flow[list[PipelineRunLog]]:
        """All runs that are running."""
        search = self._searches()._by_status(RunStatus.RUNNING, ascending=False)
        return self._list(search, None, user_timezone)

    @logged
    def get_failed_runs(
        self,
        pipeline_id: str | None = None,
        hours: float | None = 24,
        user_timezone: str | None = None,
    ) -> Flow[list[PipelineRunLog]]:
        """All failed runs, of one pipeline or of all, that started in the last so many hours.

        Parameters:
            hours: None for whenever they started.
        """
        search = self._searches()._by_status(RunStatus.FAILED, pipeline_id, _last(hours), ascending=False)
        return self._list(search, None, user_timezone)

    @logged
    def get_recent_runs(
        self,
        pipeline_id: str | None = None,
        hours: float = 24,
        limit: int | None = None,
        user_timezone: str | None = None,
    ) -> Flow[list[PipelineRunLog]]:
        """The runs that started in the last so many hours, whatever became of them.

        Without `pipeline_id` the index of the status is read once for each status, side by side.
        """
        searches, window = self._searches(), _last(hours)
        if pipeline_id is not None:
            of_pipeline = searches._by_pipeline(pipeline_id, None, window, ascending=False)
            return (yield from self._list(of_pipeline, limit, user_timezone))
        refuse_unknown_zone(user_timezone)
        limit = None if limit is None else checked_limit(limit)
        each = [searches._by_status(status, None, window, ascending=False) for status in RunStatus]
        parts = yield Together([self._list(search, limit, user_timezone) for search in each])
        runs = [run for part in parts for run in part]
        return sorted(runs, key=attrgetter("start_time"), reverse=True)[:limit]

    @logged
    def create_run_log(
        self,
        /,
        run_id: str,
        pipeline_id: str,
        trigger_type: str,
        created_by: str | None = None,
        current_timezone: str | None = None,
        *,
        status: Status = RunStatus.RUNNING,
        **fields: Any,
    ) -> Flow[PipelineRunLog]:
        """Store a new run, valid by the rules of `PipelineRunLogUpsert`.

        Parameters:
            trigger_type: manual, schedule, event, dependency, api, retry or spark.
            fields: further fields of `PipelineRunLog`, such as `start_time`, which is else now.

        Returns:
            The run as it is stored.

        Raises:
            ConflictError: this run exists; carries it as `current_item`.
        """
        given = fields | {
            "run_id": run_id,
            "pipeline_id": pipeline_id,
            "trigger_type": trigger_type,
            "status": status,
            "created_by": created_by,
        }
        return self._described(self._commands(), given, current_timezone)

    @logged
    def update_run_status(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        status: Status | None = None,
        error_message: str | None = None,
        end_time: datetime | None = None,
        current_timezone: str | None = None,
    ) -> Flow[PipelineRunLog]:
        """Change the status of a run; one that is over stays as it is.

        Parameters:
            error_message: why it failed; required for failed.
            end_time: when it ended; now, if the status says that it is over and this is left out.
                `duration_seconds` follows from it.

        Returns:
            The run as it is stored now.

        Raises:
            ItemNotFoundError: there is no such run.
            ConflictError: the run is over with another status; carries it as `current_item`.
        """
        refuse_unknown_zone(current_timezone, "current_timezone")
        ended = placed(end_time, current_timezone)
        return PipelineRunLogsCommands.update_run_status.build(
            self._commands(), run_id, pipeline_id, status, error_message, ended
        )

    @logged
    def add_stage_info(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        stage: StageInfo | Mapping[str, Any] | None = None,
        current_timezone: str | None = None,
    ) -> Flow[PipelineRunLog]:
        """Add a stage to a run, or replace its stage of that name; of stages added at once none is lost.

        Parameters:
            stage: a `StageInfo`, or its fields, which may have naive datetimes of `current_timezone`.

        Returns:
            The run as it is stored now.

        Raises:
            ItemNotFoundError: there is no such run; none was made.
        """
        refuse_unknown_zone(current_timezone, "current_timezone")
        given = _stage(placed(stage, current_timezone))
        return PipelineRunLogsCommands.add_stage_info.build(self._commands(), run_id, pipeline_id, given)

    def _searches(self) -> RunSearches:
        return self._part(RunSearches)

    def _commands(self) -> PipelineRunLogsCommands:
        return self._part(PipelineRunLogsCommands)


class PipelineRunLogsRepository(PipelineRunLogsMethods, BaseDynamoRepository[PipelineRunLog]):
    """Runs, blocking."""


class AsyncPipelineRunLogsRepository(PipelineRunLogsMethods, AsyncBaseDynamoRepository[PipelineRunLog]):
    """Runs, awaiting."""


def _last(hours: float | None) -> Condition | None:
    """The condition on the start of runs of the last so many hours."""
    return None if hours is None else within("start_time", (utcnow() - span("hours", hours, HOUR), None))


def _stage(given: StageInfo | Mapping[str, Any] | None) -> StageInfo | None:
    if not isinstance(given, Mapping):
        return given
    try:
        return StageInfo(**given)
    except PydanticError as error:
        raise from_pydantic(error, "StageInfo", StageInfo.model_fields) from None
