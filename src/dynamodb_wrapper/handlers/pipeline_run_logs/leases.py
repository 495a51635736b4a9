"""Runs that have an owner: it renews a lease, and nobody else writes to the run while that holds.

Knows leases. Must not know what a run does, nor how its owner keeps time.

The owner is a text that only the process which runs the pipeline knows; each of its writes carries the
condition that the run is running and still its own. That is the fence: when someone else closes the run or
takes it over, the old owner's writes fail from then on, however late they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, RunLostError
from dynamodb_wrapper.expressions import Compare, Condition, Path, all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import having
from dynamodb_wrapper.handlers.pipeline_run_logs.runs import seconds_between
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import STATUS_RUNS
from dynamodb_wrapper.handlers.pipeline_run_logs.stages import Guard, PutStage
from dynamodb_wrapper.handlers.pipeline_run_logs.status import STATUS, StatusCommands
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogUpsert, RunStatus, StageInfo
from dynamodb_wrapper.operations.intents import UpdateExisting, changes_of
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.timezones import parse_iso, utcnow
from dynamodb_wrapper.validation import invalid

GRACE_SECONDS = 10.0
"""How long a lease must be over before a run counts as lost: the clocks of two machines differ."""

OWNER, LEASE = Path(("lease_owner",)), Path(("lease_until",))


class LeaseCommands(StatusCommands):
    """What the owner of a run may do, and what others may do to a run that its owner has left."""

    @method
    def start_owned_run(
        self, dto: PipelineRunLogUpsert, owner: str, lease_seconds: float
    ) -> Flow[PipelineRunLog]:
        """Store a new run that belongs to an owner; done twice by the same owner it is done once.

        Parameters:
            dto: the run.
            owner: a text that nobody else has, such as a random one.
            lease_seconds: how long the owner may be silent.

        Raises:
            RunLostError: the run exists, and is not this owner's.
        """
        run = self._new(dto, **_lease(owner, lease_seconds))
        try:
            return (yield from self._create(run))
        except ConflictError as error:
            if getattr(error.current_item, "lease_owner", None) == owner:
                return error.current_item  # type: ignore[no-any-return]
            raise _lost(error, run.run_id) from error

    @method
    def write_owned_run(
        self,
        run_id: str,
        pipeline_id: str,
        owner: str,
        values: Mapping[str, Any],
        lease_seconds: float | None = None,
    ) -> Flow[PipelineRunLog]:
        """Set fields of one's own run, and renew its lease; harmless when it is repeated.

        Parameters:
            values: new values by field of `PipelineRunLog`; a final `status` ends the run and the
                stages that are open.
            lease_seconds: how long the owner may be silent from now on; the lease stays as it is where this
                is None.

        Raises:
            RunLostError: the run is over, or not this owner's; nothing was written.
            ItemNotFoundError: there is no such run.
        """
        lease = {} if lease_seconds is None else _lease(owner, lease_seconds)
        key = {"run_id": run_id, "pipeline_id": pipeline_id}
        write = self._changed(key, {**values, **lease}, _owned_by(owner))
        try:
            return (yield from write.flow(self.client.send))
        except ConflictError as error:
            run = error.current_item
            ended = values.get("status")
            if ended is not None and getattr(run, "lease_owner", None) == owner and run.status is ended:
                return run  # type: ignore[no-any-return]  # by an attempt whose answer was lost
            raise _lost(error, run_id) from error

    @method
    def add_owned_stage(
        self, run_id: str, pipeline_id: str, owner: str, stage: StageInfo
    ) -> Flow[PipelineRunLog]:
        """Add a stage to one's own run, or replace its stage of that name; raises as `write_owned_run`."""
        put = PutStage(
            schema=self._schema,
            table=self._table,
            key={"run_id": run_id, "pipeline_id": pipeline_id},
            stage=stage,
            timeout_seconds=self.config.timeout_seconds,
            guard=Guard(_owned_by(owner), lambda run: _is_owned(run, owner)),
        )
        try:
            return (yield from put.flow(self.client.send))
        except ConflictError as error:
            if _is_owned(error.current_item, owner):
                raise
            raise _lost(error, run_id) from error

    @method
    def take_over_run(
        self, run_id: str, pipeline_id: str | None = None, *, owner: str, lease_seconds: float
    ) -> Flow[PipelineRunLog]:
        """Become the owner of a running run whose owner was silent for longer than its lease.

        Raises:
            ConflictError: the run is over, or its lease holds still; carries it as `current_item`.
        """
        key = yield from self._key(run_id, pipeline_id)
        silent = _running() & Compare(LEASE, "<", utcnow() - timedelta(seconds=GRACE_SECONDS))
        changes = changes_of(self._schema, {"updated_at": utcnow(), **_lease(owner, lease_seconds)})
        take = UpdateExisting(schema=self._schema, table=self._table, key=key, changes=changes, guard=silent)
        try:
            return (yield from take.flow(self.client.send))
        except ConflictError as error:
            if _is_owned(error.current_item, owner):
                return error.current_item  # type: ignore[no-any-return]
            raise

    @method
    def reap_lost_runs(
        self, pipeline_id: str | None = None, *, grace_seconds: float = GRACE_SECONDS
    ) -> Flow[list[PipelineRunLog]]:
        """End the runs whose owners are silent, and their stages: failed, their end the last sign of life.

        However many reap at once, each run is ended by one of them. Runs without a lease, such as those that
        `start_pipeline_run` makes, are never touched.

        Parameters:
            pipeline_id: only runs of that pipeline.
            grace_seconds: how long a lease must be over, for clocks that differ.

        Returns:
            The runs that this call has ended.

        Raises:
            BulkWriteError: some could not be written; names those that were.
        """
        if not grace_seconds >= 0:
            raise invalid("reaping", {"grace_seconds": ["seconds from 0 on"]})
        over = Compare(LEASE, "<", utcnow() - timedelta(seconds=grace_seconds))
        of_pipeline = None if pipeline_id is None else having("pipeline_id", pipeline_id)
        found = yield from self._keys(
            {"status": RunStatus.RUNNING},
            STATUS_RUNS,
            None,
            all_of(over, of_pipeline),
            ["start_time", "lease_until", "lease_owner", "heartbeat_at"],
        )
        keys = [{name: run[name] for name in self._schema.key_fields} for run in found]
        flows = [self._reap(key, run) for key, run in zip(keys, found, strict=True)]
        outcomes = yield from self._each([resource_id(key) for key in keys], flows)
        return [run for run in outcomes.values() if run is not None]

    def _reap(self, key: Mapping[str, Any], found: Mapping[str, Any]) -> Flow[PipelineRunLog | None]:
        """End a run unless it has given a sign of life since it was found; None if somebody else did."""
        reaper = f"reaper-{uuid4().hex}"
        start = parse_iso(found["start_time"])
        end = max(start, parse_iso(found.get("heartbeat_at", found["start_time"])))
        values = {
            "status": RunStatus.FAILED,
            "error_message": f"lost: no sign of life since {end.isoformat(timespec='seconds')}",
            "end_time": end,
            "duration_seconds": seconds_between(start, end),
            "lease_owner": reaper,
        }
        as_found = Compare(LEASE, "=", Wire({"S": found["lease_until"]}))
        reap = self._changed(key, values, _running() & as_found)
        try:
            return (yield from reap.flow(self.client.send))
        except ItemNotFoundError:
            return None
        except ConflictError as error:  # of an attempt that was applied unnoticed, the new owner tells
            run = error.current_item
            return run if getattr(run, "lease_owner", None) == reaper else None


def _lease(owner: str, seconds: float) -> dict[str, Any]:
    now = utcnow()
    return {"lease_owner": owner, "lease_until": now + timedelta(seconds=seconds), "heartbeat_at": now}


def _running() -> Condition:
    return Compare(STATUS, "=", RunStatus.RUNNING)


def _owned_by(owner: str) -> Condition:
    return _running() & Compare(OWNER, "=", owner)


def _is_owned(run: Any, owner: str) -> bool:
    return isinstance(run, PipelineRunLog) and run.status is RunStatus.RUNNING and run.lease_owner == owner


def _lost(error: ConflictError, run_id: str) -> RunLostError:
    run = error.current_item
    why = "has another owner now"
    if isinstance(run, PipelineRunLog) and run.status is not RunStatus.RUNNING:
        told = f" ({run.error_message})" if run.error_message else ""
        why = f"is {run.status} already{told}"
    return RunLostError(
        f"run {run_id!r} {why}: its former owner writes to it no more; start a new run",
        error,
        error.context,
        resource_id=run_id,
        current_item=run,
    )
