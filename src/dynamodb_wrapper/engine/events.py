"""What observers are told: one frozen record per event. Observers change nothing.

Knows calls and time. Must not know what an observer does with a record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from time import perf_counter
from typing import Any, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Layer, Reply, Send
from dynamodb_wrapper.exceptions import DynamoDBWrapperError


class Event(Struct, frozen=True):
    """Something that happened; plugins may have kinds of their own."""


class OperationStarted(Event, frozen=True):
    """A method of a client, an API, a query or a gateway was called; it may make many calls, or none.

    An observer may return a context manager, which is left when the operation ends, with its error if it
    failed.

    Parameters:
        name: the method's name, such as "get" or "query_by_environment".
        owner: the name of its class, such as "DynamoDB".
    """

    name: str
    owner: str


class CallStarted(Event, frozen=True):
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
_logger.addHandler(logging.NullHandler())


def tell(observers: Sequence[Observer], event: Event) -> list[AbstractContextManager[Any]]:
    """Tell observers of an event; one that raises is logged, and changes nothing else.

    Returns:
        The context managers that they gave.
    """
    managers = []
    for observer in observers:
        try:
            manager = observer(event)
        except Exception:
            _logger.exception("observer %r failed", observer)
        else:
            if manager is not None:
                managers.append(manager)
    return managers


@contextmanager
def during(observers: Sequence[Observer], event: Event) -> Iterator[None]:
    """Tell observers of what starts now, and keep their context managers open until it ends."""
    managers = tell(observers, event)
    if not managers:
        yield
        return
    with ExitStack() as stack:
        for manager in managers:
            stack.enter_context(manager)
        yield


def observed_calls(observers: Sequence[Observer]) -> Layer:
    """A layer that tells observers of each call; put it around the retries."""

    def layer(send: Send, call: Call) -> Flow[Reply]:
        with during(observers, CallStarted(call)):
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
