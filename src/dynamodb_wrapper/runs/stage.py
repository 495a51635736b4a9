"""One stage of a run while it goes on.

Knows what a stage says of itself. Must not know how it is stored.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import Any

from dynamodb_wrapper.models import RunStatus, StageInfo
from dynamodb_wrapper.runs.outcome import Outcome, outcome_of
from dynamodb_wrapper.timezones import utcnow


class Stage:
    """A stage.

    Attributes:
        name: its name; a second stage of that name replaces the first in the log.
        records: how many records it has processed; None where that is not known.
        metrics: further figures of it, stored with the run as `metrics["stages"][name]`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.records: int | None = None
        self.metrics: dict[str, Any] = {}
        self._start: datetime = utcnow()
        self._began = monotonic()
        self._seconds: Decimal | None = None
        self._outcome: Outcome | None = None

    def end(self, error: BaseException | None) -> None:
        """The stage is over, with that error or well."""
        self._seconds = Decimal(str(round(monotonic() - self._began, 3)))
        self._outcome = outcome_of(error)

    def info(self) -> StageInfo:
        """The stage as it is logged."""
        outcome = self._outcome
        return StageInfo(
            stage_name=self.name,
            status=RunStatus.RUNNING if outcome is None else outcome.status,
            start_time=self._start,
            end_time=None if outcome is None else max(utcnow(), self._start),
            duration_seconds=self._seconds,
            records_processed=self.records,
            error_message=None if outcome is None else outcome.message,
        )
