"""What may look on while a run goes on: Spark's side of a run, and lineage.

Knows when something is told. Must not know who listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dynamodb_wrapper.runs.outcome import Outcome
from dynamodb_wrapper.runs.stage import Stage


class WatchedRun(Protocol):
    """What a watcher sees of a run."""

    pipeline_id: str

    @property
    def run_id(self) -> str:
        """The run's id."""
        ...

    @property
    def inputs(self) -> Mapping[str, int | None]:
        """The tables read so far, each with its rows; None where they are not known."""
        ...

    @property
    def outputs(self) -> Mapping[str, int | None]:
        """The tables written so far; as `inputs`."""
        ...

    def metric(self, name: str, value: Any) -> None:
        """Note a figure."""
        ...

    def note(self, **values: Any) -> None:
        """Set further fields of the log."""
        ...

    def fill(self, **values: Any) -> None:
        """Set those fields of the log that the pipeline itself has not set."""
        ...

    def snapshot(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep more of the configuration with the run, without secrets."""
        ...


class RunWatcher:
    """Told of what happens to a run; a subclass overrides what it wants.

    What it raises is logged and changes nothing, except from `stage_started`, which is part of the pipeline.
    """

    def run_started(self, run: WatchedRun) -> None:
        """The run has begun."""

    def stage_started(self, run: WatchedRun, stage: Stage) -> None:
        """A stage begins, in the thread of its block."""

    def stage_ended(self, run: WatchedRun, stage: Stage) -> None:
        """A stage has ended, well or not; what is set on it now is stored."""

    def interrupted(self) -> None:
        """A signal came: it is raised in this thread, the main one, wherever that is, when this returns."""

    def run_lost(self, run: WatchedRun) -> None:
        """Someone else closed the run or took it over; told again every few seconds until its block ends."""

    def run_ended(self, run: WatchedRun, outcome: Outcome) -> None:
        """The block of the run has ended; what is recorded now is stored still."""
