"""A run on Spark: its jobs carry the run's tag, its stages Spark's figures, and a lost run stops its jobs.

Knows job tags and observations. Must not know tables or configurations. A session of
Spark Connect has no SparkContext: there, tags are those of the session, and stages have no figures of Spark.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock, local
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs.context import Run
from dynamodb_wrapper.runs.figures import whole
from dynamodb_wrapper.runs.outcome import Outcome
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher, WatchedRun
from dynamodb_wrapper.spark.figures import await_listeners, jobs_begun, sizes, stage_figures

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

log = logging.getLogger("dynamodb_wrapper.runs")

Take: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class SparkRun(Run):
    """A run on Spark: what `Run` has, and `observe`; rows that are written are records of the stage."""

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

    def output(self, table: str, rows: int | None = None) -> None:
        """Note that the run wrote a table; its rows are records of this thread's stage."""
        super().output(table, rows)
        self._observing.wrote(whole(rows))

    def reject(self, rows: int) -> None:
        """Add rows that a table did not take to the run's `total_records_failed`."""
        if rows:
            self.note(total_records_failed=self._observing.reject(rows))


@dataclass(frozen=True, slots=True, eq=False)
class _Observed:
    name: str
    stage: Stage | None
    observation: Any
    take: Take | None


class Observing:
    """The observations of one run that have no result yet, and the stages of its threads."""

    def __init__(self) -> None:
        self._open = local()
        self._lock = Lock()
        self._waiting: list[_Observed] = []
        self._names: set[str] = set()
        self._written: dict[Stage, int] = {}
        self._left_out = False
        self._failed: set[str] = set()
        self._rejected = 0

    @property
    def stages(self) -> list[Stage]:
        """The open stages of this thread, the innermost one last."""
        if not hasattr(self._open, "stages"):
            self._open.stages = []
        found: list[Stage] = self._open.stages
        return found

    def observe(
        self,
        df: DataFrame,
        name: str | None,
        expressions: Mapping[str, Column],
        take: Take | None = None,
    ) -> DataFrame:
        """See `SparkRun.observe`.

        Parameters:
            take: gets the figures when they are computed, and returns those that the run is to have.
        """
        from pyspark.sql import Observation
        from pyspark.sql import functions as F

        stage = self.stages[-1] if self.stages else None
        base = name or (stage.name if stage else "run")
        with self._lock:
            unique, number = base, 1
            while unique in self._names:
                number += 1
                unique = f"{base}-{number}"
            self._names.add(unique)
        wanted = expressions or {"rows": F.count(F.lit(1))}
        observation = Observation(unique)
        observed = df.observe(observation, *(column.alias(label) for label, column in wanted.items()))
        with self._lock:
            self._waiting.append(_Observed(unique, stage, observation, take))
        return observed

    def wrote(self, rows: int | None) -> None:
        """Count rows that this thread has written in its stage."""
        if rows is None or not self.stages:
            return
        stage = self.stages[-1]
        with self._lock:
            self._written[stage] = self._written.get(stage, 0) + rows

    def written(self, stage: Stage) -> int | None:
        """The rows that were written in a stage; None where none were, or nobody knows how many."""
        with self._lock:
            return self._written.pop(stage, None)

    def reject(self, rows: int) -> int:
        """Count rows that were rejected, and return how many there are by now."""
        with self._lock:
            self._rejected += rows
            return self._rejected

    def is_news(self, check: str, passed: bool) -> bool:
        """Whether the outcome of a check is to be noted: it is not where the check has failed before."""
        with self._lock:
            known = check in self._failed
            if not passed:
                self._failed.add(check)
            return not (known and passed)

    @property
    def waiting(self) -> bool:
        """Whether there are any that have no result yet."""
        return bool(self._waiting)

    def results(self, run: WatchedRun) -> list[tuple[_Observed, dict[str, Any]]]:
        """The figures that are computed by now; those are not told again.

        Spark computes none where it finds that a part of a query adds nothing, such as a join with an empty
        table; the first time that this happens to a run is logged.
        """
        with self._lock:
            done = [one for one in self._waiting if _is_computed(one.observation)]
            self._waiting = [one for one in self._waiting if one not in done]
        found = [(one, _figures_of(one.observation)) for one in done]
        left_out = [one.name for one, figures in found if not figures]
        if left_out and not self._left_out:
            self._left_out = True
            text = "run %s: no figures of %s: Spark did not compute that part of the query"
            log.warning(text, run.run_id, ", ".join(map(repr, left_out)))
        return [(one, figures) for one, figures in found if figures]


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
        self._lock = Lock()
        self._begun = self._jobs_before = 0
        self._tags: dict[Stage, list[str]] = {}
        self._counted: dict[Stage, Any] = {}

    def run_started(self, run: WatchedRun) -> None:
        """Note what Spark this is, and tag the jobs of this thread."""
        about: dict[str, Any] = {"spark_version": self._session.version}
        if self._context is not None:
            about["spark_application_id"] = self._context.applicationId
            if self._context.uiWebUrl:
                about["monitoring_urls"] = {"spark_ui": self._context.uiWebUrl}
        run.note(**about)
        self._tag(run.run_id)
        run.snapshot("spark_session", dict(self._session.conf.getAll))
        if self._context is not None:
            self._jobs_before = jobs_begun(self._context)

    def stage_started(self, run: WatchedRun, stage: Stage) -> None:
        """Tag the jobs of the stage: with a tag of its own, and the run's where the thread has it not."""
        with self._lock:
            self._begun += 1
            own = f"{run.run_id}:{self._begun}"
        tags = [own] if run.run_id in self._tags_here() else [own, run.run_id]
        self._tags[stage] = tags
        self._observing.stages.append(stage)
        for tag in tags:
            self._tag(tag)

    def stage_ended(self, run: WatchedRun, stage: Stage) -> None:
        """Give the stage the figures of its jobs, and the run what was observed in it."""
        tags = self._tags.pop(stage)
        if stage in self._observing.stages:
            self._observing.stages.remove(stage)
        try:
            for tag in tags:
                self._untag(tag)
            if self._context is not None:
                stage.metrics |= stage_figures(self._context, tags[0])
        finally:
            self._note_observed(run)
            counted, written = self._counted.pop(stage, None), self._observing.written(stage)
            if stage.records is None:
                stage.records = counted if written is None else written

    def interrupted(self) -> None:
        """Close this thread's connection to the JVM where it is in use.

        py4j would do so too, but by a request that closes the connections of all threads when the JVM gets to
        it, also the one that tidying up needs.
        """
        if self._context is None or not _is_within("py4j."):
            return
        client = self._context._gateway._gateway_client
        if hasattr(client, "get_thread_connection"):  # not where PYSPARK_PIN_THREAD is false
            connection = client.get_thread_connection()
            if connection is not None:
                connection.close()

    def run_lost(self, run: WatchedRun) -> None:
        """Stop the jobs that run now; told again and again, so that later ones are stopped too."""
        self._stop_jobs(run)

    def run_ended(self, run: WatchedRun, outcome: Outcome) -> None:
        """Stop what jobs a run has left that did not end well, and note what was observed."""
        try:
            if outcome.status is not RunStatus.SUCCESS:
                self._stop_jobs(run)
            self._untag(run.run_id)
            self._note_sizes(run)
        finally:
            self._note_observed(run)

    def _note_observed(self, run: WatchedRun) -> None:
        if self._context is not None and self._observing.waiting:
            await_listeners(self._context)
        with self._lock:
            for one, figures in self._observing.results(run):
                try:
                    self._observed[one.name] = one.take(figures) if one.take is not None else figures
                except Exception:
                    log.exception("run %s: the figures of %r were not taken", run.run_id, one.name)
                if one.stage is not None and "rows" in figures:
                    self._counted[one.stage] = figures["rows"]
            observed = dict(self._observed)
        if observed:
            run.metric("observed", observed)

    def _note_sizes(self, run: WatchedRun) -> None:
        """Note the bytes that Spark's jobs have read and written, unless it has forgotten some of them."""
        if self._context is None:
            return
        found = sizes(self._context, run.run_id, self._jobs_before)
        if found is not None:
            known = dict(zip(("input_data_size_bytes", "output_data_size_bytes"), found, strict=True))
            run.fill(**{name: size for name, size in known.items() if size})

    def _stop_jobs(self, run: WatchedRun) -> None:
        if self._context is not None:
            self._context.cancelJobsWithTag(run.run_id)
        else:
            self._session.interruptTag(run.run_id)

    def _tags_here(self) -> set[str]:
        return set(self._session.getTags() if self._context is None else self._context.getJobTags())

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


def _figures_of(observation: Any) -> dict[str, Any]:
    """The figures of an observation that an action has computed; none where Spark had no need of it."""
    try:
        return dict(observation.get)
    except Exception as error:
        log.debug("no figures of an observation: %s", error)
        return {}


def _is_computed(observation: Any) -> bool:
    """Whether an action has computed it; asking for its result would wait for ever otherwise."""
    java = getattr(observation, "_jo", None)
    if java is not None:
        return bool(java.future().isCompleted())
    return bool(getattr(observation, "_result", None)) and getattr(observation, "_error", None) is None


def _is_within(module: str) -> bool:
    """Whether this is called, by however many others, from a module whose name begins so."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and not str(frame.f_globals.get("__name__")).startswith(module):
        frame = frame.f_back
    return frame is not None
