"""dynamoxy (Rust core, async only, from Python 3.12): pydantic models through repositories, and dicts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import dynamoxy

from benchmarks import items
from benchmarks.rivals import InFlight, in_flight


class Rival(InFlight):
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self.client = dynamoxy.Client(
            endpoint_url=endpoint,
            region=items.REGION,
            credentials=dynamoxy.Credentials(items.ACCESS_KEY, items.SECRET_KEY),
        )
        self.model = _flat_model(items.WRITTEN)
        self.flat = self.client.repository(_flat_model(items.FLAT))
        self.written = self.client.repository(self.model)
        self.nested = self.client.repository(_nested_model())

    async def close(self) -> None:
        """End it."""
        await self.client.close()

    async def _get(self, width: int, count: int) -> int:
        return await in_flight(width, count, lambda key: self.flat.get(*key))

    async def put(self, count: int) -> int:
        """Put one item over and over."""
        item = self._written(1)[0]
        for _ in range(count):
            await self.written.put(item)
        return count

    async def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        model = self.model
        for pk, sk in items.some_keys(count):
            await self.written.update(model.key(pk, sk), model.age.set(40), model.name.set("new"))
        return count

    async def query_flat_models(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum([len(await self.flat.query(pk=items.FIRST).all()) for _ in range(count)])

    async def query_nested_models(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum([len(await self.nested.query(pk=items.FIRST).all()) for _ in range(count)])

    async def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return await self._query(items.FLAT, count)

    async def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return await self._query(items.NESTED, count)

    async def query_projected_dicts(self, count: int) -> int:
        """Query five attributes of 1,000 FLAT items."""
        query = self.flat.query(pk=items.FIRST).project(*items.PROJECTION)
        return sum([len(await query.all()) for _ in range(count)])

    async def batch_write(self, count: int) -> int:
        """Put many items."""
        await self.written.batch_put(self._written(count))
        return count

    async def batch_get(self, count: int) -> int:
        """Read by key."""
        return len(await self.flat.batch_get(list(items.some_keys(count))))

    async def scan_threads(self, count: int) -> int:
        """Scan the table in segments at the same time."""
        return len(await self.flat.scan().segments(items.SEGMENTS).all())

    async def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        for _ in range(count):
            async with self.client.transaction() as transaction:
                for item in self._written(items.TRANSACTION):
                    transaction.put(item)
        return count

    async def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        seen = 0
        async for _ in self.client.repository(_flat_model(items.MANY)).scan():
            seen += 1
        return seen

    async def models_20(self, count: int) -> int:
        """Get an item through each of 20 models of one client."""
        models = [_flat_model(items.FLAT) for _ in range(20)]
        for model, (pk, sk) in zip(models, items.some_keys(20), strict=True):
            assert await self.client.repository(model).get(pk, sk) is not None
        return 20

    async def _query(self, table: str, count: int) -> int:
        query = self.client.table(table).query(dynamoxy.F("pk") == items.FIRST)
        return sum([len(await query.all()) for _ in range(count)])

    @cache  # noqa: B019 - one object for the life of the process
    def _written(self, count: int) -> list[Any]:
        return [self.model(**items.flat(number)) for number in range(count)]


def _flat_model(table_name: str) -> Any:
    class Flat(dynamoxy.PydanticModel, table=table_name):
        pk: Annotated[str, dynamoxy.PartitionKey()]
        sk: Annotated[str, dynamoxy.SortKey()]
        name: str
        email: str
        age: int
        score: int
        balance: Decimal
        active: bool
        note: str | None = None
        created_at: datetime

    return Flat


def _nested_model() -> Any:
    class Nested(dynamoxy.PydanticModel, table=items.NESTED):
        pk: Annotated[str, dynamoxy.PartitionKey()]
        sk: Annotated[str, dynamoxy.SortKey()]
        name: str
        version: int
        enabled: bool
        status: str
        tags: list[str]
        config: dict[str, Any]
        created_at: datetime
        updated_at: datetime

    return Nested
