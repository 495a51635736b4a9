"""Traces and metrics for OpenTelemetry, named as its semantic conventions for database clients say.

Knows events and opentelemetry-api. Must not know an SDK: where none is set up, nothing is recorded, at the
cost of one look at each operation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from threading import get_ident
from time import perf_counter
from types import TracebackType
from typing import Final

from dynamodb_wrapper.engine.events import AttemptEnded, CallStarted, Event, OperationStarted
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.plugins.options import missing_extra

try:
    from opentelemetry import context, metrics, trace
except ModuleNotFoundError as error:
    raise missing_extra("TelemetryPlugin", "opentelemetry-api", "telemetry", error) from error

SYSTEM: Final = "aws.dynamodb"
SCOPE: Final = "dynamodb_wrapper"
DURATION: Final = "db.client.operation.duration"
SECONDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class TelemetryPlugin(Plugin):
    """A span for each operation with an event for each attempt, and a histogram of how long operations took.

    A span is named `GetItem orders`, after the service's action and the table; after the method where several
    actions or none were called, without the table where there were several. Calls that run side by side in
    one operation have spans of their own inside of its span, which has links to them. A call outside of any
    operation has a span of its own. Messages of errors are not recorded, because they may name keys.

    Names, attributes, status and buckets are those of OpenTelemetry's semantic conventions for database
    clients, 1.33 (opentelemetry.io/docs/specs/semconv/db).

    Parameters:
        tracer_provider: whose spans; the global one where none is given, also if it is set later.
        meter_provider: whose metrics, likewise.
    """

    name, version = "telemetry", "1.0"

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self.observers = [self._observe]
        self._given = tracer_provider is not None
        self._tracer = trace.get_tracer(SCOPE, self.version, tracer_provider)
        self._durations = metrics.get_meter(SCOPE, self.version, meter_provider).create_histogram(
            DURATION,
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    def _observe(self, event: Event) -> AbstractContextManager[None] | None:
        running = _running.get()
        if running is None and self._unheard():
            return None
        if isinstance(event, AttemptEnded):
            if running is not None:
                running.attempted(event)
        elif isinstance(event, CallStarted):
            return self._call(event.call, running)
        elif isinstance(event, OperationStarted):
            code = {"code.function.name": f"{event.owner}.{event.name}"}
            return self._begin(event.name, code, self._durations)
        return None

    def _unheard(self) -> bool:
        """Whether nobody would get what is recorded."""
        # asking OpenTelemetry for its global providers costs more than all else that is done without an SDK;
        # where a version of it does not have these names, it is recorded
        return (
            not self._given
            and getattr(trace, "_TRACER_PROVIDER", trace) is None
            and getattr(self._durations, "_real_instrument", self._durations) is None
        )

    def _call(self, call: Call, outer: _Running | None) -> _Running | None:
        if outer is None or not outer.open:
            alone = self._begin(call.action, {}, self._durations)
            alone.calls(call)
            return alone
        outer.calls(call)
        if outer.here == _here():
            return None
        beside = self._begin(call.action, {}, None)  # its time is part of the operation's
        beside.calls(call)
        outer.span.add_link(beside.span.get_span_context(), {"db.operation.name": call.action})
        return beside

    def _begin(self, name: str, known: Mapping[str, str], durations: metrics.Histogram | None) -> _Running:
        # what is given at the start can decide whether a span is sampled
        attributes = {"db.system.name": SYSTEM, **known}
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        return _Running(span, durations, name)


class _Running(AbstractContextManager[None]):
    """An operation or a call that runs, with its span.

    Attributes:
        here: the thread or task that began it; what runs elsewhere runs side by side with something.
        open: whether it has not ended.
    """

    __slots__ = (
        "_actions",
        "_context",
        "_durations",
        "_name",
        "_start",
        "_tables",
        "_token",
        "here",
        "open",
        "span",
    )

    def __init__(self, span: trace.Span, durations: metrics.Histogram | None, name: str) -> None:
        self.span = span
        self.here = _here()
        self.open = True
        self._durations = durations
        self._name = name
        self._actions: set[str] = set()
        self._tables: set[str] = set()

    def calls(self, call: Call) -> None:
        """Take note of what is asked, and of which table."""
        self._actions.add(call.action)
        if call.table:
            self._tables.add(call.table)

    def attempted(self, event: AttemptEnded) -> None:
        """Record an attempt."""
        if not self.span.is_recording():
            return
        refusal = {} if event.error is None else _refusal(event.error)
        self.span.add_event(
            "attempt", {"db.operation.name": event.call.action, "duration_seconds": event.seconds, **refusal}
        )

    def __enter__(self) -> None:
        self._token: Token[_Running | None] = _running.set(self)
        self._context = context.attach(trace.set_span_in_context(self.span))
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._start
        self.open = False
        attributes = self._described(error)
        if self._durations is not None:
            self._durations.record(seconds, attributes)
        if self.span.is_recording():
            self.span.update_name(" ".join(_name_parts(attributes)))
            self.span.set_attributes(attributes)
            if error is not None:
                self.span.set_status(trace.StatusCode.ERROR)
        self.span.end()
        context.detach(self._context)
        _running.reset(self._token)

    def _described(self, error: BaseException | None) -> dict[str, str]:
        one = next(iter(self._actions)) if len(self._actions) == 1 else self._name
        attributes = {"db.system.name": SYSTEM, "db.operation.name": one}
        if len(self._tables) == 1:
            attributes["db.collection.name"] = next(iter(self._tables))
        if error is not None:
            attributes["error.type"] = _type(error)
        return attributes


_running: ContextVar[_Running | None] = ContextVar("dynamodb_wrapper_running", default=None)


def _here() -> object:
    try:
        return asyncio.current_task() or get_ident()
    except RuntimeError:
        return get_ident()


def _name_parts(attributes: Mapping[str, str]) -> list[str]:
    return [attributes[name] for name in ("db.operation.name", "db.collection.name") if name in attributes]


def _type(error: BaseException) -> str:
    return error.code if isinstance(error, DynamoDBWrapperError) else type(error).__qualname__


def _refusal(error: DynamoDBWrapperError) -> dict[str, str]:
    told = {"db.response.status_code": "service_code", "aws.request_id": "request_id"}
    found = {name: str(error.context[fact]) for name, fact in told.items() if error.context.get(fact)}
    return {"error.type": error.code} | found
