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
from typing import TypeAlias, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysReadApi, DailyDelaySummaryView, DailyDelayView
from dynamodb_wrapper.engine.events import AttemptEnded, Event
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import (
    PipelineRunLog,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    TableConfig,
    TableConfigSummaryView,
    TableConfigView,
)
from dynamodb_wrapper.operations import All, Query
from dynamodb_wrapper.query.keys import key_condition
from dynamodb_wrapper.schema import schema_of

M = TypeVar("M", bound=BaseModel)


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

    def __call__(self, event: Event) -> None:
        """Take note of one call."""
        if isinstance(event, AttemptEnded):
            with self._lock:
                self.reply_bytes += len(event.reply)

    def during(self, read: Callable[[], Items]) -> tuple[int, int]:
        """How many items a read gave, and the bytes of its replies."""
        before = self.reply_bytes
        items = len(read())
        return items, self.reply_bytes - before


def full_items(client: DynamoDB, model: type[M], index: str | None = None, **partition: str) -> list[M]:
    """The items under a partition key value with all that is stored of them, in the order of the sort key.

    Parameters:
        index: the index to read; the table where it is left out.
        partition: the partition attribute and its value.
    """
    schema = schema_of(model)
    query = Query(
        table=client.table_name(model),
        reader=schema.codec,
        key_fields=schema.key_fields,
        index=index,
        key_condition=key_condition(schema, schema.index(index), partition),
        encode=schema.codec.encode_attribute,
    )
    return client.run(All(query))


def measure(client: DynamoDB, meter: Meter, pipeline_id: str, origin: str) -> list[Payload]:
    """Read the pipeline's runs and tables and an airport's days, in full and through views.

    Parameters:
        client: has the meter among its observers.
        origin: the airport's code.
    """

    def full_runs() -> Items:
        return full_items(client, PipelineRunLog, "PipelineRunsIndex", pipeline_id=pipeline_id)

    def runs(fields: Fields) -> Items:
        return PipelineRunLogsReadApi(client=client).query_by_pipeline(
            pipeline_id, projection=fields, limit=None
        )[0]

    def full_tables() -> Items:
        return full_items(client, TableConfig, "PipelineTablesIndex", pipeline_id=pipeline_id)

    def tables(fields: Fields) -> Items:
        return TableConfigReadApi(client=client).query_by_pipeline(
            pipeline_id, projection=fields, limit=None
        )[0]

    def full_days() -> Items:
        return full_items(client, DailyDelay, origin=origin)

    def days(fields: Fields) -> Items:
        return DailyDelaysReadApi(client=client).query({"origin": origin}, projection=fields, limit=None)[0]

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
