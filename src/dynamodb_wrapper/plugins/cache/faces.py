"""The cache as the clients of either face see it.

Knows models and clients. Must not know how anything is kept.
"""

from __future__ import annotations

from pydantic import BaseModel

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.plugins.cache.places import QUERIES, item_place
from dynamodb_wrapper.plugins.cache.tiers import Tiers
from dynamodb_wrapper.schema import schema_of


class CacheRequests:
    """What both faces offer."""

    tiers: Tiers
    client: DynamoDB | AsyncDynamoDB

    @method
    def clear(self) -> Flow[None]:
        """Forget everything, in all processes that share a Redis."""
        yield from self.tiers.renew()

    @method
    def invalidate(self, model: type[BaseModel], key: object = None) -> Flow[None]:
        """Forget an item that something else wrote, in all processes that share a Redis.

        Parameters:
            model: the item's model.
            key: as for `DynamoDB.get`; all items of the model's table, and its pages, where none is given.
        """
        table = self.client.table_name(model)
        if key is None:
            yield from self.tiers.renew(table)
            yield from self.tiers.renew(QUERIES + table)
            return
        written = yield from self.tiers.begin([item_place(table, wire_key(schema_of(model), key))])
        yield from self.tiers.end(written, known=True, kept={})

    @method
    def close(self) -> Flow[None]:
        """Close the connections to Redis; they are made again when they are needed."""
        if self.tiers.cold is not None:
            yield from self.tiers.cold.close()


class Cache(CacheRequests, Blocking):
    """The cache as a blocking client sees it."""

    def __init__(self, tiers: Tiers, client: DynamoDB) -> None:
        self.tiers, self.client, self._drive = tiers, client, client.drive


class AsyncCache(CacheRequests, Awaiting):
    """The cache as an awaiting client sees it."""

    def __init__(self, tiers: Tiers, client: AsyncDynamoDB) -> None:
        self.tiers, self.client, self._drive = tiers, client, client.drive
