"""The bulkhead: so many requests are in flight at once and no more, so that one slow table does not take all.

Knows who waits for a place. Must not know what a call asks for. A call holds its place for one attempt and
not while it backs off, as in resilience4j, whose bulkhead is the innermost decorator, within retry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import TypeAlias

from dynamodb_wrapper.engine.flow import Call, Do, Flow, Reply, Send
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import BulkheadFullError
from dynamodb_wrapper.plugins.options import instance, positive, refuse_wrong, unset_or, whole

Turn: TypeAlias = Callable[[], bool]
"""Takes a place; false if nobody waits for it any more."""


class Bulkhead(Plugin):
    """Bounds the requests in flight, of each table and of all tables together.

    A request that finds no place waits for one, and fails with `BulkheadFullError` when none comes free in
    time, or when as many wait already as may.

    Parameters:
        concurrency: the most requests in flight in all, for all clients that use this object.
        per_table: the most for each table that is not in `tables`; None for no other bound.
        tables: the most by the table's full name.
        wait_seconds: how long a request waits for a place at most.
        waiting: how many may wait, for each bound.
    """

    name, version = "bulkhead", "1.0"

    def __init__(
        self,
        concurrency: int,
        *,
        per_table: int | None = None,
        tables: Mapping[str, int] | None = None,
        wait_seconds: float = 1.0,
        waiting: int = 1000,
    ) -> None:
        given = {} if tables is None else tables
        refuse_wrong(
            type(self).__name__,
            concurrency=whole(concurrency),
            per_table=unset_or(whole, per_table),
            wait_seconds=positive(wait_seconds),
            waiting=whole(waiting),
            tables=instance(given, Mapping, "give a dict, such as {'orders': 5}"),
        )
        refuse_wrong(type(self).__name__, {f"tables.{name}": whole(most) for name, most in given.items()})
        self._wait_seconds, self._waiting = wait_seconds, waiting
        self._all = _Gate("all tables", concurrency, waiting)
        self._per_table, self._tables = per_table, dict(given)
        self._gates: dict[tuple[str, str], _Gate | None] = {}
        self.attempts = [self._admit]

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return self._all.taken

    def _admit(self, send: Send, call: Call) -> Flow[Reply]:
        gate = self._gate(call)
        if gate is None:
            return (yield from self._through(self._all, send, call))
        return (yield from self._through(gate, lambda inner: self._through(self._all, send, inner), call))

    def _through(self, gate: _Gate, send: Send, call: Call) -> Flow[Reply]:
        if not gate.enter():
            seconds = max(0.0, min(self._wait_seconds, call.deadline - monotonic()))
            yield Do(gate.wait, (call, seconds), awaiting=gate.wait_awaiting)
        try:
            return (yield from send(call))
        finally:
            gate.leave()

    def _gate(self, call: Call) -> _Gate | None:
        place = call.region, call.table
        try:
            return self._gates[place]
        except KeyError:
            most = self._tables.get(call.table, self._per_table)
            made = None if most is None else _Gate(f"table {call.table!r}", most, self._waiting)
            return self._gates.setdefault(place, made)


class _Gate:
    """A number of places, and those who wait for one, the longest first."""

    def __init__(self, what: str, most: int, waiting: int) -> None:
        self.taken = 0
        self._what, self._most, self._waiting = what, most, waiting
        self._turns: deque[Turn] = deque()
        self._lock = Lock()

    def enter(self) -> bool:
        """Take a place, if one is free."""
        with self._lock:
            if self.taken >= self._most:
                return False
            self.taken += 1
            return True

    def leave(self) -> None:
        """Give the place to who waits longest, or back."""
        with self._lock:
            while self._turns:
                if self._turns.popleft()():
                    return
            self.taken -= 1

    def wait(self, call: Call, seconds: float) -> None:
        """Wait in this thread for a place, and take it.

        Raises:
            BulkheadFullError: none came free in time.
        """
        came: SimpleQueue[bool] = SimpleQueue()

        def turn() -> bool:
            came.put(True)
            return True

        if self._queue(call, seconds, turn):
            return
        try:
            came.get(timeout=seconds)
        except Empty:
            if self._abandon(turn):
                raise self._full(call, seconds) from None
        except BaseException:
            if not self._abandon(turn):
                self.leave()
            raise

    async def wait_awaiting(self, call: Call, seconds: float) -> None:
        """The awaiting twin of `wait`."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[None] = loop.create_future()

        def turn() -> bool:  # may be called in another thread
            if loop.is_closed():
                return False
            loop.call_soon_threadsafe(_settle, came)
            return True

        if self._queue(call, seconds, turn):
            return
        try:
            async with asyncio.timeout(seconds):
                await came
        except TimeoutError:
            if self._abandon(turn):
                raise self._full(call, seconds) from None
        except BaseException:
            if not self._abandon(turn):
                self.leave()
            raise

    def _queue(self, call: Call, seconds: float, turn: Turn) -> bool:
        """Take a place that has come free meanwhile (true), or stand in the line."""
        with self._lock:
            if self.taken < self._most:
                self.taken += 1
                return True
            if len(self._turns) >= self._waiting:
                raise self._full(call, seconds)
            self._turns.append(turn)
            return False

    def _abandon(self, turn: Turn) -> bool:
        """Leave the line; false if the turn has come already: then the place is taken."""
        with self._lock:
            if turn in self._turns:
                self._turns.remove(turn)
                return True
            return False

    def _full(self, call: Call, seconds: float) -> BulkheadFullError:
        return BulkheadFullError(
            f"{call.action} on table {call.table!r} was not sent: {self._most} requests of {self._what} are "
            f"in flight, {len(self._turns)} wait, and none came free in {seconds:.3g} s",
            context={"table": call.table, "operation": call.action},
            retry_after_seconds=seconds,
        )


def _settle(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)
