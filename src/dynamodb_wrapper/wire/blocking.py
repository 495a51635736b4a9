"""The blocking transport: pooled sockets under the protocol of `http`.

Knows which connection carries a call and for how long it waits. Must not know what a request says. It never
repeats a call, but for one case: a kept connection that the server had closed is replaced by a new one, when
nothing was answered and the call cannot have been applied or may be repeated.
"""

from __future__ import annotations

import os
import socket
import sys
import weakref
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final

from dynamodb_wrapper.wire import failures
from dynamodb_wrapper.wire.http import (
    IDLE_SECONDS,
    INTACT,
    BadReply,
    Dialect,
    Lost,
    Origin,
    Reader,
    Reply,
    intact_body,
)
from dynamodb_wrapper.wire.pool import Pool
from dynamodb_wrapper.wire.sockets import connect, readiness

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.engine.flow import Call

_RECEIVE_BYTES: Final = 64 * 1024
_TIMEOUT_SLACK: Final = 0.02  # how many seconds a socket's timeout may be off before it is set anew


class BlockingTransport:
    """Sends calls and waits for their replies; may be shared by threads, and inherited by a child process.

    Parameters:
        config: endpoint, credentials, `max_pool_connections` and `connect_timeout_seconds`.

    Raises:
        ValidationError: the endpoint or the Region is not usable.
        AuthenticationError: one half of the keys is missing.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self._dialect = Dialect(config)
        self._channels = {origin: _Channel(origin, config) for origin in self._dialect.origins}
        for channel in self._channels.values():
            _pools.add(channel.pool)
            weakref.finalize(self, channel.pool.close)

    def __call__(self, call: Call, deadline: float) -> bytes:
        """The body of the reply to a call.

        Parameters:
            call: what to ask.
            deadline: when to give up, on the clock of `time.monotonic`, in seconds.

        Raises:
            DynamoDBWrapperError: the service refused, or the endpoint did not answer; `retryable` and
                `outcome_unknown` say what may be done.
        """
        origin = self._dialect.origin(call)
        request = origin.request(call, self._dialect.credentials.load())
        if "moto.core" in sys.modules:
            from dynamodb_wrapper.wire.moto import answer

            if (mocked := answer(call, origin.endpoint, request)) is not None:
                return origin.result(call, *mocked)
        status, headers, body = self._channels[origin].exchange(call, request, deadline)
        return origin.result(call, status, headers, body)

    def close(self) -> None:
        """Close the connections: free ones now, those in use when their call ends. May be called twice."""
        for channel in self._channels.values():
            channel.pool.close()


class _Channel:
    """The connections to one endpoint."""

    def __init__(self, origin: Origin, config: DynamoDBConfig) -> None:
        self.pool: Pool[_Connection] = Pool(config.max_pool_connections)
        self._endpoint = origin.endpoint
        self._connect_timeout = config.connect_timeout_seconds

    def exchange(self, call: Call, request: bytes, deadline: float) -> Reply:
        """Send a request over some connection, and give its reply."""
        connection = self._take(call, deadline)
        kept = connection is not None
        try:
            if connection is None:
                connection = self._connect(call, deadline)
            try:
                reply = connection.exchange(request, deadline)
            except Lost as lost:
                if not (kept and lost.replaceable(call)):
                    raise
                connection.close()
                connection = self._connect(call, deadline)
                reply = connection.exchange(request, deadline)
        except BaseException as error:  # also an interrupt: what was half read carries nothing any more
            self.pool.drop(connection)
            if isinstance(error, Lost):
                raise error.error(call, self._endpoint) from error.cause
            raise
        if connection.reusable:
            connection.kept_since = monotonic()
            self.pool.give(connection)
        else:
            self.pool.drop(connection)
        return reply

    def _take(self, call: Call, deadline: float) -> _Connection | None:
        """A connection that was alive a moment ago, or None for the right to open one."""
        try:
            connection: _Connection | None = self.pool.free.pop()
        except IndexError:
            connection = self._queue(call, deadline)
        if self.pool.closed:
            self.pool.drop(connection)
            raise failures.unusable(call, "The transport is closed: make a new client")
        if connection is not None and not connection.alive():
            connection.close()
            return None
        return connection

    def _queue(self, call: Call, deadline: float) -> _Connection | None:
        turn: SimpleQueue[_Connection | None] = SimpleQueue()

        def deliver(connection: _Connection | None) -> bool:
            turn.put(connection)
            return True

        ready, connection = self.pool.reserve(deliver)
        if ready:
            return connection
        try:
            return turn.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            if self.pool.abandon(deliver):
                raise failures.pool_exhausted(call, self._endpoint, self.pool.size) from None
            return turn.get()
        except BaseException:
            if not self.pool.abandon(deliver) and not turn.empty():
                self.pool.drop(turn.get())
            raise

    def _connect(self, call: Call, deadline: float) -> _Connection:
        try:
            return _Connection(connect(self._endpoint, min(deadline, monotonic() + self._connect_timeout)))
        except OSError as error:
            raise failures.not_connected(call, self._endpoint, error, deadline) from error


class _Connection:
    """One connected socket and the reader of its replies.

    Attributes:
        kept_since: when it was put back, on the clock of `time.monotonic`.
        reusable: whether its last reply is complete, so that it may carry another request.
    """

    __slots__ = ("_readable", "_reader", "_timeout", "kept_since", "reusable", "socket")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._reader = Reader()
        self.kept_since = 0.0
        self.reusable = False
        self._timeout = -1.0
        self._readable = readiness(connected.fileno())

    def alive(self) -> bool:
        """Whether it can carry a call: not kept for long, and nothing came since, least of all its end."""
        return monotonic() - self.kept_since < IDLE_SECONDS and not self._readable()

    def close(self) -> None:
        self.socket.close()

    def exchange(self, request: bytes, deadline: float) -> Reply:
        """Send a request and read the whole reply.

        Raises:
            Lost: the reply did not come, or not all of it, or it is no HTTP.
        """
        sent = started = self.reusable = False
        try:
            self._wait_until(deadline)
            self.socket.sendall(request)
            sent = True
            data = self.socket.recv(_RECEIVE_BYTES)
            started = bool(data)
            if (body := intact_body(data)) is not None:
                self.reusable = True
                return 200, INTACT, body
            return self._read(data, deadline)
        except (OSError, BadReply) as error:
            raise Lost(error, sent=sent, started=started) from error

    def _read(self, data: bytes, deadline: float) -> Reply:
        """Read on, after the first data of a reply."""
        reader, started = self._reader, bool(data)
        reader.begin()
        while data:
            if reader.feed(data):
                self.reusable = reader.reusable
                return reader.reply()
            self._wait_until(deadline)
            data = self.socket.recv(_RECEIVE_BYTES)
        if not reader.end():
            raise Lost(None, sent=True, started=started)
        return reader.reply()

    def _wait_until(self, deadline: float) -> None:
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        if not -_TIMEOUT_SLACK < remaining - self._timeout < _TIMEOUT_SLACK:
            self.socket.settimeout(remaining)
            self._timeout = remaining


_pools: weakref.WeakSet[Pool[_Connection]] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """In a child process: the parent goes on using its connections, so close our copies and start anew."""
    for pool in _pools:
        for connection in pool.forget():
            connection.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
