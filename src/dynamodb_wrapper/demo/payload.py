"""What a projection saves: the same list read in full and through a view, with the bytes counted.

Knows reads and observers. Must not know how the figures are shown. The bytes are those of the replies' bodies
as they crossed the network, told by the client's observer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import TypeAlias

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysReadApi, DailyDelayView
from dynamodb_wrapper.engine.events import CallEnded
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.handlers.reading import ReadApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import (
    PipelineRunLog,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    TableConfig,
    TableConfigView,
)


@dataclass(frozen=True, slots=True)
class Payload:
    """One list read twice: bytes of reply bodies for full items and for a view of them."""

    read: str
    view: str
    items: int
    full_bytes: int
    view_bytes: int

    @property
    def saved(self) -> Decimal:
        """The share of the bytes that the view did not read, 0 to 1."""
        return 1 - Decimal(self.view_bytes) / self.full_bytes if self.full_bytes else Decimal(0)


Reads: TypeAlias = Callable[[], Sequence[object]]


class Meter:
    """An observer that adds up the bytes of all replies."""

    def __init__(self) -> None:
        self.reply_bytes = 0
        self._lock = Lock()

    def __call__(self, event: CallEnded) -> None:
        """Take note of one call."""
        with self._lock:
            self.reply_bytes += event.reply_bytes

    def during(self, read: Reads) -> tuple[int, int]:
        """How many items a read gave, and the bytes of its replies."""
        before = self.reply_bytes
        items = len(read())
        return items, self.reply_bytes - before


class FullRuns(ReadApi[PipelineRunLog, PipelineRunLog]):
    """Reads runs with all that is stored of them."""

    model = view = PipelineRunLog


class FullTables(ReadApi[TableConfig, TableConfig]):
    """Reads tables with all that is stored of them."""

    model = view = TableConfig


class FullDays(ReadApi[DailyDelay, DailyDelay]):
    """Reads days with all that is stored of them."""

    model = view = DailyDelay


def measure(client: DynamoDB, meter: Meter, pipeline_id: str, origin: str) -> list[Payload]:
    """Read the pipeline's runs and tables and an airport's days, in full and through views.

    Parameters:
        client: has the meter among its observers.
        origin: the airport's code.
    """
    runs, tables = PipelineRunLogsReadApi(client=client), TableConfigReadApi(client=client)
    days = DailyDelaysReadApi(client=client)
    of_pipeline, of_origin = {"pipeline_id": pipeline_id}, {"origin": origin}
    summary = list(PipelineRunLogSummaryView.model_fields)

    def all_runs() -> Sequence[object]:
        return FullRuns(client=client).query(of_pipeline, "PipelineRunsIndex", limit=None)[0]

    def all_tables() -> Sequence[object]:
        return FullTables(client=client).query(of_pipeline, "PipelineTablesIndex", limit=None)[0]

    def all_days() -> Sequence[object]:
        return FullDays(client=client).query(of_origin, limit=None)[0]

    def compare(what: str, view: str, full: Reads, viewed: Reads) -> Payload:
        items, full_bytes = meter.during(full)
        _, view_bytes = meter.during(viewed)
        return Payload(what, view, items, full_bytes, view_bytes)

    return [
        compare(
            "runs of the pipeline",
            PipelineRunLogView.__name__,
            all_runs,
            lambda: runs.query_by_pipeline(pipeline_id, limit=None)[0],
        ),
        compare(
            "runs of the pipeline",
            PipelineRunLogSummaryView.__name__,
            all_runs,
            lambda: runs.query_by_pipeline(pipeline_id, projection=summary, limit=None)[0],
        ),
        compare(
            "tables of the pipeline",
            TableConfigView.__name__,
            all_tables,
            lambda: tables.query_by_pipeline(pipeline_id, limit=None)[0],
        ),
        compare(
            f"days at {origin}",
            DailyDelayView.__name__,
            all_days,
            lambda: days.query(of_origin, limit=None)[0],
        ),
    ]
