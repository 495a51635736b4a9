"""The thread that writes what a run has recorded, and tells every few seconds that the run is alive.

Knows what is still to be written, and when. Must not know what a run records. All writes of a run are made
here, one after another, so that the pipeline never waits for a table that does not answer longer than it
says, and never fails because of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Condition, Thread
from time import monotonic
from typing import Any

from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    DynamoDBWrapperError,
    RunLostError,
    TableNotFoundError,
    ValidationError,
)
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineRunLogUpsert, StageInfo

log = logging.getLogger("dynamodb_wrapper.runs")

AGAIN_SECONDS = 1.0
"""How soon a write that failed is tried again while the end of a run waits for it."""

_IN_VAIN = (AuthenticationError, TableNotFoundError, ValidationError)
"""What waiting does not mend: nobody makes tables, rights or other values while a run ends."""

_LEAST = {"status", "end_time", "duration_seconds", "data_quality_passed"}
_WHY = {"error_message", "error_stack_trace"}


class Keeper(Thread):
    """Writes for one run, from `start()` to `close()`.

    Parameters:
        api: writes to the log table.
        dto: the run as it begins.
        owner: the owner of the run's lease.
        lease_seconds: how long the run may be silent.
        heartbeat_seconds: how often it gives a sign of life.
        when_lost: called when the run is someone else's or closed, and with every heartbeat after that.
        prepare: completes the run before it is written first, in this thread; it may take its time.
    """

    def __init__(
        self,
        api: PipelineRunLogsWriteApi,
        dto: PipelineRunLogUpsert,
        owner: str,
        *,
        lease_seconds: float,
        heartbeat_seconds: float,
        when_lost: Callable[[], None],
        prepare: Callable[[PipelineRunLogUpsert], PipelineRunLogUpsert],
    ) -> None:
        super().__init__(name=f"run-{dto.run_id}", daemon=True)
        self.lost: RunLostError | None = None
        self.api = api
        self._dto: PipelineRunLogUpsert | None = dto
        self._key = (dto.run_id, dto.pipeline_id, owner)
        self._owner = owner
        self._lease = lease_seconds
        self._heartbeat = heartbeat_seconds
        self._when_lost = when_lost
        self._prepare: Callable[[PipelineRunLogUpsert], PipelineRunLogUpsert] | None = prepare
        self._values: dict[str, Any] = {}
        self._stages: dict[str, StageInfo] = {}
        self._changed = Condition()
        self._asked = self._answered = 0
        self._closing = self._failing = self._in_vain = self._written = self._ended = False
        self._is_silent = False

    def note(self, values: Mapping[str, Any] | None = None, stage: StageInfo | None = None) -> None:
        """Have that written with the next heartbeat or flush."""
        with self._changed:
            self._values.update(values or {})
            if stage is not None:
                self._stages[stage.stage_name] = stage

    def flush(self, timeout_seconds: float) -> None:
        """Have everything written now; returns when it was tried, or when the time is over.

        Where the log did not answer in time it is not waited for again until something was written, so that a
        pipeline of many stages loses that time once.
        """
        with self._changed:
            self._asked += 1
            wanted = self._asked
            self._changed.notify_all()
            if not self._is_silent:
                self._is_silent = not self._changed.wait_for(
                    lambda: self._answered >= wanted or self._ended, timeout_seconds
                )

    def close(self, values: Mapping[str, Any], timeout_seconds: float) -> None:
        """Write these last values and what is left, for as long as that; a failure to do so is logged."""
        deadline = monotonic() + timeout_seconds
        with self._changed:
            self._values.update(values)
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended, timeout_seconds)
            written, self._ended = self._written, True
            self._changed.notify_all()
        self.join(max(0.0, deadline - monotonic()))
        if not written and self.lost is None:
            why = "it will count as lost when its lease is over"
            log.error("run %s: its end could not be written; %s", self._key[0], why)

    def run(self) -> None:
        """Write whenever something waits for it, and with every heartbeat; see `Thread.run`."""
        while True:
            with self._changed:
                if self._closing and self._failing:
                    self._changed.wait_for(lambda: self._ended, min(AGAIN_SECONDS, self._heartbeat))
                else:
                    self._changed.wait_for(self._is_wanted, self._heartbeat)
                if self._ended:
                    return
                asked = self._asked
            if self.lost is None:
                self._write()
            if self.lost is not None:
                self._tell_lost()
            with self._changed:
                self._answered = asked
                self._is_silent = self._is_silent and self._failing
                self._written = self._closing and not self._failing and not (self._values or self._stages)
                over = self._written or self.lost is not None or self._in_vain
                self._ended = self._ended or (self._closing and over)
                self._changed.notify_all()

    def _is_wanted(self) -> bool:
        return self._ended or self._closing or self._asked > self._answered

    def _write(self) -> None:
        """Write what was noted; what fails is noted again, unless there is a newer value."""
        with self._changed:
            values, stages = self._values, self._stages
            self._values, self._stages = {}, {}
        try:
            if self._dto is not None:
                if self._prepare is not None:
                    self._dto, self._prepare = self._prepare(self._dto), None
                self._begin(self._dto)
                self._dto = None
            for name in list(stages):
                self._write_stage(stages[name])
                del stages[name]
            self._write_values(values)
        except RunLostError as error:
            self.lost = error
        except Exception as error:
            if not self._failing:
                log.warning("run %s: the log cannot be written, the run goes on: %s", self._key[0], error)
            self._failing, self._in_vain = True, isinstance(error, _IN_VAIN)
            with self._changed:
                self._values = values | self._values
                self._stages = stages | self._stages
        else:
            if self._failing:
                log.warning("run %s: the log can be written again", self._key[0])
            self._failing = self._in_vain = False

    def _begin(self, dto: PipelineRunLogUpsert) -> None:
        def write(part: PipelineRunLogUpsert) -> object:
            return self.api.start_owned_run(part, self._owner, self._lease)

        self._write_first(write, "its configuration", dto, dto.model_copy(update={"config_snapshot": {}}))

    def _write_stage(self, stage: StageInfo) -> None:
        def write(part: StageInfo) -> object:
            return self.api.add_owned_stage(*self._key, part)

        bare = stage.model_copy(update={"error_message": None})
        self._write_first(write, f"stage {stage.stage_name!r}", stage, bare)

    def _write_values(self, values: Mapping[str, Any]) -> None:
        parts = [values]
        for kept in (_LEAST | _WHY, _LEAST):
            if (part := {name: value for name, value in values.items() if name in kept}) != parts[-1]:
                parts.append(part)
        self._write_first(
            lambda part: self.api.write_owned_run(*self._key, part, self._lease), ", ".join(values), *parts
        )

    def _write_first(self, write: Callable[[Any], object], what: str, *parts: Any) -> None:
        """Write the first part that is not refused for good; each has less than the one before."""
        for part in parts[:-1]:
            try:
                write(part)
            except Exception as error:
                if isinstance(error, DynamoDBWrapperError) and not isinstance(error, ValidationError):
                    raise
                log.error("run %s: some of this cannot be stored (%s): %s", self._key[0], what, error)
            else:
                return
        write(parts[-1])

    def _tell_lost(self) -> None:
        try:
            self._when_lost()
        except Exception:
            log.exception("run %s: what was to stop it failed", self._key[0])
