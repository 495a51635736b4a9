"""aiodynamo with aiohttp: dicts of Python values, numbers as floats, which is its default."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.expressions import F, HashKey, ProjectionExpression
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchGetRequest, BatchWriteRequest, ReturnValues
from aiodynamo.operations import Put
from yarl import URL

from benchmarks import items
from benchmarks.rivals import InFlight, in_flight


class Rival(InFlight):
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None
        self._client: Any = None

    async def close(self) -> None:
        """End it."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> Client:
        if self._client is None:
            self._session = aiohttp.ClientSession()
            self._client = Client(
                AIOHTTP(self._session),
                StaticCredentials(Key(items.ACCESS_KEY, items.SECRET_KEY)),
                items.REGION,
                URL(self._endpoint),
            )
        client: Client = self._client
        return client

    async def _get(self, width: int, count: int) -> int:
        """At most 100 at once, which is the session's own limit."""
        client = self._open()
        return await in_flight(
            width, count, lambda key: client.get_item(items.FLAT, {"pk": key[0], "sk": key[1]})
        )

    async def put(self, count: int) -> int:
        """Put one item over and over."""
        client, item = self._open(), items.stored_flats(1)[0]
        for _ in range(count):
            await client.put_item(items.WRITTEN, item)
        return count

    async def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        client = self._open()
        for pk, sk in items.some_keys(count):
            await client.update_item(
                items.WRITTEN,
                {"pk": pk, "sk": sk},
                F("age").set(40) & F("name").set("new"),
                return_values=ReturnValues.all_new,
                condition=F("pk").exists(),
            )
        return count

    async def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return await self._query(items.FLAT, count)

    async def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return await self._query(items.NESTED, count)

    async def query_projected_dicts(self, count: int) -> int:
        """Query five attributes of 1,000 FLAT items."""
        first, *others = items.PROJECTION
        projection: Any = F(first)
        for name in others:
            projection = projection & F(name)
        return await self._query(items.FLAT, count, projection)

    async def batch_write(self, count: int) -> int:
        """Put many items, 25 a call, eight calls at the same time; leftovers are for the caller."""
        client = self._open()

        async def write(chunk: list[dict[str, Any]]) -> None:
            while chunk:
                left = await client.batch_write({items.WRITTEN: BatchWriteRequest(items_to_put=chunk)})
                chunk = left[items.WRITTEN].items_to_put if items.WRITTEN in left else []

        await _in_chunks(items.stored_flats(count), 25, write)
        return count

    async def batch_get(self, count: int) -> int:
        """Read by key, 100 a call, eight calls at the same time."""
        client, seen = self._open(), 0

        async def read(chunk: list[dict[str, Any]]) -> None:
            nonlocal seen
            while chunk:
                got = await client.batch_get({items.FLAT: BatchGetRequest(keys=chunk)})
                seen += len(got.items[items.FLAT])
                chunk = got.unprocessed_keys.get(items.FLAT, [])

        await _in_chunks([{"pk": pk, "sk": sk} for pk, sk in items.some_keys(count)], 100, read)
        return seen

    async def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        client = self._open()
        from uuid import uuid4

        for _ in range(count):
            actions = [Put(items.WRITTEN, item) for item in items.stored_flats(items.TRANSACTION)]
            await client.transact_write_items(actions, request_token=str(uuid4()))
        return count

    async def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        seen = 0
        async for _ in self._open().scan(items.MANY):
            seen += 1
        return seen

    async def _query(self, table: str, count: int, projection: ProjectionExpression | None = None) -> int:
        client, seen = self._open(), 0
        for _ in range(count):
            found = client.query(table, HashKey("pk", items.FIRST), projection=projection)
            seen += len([item async for item in found])
        return seen


async def _in_chunks(rows: list[Any], size: int, work: Any) -> None:
    from asyncio import gather

    chunks = iter([rows[at : at + size] for at in range(0, len(rows), size)])

    async def some() -> None:
        for chunk in chunks:
            await work(chunk)

    await gather(*(some() for _ in range(8)))
