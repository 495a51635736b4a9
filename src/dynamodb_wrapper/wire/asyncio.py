"""The asyncio transport: pooled connections of one event loop under the protocol of `http`.

Knows which connection carries a call and how a task waits for it. Must not know what a request says. Replaces
a kept connection under the same rule as the blocking transport. A call that is cancelled closes its
connection; one that ended well puts it back.
"""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from collections.abc import AsyncGenerator
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from dynamodb_wrapper.wire import failures, tls
from dynamodb_wrapper.wire.credentials import Credentials
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
from dynamodb_wrapper.wire.reaching import reach
from dynamodb_wrapper.wire.sockets import readiness

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.engine.flow import Call


class AsyncioTransport:
    """Sends calls and awaits their replies; belongs to the event loop that uses it first.

    When that loop ends (as at the end of `asyncio.run`), its connections are closed, and another loop may
    use the transport.

    Parameters:
        config: endpoint, credentials, `max_pool_connections` and `connect_timeout_seconds`.

    Raises:
        ValidationError: the endpoint or the Region is not usable.
        AuthenticationError: one half of the keys is missing.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self._dialect = Dialect(config)
        self._channels = {origin: _Channel(origin, config) for origin in self._dialect.origins}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._guard: AsyncGenerator[None, None] | None = None
        self._loading: asyncio.Task[Credentials] | None = None
        _transports.add(self)

    async def __call__(self, call: Call, deadline: float) -> bytes:
        """The body of the reply to a call.

        Parameters:
            call: what to ask.
            deadline: when to give up, on the clock of `time.monotonic`, in seconds.

        Raises:
            DynamoDBWrapperError: the service refused, or the endpoint did not answer; `retryable` and
                `outcome_unknown` say what may be done.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            await self._bind(loop, call)
        origin = self._dialect.origin(call)
        credentials = self._dialect.credentials.current() or await self._load(call, origin, deadline)
        request = origin.request(call, credentials)
        if "moto.core" in sys.modules:
            from dynamodb_wrapper.wire.moto import answer

            if (mocked := answer(call, origin.endpoint, request)) is not None:
                return origin.result(call, *mocked)
        status, headers, body = await self._channels[origin].exchange(loop, call, request, deadline)
        return origin.result(call, status, headers, body)

    def close(self) -> None:
        """Close the connections: free ones now, those in use when their call ends. May be called twice.

        To be called in the thread of the event loop, or when the loop has ended.
        """
        for channel in self._channels.values():
            if self._loop is None or self._loop.is_closed():
                channel.pool.forget()
            channel.pool.close()

    async def aclose(self) -> None:
        """As `close`, and wait until the free connections are gone."""
        self.close()
        if self._guard is not None:
            await self._guard.aclose()

    async def _bind(self, loop: asyncio.AbstractEventLoop, call: Call) -> None:
        if self._loop is not None and not self._loop.is_closed():
            raise failures.unusable(
                call,
                "The connections of this client belong to another event loop, which is still open: make one "
                "client for each event loop",
            )
        pools = [channel.pool for channel in self._channels.values()]
        for pool in pools:
            pool.forget()
        self._loop = loop
        self._loading = None
        self._guard = _close_with_loop(pools)
        await anext(self._guard)

    async def _load(self, call: Call, origin: Origin, deadline: float) -> Credentials:
        """Find or refresh the credentials in a thread, once for all the calls that wait for them."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(asyncio.to_thread(self._dialect.credentials.load))
            self._loading.add_done_callback(_look_at)
        try:
            return await asyncio.wait_for(asyncio.shield(self._loading), max(0.0, deadline - monotonic()))
        except TimeoutError:
            raise failures.too_late(call, origin.endpoint, "credentials") from None


class _Channel:
    """The connections to one endpoint."""

    def __init__(self, origin: Origin, config: DynamoDBConfig) -> None:
        self.pool: Pool[_Connection] = Pool(config.max_pool_connections)
        self._endpoint = origin.endpoint
        self._connect_timeout = config.connect_timeout_seconds

    async def exchange(
        self, loop: asyncio.AbstractEventLoop, call: Call, request: bytes, deadline: float
    ) -> Reply:
        """Send a request over some connection, and give its reply."""
        try:
            found: _Connection | None = self.pool.free.pop()
        except IndexError:
            found = await self._queue(loop, call, deadline)
        connection = self._alive(found, call)
        kept = connection is not None
        try:
            if connection is None:
                connection = await self._connect(loop, call, deadline)
            try:
                reply = await connection.exchange(loop, request, deadline)
            except Lost as lost:
                if not (kept and lost.replaceable(call)):
                    raise
                connection.close()
                connection = await self._connect(loop, call, deadline)
                reply = await connection.exchange(loop, request, deadline)
        except BaseException as error:  # also a cancellation: what was half read carries nothing any more
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

    def _alive(self, connection: _Connection | None, call: Call) -> _Connection | None:
        """The connection if it was alive a moment ago, or None for the right to open one."""
        if self.pool.closed:
            self.pool.drop(connection)
            raise failures.unusable(call, "The transport is closed: make a new client")
        if connection is not None and not connection.alive():
            connection.close()
            return None
        return connection

    async def _queue(
        self, loop: asyncio.AbstractEventLoop, call: Call, deadline: float
    ) -> _Connection | None:
        turn: asyncio.Future[_Connection | None] = loop.create_future()

        def deliver(connection: _Connection | None) -> bool:
            if turn.done():
                return False
            turn.set_result(connection)
            return True

        ready, connection = self.pool.reserve(deliver)
        if ready:
            return connection
        timer = loop.call_later(deadline - monotonic(), _expire, turn)
        try:
            return await turn
        except TimeoutError:
            self.pool.abandon(deliver)
            raise failures.pool_exhausted(call, self._endpoint, self.pool.size) from None
        except BaseException:
            came = not self.pool.abandon(deliver) and turn.done() and not turn.cancelled()
            if came and turn.exception() is None:
                self.pool.drop(turn.result())
            raise
        finally:
            timer.cancel()

    async def _connect(self, loop: asyncio.AbstractEventLoop, call: Call, deadline: float) -> _Connection:
        endpoint, connection = self._endpoint, _Connection()
        options: dict[str, Any] = {}
        try:
            if endpoint.scheme == "https":
                options |= {"ssl": tls.context(), "server_hostname": endpoint.host}
            async with asyncio.timeout(min(self._connect_timeout, deadline - monotonic())):
                reached = await reach(loop, endpoint.host, endpoint.port)
                await loop.create_connection(lambda: connection, sock=reached, **options)
        except BaseException as error:
            connection.close()  # asyncio would say goodbye over TLS, and wait for the answer
            if isinstance(error, OSError):
                raise failures.not_connected(call, endpoint, error, deadline) from error
            raise
        return connection


class _Connection(asyncio.Protocol):
    """One connection of the loop and the reader of its replies.

    Attributes:
        kept_since: when it was put back, on the clock of `time.monotonic`.
        reusable: whether its last reply is complete, so that it may carry another request.
    """

    __slots__ = (
        "_deadline",
        "_made",
        "_readable",
        "_reader",
        "_reply",
        "_started",
        "_timer",
        "_transport",
        "kept_since",
        "reusable",
    )

    def __init__(self) -> None:
        self._reader = Reader()
        self._reply: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._made = self._started = self.reusable = False
        self.kept_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._made = cast("asyncio.Transport", transport), True
        self._readable = readiness(transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None or reply.done():
            self.close()
            return
        if not self._started:
            self._started = True
            if (body := intact_body(data)) is not None:
                self.reusable, self._reply = True, None
                reply.set_result((200, INTACT, body))
                return
            self._reader.begin()
        try:
            if self._reader.feed(data):
                self.reusable, self._reply = self._reader.reusable, None
                reply.set_result(self._reader.reply())
        except BadReply as error:
            reply.set_exception(Lost(error, sent=True, started=True))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        reply = self._reply
        if reply is None or reply.done():
            return
        if exc is None and self._started and self._reader.end():
            reply.set_result(self._reader.reply())
        else:
            reply.set_exception(Lost(exc, sent=True, started=self._started))

    def alive(self) -> bool:
        """Whether it can carry a call: not kept for long, and nothing came since, least of all its end."""
        return (
            monotonic() - self.kept_since < IDLE_SECONDS
            and not self._transport.is_closing()
            and not self._readable()
        )

    def close(self) -> None:
        if self._made:
            self._transport.abort()

    def exchange(
        self, loop: asyncio.AbstractEventLoop, request: bytes, deadline: float
    ) -> asyncio.Future[Reply]:
        """Send a request; the future has the whole reply.

        Raises:
            Lost: in the future, where the reply did not come, or not all of it, or it is no HTTP; at once
                where the deadline is over.
        """
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise Lost(TimeoutError(), sent=False, started=False)
        self._started = self.reusable = False
        self._reply = reply = loop.create_future()
        if self._timer is None or deadline < self._deadline:
            self._watch(loop, remaining)
        self._deadline = deadline
        self._transport.write(request)
        return reply

    def _watch(self, loop: asyncio.AbstractEventLoop, remaining: float) -> None:
        """Look at that time whether the reply is late: one timer serves the calls one after the other."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(remaining, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._reply is None or self._reply.done():
            return
        remaining = self._deadline - monotonic()
        if remaining > 0:
            self._watch(loop, remaining)
        else:
            self._reply.set_exception(Lost(TimeoutError(), sent=True, started=self._started))


def _expire(waiting: asyncio.Future[Any]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


def _look_at(done: asyncio.Task[Any]) -> None:
    """Nobody may be left to hear of a failure: that deserves no complaint from the loop."""
    if not done.cancelled():
        done.exception()


async def _close_with_loop(pools: list[Pool[_Connection]]) -> AsyncGenerator[None, None]:
    """Close what is free when the loop ends: every loop ends its asynchronous generators before itself."""
    try:
        yield
    finally:
        for pool in pools:
            for connection in pool.forget():
                connection.close()
        await asyncio.sleep(0)


_transports: weakref.WeakSet[AsyncioTransport] = weakref.WeakSet()
_inherited: list[object] = []


def _leave_to_parent() -> None:
    """In a child process: keep our copies untouched, for closing them would speak to the parent's loop."""
    for transport in _transports:
        for channel in transport._channels.values():
            _inherited.append(channel.pool.forget())
        _inherited.append((transport._loop, transport._guard, transport._loading))
        transport._loop = transport._guard = transport._loading = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
