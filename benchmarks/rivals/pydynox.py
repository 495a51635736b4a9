"""pydynox (Rust core): its own models, and dicts by `as_dict`, blocking and awaited."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from pydynox import DynamoDBClient, Model, ModelConfig, SyncBatchWriter, SyncTransaction, set_default_client
from pydynox.attributes import (
    BooleanAttribute,
    DatetimeAttribute,
    DecimalAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    StringAttribute,
)

from benchmarks import items
from benchmarks.rivals import InFlight, in_flight


class Rival(InFlight):
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        # on a busy machine its warnings of slow operations would be counted as its own work
        logging.getLogger("pydynox").setLevel(logging.ERROR)
        self.client = DynamoDBClient(
            region=items.REGION,
            access_key=items.ACCESS_KEY,
            secret_key=items.SECRET_KEY,
            endpoint_url=endpoint,
        )
        set_default_client(self.client)
        self.flat = _flat_model(items.FLAT)
        self.written = _flat_model(items.WRITTEN)
        self.nested = _nested_model()

    def close(self) -> None:
        """Nothing to end."""

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        for pk, sk in items.some_keys(count):
            assert self.flat.sync_get(pk=pk, sk=sk) is not None
        return count

    async def _get(self, width: int, count: int) -> int:
        model = self.flat
        return await in_flight(width, count, lambda key: model.get(pk=key[0], sk=key[1]))

    def put(self, count: int) -> int:
        """Put one new item over and over: one that was saved before would write only what has changed."""
        for _ in range(count):
            self.written(**_plain(1)[0]).sync_save()
        return count

    def update(self, count: int) -> int:
        """Set two attributes of an item by its key."""
        for pk, sk in items.some_keys(count):
            self.written.sync_update_by_key(pk=pk, sk=sk, age=40, name="new")
        return count

    def query_flat_models(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(len(list(self.flat.sync_query(partition_key=items.FIRST))) for _ in range(count))

    def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(
            len(list(self.flat.sync_query(partition_key=items.FIRST, as_dict=True))) for _ in range(count)
        )

    def query_nested_models(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(len(list(self.nested.sync_query(partition_key=items.FIRST))) for _ in range(count))

    def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(
            len(list(self.nested.sync_query(partition_key=items.FIRST, as_dict=True))) for _ in range(count)
        )

    def batch_write(self, count: int) -> int:
        """Put many items; its batch writer takes dicts."""
        with SyncBatchWriter(self.client, items.WRITTEN) as batch:
            for item in items.stored_flats(count):
                batch.put(item)
        return count

    def batch_get(self, count: int) -> int:
        """Read by key."""
        return len(self.flat.sync_batch_get([{"pk": pk, "sk": sk} for pk, sk in items.some_keys(count)]))

    def scan_threads(self, count: int) -> int:
        """Scan the table in segments, in threads of its own."""
        found, _ = self.flat.sync_parallel_scan(items.SEGMENTS)
        return len(found)

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        for _ in range(count):
            with SyncTransaction(self.client) as transaction:
                for item in items.stored_flats(items.TRANSACTION):
                    transaction.put(items.WRITTEN, item)
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        return sum(1 for _ in _flat_model(items.MANY).sync_scan())

    def models_20(self, count: int) -> int:
        """Get an item through each of 20 models of one client."""
        models = [_flat_model(items.FLAT) for _ in range(20)]
        for model, (pk, sk) in zip(models, items.some_keys(20), strict=True):
            assert model.sync_get(pk=pk, sk=sk) is not None
        return 20


def _flat_model(table_name: str) -> Any:
    class Flat(Model):
        model_config = ModelConfig(table=table_name)

        pk = StringAttribute(partition_key=True)
        sk = StringAttribute(sort_key=True)
        name = StringAttribute()
        email = StringAttribute()
        age = NumberAttribute()
        score = NumberAttribute()
        balance = DecimalAttribute()
        active = BooleanAttribute()
        note = StringAttribute(required=False)
        created_at = DatetimeAttribute()

    return Flat


def _nested_model() -> Any:
    class Nested(Model):
        model_config = ModelConfig(table=items.NESTED)

        pk = StringAttribute(partition_key=True)
        sk = StringAttribute(sort_key=True)
        name = StringAttribute()
        version = NumberAttribute()
        enabled = BooleanAttribute()
        status = StringAttribute()
        tags = ListAttribute()
        config = MapAttribute()
        created_at = DatetimeAttribute()
        updated_at = DatetimeAttribute()

    return Nested


@cache
def _plain(count: int) -> list[dict[str, Any]]:
    return [items.flat(number) for number in range(count)]
