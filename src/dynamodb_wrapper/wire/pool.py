"""Which connections are free: the bookkeeping that both pools share.

Knows how many connections there may be and who waits for one. Must not know sockets or event loops: a
connection is anything that `close` can be called on, a waiter is a function that takes one.
The way of a call that finds a free connection takes no lock; `deque` operations are atomic by themselves.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeAlias, TypeVar


class Closable(Protocol):
    """A connection, as far as the pool knows."""

    def close(self) -> None:
        """Close it; quiet when it is closed already."""


C = TypeVar("C", bound=Closable)
Waiter: TypeAlias = Callable[[C | None], bool]
"""Takes a connection, or None for the right to open one; false if it does not wait any more."""


class Pool(Generic[C]):
    """Hands out at most `size` connections, the one used last first, to those who wait longest first.

    Parameters:
        size: the most connections open at once.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.free: deque[C] = deque()
        self._waiters: deque[Waiter[C]] = deque()
        self._open = 0
        self._closed = False
        self._lock = threading.Lock()
        with _pools_lock:
            _pools.add(self)

    @property
    def closed(self) -> bool:
        """Whether the pool was closed; it hands out nothing any more."""
        return self._closed

    @property
    def open(self) -> int:
        """How many connections exist or are being made."""
        return self._open

    def reserve(self, waiter: Waiter[C]) -> tuple[bool, C | None]:
        """Take a connection, or the right to open one, or a place in the queue.

        Returns:
            (True, a free connection), (True, None) for the right to open one, or (False, None): `waiter` is
            called when its turn comes.
        """
        with self._lock:
            if (connection := self._pop()) is not None:
                return True, connection
            if self._open < self.size:
                self._open += 1
                return True, None
            self._waiters.append(waiter)
            # `give` puts a connection back before it looks for waiters: either it sees us or we see that one
            if (connection := self._pop()) is not None:
                self._waiters.remove(waiter)
                return True, connection
            return False, None

    def give(self, connection: C) -> None:
        """Put a connection back that can carry another call."""
        if self._closed:
            self.drop(connection)
            return
        self.free.append(connection)
        if self._waiters or self._closed:
            self._settle()

    def drop(self, connection: C | None = None) -> None:
        """Give up a connection, or the right to open one."""
        if connection is not None:
            connection.close()
        with self._lock:
            self._open -= 1
        if self._waiters:
            self._settle()

    def abandon(self, waiter: Waiter[C]) -> bool:
        """Leave the queue; false if the waiter's turn has come already."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                return True
            return False

    def close(self) -> None:
        """Close what is free now, and what is in use as soon as it comes back; nobody waits any longer."""
        self._closed = True
        self._settle()

    def forget(self) -> list[C]:
        """Start anew without closing anything, in a child process; returns what had been free."""
        inherited = list(self.free)
        self.free = deque()
        self._waiters = deque()
        self._open = 0
        self._lock = threading.Lock()
        return inherited

    def _settle(self) -> None:
        with self._lock:
            while self._closed and (connection := self._pop()) is not None:
                connection.close()
                self._open -= 1
            while self._waiters:
                connection = self._pop()
                if connection is None:
                    if self._open >= self.size and not self._closed:
                        return
                    self._open += 1
                if not self._waiters.popleft()(connection):
                    if connection is None:
                        self._open -= 1
                    else:
                        self.free.append(connection)

    def _pop(self) -> C | None:
        try:
            return self.free.pop()
        except IndexError:
            return None


_pools: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()
_pools_lock = threading.Lock()


def connections() -> tuple[int, int]:
    """How many connections of this process carry a call at this moment, and how many are idle."""
    with _pools_lock:
        pools = [(pool.open, len(pool.free)) for pool in _pools]
    idle = sum(free for _, free in pools)
    return max(0, sum(opened for opened, _ in pools) - idle), idle
