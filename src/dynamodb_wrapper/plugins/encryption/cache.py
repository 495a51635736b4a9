"""Data keys that are kept for a while, so that a provider is asked seldom and by one caller at a time.

Knows the ages and uses of data keys. Must not know ciphertexts or items.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from dynamodb_wrapper.engine.flow import Do, Flow
from dynamodb_wrapper.plugins.encryption.keys import DataKey, KeyProvider

MOST_UNWRAPPED: Final = 1_000
_LOCKS: Final = 16
CONTEXT: Final = "dynamodb-wrapper:table"


class KeyCache:
    """The data keys of one provider.

    A data key is replaced after so many seconds or values, and an unwrapped one is forgotten after the same
    time: a master key that was taken away stops working by then. Values that one call encrypts at once count
    when it ends, so that there may be some more than `uses`.

    Parameters:
        seconds: how long a data key is kept.
        uses: how many values are encrypted with one.
        clock: gives seconds.
    """

    def __init__(
        self,
        provider: KeyProvider,
        seconds: float,
        uses: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._seconds = seconds
        self._uses = uses
        self._clock = clock
        self._current: dict[str, _Kept] = {}
        self._unwrapped: OrderedDict[tuple[str, str, bytes], tuple[bytes, float]] = OrderedDict()
        self._guard = threading.Lock()
        self._asking = [threading.Lock() for _ in range(_LOCKS)]

    def current(self, table: str) -> Flow[DataKey]:
        """The data key for new values of a table."""
        key = self._fresh(table)
        return key if key is not None else (yield self._ask(self._make, table))

    def used(self, table: str, values: int) -> None:
        """Count values that were encrypted with the table's data key."""
        with self._guard:
            if table in self._current:
                self._current[table].uses += values

    def kept(self, table: str, name: str, wrapped: bytes) -> bytes | None:
        """The data key in a wrapped one, if it is here."""
        found = self._unwrapped.get((table, name, wrapped))
        return None if found is None or found[1] <= self._clock() else found[0]

    def unwrap(self, table: str, name: str, wrapped: bytes) -> Flow[bytes]:
        """The data key in a wrapped one, from the provider where it is not here."""
        plain = self.kept(table, name, wrapped)
        return plain if plain is not None else (yield self._ask(self._open, table, name, wrapped))

    def _ask(self, function: Callable[..., Any], *args: Any) -> Do:
        return Do(function, args, partial(_in_thread, function) if self._provider.remote else None)

    def _fresh(self, table: str) -> DataKey | None:
        kept = self._current.get(table)
        if kept is None or kept.uses >= self._uses or kept.until <= self._clock():
            return None
        return kept.key

    def _make(self, table: str) -> DataKey:
        with self._lock(table):
            key = self._fresh(table)
            if key is None:
                key = self._provider.new_key(_context(table))
                self._keep(table, key.name, key.wrapped, key.plain)
                self._current[table] = _Kept(key, self._clock() + self._seconds)
            return key

    def _open(self, table: str, name: str, wrapped: bytes) -> bytes:
        with self._lock(wrapped):
            plain = self.kept(table, name, wrapped)
            if plain is None:
                plain = self._provider.unwrapped(name, wrapped, _context(table))
                self._keep(table, name, wrapped, plain)
            return plain

    def _keep(self, table: str, name: str, wrapped: bytes, plain: bytes) -> None:
        with self._guard:
            self._unwrapped[table, name, wrapped] = (plain, self._clock() + self._seconds)
            self._unwrapped.move_to_end((table, name, wrapped))
            while len(self._unwrapped) > MOST_UNWRAPPED:
                self._unwrapped.popitem(last=False)

    def _lock(self, of: object) -> threading.Lock:
        return self._asking[hash(of) % _LOCKS]


class _Kept:
    __slots__ = ("key", "until", "uses")

    def __init__(self, key: DataKey, until: float) -> None:
        self.key = key
        self.until = until
        self.uses = 0


def _context(table: str) -> Mapping[str, str]:
    return {CONTEXT: table}


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    import asyncio

    return await asyncio.to_thread(function, *args)
