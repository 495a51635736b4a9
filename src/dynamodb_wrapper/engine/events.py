"""What observers are told: one frozen record per event. Observers change nothing.

Knows calls and time. Must not know what an observer does with a record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType
from typing import Any, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Layer, Reply, Send
from dynamodb_wrapper.exceptions import DynamoDBWrapperError


class Measure(Struct, frozen=True):
    """One figure of an event, for whoever counts.

    Parameters:
        name: what is counted, in snake case and without a unit's prefix: "cache_reads".
        labels: by what it is told apart. Values are names of tables and indexes, actions and codes, never
            data: each combination is kept for as long as the process runs.
        value: by how much it grows; what it is now, where it is a gauge.
        gauge: whether it is a state that comes and goes ("breaker_state") and not a count.
    """

    name: str
    labels: Mapping[str, str]
    value: float = 1.0
    gauge: bool = False


class Event(Struct, frozen=True):
    """Something that happened; plugins may have kinds of their own."""

    def measures(self) -> Iterable[Measure]:
        """What is to be counted of it, so that a plugin's own events are counted by those who do not know it.

        class CacheRead(Event, frozen=True):
            table: str
            hit: bool

            def measures(self) -> Iterable[Measure]:
                yield Measure("cache_reads", {"table": self.table, "outcome": "hit" if self.hit else "miss"})
        """
        return ()


class OperationStarted(Event, frozen=True, gc=False):
    """A method of a client, an API, a query or a gateway was called; it may make many calls, or none.

    An observer may return a context manager, which is left when the operation ends, with its error if it
    failed.

    Parameters:
        name: the method's name, such as "get" or "query_by_environment".
        owner: the name of its class, such as "DynamoDB".
    """

    name: str
    owner: str


class CallStarted(Event, frozen=True, gc=False):
    """A call begins, with all its attempts. An observer may return a context manager, as above."""

    call: Call


class AttemptEnded(Event, frozen=True):
    """One request was answered or failed.

    Parameters:
        call: the request.
        seconds: how long it took.
        reply: the reply's body; empty for a failure.
        error: the failure, or None.
    """

    call: Call
    seconds: float
    reply: Reply
    error: DynamoDBWrapperError | None = None


class Retrying(Event, frozen=True):
    """A call failed and is sent again after a while.

    Parameters:
        attempt: which attempt failed, from 1 on.
        seconds: how long is waited.
    """

    call: Call
    attempt: int
    seconds: float
    error: DynamoDBWrapperError


Observer: TypeAlias = Callable[[Any], AbstractContextManager[Any] | None]

_logger = logging.getLogger("dynamodb_wrapper.calls")


def tell(observers: Sequence[Observer], event: Event) -> Sequence[AbstractContextManager[Any]]:
    """Tell observers of an event; one that raises is logged, and changes nothing else.

    Returns:
        The context managers that they gave.
    """
    managers: list[AbstractContextManager[Any]] | None = None
    for observer in observers:
        try:
            manager = observer(event)
        except Exception:
            _logger.exception("observer %r failed", observer)
        else:
            if manager is not None:
                if managers is None:
                    managers = []
                managers.append(manager)
    return managers or ()


def during(observers: Sequence[Observer], event: Event) -> held:
    """Tell observers of what starts now, and keep their context managers open until it ends."""
    return held(tell(observers, event))


class held:  # a class, because a generator and an ExitStack cost four times as much at every call
    """Keep observers' context managers open.

    A manager that raises is logged, and none can take an error away: observers change nothing.
    """

    __slots__ = ("_managers",)

    def __init__(self, managers: Sequence[AbstractContextManager[Any]]) -> None:
        self._managers = managers

    def __enter__(self) -> None:
        self._managers = [manager for manager in self._managers if _entered(manager)]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for manager in reversed(self._managers):
            try:
                manager.__exit__(kind, error, trace)
            except Exception as raised:
                if raised is not error:
                    _logger.exception("an observer's %r failed", manager)


def _entered(manager: AbstractContextManager[Any]) -> bool:
    try:
        manager.__enter__()
    except Exception:
        _logger.exception("an observer's %r failed", manager)
        return False
    return True


def observed_calls(observers: Sequence[Observer]) -> Layer:
    """A layer that tells observers of each call; put it around the retries."""

    def layer(send: Send, call: Call) -> Flow[Reply]:
        managers = tell(observers, CallStarted(call))
        if not managers:
            return (yield from send(call))
        with held(managers):
            return (yield from send(call))

    return layer


def observed_attempts(observers: Sequence[Observer]) -> Layer:
    """A layer that tells observers of every attempt; put it innermost."""

    def layer(send: Send, call: Call) -> Flow[Reply]:
        start = perf_counter()
        try:
            reply = yield from send(call)
        except DynamoDBWrapperError as error:
            tell(observers, AttemptEnded(call, perf_counter() - start, b"", error))
            raise
        tell(observers, AttemptEnded(call, perf_counter() - start, reply))
        return reply

    return layer


def log_attempt(event: Event) -> None:
    """An observer that writes one debug record per request; item values and keys are not logged."""
    if isinstance(event, AttemptEnded):
        _logger.debug(
            "%s %s %.1f ms %s",
            event.call.action,
            event.call.table,
            event.seconds * 1000,
            f"{len(event.reply)} bytes" if event.error is None else event.error.code,
        )
