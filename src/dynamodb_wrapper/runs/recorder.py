"""What a run records of itself, whichever face its block has.

Knows the fields of a run. Must not know how its block begins and ends, nor how what is recorded is written.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Self, TypeVar
from uuid import uuid4

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, RunLostError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.runs import seconds_between
from dynamodb_wrapper.models import (
    DataQualityResult,
    PipelineConfig,
    PipelineRunLogUpsert,
    RunStatus,
    StageInfo,
)
from dynamodb_wrapper.redaction import redacted
from dynamodb_wrapper.runs.figures import as_text, storable, whole
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.runs.keeper import Keeper
from dynamodb_wrapper.runs.outcome import Outcome, outcome_of
from dynamodb_wrapper.runs.snapshot import Snapshot
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.validation import invalid

HEARTBEAT_SECONDS = 5.0
LEASE_SECONDS = 60.0
FLUSH_SECONDS = 5.0
"""How long the beginning and the end of a stage wait for the log."""
SHORTEST_TIMEOUT_SECONDS = 5.0
"""What a write to the log may take however short the lease is."""
CLOSE_SECONDS = 60.0
"""How long the end of a run waits for a log that cannot be written."""

_FIGURES = "total_records_processed total_records_failed input_data_size_bytes output_data_size_bytes"
_ABOUT = "spark_application_id spark_version cpu_hours memory_usage_gb retry_count log_messages log_level"
_OPEN_FIELDS = {*_FIGURES.split(), *_ABOUT.split(), "monitoring_urls", "tags"}

log = logging.getLogger("dynamodb_wrapper.runs")
R = TypeVar("R", bound="Recorder")


class Recorder(str):
    """A run while its block runs; as a text it is the run's id, and that alone is pickled.

    Attributes:
        pipeline_id: the pipeline that runs.
        status: running, and how it ended afterwards.
    """

    pipeline_id: str
    status: RunStatus
    _start: datetime
    _keeper: Keeper
    _watchers: Sequence[RunWatcher]
    _lock: Lock
    _inputs: dict[str, int | None]
    _outputs: dict[str, int | None]
    _checks: dict[str, DataQualityResult]
    _metrics: dict[str, Any]
    _given: set[str]
    _snapshot: Snapshot

    def __new__(cls, dto: PipelineRunLogUpsert, watchers: Sequence[RunWatcher]) -> Self:
        """A run of which nothing is written yet; `begin` does that."""
        run = super().__new__(cls, dto.run_id)
        run.pipeline_id, run.status = dto.pipeline_id, RunStatus.RUNNING
        run._start = dto.start_time or utcnow()
        run._watchers, run._lock = watchers, Lock()
        run._inputs, run._outputs, run._checks, run._metrics = {}, {}, {}, {}
        run._given, run._snapshot = set(dto.model_fields_set), Snapshot()
        return run

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (self.run_id,)

    @property
    def run_id(self) -> str:
        """The run's id as a plain text."""
        return str.__str__(self)

    @property
    def inputs(self) -> dict[str, int | None]:
        """The tables read so far, each with its rows; None where they are not known."""
        with self._lock:
            return dict(self._inputs)

    @property
    def outputs(self) -> dict[str, int | None]:
        """The tables written so far; as `inputs`."""
        with self._lock:
            return dict(self._outputs)

    @property
    def lost(self) -> RunLostError | None:
        """The error of a run that someone else closed or took over; None while it is one's own."""
        return self._keeper.lost

    def check_lost(self) -> None:
        """Do nothing while the run is one's own: for loops that should end soon after a cancellation.

        Raises:
            RunLostError: someone else closed the run, such as by cancelling it, or took it over.
        """
        if self._keeper.lost is not None:
            raise self._keeper.lost

    def input(self, table: str, rows: int | None = None) -> None:
        """Note that the run read a table.

        Parameters:
            rows: how many rows; those of all inputs are added up in the metric `input_rows`.
        """
        self._note_table(self._inputs, "input", table, rows)

    def output(self, table: str, rows: int | None = None) -> None:
        """Note that the run wrote a table; as `input`."""
        self._note_table(self._outputs, "output", table, rows)

    def check(
        self,
        name: str,
        passed: bool,
        expected: Any = None,
        actual: Any = None,
        message: str | None = None,
    ) -> bool:
        """Note the outcome of a check of the data; a second one of that name replaces the first.

        Returns:
            `passed`, so that a pipeline may go on or not.
        """
        name, passed = as_text(name), bool(passed)
        result = DataQualityResult(
            check_name=name,
            passed=passed,
            expected_value=storable(expected),
            actual_value=storable(actual),
            error_message=storable(message),
        )
        with self._lock:
            self._checks[name] = result
            results = list(self._checks.values())
            passed_all = all(result.passed for result in results)
            self._keeper.note({"data_quality_results": results, "data_quality_passed": passed_all})
        return passed

    def skip_stage(self, name: str) -> None:
        """Note a stage that is not begun, such as because of what an earlier one has found."""
        self._keeper.note(stage=StageInfo(stage_name=as_text(name), status=RunStatus.SKIPPED))

    def metric(self, name: str, value: Any) -> None:
        """Note a figure: a number, a text, or lists and dicts of those.

        What cannot be stored, such as NaN, is noted as a text.
        """
        with self._lock:
            self._metrics |= storable({name: value})
            self._keeper.note({"metrics": dict(self._metrics)})

    def note(self, **values: Any) -> None:
        """Set further fields of `PipelineRunLog`, such as `total_records_processed`.

        Raises:
            ValidationError: there is no such field, or it is one that the run itself keeps.
        """
        if refused := sorted(values.keys() - _OPEN_FIELDS):
            text = f"not a field that may be set; those are {', '.join(sorted(_OPEN_FIELDS))}"
            raise invalid("the run", {name: [text] for name in refused})
        with self._lock:
            self._given |= values.keys()
        self._keeper.note(storable(values))

    def fill(self, **values: Any) -> None:
        """Set those fields that the pipeline itself has not set; see `note`."""
        with self._lock:
            known = {name: value for name, value in values.items() if name not in self._given}
        self._keeper.note(storable(known))

    def snapshot(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep more of the configuration with the run, without secrets: `config_snapshot[name]`.

        What is kept under that name already stays, except what has a new value.
        """
        if "config_snapshot" in self._given:
            return
        try:
            with self._lock:
                grown = self._snapshot.add(as_text(name), storable(values))
                if grown is not None:
                    self._keeper.note({"config_snapshot": grown})
        except ValueError as error:
            log.warning("run %s: %s", self, error)

    def finish(self, outcome: Outcome) -> None:
        """Write how the run ended, and all that is not written yet; its block calls this."""
        end = max(utcnow(), self._start)
        self.status = outcome.status
        self._tell("run_ended", outcome)
        if (processed := self._processed()) is not None:
            self.fill(total_records_processed=processed)
        ended = {"end_time": end, "duration_seconds": seconds_between(self._start, end)}
        self._keeper.close({**outcome.values(), **ended}, CLOSE_SECONDS)
        self._keeper.api.close()

    def _begin_stage(self, name: str) -> Stage:
        if not name:
            raise invalid("a stage", {"name": ["a text that is not empty is needed"]})
        self.check_lost()
        stage = Stage(as_text(name))
        for watcher in self._watchers:
            watcher.stage_started(self, stage)
        self._keeper.note(stage=stage.info())
        return stage

    def _end_stage(self, stage: Stage, error: BaseException | None) -> None:
        stage.end(error)
        self._tell("stage_ended", stage)
        try:
            stage.records = whole(stage.records)
        except TypeError:
            log.warning("run %s: stage %s: %r is no number of records", self, stage.name, stage.records)
            stage.records = None
        self._keeper.note(stage=stage.info())
        if stage.metrics:
            with self._lock:
                stages = dict(self._metrics.get("stages", {}))
                stages[stage.name] = stage.metrics
            self.metric("stages", stages)

    def _flush(self, *, check: bool = True) -> None:
        self._keeper.flush(FLUSH_SECONDS)
        if check:
            self.check_lost()

    def _note_table(self, known: dict[str, int | None], side: str, table: str, rows: int | None) -> None:
        try:
            rows = whole(rows)
        except TypeError as error:
            raise invalid(f"the {side} {table}", {"rows": ["a whole number is needed"]}) from error
        table = as_text(table)
        with self._lock:
            known[table] = rows if known.get(table) is None else (known[table] or 0) + (rows or 0)
            counted = [count for count in known.values() if count is not None]
            self._keeper.note({f"{side}_tables": list(known)})
            if counted:
                self._metrics[f"{side}_rows"] = sum(counted)
                self._keeper.note({"metrics": dict(self._metrics)})

    def _processed(self) -> int | None:
        """The rows written, or read where none are; None where those of one table are not known."""
        counted = list((self.outputs or self.inputs).values())
        known = [rows for rows in counted if rows is not None]
        return sum(known) if known and len(known) == len(counted) else None

    def _prepared(self, config: DynamoDBConfig, dto: PipelineRunLogUpsert) -> PipelineRunLogUpsert:
        prepared = with_snapshot(config, dto)
        if "config_snapshot" in self._given:
            return prepared
        return prepared.model_copy(update={"config_snapshot": self._snapshot.begin(prepared.config_snapshot)})

    def _tell(self, what: str, *args: Any) -> None:
        tell(self._watchers, self.run_id, what, self, *args)


def tell(watchers: Sequence[RunWatcher], run_id: str | None, what: str, *args: Any) -> None:
    """Tell all watchers; what one raises is logged."""
    for watcher in watchers:
        try:
            getattr(watcher, what)(*args)
        except Exception:
            log.exception("run %s: the watcher %r failed", run_id, watcher)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run that is asked for; see `context.pipeline_run`."""

    pipeline_id: str
    trigger_type: str
    created_by: str | None
    run_id: str | None
    heartbeat_seconds: float
    lease_seconds: float
    watchers: Sequence[RunWatcher]
    fields: Mapping[str, Any]

    def dto(self) -> PipelineRunLogUpsert:
        """The run as it begins now.

        Raises:
            ValidationError: an argument is wrong.
        """
        if not 0 < self.heartbeat_seconds < self.lease_seconds:
            text = "more than 0 and less than lease_seconds, or the run counts as lost while it lives"
            raise invalid("the run", {"heartbeat_seconds": [text]})
        return PipelineRunLogUpsert(
            **{"start_time": utcnow(), "python_version": platform.python_version(), **redacted(self.fields)},
            run_id=self.run_id or uuid7(),
            pipeline_id=self.pipeline_id,
            trigger_type=self.trigger_type,
            created_by=self.created_by,
            status=RunStatus.RUNNING,
        )


def begin(kind: type[R], wanted: Wanted, config: DynamoDBConfig | None) -> R:
    """Begin a run, and the thread that writes for it.

    Raises:
        RunLostError: there is a run of that id already.
    """
    dto, config = wanted.dto(), config or DynamoDBConfig()
    patience = max(SHORTEST_TIMEOUT_SECONDS, wanted.lease_seconds / 3)
    patient = config.replace(timeout_seconds=min(config.timeout_seconds, patience))
    run = kind(dto, wanted.watchers)
    run._keeper = Keeper(
        PipelineRunLogsWriteApi(patient),
        dto,
        uuid4().hex,
        lease_seconds=wanted.lease_seconds,
        heartbeat_seconds=wanted.heartbeat_seconds,
        when_lost=lambda: run._tell("run_lost"),
        prepare=lambda dto: run._prepared(patient, dto),
    )
    run._keeper.start()
    try:
        run._flush()
        run._tell("run_started")
    except BaseException as error:
        run.finish(outcome_of(error))
        raise
    return run


def with_snapshot(config: DynamoDBConfig, dto: PipelineRunLogUpsert) -> PipelineRunLogUpsert:
    """The run with what is stored of its pipeline; as it is where that cannot be read."""
    try:
        with DynamoDB(config) as db:
            stored = db.get(PipelineConfig, dto.pipeline_id)
    except DynamoDBWrapperError as error:
        log.warning("run %s: the configuration of %s cannot be read: %s", dto.run_id, dto.pipeline_id, error)
        return dto
    if stored is None:
        text = "run %s: no configuration of pipeline %r is stored, the run goes on: is that its id?"
        log.warning(text, dto.run_id, dto.pipeline_id)
        return dto
    snapshot = {
        "config_snapshot": redacted(stored.model_dump(mode="json", exclude_none=True)),
        "pipeline_version": stored.version,
        "environment": stored.environment,
    }
    return dto.model_copy(
        update={name: value for name, value in snapshot.items() if name not in dto.model_fields_set}
    )
