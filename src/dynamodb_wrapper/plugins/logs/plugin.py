"""The plugin that logs.

Knows events and which of them matter how much. Must not know where records go. Items, conditions and messages
of errors are never logged, because they have values in them; keys only as it was asked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from hashlib import blake2b
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from dynamodb_wrapper.engine.events import AttemptEnded, Event, OperationStarted, Retrying
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import (
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    ProvisionedThroughputExceededError,
    TransactionCanceledError,
    ValidationError,
)
from dynamodb_wrapper.plugins.logs.sinks import Sink, StandardSink
from dynamodb_wrapper.plugins.options import instance, refuse_wrong

Keys: TypeAlias = Literal["hashed", "shown", "hidden"]

ANSWERS: Final = (ConflictError, ItemNotFoundError, TransactionCanceledError, ValidationError)
HASH_BYTES: Final = 8

_SINKS: Final = "give a logger, its name, or an object with `wants` and `write`, such as StructlogSink()"

_canonical = msgspec.json.Encoder(order="sorted")


class LoggingPlugin(Plugin):
    """Writes what a client does to a log.

    Debug: operations that went well, and every request. Info: operations that ended with an answer such as a
    conflict, and throttled requests that are sent again. Warning: operations that failed otherwise, and other
    requests that are sent again.

    Parameters:
        sink: where records go: a logger of the standard library or its name, or a sink such as
            `StructlogSink()`.
        keys: how the key of a request by key is logged. "hashed": as 16 hexadecimal digits, the same for the
            same key in every process, so that lines can be joined; "shown": as it is; "hidden": not at all.
        salt: what is hashed with keys, up to 64 bytes. Without it, whoever guesses a key can tell its hash;
            give the same one to all processes whose lines are to be joined.

    Raises:
        ValidationError: an option is wrong.
    """

    name, version = "logging", "1.0"

    def __init__(
        self,
        sink: Sink | logging.Logger | str = "dynamodb_wrapper",
        *,
        keys: Keys = "hashed",
        salt: bytes = b"",
    ) -> None:
        refuse_wrong(
            type(self).__name__,
            sink=None if isinstance(sink, str | logging.Logger) or _is_sink(sink) else _SINKS,
            keys=None if keys in get_args(Keys) else f"is {keys!r}; give one of {', '.join(get_args(Keys))}",
            salt=instance(salt, bytes, "give bytes"),
        )
        if len(salt) > blake2b.MAX_KEY_SIZE:
            refuse_wrong(
                type(self).__name__, salt=f"has {len(salt)} bytes; give at most {blake2b.MAX_KEY_SIZE}"
            )
        self.observers = [self._observe]
        self._sink = StandardSink(sink) if isinstance(sink, str | logging.Logger) else sink
        self._keys = keys
        self._salt = salt

    def _observe(self, event: Event) -> AbstractContextManager[None] | None:
        if isinstance(event, OperationStarted):
            return _Operation(self._sink, event) if self._sink.wants(logging.WARNING) else None
        if isinstance(event, AttemptEnded):
            if self._sink.wants(logging.DEBUG):
                self._attempt(event)
        elif isinstance(event, Retrying):
            self._retry(event)
        return None

    def _attempt(self, event: AttemptEnded) -> None:
        fields = self._request("attempt", event.call) | {"seconds": round(event.seconds, 6)}
        if event.error is None:
            fields |= {"outcome": "ok", "reply_bytes": len(event.reply)}
        else:
            fields |= _failure(event.error)
        call, milliseconds = event.call, event.seconds * 1000
        message = f"{call.action} on {call.table}: {fields['outcome']}, {milliseconds:.1f} ms"
        self._sink.write(logging.DEBUG, message, fields)

    def _retry(self, event: Retrying) -> None:
        throttled = isinstance(event.error, ProvisionedThroughputExceededError)
        level = logging.INFO if throttled else logging.WARNING
        if self._sink.wants(level):
            fields = self._request("retry", event.call) | _failure(event.error)
            fields |= {"attempt": event.attempt, "wait_seconds": round(event.seconds, 6)}
            again = f"sent again in {event.seconds * 1000:.0f} ms after attempt {event.attempt}"
            message = f"{event.call.action} on {event.call.table}: {event.error.code}, {again}"
            self._sink.write(level, message, fields)

    def _request(self, kind: str, call: Call) -> dict[str, object]:
        fields: dict[str, object] = {"kind": kind, "action": call.action, "table": call.table}
        if self._keys != "hidden" and (key := call.body.get("Key")) is not None:
            fields["key"] = self._said(key)
        return fields

    def _said(self, key: Mapping[str, Any]) -> str:
        text = _canonical.encode(key)
        if self._keys == "shown":
            return text.decode()
        return blake2b(text, digest_size=HASH_BYTES, key=self._salt).hexdigest()


def _is_sink(sink: object) -> bool:
    return callable(getattr(sink, "wants", None)) and callable(getattr(sink, "write", None))


class _Operation(AbstractContextManager[None]):
    """Open while an operation runs."""

    __slots__ = ("_event", "_sink", "_start")

    def __init__(self, sink: Sink, event: OperationStarted) -> None:
        self._sink, self._event = sink, event

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        level = _level(error)
        if not self._sink.wants(level):
            return
        seconds = perf_counter() - self._start
        name, owner = self._event.name, self._event.owner
        fields: dict[str, object] = {"kind": "operation", "operation": name, "owner": owner}
        fields |= {"seconds": round(seconds, 6), "outcome": "ok"} | _failure(error)
        message = f"{owner}.{name}: {fields['outcome']}, {seconds * 1000:.1f} ms"
        self._sink.write(level, message, fields)


def _level(error: BaseException | None) -> int:
    if error is None:
        return logging.DEBUG
    return logging.INFO if isinstance(error, ANSWERS) else logging.WARNING


def _failure(error: BaseException | None) -> dict[str, object]:
    if error is None:
        return {}
    if not isinstance(error, DynamoDBWrapperError):
        return {"outcome": type(error).__qualname__}
    told = [name for name in ("service_code", "request_id") if error.context.get(name)]
    return {"outcome": error.code, **{name: error.context[name] for name in told}}
