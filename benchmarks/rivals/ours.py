"""This library, as its README says to use it: the default client, checks and retries included.

An observer is attached, so that what observers cost is in every figure.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmarks import items
from benchmarks.rivals import InFlight, in_flight
from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel, View

if TYPE_CHECKING:
    from dynamodb_wrapper import AsyncDynamoDB


class Flat(DynamoDBModel):
    """A FLAT item."""

    pk: str
    sk: str
    name: str
    email: str
    age: int
    score: int
    balance: Decimal
    active: bool
    note: str | None
    created_at: datetime

    class Meta:
        """Where it is kept."""

        table_name = items.FLAT
        partition_key = "pk"
        sort_key = "sk"


class Written(Flat):
    """A FLAT item in the table that is written to."""

    class Meta(Flat.Meta):
        """Where it is kept."""

        table_name = items.WRITTEN


class Many(Flat):
    """A FLAT item in the table that is streamed."""

    class Meta(Flat.Meta):
        """Where it is kept."""

        table_name = items.MANY


class FlatView(View):
    """A part of a FLAT item; its fields are `items.PROJECTION`."""

    pk: str
    sk: str
    name: str | None = None
    balance: Decimal | None = None
    created_at: datetime | None = None


class Nested(DynamoDBModel):
    """A NESTED item."""

    pk: str
    sk: str
    name: str
    version: int
    enabled: bool
    status: str
    tags: list[str]
    config: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    class Meta:
        """Where it is kept."""

        table_name = items.NESTED
        partition_key = "pk"
        sort_key = "sk"


class Rival(InFlight):
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self.config = DynamoDBConfig(endpoint_url=endpoint, region_name=items.REGION)
        self.calls = 0
        self.db = DynamoDB(self.config, observers=[self._observe])
        self.adb: AsyncDynamoDB | None = None

    async def close(self) -> None:
        """End it."""
        self.db.close()
        if self.adb is not None:
            await self.adb.close()

    def _observe(self, event: object) -> None:
        self.calls += 1

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        for pk, sk in items.some_keys(count):
            assert self.db.get(Flat, {"pk": pk, "sk": sk}) is not None
        return count

    async def _get(self, width: int, count: int) -> int:
        from dynamodb_wrapper import AsyncDynamoDB  # asyncio is no part of a blocking program's cold start

        if self.adb is None:
            self.adb = AsyncDynamoDB(self.config, observers=[self._observe])
        db = self.adb
        return await in_flight(width, count, lambda key: db.get(Flat, {"pk": key[0], "sk": key[1]}))

    def put(self, count: int) -> int:
        """Put one item over and over."""
        item = _written(1)[0]
        for _ in range(count):
            self.db.put(item)
        return count

    def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        for pk, sk in items.some_keys(count):
            self.db.update(Written, {"pk": pk, "sk": sk}, {"age": 40, "name": "new"})
        return count

    def query_flat_models(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return self._query(Flat, count)

    def query_nested_models(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return self._query(Nested, count)

    def query_flat_arrow(self, count: int) -> int:
        """Query 1,000 FLAT items to Arrow columns."""
        return self._query_arrow(Flat, count)

    def query_nested_arrow(self, count: int) -> int:
        """Query 1,000 NESTED items to Arrow columns; what has no type becomes JSON text."""
        return self._query_arrow(Nested, count)

    def query_projected_views(self, count: int) -> int:
        """Query five attributes of 1,000 FLAT items."""
        query = self.db.query(Flat).where("pk", "=", items.FIRST).as_(FlatView)
        return sum(len(query.all()) for _ in range(count))

    def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items through the boto3-shaped door."""
        return self._query_dicts(items.FLAT, count)

    def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items through the boto3-shaped door."""
        return self._query_dicts(items.NESTED, count)

    def batch_write(self, count: int) -> int:
        """Put many items."""
        self.db.batch_write(Written, puts=_written(count))
        return count

    def batch_get(self, count: int) -> int:
        """Read by key."""
        keys = [{"pk": pk, "sk": sk} for pk, sk in items.some_keys(count)]
        return sum(item is not None for item in self.db.batch_get(Flat, keys))

    def scan_threads(self, count: int) -> int:
        """Scan the table in segments, a thread for each."""
        return len(self.db.scan(Flat, segments=items.SEGMENTS).all())

    def scan_processes(self, count: int) -> int:
        """Scan the table in segments, a process for each; replies come back as bytes and are read here."""
        return len(self.db.scan(Flat, segments=items.PROCESSES, processes=items.PROCESSES).all())

    def scan_arrow(self, count: int) -> int:
        """The same to Arrow columns, which the processes make."""
        rows: int = self.db.scan(Flat, segments=items.PROCESSES, processes=items.PROCESSES).table().num_rows
        return rows

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        for _ in range(count):
            transaction = self.db.transaction()
            for item in _written(items.TRANSACTION):
                transaction.put(item)
            transaction.execute()
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        return sum(1 for _ in self.db.query(Many).allow_scan())

    def models_20(self, count: int) -> int:
        """Get an item through each of 20 models of one client."""
        models = [_model() for _ in range(20)]
        for model, (pk, sk) in zip(models, items.some_keys(20), strict=True):
            assert self.db.get(model, {"pk": pk, "sk": sk}) is not None
        return 20

    def _query(self, model: type[DynamoDBModel], count: int) -> int:
        seen = 0
        for _ in range(count):
            seen += len(self.db.query(model).where("pk", "=", items.FIRST).all())
        return seen

    def _query_arrow(self, model: type[DynamoDBModel], count: int) -> int:
        query = self.db.query(model).where("pk", "=", items.FIRST)
        return sum(query.arrow().num_rows for _ in range(count))

    def _query_dicts(self, table: str, count: int) -> int:
        from dynamodb_wrapper import TableGateway

        gateway, request = TableGateway(self.db, table), {":pk": items.FIRST}
        return sum(
            len(gateway.query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=request)["Items"])
            for _ in range(count)
        )


def _model() -> type[Flat]:
    class Another(Flat):
        class Meta(Flat.Meta):
            pass

    return Another


@cache
def _written(count: int) -> list[Written]:
    return [Written(**items.flat(number)) for number in range(count)]
