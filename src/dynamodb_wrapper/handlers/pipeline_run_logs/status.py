"""The life of a run: start, change of status, end, cancellation.

Knows which status may follow which. A run that is over stays as it is: each write carries that condition, so
that it holds however many writers there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow, Write
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, UnreadableItemError
from dynamodb_wrapper.expressions import Assign, Change, Compare, Condition, In, Path, all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.handlers.given import refused
from dynamodb_wrapper.handlers.moments import moment
from dynamodb_wrapper.handlers.pipeline_run_logs.ending import EndRun
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import OPEN, Status, having, required
from dynamodb_wrapper.handlers.pipeline_run_logs.runs import RunCommands, seconds_between
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import STATUS_RUNS
from dynamodb_wrapper.models import (
    PipelineRunLog,
    PipelineRunLogStatusUpdate,
    PipelineRunLogUpsert,
    RunStatus,
)
from dynamodb_wrapper.models.rules import ENDS_AFTER_START, breaches
from dynamodb_wrapper.operations.intents import UpdateExisting, changes_of
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.timezones import parse_iso, utcnow
from dynamodb_wrapper.validation import invalid

STATUS, START = Path(("status",)), Path(("start_time",))
UPDATED_BY = "updated_by"


class StatusCommands(RunCommands):
    """What changes the status of runs.

    Over are runs that are success, failed, cancelled or skipped. Nothing changes the status of such a run:
    giving it the status that it has returns it as it is, any other is a `ConflictError` that carries it.
    Stages that a run leaves open end as the run does, with the same write, and none is the current one then.
    """

    @method
    def start_pipeline_run(
        self,
        /,
        run_id: str,
        pipeline_id: str,
        trigger_type: str,
        created_by: str | None = None,
        **fields: Any,
    ) -> Flow[PipelineRunLog]:
        """Store a new run that is running from now on.

        Parameters:
            trigger_type: manual, schedule, event, dependency, api, retry or spark.
            fields: further fields of `PipelineRunLogUpsert`, such as `start_time` or `environment`.

        Raises:
            ConflictError: this run exists; carries it as `current_item`.
        """
        if taken := sorted(fields.keys() & {"status", "end_time", "duration_seconds"}):
            errors = {name: ["a run that starts is running and has not ended"] for name in taken}
            raise invalid("the start of a run", errors)
        dto = PipelineRunLogUpsert(
            run_id=run_id,
            pipeline_id=pipeline_id,
            status=RunStatus.RUNNING,
            trigger_type=trigger_type,
            created_by=created_by,
            **fields,
        )
        return self._create(self._new(dto))

    @method
    def finish_pipeline_run(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        status: Status | None = None,
        error_message: str | None = None,
    ) -> Flow[PipelineRunLog]:
        """End a run now, as `update_run_status` does.

        Parameters:
            status: success, failed, cancelled or skipped.
            error_message: why it failed; required for failed.
        """
        change = _change(status, error_message, None)
        if not change.status.is_terminal:
            text = f"{change.status} is no end of a run: use success, failed, cancelled or skipped"
            raise invalid("the end of a run", {"status": [text]})
        return self._change_status(run_id, pipeline_id, change, None)

    @method
    def update_run_status(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        status: Status | None = None,
        error_message: str | None = None,
        end_time: datetime | None = None,
    ) -> Flow[PipelineRunLog]:
        """Change the status of a run; one that is over stays as it is.

        Parameters:
            pipeline_id: may be None where `run_id` alone identifies the run.
            status: the new status.
            error_message: why it failed; required for failed.
            end_time: when it ended; now, if the status says that it is over and this is left out.
                `duration_seconds` follows from it.

        Returns:
            The run as it is stored now; unchanged, with the end and message that it has, where it had this
            final status already.

        Raises:
            ValidationError: a rule is broken; nothing was written.
            ItemNotFoundError: there is no such run.
            ConflictError: the run is over with another status; carries it as `current_item`.
        """
        ended = None if end_time is None else moment("end_time", end_time)
        return self._change_status(run_id, pipeline_id, _change(status, error_message, ended), ended)

    @method
    def update_run_status_with_dto(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        dto: PipelineRunLogStatusUpdate | None = None,
    ) -> Flow[PipelineRunLog]:
        """Change the status of a run as `update_run_status` does; `updated_by` is stored with it."""
        change = required("dto", dto)
        if not isinstance(change, PipelineRunLogStatusUpdate):
            raise refused("dto", change, "give a PipelineRunLogStatusUpdate")
        return self._change_status(run_id, pipeline_id, change, change.end_time)

    @method
    def cancel_running_runs_for_pipeline(
        self, pipeline_id: str, cancelled_by: str | None = None
    ) -> Flow[int]:
        """Cancel the runs of a pipeline that are running, each unless it has ended meanwhile.

        They are found in an index, which may not know a run yet that started a moment ago.

        Parameters:
            cancelled_by: who did it; stored as `updated_by` and told in `error_message`.

        Returns:
            How many were cancelled.

        Raises:
            BulkWriteError: some writes failed; names those that were cancelled.
        """
        now = utcnow()
        runs = yield from self._running(pipeline_id)
        flows = [self._cancel(key, started, now, cancelled_by) for key, started in runs]
        outcomes = yield from self._each([resource_id(key) for key, _ in runs], flows)
        return sum(outcomes.values())

    def _change_status(
        self,
        run_id: str,
        pipeline_id: str | None,
        change: PipelineRunLogStatusUpdate,
        ended: datetime | None,
    ) -> Flow[PipelineRunLog]:
        """Compute the change from the run as it is, and write it if it still is so; else look again."""
        key = yield from self._key(run_id, pipeline_id)
        run = yield from self._current(key)
        deadline = monotonic() + self.config.timeout_seconds
        guard = _start_as_stored(run)
        while not run.status.is_terminal:
            values = _values(run.start_time, change, ended)
            try:
                return (yield from self._write(key, values, OPEN, guard).flow(self.client.send))
            except ConflictError as error:
                latest: PipelineRunLog = error.current_item
                if monotonic() >= deadline or not isinstance(latest, PipelineRunLog):
                    raise
                # the same start is stored in another form than this library's, such as with Z for +00:00
                guard = None if latest.start_time == run.start_time else _start_as_stored(latest)
                run = latest
        if run.status is change.status:
            return run
        raise ConflictError(
            f"run {resource_id(key)!r} is {run.status} for good, not {change.status}: start a new run",
            context={"table": self._table, "key": key, "operation": "UpdateItem"},
            resource_id=resource_id(key),
            current_item=run,
        )

    def _write(
        self,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        allowed: tuple[RunStatus, ...],
        started: object,
    ) -> Write[PipelineRunLog]:
        """The change of a run that still has one of these statuses, and the start its duration counts from.

        Sent twice it ends as sent once: the second finds the status that the first has written.
        """
        known = {name: value for name, value in values.items() if name != UPDATED_BY}
        by = values.get(UPDATED_BY)
        more = () if by is None else (Assign(Path((UPDATED_BY,)), by),)
        same_start = None if started is None else Compare(START, "=", started)
        return self._changed(key, known, all_of(In(STATUS, allowed), same_start), more)

    def _changed(
        self,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        guard: Condition | None,
        more: tuple[Change, ...] = (),
    ) -> Write[PipelineRunLog]:
        """New values of a run of which the guard holds; a final status ends its open stages too."""
        now = utcnow()
        changes = (*changes_of(self._schema, {"updated_at": now, **values}), *more)
        status = RunStatus(values["status"]) if "status" in values else None
        if status is None or not status.is_terminal:
            return UpdateExisting(
                schema=self._schema, table=self._table, key=key, changes=changes, guard=guard
            )
        return EndRun(
            schema=self._schema,
            table=self._table,
            key=key,
            changes=changes,
            status=status,
            end=values.get("end_time") or now,
            guard=guard,
            timeout_seconds=self.config.timeout_seconds,
        )

    def _running(self, pipeline_id: str) -> Flow[list[tuple[dict[str, Any], str]]]:
        """The keys of the running runs of a pipeline, each with its start as stored."""
        found = yield from self._keys(
            {"status": RunStatus.RUNNING},
            STATUS_RUNS,
            None,
            having("pipeline_id", pipeline_id),
            ["start_time"],
        )
        return [({name: run[name] for name in self._schema.key_fields}, run["start_time"]) for run in found]

    def _cancel(
        self, key: Mapping[str, Any], stored_start: str, now: datetime, cancelled_by: str | None
    ) -> Flow[bool]:
        """Cancel one run; False if it is gone or no longer running."""
        started = parse_iso(stored_start)
        why = None if cancelled_by is None else f"cancelled by {cancelled_by}"
        change = PipelineRunLogStatusUpdate(
            status=RunStatus.CANCELLED, error_message=why, end_time=max(now, started), updated_by=cancelled_by
        )
        values = _values(started, change, change.end_time)
        try:
            write = self._write(key, values, (RunStatus.RUNNING,), Wire({"S": stored_start}))
            yield from write.flow(self.client.send)
        except ItemNotFoundError:
            return False
        except ConflictError as error:  # of an attempt that was applied unnoticed, only the end tells
            run: PipelineRunLog = error.current_item
            if not isinstance(run, PipelineRunLog):
                raise
            return run.status is change.status and run.end_time == change.end_time
        except UnreadableItemError:
            return True
        return True


def _change(
    status: Status | None, error_message: str | None, end_time: datetime | None
) -> PipelineRunLogStatusUpdate:
    given: Any = required("status", status)
    return PipelineRunLogStatusUpdate(status=given, error_message=error_message, end_time=end_time)


def _start_as_stored(run: PipelineRunLog) -> datetime | None:
    """The start that a write may ask for; None where reading made one up, because none is stored."""
    return run.start_time if "start_time" in run.model_fields_set else None


def _values(start: datetime, change: PipelineRunLogStatusUpdate, ended: datetime | None) -> dict[str, Any]:
    """The fields that a change of status gives a run that started then.

    An end that is not given is now; never before the start, for the clocks of two machines differ.
    """
    values: dict[str, Any] = {"status": change.status, UPDATED_BY: change.updated_by}
    if change.error_message is not None:
        values["error_message"] = change.error_message
    if not change.status.is_terminal:
        if ended is not None:
            text = f"a run that is {change.status} has not ended: leave it out, or give a final status"
            raise invalid("the change of status", {"end_time": [text]})
        return values
    end = max(utcnow(), start) if ended is None else ended
    if broken := breaches((ENDS_AFTER_START,), {"start_time": start, "end_time": end}):
        raise invalid("the change of status", broken)
    return values | {"end_time": end, "duration_seconds": seconds_between(start, end)}
