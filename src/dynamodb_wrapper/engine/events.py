"""What observers are told: one frozen record per event. Observers change nothing.

Knows calls and time. Must not know what an observer does with a record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Layer, Reply, Send
from dynamodb_wrapper.exceptions import DynamoDBWrapperError


class CallEnded(Struct, frozen=True):
    """One request was answered or failed.

    Parameters:
        call: the request.
        seconds: how long it took.
        reply_bytes: the length of the reply's body; 0 for a failure.
        error: the failure, or None.
    """

    call: Call
    seconds: float
    reply_bytes: int
    error: DynamoDBWrapperError | None = None


_logger = logging.getLogger("dynamodb_wrapper.calls")
_logger.addHandler(logging.NullHandler())

Observer: TypeAlias = Callable[[CallEnded], None]


def observed(observers: Sequence[Observer]) -> Layer:
    """A layer that tells observers of every attempt; put it innermost.

    An observer that raises is logged and changes nothing else.
    """

    def layer(send: Send, call: Call) -> Flow[Reply]:
        start = perf_counter()
        try:
            reply = yield from send(call)
        except DynamoDBWrapperError as error:
            _tell(observers, CallEnded(call, perf_counter() - start, 0, error))
            raise
        _tell(observers, CallEnded(call, perf_counter() - start, len(reply)))
        return reply

    return layer


def _tell(observers: Sequence[Observer], event: CallEnded) -> None:
    for observer in observers:
        try:
            observer(event)
        except Exception:  # the call has been answered: an observer must not make it fail
            _logger.exception("observer %r failed", observer)


def log_call(event: CallEnded) -> None:
    """An observer that writes one debug record per request; item values and keys are not logged."""
    _logger.debug(
        "%s %s %.1f ms %s",
        event.call.action,
        event.call.table,
        event.seconds * 1000,
        f"{event.reply_bytes} bytes" if event.error is None else event.error.code,
    )
