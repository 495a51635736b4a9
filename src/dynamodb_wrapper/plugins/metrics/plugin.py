"""The plugin that counts.

Knows events, calls and replies. Must not know Prometheus, which reads what was counted in `prometheus`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from msgspec import MsgspecError

from dynamodb_wrapper.engine.bodies import resource
from dynamodb_wrapper.engine.events import (
    AttemptEnded,
    CallStarted,
    Event,
    Measure,
    OperationStarted,
    Retrying,
)
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import (
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    ThrottlingReason,
)
from dynamodb_wrapper.plugins.capacity import Contents, asking
from dynamodb_wrapper.plugins.metrics.figures import Distribution, Family, Figures, Series
from dynamodb_wrapper.plugins.options import Problem, positive, refuse_wrong, whole
from dynamodb_wrapper.wire.pool import connections

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
OK: Final = "ok"
FOREIGN: Final = "exception"


class MetricsPlugin(Plugin):
    """Counts operations, attempts, errors, throttles, capacity, items, bytes, and what other plugins tell.

    Labels are names of methods, tables and indexes, the service's actions, and codes; never data. What was
    counted is read by `snapshot`, or by Prometheus from `registry`.

    Parameters:
        registry: where Prometheus finds the figures; one of the plugin's own where none is given.
        contents: look into replies: count items and consumed units. Calls are made to tell what they consume
            of the table and each index, which costs no capacity; whoever asked sees a reply without it. Where
            this is False the plugin has no layers and may be used at any time.
        seconds: the upper bounds of the buckets of durations.
        most_series: how many combinations of labels a figure keeps apart; what comes after is counted under
            "other".

    Raises:
        ValidationError: an option is wrong; or a registry is given or asked for, and prometheus_client is not
            installed.
    """

    name, version = "metrics", "1.0"

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        contents: bool = True,
        seconds: Sequence[float] = SECONDS,
        most_series: int = 1000,
    ) -> None:
        refuse_wrong(type(self).__name__, seconds=_bounds(seconds), most_series=whole(most_series))
        self.observers = [self._observe]
        self.attempts = [self._look_inside] if contents else []
        figures = self._figures = Figures(sorted(seconds), most_series)
        self._operations = figures.distributions(
            "operation_duration_seconds",
            "How long operations took, by how they ended.",
            "owner",
            "operation",
            "outcome",
        )
        self._durations = figures.distributions(
            "attempt_duration_seconds", "How long single requests took.", "action", "table"
        )
        self._attempts = figures.sums("attempts", "Requests sent.", "action", "table")
        self._errors = figures.sums("errors", "Requests that failed.", "action", "table", "code")
        self._retries = figures.sums("retries", "Requests sent again.", "action", "table")
        self._throttles = figures.sums("throttles", "Throttled requests.", "table", "index", "reason")
        self._bytes = figures.sums("reply_bytes", "The length of replies.", "action", "table")
        self._items = figures.sums("items", "Items read or written.", "action", "table")
        self._read = figures.sums("consumed_read_units", "Read units consumed.", "table", "index")
        self._write = figures.sums("consumed_write_units", "Write units consumed.", "table", "index")
        self._pool = figures.sums("connections", "Connections of this process.", "state", kind="state")
        if registry is not None:
            self.registry = registry
            self._register(registry)

    @cached_property
    def registry(self) -> CollectorRegistry:
        """Where Prometheus finds the figures."""
        from dynamodb_wrapper.plugins.metrics.prometheus import CollectorRegistry

        registry = CollectorRegistry()
        self._register(registry)
        return registry

    def exposition(self) -> bytes:
        """All that is in `registry`, in the text format of Prometheus."""
        from dynamodb_wrapper.plugins.metrics.prometheus import generate_latest

        return generate_latest(self.registry)

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """What has been counted so far, as plain values.

        Returns:
            By figure, a row for each combination of its labels: the labels, and "value", or for durations
            "count", "sum" in seconds, and "buckets": how many were at most so long.
        """
        return {family.name: [*family.rows()] for family in self._now()}

    def _register(self, registry: CollectorRegistry) -> None:
        from dynamodb_wrapper.plugins.metrics.prometheus import Figured

        registry.register(Figured(self._now))

    def _now(self) -> list[Family]:
        used, idle = connections()
        with self._figures.lock:
            self._pool[("in_use",)].value = used
            self._pool[("idle",)].value = idle
        return self._figures.copied()

    def _observe(self, event: Event) -> AbstractContextManager[None] | None:
        if isinstance(event, CallStarted):
            return None
        if isinstance(event, AttemptEnded):
            self._count_attempt(event)
        elif isinstance(event, OperationStarted):
            return _Operation(self._figures.lock, self._operations, event)
        elif isinstance(event, Retrying):
            with self._figures.lock:
                self._retries[event.call.action, event.call.table].value += 1
        else:
            with self._figures.lock:
                for measure in event.measures():
                    self._count_measure(measure)
        return None

    def _count_attempt(self, event: AttemptEnded) -> None:
        labels = event.call.action, event.call.table
        error = event.error
        with self._figures.lock:
            self._attempts[labels].value += 1
            self._durations[labels].add(event.seconds)
            if error is None:
                self._bytes[labels].value += len(event.reply)
                return
            self._errors[*labels, error.code].value += 1
            if isinstance(error, ProvisionedThroughputExceededError):
                for reason in error.reasons or (ThrottlingReason("unspecified"),):
                    self._throttles[*resource(reason.resource or event.call.table), reason.reason].value += 1

    def _count_measure(self, measure: Measure) -> None:
        figure = self._figures.measured(measure.name, measure.labels, "state" if measure.gauge else "sum")
        figure.value = measure.value if measure.gauge else figure.value + measure.value

    def _look_inside(self, send: Send, call: Call) -> Flow[Reply]:
        asked = asking(call)
        reply = yield from send(asked)
        try:
            contents = Contents(asked, reply)
            self._count_contents(call.action, contents)
        except MsgspecError:  # what is wrong with a reply is for those to say who asked
            return reply
        return reply if asked is call else contents.unasked()

    def _count_contents(self, action: str, contents: Contents) -> None:
        with self._figures.lock:
            for table, count in contents.items():
                self._items[action, table].value += count
            for units in contents.units():
                if units.read:
                    self._read[units.table, units.index].value += units.read
                if units.write:
                    self._write[units.table, units.index].value += units.write


class _Operation(AbstractContextManager[None]):
    """Open while an operation runs."""

    __slots__ = ("_event", "_lock", "_series", "_start")

    def __init__(self, lock: Lock, series: Series[Distribution], event: OperationStarted) -> None:
        self._lock, self._series, self._event = lock, series, event

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._start
        with self._lock:
            self._series[self._event.owner, self._event.name, _outcome(error)].add(seconds)


def _bounds(seconds: object) -> Problem:
    given = [*seconds] if isinstance(seconds, Iterable) and not isinstance(seconds, str) else []
    if given and all(positive(each) is None for each in given):
        return None
    return f"is {seconds!r}; give numbers above 0, such as (0.01, 0.1, 1.0)"


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return OK
    return error.code if isinstance(error, DynamoDBWrapperError) else FOREIGN
