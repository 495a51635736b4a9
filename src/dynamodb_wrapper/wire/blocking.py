"""The blocking transport: pooled sockets under the protocol of `http`.

Knows which connection carries a call and for how long it waits. Must not know what a request says. It never
repeats a call, but for one case: a kept connection that the server had closed is replaced by a new one, when
nothing was answered and the call cannot have been applied or may be repeated.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import weakref
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final

from dynamodb_wrapper.exceptions import ConnectionError
from dynamodb_wrapper.wire import errors
from dynamodb_wrapper.wire.http import IDLE_SECONDS, BadReply, Dialect, Lost, Origin, Reader
from dynamodb_wrapper.wire.pool import Pool
from dynamodb_wrapper.wire.sockets import connect, readiness

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.engine.flow import Call

_RECEIVE_BYTES: Final = 64 * 1024
_TIMEOUT_SLACK: Final = 0.02  # how many seconds a socket's timeout may be off before it is set anew

_log = logging.getLogger(__name__)


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
        self._connect_timeout = config.connect_timeout_seconds
        self._debug = config.debug_logging
        self._pools = {
            origin: Pool[_Connection](config.max_pool_connections) for origin in self._dialect.origins
        }
        for pool in self._pools.values():
            _pools.add(pool)
            weakref.finalize(self, pool.close)

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
        pool = self._pools[origin]
        try:
            connection = self._exchange(pool, origin, call, request, deadline)
        except Lost as lost:
            raise lost.error(call, origin.endpoint) from lost.cause
        status, headers, body = connection.reader.reply()
        if connection.reader.reusable:
            connection.kept_since = monotonic()
            pool.give(connection)
        else:
            pool.drop(connection)
        if self._debug:
            _log.debug("%s on table %r: HTTP %d, %d bytes", call.action, call.table, status, len(body))
        return origin.result(call, status, headers, body)

    def close(self) -> None:
        """Close the connections: free ones now, those in use when their call ends. May be called twice."""
        for pool in self._pools.values():
            pool.close()

    def _exchange(
        self, pool: Pool[_Connection], origin: Origin, call: Call, request: bytes, deadline: float
    ) -> _Connection:
        """The connection that holds the complete reply."""
        connection = self._take(pool, origin, call, deadline)
        kept = connection is not None
        try:
            if connection is None:
                connection = self._connect(origin, call, deadline)
            try:
                connection.exchange(request, deadline)
            except Lost as lost:
                if not (kept and lost.replaceable(call)):
                    raise
                connection.close()
                connection = self._connect(origin, call, deadline)
                connection.exchange(request, deadline)
        except BaseException:  # also an interrupt: a connection in an unknown state carries nothing any more
            pool.drop(connection)
            raise
        return connection

    def _take(
        self, pool: Pool[_Connection], origin: Origin, call: Call, deadline: float
    ) -> _Connection | None:
        """A connection that was alive a moment ago, or None for the right to open one."""
        if pool.closed:
            raise errors.unusable(call, "The transport is closed: make a new client")
        try:
            connection: _Connection | None = pool.free.pop()
        except IndexError:
            connection = self._queue(pool, origin, call, deadline)
        if connection is not None and not connection.alive():
            connection.close()
            return None
        return connection

    def _queue(
        self, pool: Pool[_Connection], origin: Origin, call: Call, deadline: float
    ) -> _Connection | None:
        turn: SimpleQueue[_Connection | None] = SimpleQueue()

        def deliver(connection: _Connection | None) -> bool:
            turn.put(connection)
            return True

        ready, connection = pool.reserve(deliver)
        if ready:
            return connection
        try:
            return turn.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            if pool.abandon(deliver):
                raise errors.pool_exhausted(call, origin.endpoint, pool.size) from None
            return turn.get()
        except BaseException:
            if not pool.abandon(deliver) and not turn.empty():
                pool.drop(turn.get())
            raise

    def _connect(self, origin: Origin, call: Call, deadline: float) -> _Connection:
        try:
            return _Connection(connect(origin.endpoint, min(deadline, monotonic() + self._connect_timeout)))
        except OSError as error:
            raise _connect_error(error, call, origin, deadline) from error


def _connect_error(error: OSError, call: Call, origin: Origin, deadline: float) -> ConnectionError:
    if isinstance(error, TimeoutError) and monotonic() >= deadline:
        return errors.too_late(call, origin.endpoint, "a connection")
    if origin.endpoint.scheme == "https":
        import ssl

        if isinstance(error, ssl.SSLError):
            return errors.untrusted(call, origin.endpoint, error)
    return errors.unreachable(call, origin.endpoint, error)


class _Connection:
    """One connected socket and the reader of its replies."""

    __slots__ = ("_readable", "_timeout", "kept_since", "reader", "socket")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.reader = Reader()
        self.kept_since = 0.0
        self._timeout = -1.0
        self._readable = readiness(connected.fileno())

    def alive(self) -> bool:
        """Whether it can carry a call: not kept for long, and nothing came meanwhile, least of all its end."""
        return monotonic() - self.kept_since < IDLE_SECONDS and not self._readable()

    def close(self) -> None:
        self.socket.close()

    def exchange(self, request: bytes, deadline: float) -> None:
        """Send a request and read the whole reply.

        Raises:
            Lost: the reply did not come, or not all of it, or it is no HTTP.
        """
        reader = self.reader
        reader.begin()
        sent = False
        try:
            self._wait_until(deadline)
            self.socket.sendall(request)
            sent = True
            while data := self.socket.recv(_RECEIVE_BYTES):
                if reader.feed(data):
                    return
                self._wait_until(deadline)
        except (OSError, BadReply) as error:
            raise Lost(error, sent=sent, started=reader.started) from error
        if not reader.end():
            raise Lost(None, sent=True, started=reader.started)

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
