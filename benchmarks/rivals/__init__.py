"""One adapter for each library, written the way its own documentation says to use it.

An adapter is a class `Rival(endpoint)`. A method is a case, named as in `benchmarks.cases`; it does that case
`count` times and returns how many items it saw, so that a library that reads less is found out. A coroutine
method is awaited on one event loop that lives as long as the process. Cases that a library cannot do are left
out. Clients and models are made once, as documentation everywhere advises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.items import some_keys


async def in_flight(width: int, count: int, one: Callable[[tuple[str, str]], Awaitable[object]]) -> int:
    """Do `one` for `count` keys, at most `width` at the same time."""
    from asyncio import gather  # not part of the cold start of those that block

    keys = some_keys(count)

    async def work() -> int:
        done = 0
        for key in keys:
            await one(key)
            done += 1
        return done

    return sum(await gather(*(work() for _ in range(width))))


class InFlight:
    """The gets of a library that awaits; it says how one of so many at the same time is made."""

    async def _get(self, width: int, count: int) -> int:
        raise NotImplementedError

    async def get_async_1(self, count: int) -> int:
        """Get items, one in flight."""
        return await self._get(1, count)

    async def get_async_32(self, count: int) -> int:
        """Get items, 32 in flight."""
        return await self._get(32, count)

    async def get_async_128(self, count: int) -> int:
        """Get items, 128 in flight."""
        return await self._get(128, count)
