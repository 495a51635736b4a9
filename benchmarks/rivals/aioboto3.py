"""aioboto3's resource: dicts of Python values, awaited; the one client stays open."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import aioboto3
from boto3.dynamodb.conditions import Attr, Key

from benchmarks import items
from benchmarks.rivals import InFlight, in_flight


class Rival(InFlight):
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._stack = AsyncExitStack()
        self._resource: Any = None
        self._tables: dict[str, Any] = {}

    async def close(self) -> None:
        """End it."""
        await self._stack.aclose()

    async def _table(self, name: str) -> Any:
        if self._resource is None:
            made = aioboto3.Session().resource(
                "dynamodb", region_name=items.REGION, endpoint_url=self._endpoint
            )
            self._resource = await self._stack.enter_async_context(made)
        if name not in self._tables:
            self._tables[name] = await self._resource.Table(name)
        return self._tables[name]

    async def _get(self, width: int, count: int) -> int:
        """At most ten at once, which is the client's own limit."""
        table = await self._table(items.FLAT)
        return await in_flight(width, count, lambda key: table.get_item(Key={"pk": key[0], "sk": key[1]}))

    async def put(self, count: int) -> int:
        """Put one item over and over."""
        table, item = await self._table(items.WRITTEN), items.stored_flats(1)[0]
        for _ in range(count):
            await table.put_item(Item=item)
        return count

    async def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        table = await self._table(items.WRITTEN)
        for pk, sk in items.some_keys(count):
            await table.update_item(
                Key={"pk": pk, "sk": sk},
                UpdateExpression="SET age = :age, #name = :name",
                ConditionExpression=Attr("pk").exists(),
                ExpressionAttributeNames={"#name": "name"},
                ExpressionAttributeValues={":age": 40, ":name": "new"},
                ReturnValues="ALL_NEW",
            )
        return count

    async def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return await self._query(items.FLAT, count)

    async def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return await self._query(items.NESTED, count)

    async def batch_write(self, count: int) -> int:
        """Put many items."""
        table = await self._table(items.WRITTEN)
        async with table.batch_writer() as batch:
            for item in items.stored_flats(count):
                await batch.put_item(Item=item)
        return count

    async def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        table, request, seen = await self._table(items.MANY), dict[str, Any](), 0
        while True:
            page = await table.scan(**request)
            for _ in page["Items"]:
                seen += 1
            if "LastEvaluatedKey" not in page:
                return seen
            request = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    async def _query(self, name: str, count: int) -> int:
        table, seen = await self._table(name), 0
        for _ in range(count):
            page = await table.query(KeyConditionExpression=Key("pk").eq(items.FIRST))
            seen += len(page["Items"])
        return seen
