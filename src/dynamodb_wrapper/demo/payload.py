"""What a projection saves: the same list read in full and through a view, with the bytes counted.

Knows reads and observers. Must not know how the figures are shown. The bytes are those of the replies' bodies
as they crossed the network, told by the client's observer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import TypeAlias

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysReadApi, DailyDelaySummaryView, DailyDelayView
from dynamodb_wrapper.engine.events import CallEnded
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.handlers.reading import ReadApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import (
    PipelineRunLog,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    TableConfig,
    TableConfigSummaryView,
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


Items: TypeAlias = Sequence[object]
Fields: TypeAlias = Sequence[str]


class Meter:
    """An observer that adds up the bytes of all replies."""

    def __init__(self) -> None:
        self.reply_bytes = 0
        self._lock = Lock()

    def __call__(self, event: CallEnded) -> None:
        """Take note of one call."""
        with self._lock:
            self.reply_bytes += event.reply_bytes

    def during(self, read: Callable[[], Items]) -> tuple[int, int]:
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
    of_pipeline, of_origin = {"pipeline_id": pipeline_id}, {"origin": origin}

    def full_runs() -> Items:
        return FullRuns(client=client).query(of_pipeline, "PipelineRunsIndex", limit=None)[0]

    def runs(fields: Fields) -> Items:
        return PipelineRunLogsReadApi(client=client).query_by_pipeline(
            pipeline_id, projection=fields, limit=None
        )[0]

    def full_tables() -> Items:
        return FullTables(client=client).query(of_pipeline, "PipelineTablesIndex", limit=None)[0]

    def tables(fields: Fields) -> Items:
        return TableConfigReadApi(client=client).query_by_pipeline(
            pipeline_id, projection=fields, limit=None
        )[0]

    def full_days() -> Items:
        return FullDays(client=client).query(of_origin, limit=None)[0]

    def days(fields: Fields) -> Items:
        return DailyDelaysReadApi(client=client).query(of_origin, projection=fields, limit=None)[0]

    found: list[Payload] = []
    for what, full, viewed, views in (
        ("runs of the pipeline", full_runs, runs, (PipelineRunLogView, PipelineRunLogSummaryView)),
        ("tables of the pipeline", full_tables, tables, (TableConfigView, TableConfigSummaryView)),
        (f"days at {origin}", full_days, days, (DailyDelayView, DailyDelaySummaryView)),
    ):
        items, full_bytes = meter.during(full)
        for view in views:
            _, view_bytes = meter.during(partial(viewed, list(view.model_fields)))
            found.append(Payload(what, view.__name__, items, full_bytes, view_bytes))
    return found
