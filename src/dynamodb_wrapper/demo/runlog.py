"""One run of the pipeline, logged through the write API while it goes on.

Knows runs, stages and how they end: well, with a reason, or cancelled. Must not know what a stage does.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter
from typing import Any, Protocol
from uuid import uuid4

from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import RunStatus, StageInfo
from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts


class QualityError(Exception):
    """Quality rules were broken, so nothing may be loaded; the text says which and by how much."""


class FinishedRun(Protocol):
    """What the report asks of a run that is over."""

    run_id: str
    seconds: float
    status: RunStatus
    reason: str | None


@dataclass(slots=True)
class Tally:
    """What a stage says of itself: how many records it gave."""

    records: int = 0


class LoggedRun:
    """One run, from `entered` to its end.

    Parameters:
        api: where the run is logged.
        pipeline_id: the pipeline that runs.
        interrupts: keeps signals away from the middle of a write.
        label: the beginning of the run's id, of letters, digits, "-" and "_".
    """

    def __init__(
        self, api: PipelineRunLogsWriteApi, pipeline_id: str, interrupts: Interrupts, label: str
    ) -> None:
        self.run_id = f"{label}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
        self.seconds = 0.0
        self.status = RunStatus.PENDING
        self.reason: str | None = None
        self._api = api
        self._pipeline_id = pipeline_id
        self._interrupts = interrupts

    @contextmanager
    def entered(self, **fields: Any) -> Iterator[LoggedRun]:
        """Log the start and the end of the run; a `QualityError` ends it FAILED and goes no further.

        Parameters:
            fields: further fields of the run, such as `tags`.

        Raises:
            Interrupted: a signal came; the run is logged as CANCELLED.
            Exception: whatever the block raised; the run is logged as FAILED.
        """
        began = perf_counter()
        try:
            self._write(lambda: self._start(fields))
            yield self
            self._end(began, RunStatus.SUCCESS)
        except QualityError as error:
            self._end(began, RunStatus.FAILED, str(error))
        except Interrupted as error:
            reason = str(error)
            if not self.status.is_terminal:
                self._closing(error, lambda: self._end(began, RunStatus.CANCELLED, reason))
            if self.status is RunStatus.CANCELLED:
                error.add_note(f"run {self.run_id} is now CANCELLED")
            raise
        except Exception as error:
            reason = _described(error)
            self._closing(error, lambda: self._end(began, RunStatus.FAILED, reason))
            raise

    @contextmanager
    def stage(self, name: str) -> Iterator[Tally]:
        """Log a stage: RUNNING now, and its end, duration and records when the block ends."""
        info = StageInfo(stage_name=name, status=RunStatus.RUNNING, start_time=datetime.now(UTC))
        tally = Tally()
        began = perf_counter()

        def end(status: RunStatus, reason: str | None = None) -> None:
            seconds = perf_counter() - began
            self._log(
                info.model_copy(
                    update={
                        "status": status,
                        "end_time": datetime.now(UTC),
                        "duration_seconds": _rounded(seconds),
                        "records_processed": tally.records,
                        "error_message": reason,
                    }
                )
            )

        try:
            self._log(info)
            yield tally
        except QualityError as error:
            end(RunStatus.FAILED, str(error))
            raise
        except Interrupted as error:
            reason = str(error)
            self._closing(error, lambda: end(RunStatus.CANCELLED, reason))
            raise
        except Exception as error:
            reason = _described(error)
            self._closing(error, lambda: end(RunStatus.FAILED, reason))
            raise
        end(RunStatus.SUCCESS)

    def skip(self, name: str) -> None:
        """Log a stage that was not begun, because an earlier one failed."""
        self._log(StageInfo(stage_name=name, status=RunStatus.SKIPPED))

    def measured(self, metrics: Mapping[str, Any]) -> None:
        """Log figures of the run, such as `total_records_processed`."""
        self._write(lambda: self._api.update_run_metrics(self.run_id, self._pipeline_id, dict(metrics)))

    def _start(self, fields: Mapping[str, Any]) -> None:
        self._api.start_pipeline_run(
            self.run_id,
            self._pipeline_id,
            "manual",
            python_version=platform.python_version(),
            **fields,
        )
        self.status = RunStatus.RUNNING

    def _end(self, began: float, status: RunStatus, reason: str | None = None) -> None:
        self.seconds = perf_counter() - began

        def finish() -> None:
            self._api.finish_pipeline_run(self.run_id, self._pipeline_id, status, error_message=reason)
            self.status, self.reason = status, reason

        self._write(finish)

    def _log(self, stage: StageInfo) -> None:
        self._write(lambda: self._api.add_stage_info(self.run_id, self._pipeline_id, stage))

    def _write(self, write: Callable[[], object]) -> None:
        with self._interrupts.shield():
            write()

    def _closing(self, error: BaseException, write: Callable[[], object]) -> None:
        """Log the end that an error brought, without hiding the error if that fails as well."""
        try:
            write()
        except DynamoDBWrapperError as lost:
            error.add_note(f"the end of run {self.run_id} could not be logged: {lost}")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _rounded(seconds: float) -> Decimal:
    return Decimal(f"{seconds:.6f}")
