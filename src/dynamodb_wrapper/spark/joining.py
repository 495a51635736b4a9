"""A run and the Spark session that it runs on, whichever of the two is there first.

Knows when a run is told of what, and how a session is found. Must not know what Spark tells of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock, get_ident
from typing import TYPE_CHECKING

from dynamodb_wrapper.runs.outcome import Outcome
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher, WatchedRun
from dynamodb_wrapper.spark.runs import Observing, SparkWatcher

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class JoiningWatcher(RunWatcher):
    """A `SparkWatcher` from the moment on at which there is a session.

    Parameters:
        find: gives the session; None while there is none.
        observing: the observations of the run.
    """

    def __init__(self, find: Callable[[], SparkSession | None], observing: Observing) -> None:
        self._find, self._observing = find, observing
        self._lock = RLock()
        self._run: WatchedRun | None = None
        self._watcher: SparkWatcher | None = None
        self._begun: dict[Stage, int] = {}

    def join(self) -> SparkWatcher | None:
        """Look for the session; open stages of this thread have the figures of what comes now."""
        with self._lock:
            run = self._run
            if self._watcher is None and run is not None and (session := self._find()) is not None:
                watcher = SparkWatcher(session, self._observing)
                watcher.run_started(run)
                here = [stage for stage, thread in self._begun.items() if thread == get_ident()]
                for stage in here:
                    del self._begun[stage]
                    watcher.stage_started(run, stage)
                self._watcher = watcher
            return self._watcher

    def run_started(self, run: WatchedRun) -> None:
        """See `RunWatcher`."""
        self._run = run
        self.join()

    def stage_started(self, run: WatchedRun, stage: Stage) -> None:
        """See `RunWatcher`."""
        with self._lock:
            watcher = self.join()
            if watcher is None:
                self._begun[stage] = get_ident()
                return
        watcher.stage_started(run, stage)

    def stage_ended(self, run: WatchedRun, stage: Stage) -> None:
        """See `RunWatcher`."""
        watcher = self.join()
        if self._begun.pop(stage, None) is None and watcher is not None:
            watcher.stage_ended(run, stage)

    def interrupted(self) -> None:
        """See `RunWatcher`."""
        if self._watcher is not None:
            self._watcher.interrupted()

    def run_lost(self, run: WatchedRun) -> None:
        """See `RunWatcher`."""
        if self._watcher is not None:
            self._watcher.run_lost(run)

    def run_ended(self, run: WatchedRun, outcome: Outcome) -> None:
        """See `RunWatcher`."""
        watcher = self.join()
        if watcher is not None:
            watcher.run_ended(run, outcome)
