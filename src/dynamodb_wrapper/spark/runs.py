"""A run on Spark: its jobs carry the run's tag, its stages Spark's figures, and a lost run stops its jobs.

Knows job tags, observations and Spark's status store. Must not know tables or configurations. A session of
Spark Connect has no SparkContext: there, tags are those of the session, and stages have no figures of Spark.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs.context import Run
from dynamodb_wrapper.runs.outcome import Outcome
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher, WatchedRun

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

log = logging.getLogger("dynamodb_wrapper.runs")

_FIGURES = {
    "input_records": "inputRecords",
    "input_bytes": "inputBytes",
    "output_records": "outputRecords",
    "output_bytes": "outputBytes",
    "shuffle_read_bytes": "shuffleReadBytes",
    "shuffle_write_bytes": "shuffleWriteBytes",
    "spilled_memory_bytes": "memoryBytesSpilled",
    "spilled_disk_bytes": "diskBytesSpilled",
    "executor_milliseconds": "executorRunTime",
    "tasks": "numCompleteTasks",
    "failed_tasks": "numFailedTasks",
}
"""The figures of a stage of the log, and the members of Spark's `StageData` that they add up."""

_LISTENER_MILLISECONDS = 5000


class SparkRun(Run):
    """A run on Spark: what `Run` has, and `observe`."""

    _observing: Observing

    def observe(self, df: DataFrame, name: str | None = None, **expressions: Column) -> DataFrame:
        """Have figures computed while a DataFrame is computed anyway, without a pass of their own.

        They are stored with the run, as `metrics["observed"][name]`, when its stage or the run ends. What no
        action has computed by then is left out.

        Parameters:
            df: what is observed.
            name: the name of the figures; the stage's, or a number where there are several, if it is None.
            expressions: aggregations by name, such as `latest=F.max("day")`; the count of rows, `rows`, where
                none are given.

        Returns:
            The DataFrame to go on with; only what is computed from it is observed.
        """
        return self._observing.observe(df, name, expressions)


@dataclass(slots=True)
class _Observed:
    name: str
    observation: Any


class Observing:
    """The observations of one run that have no result yet."""

    def __init__(self) -> None:
        self.stage = "run"
        self._waiting: list[_Observed] = []
        self._names: set[str] = set()

    def observe(self, df: DataFrame, name: str | None, expressions: Mapping[str, Column]) -> DataFrame:
        """See `SparkRun.observe`."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as F

        base = name or self.stage
        unique, number = base, 1
        while unique in self._names:
            number += 1
            unique = f"{base}-{number}"
        self._names.add(unique)
        wanted = expressions or {"rows": F.count(F.lit(1))}
        observation = Observation(unique)
        self._waiting.append(_Observed(unique, observation))
        return df.observe(observation, *(column.alias(label) for label, column in wanted.items()))

    def results(self) -> dict[str, dict[str, Any]]:
        """The figures that are computed by now; those are not told again."""
        done = {one.name: one for one in self._waiting if _is_computed(one.observation)}
        self._waiting = [one for one in self._waiting if one.name not in done]
        return {name: dict(one.observation.get) for name, one in done.items()}


class SparkWatcher(RunWatcher):
    """Joins a run with the Spark session that it runs on.

    Parameters:
        session: the session.
        observing: the observations of the run.
    """

    def __init__(self, session: SparkSession, observing: Observing) -> None:
        self._session = session
        self._observing = observing
        self._context = context_of(session)
        self._observed: dict[str, Any] = {}
        self._stages = 0

    def run_started(self, run: WatchedRun) -> None:
        """Note what Spark this is, and tag the jobs of this thread."""
        about: dict[str, Any] = {"spark_version": self._session.version}
        if self._context is not None:
            about["spark_application_id"] = self._context.applicationId
            if self._context.uiWebUrl:
                about["monitoring_urls"] = {"spark_ui": self._context.uiWebUrl}
        run.note(**about)
        self._tag(run.run_id)

    def stage_started(self, run: WatchedRun, stage: Stage) -> None:
        """Tag the jobs of the stage."""
        self._stages += 1
        self._observing.stage = stage.name
        self._tag(self._stage_tag(run))

    def stage_ended(self, run: WatchedRun, stage: Stage) -> None:
        """Give the stage the figures of its jobs, and the run what was observed in it."""
        self._untag(self._stage_tag(run))
        self._observing.stage = "run"
        if self._context is not None:
            stage.metrics |= stage_figures(self._context, self._stage_tag(run))
        observed = self._note_observed(run)
        if stage.records is None:
            counted = [figures["rows"] for figures in observed.values() if "rows" in figures]
            stage.records = counted[-1] if counted else None

    def run_lost(self, run: WatchedRun) -> None:
        """Stop the jobs that run now; told again and again, so that later ones are stopped too."""
        self._stop_jobs(run)

    def run_ended(self, run: WatchedRun, outcome: Outcome) -> None:
        """Stop what jobs a run has left that did not end well, and note what was observed."""
        if outcome.status is not RunStatus.SUCCESS:
            self._stop_jobs(run)
        self._untag(run.run_id)
        self._note_observed(run)

    def _note_observed(self, run: WatchedRun) -> dict[str, dict[str, Any]]:
        found = self._observing.results()
        if found:
            self._observed |= found
            run.metric("observed", dict(self._observed))
        return found

    def _stop_jobs(self, run: WatchedRun) -> None:
        if self._context is not None:
            self._context.cancelJobsWithTag(run.run_id)
        else:
            self._session.interruptTag(run.run_id)

    def _stage_tag(self, run: WatchedRun) -> str:
        return f"{run.run_id}:{self._stages}"

    def _tag(self, tag: str) -> None:
        if self._context is not None:
            self._context.addJobTag(tag)
        else:
            self._session.addTag(tag)

    def _untag(self, tag: str) -> None:
        if self._context is not None:
            self._context.removeJobTag(tag)
        else:
            self._session.removeTag(tag)


def context_of(session: SparkSession) -> Any:
    """The session's SparkContext; None for Spark Connect, which has none."""
    from pyspark.errors import PySparkException

    try:
        return session.sparkContext
    except (PySparkException, AttributeError):
        return None


def stage_figures(context: Any, tag: str) -> dict[str, int]:
    """What Spark knows of the jobs with a tag: see `_FIGURES`; and how many jobs there were."""
    scala = context._jsc.sc()
    scala.listenerBus().waitUntilEmpty(_LISTENER_MILLISECONDS)
    store = scala.statusStore()
    jobs = store.jobsList(None)
    figures = {"jobs": 0, **dict.fromkeys(_FIGURES, 0)}
    for position in range(jobs.size()):
        job = jobs.apply(position)
        if not job.jobTags().contains(tag):
            continue
        figures["jobs"] += 1
        stage_ids = job.stageIds()
        for place in range(stage_ids.size()):
            stage = _stage_data(store, stage_ids.apply(place))
            if stage is not None:
                for name, member in _FIGURES.items():
                    figures[name] += getattr(stage, member)()
    return figures


def _stage_data(store: Any, stage_id: int) -> Any:
    """A stage's figures; None for one that was skipped or is forgotten by now."""
    from py4j.protocol import Py4JJavaError

    try:
        return store.lastStageAttempt(stage_id)
    except Py4JJavaError:
        return None


def _is_computed(observation: Any) -> bool:
    """Whether an action has computed it; asking for its result would wait for ever otherwise."""
    java = getattr(observation, "_jo", None)
    if java is not None:
        return bool(java.future().isCompleted())
    return getattr(observation, "_result", None) is not None
