"""What the telemetry plugin records on real engines, on both faces, given by config and by `use`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.support.faults import FaultServer, throttle

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ItemNotFoundError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import TelemetryPlugin
from dynamodb_wrapper.plugins.telemetry import SECONDS
from dynamodb_wrapper.schema import GSI


class Parcel(DynamoDBModel):
    code: str
    city: str
    weight: int = 1

    class Meta:
        table_name = "parcels"
        partition_key = "code"
        gsis: ClassVar = [GSI("ByCity", "city", "weight")]


class Recorded:
    """An SDK that keeps everything in memory, and the plugin that records to it."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.plugin = TelemetryPlugin(self.tracers, self.meters)

    def spans(self) -> Sequence[ReadableSpan]:
        """What has ended since the last time, in that order."""
        ended = self.exporter.get_finished_spans()
        self.exporter.clear()
        return ended

    def durations(self) -> list[Any]:
        """The histogram's points."""
        data = self.reader.get_metrics_data()
        assert data is not None
        ((metric,),) = [[*scope.metrics] for each in data.resource_metrics for scope in each.scope_metrics]
        assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
        return [*metric.data.data_points]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


async def test_an_operation_is_one_span_with_an_event_for_each_attempt(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded, engine: Any
) -> None:
    (table,) = tables(Parcel)
    with FaultServer([throttle()], upstream=engine.endpoint_url) as server:
        await db_with(recorded.plugin, endpoint_url=server.url).put(Parcel(code="hidden", city="hidden"))
    (span,) = recorded.spans()
    assert (span.name, span.kind, span.status.status_code) == (
        f"PutItem {table}",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert {**(span.attributes or {})} == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "PutItem",
        "db.collection.name": table,
        "code.function.name": (span.attributes or {})["code.function.name"],
    }
    assert str((span.attributes or {})["code.function.name"]).endswith("DynamoDB.put")
    failed, answered = [{**(event.attributes or {})} for event in span.events]
    assert {event.name for event in span.events} == {"attempt"}
    assert failed["error.type"] == "throttled"
    assert failed["db.response.status_code"] == "ProvisionedThroughputExceededException"
    assert "error.type" not in answered
    assert "hidden" not in span.to_json()


async def test_a_failed_operation_says_which_kind_of_error_ended_it_and_not_its_message(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    (table,) = tables(Parcel)
    with pytest.raises(ItemNotFoundError, match="hidden"):
        await db_with(recorded.plugin).update(Parcel, "hidden", {"weight": 2})
    (span,) = recorded.spans()
    assert span.name == f"UpdateItem {table}"
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "item_not_found"
    assert "hidden" not in span.to_json()


async def test_calls_side_by_side_have_spans_inside_of_the_operation_s_which_links_to_them(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    (table,) = tables(Parcel)
    db = db_with(recorded.plugin)
    await db.batch_get(Parcel, [f"p{number}" for number in range(250)])
    *calls, operation = recorded.spans()
    assert [span.name for span in [*calls, operation]] == [f"BatchGetItem {table}"] * 4
    assert {span.parent.span_id for span in calls if span.parent} == {operation.context.span_id}
    assert {link.context.span_id for link in operation.links} == {span.context.span_id for span in calls}
    assert [len(span.events) for span in calls] == [1, 1, 1]
    (point,) = recorded.durations()
    assert point.count == 1


async def test_one_call_alone_in_an_operation_has_no_span_of_its_own(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    tables(Parcel)
    await db_with(recorded.plugin).batch_get(Parcel, ["a"])
    (span,) = recorded.spans()
    assert (span.links, len(span.events)) == ((), 1)


async def test_the_span_of_the_caller_is_the_parent(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    tables(Parcel)
    db = db_with(recorded.plugin)
    tracer = recorded.tracers.get_tracer("caller")

    async def request(number: int) -> None:
        with tracer.start_as_current_span(f"request {number}"):
            await asyncio.sleep(0)
            await db.get(Parcel, "a")

    await asyncio.gather(*(request(number) for number in range(5)))
    spans = recorded.spans()
    parents = {span.context.span_id: span for span in spans if span.name.startswith("request")}
    children = [span for span in spans if span.parent is not None]
    assert {span.parent.span_id for span in children if span.parent} == parents.keys()
    assert len(children) == 5


async def test_a_call_outside_of_an_operation_has_a_span_of_its_own(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    (table,) = tables(Parcel)
    db = db_with(recorded.plugin)
    call = Call("GetItem", {"TableName": table, "Key": {"code": {"S": "a"}}}, table)
    await db.drive((db._blocking if hasattr(db, "_blocking") else db).send(call))
    (span,) = recorded.spans()
    assert (span.name, len(span.events)) == (f"GetItem {table}", 1)


async def test_durations_have_the_names_attributes_and_buckets_of_the_conventions(
    db_with: Callable[..., Any], tables: Any, recorded: Recorded
) -> None:
    (table,) = tables(Parcel)
    db = db_with(recorded.plugin)
    for _ in range(3):
        await db.get(Parcel, "a")
    with pytest.raises(ItemNotFoundError):
        await db.update(Parcel, "absent", {"weight": 2})
    points = {point.attributes["db.operation.name"]: point for point in recorded.durations()}
    known = {"db.system.name": "aws.dynamodb", "db.collection.name": table}
    assert points["GetItem"].attributes == known | {"db.operation.name": "GetItem"}
    assert points["GetItem"].count == 3
    assert points["GetItem"].explicit_bounds == SECONDS
    failed = known | {"db.operation.name": "UpdateItem", "error.type": "item_not_found"}
    assert points["UpdateItem"].attributes == failed
