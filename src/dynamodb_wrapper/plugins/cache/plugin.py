"""The plugin: which call goes which way.

Knows the actions of the service and the options of the cache. Must not know how anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, overload

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.engine.bodies import STATEMENTS, WRITES
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.plugins.cache.faces import AsyncCache, Cache
from dynamodb_wrapper.plugins.cache.items import Items
from dynamodb_wrapper.plugins.cache.memory import Memory
from dynamodb_wrapper.plugins.cache.queries import Queries
from dynamodb_wrapper.plugins.cache.stats import CacheStats, Counters
from dynamodb_wrapper.plugins.cache.tables import Tables
from dynamodb_wrapper.plugins.cache.tiers import Tiers
from dynamodb_wrapper.plugins.cache.writes import Writes
from dynamodb_wrapper.plugins.options import (
    Problem,
    instance,
    missing_extra,
    not_negative,
    positive,
    refuse_wrong,
    unset_or,
    whole,
)

HOLD_SECONDS = 60.0
Way: TypeAlias = Callable[[Send, Call], Flow[Reply]]


class CachePlugin(Plugin):
    """Keeps items and pages in process, and in Redis where one is given; docs/cache.md tells how.

    The items and pages of one plugin are those of one account, Region and endpoint: clients of others need a
    plugin of their own, and another namespace where they share a Redis.

    Parameters:
        item_seconds: how long an item is kept; DAX's default (Developer Guide, "DAX: How it works").
        query_seconds: how long a page of a query or scan is kept, whatever is written meanwhile; 0 for not at
            all. Short, because nothing but time ends it.
        missing_seconds: how long it is kept that there is no item of a key; 0 for not at all.
        settle_seconds: for how long after a write the item is read consistently, so that no older state
            is kept; replicas have a write "usually within one second or less" (Developer Guide, "Read
            consistency").
        max_entries: how many items and pages are kept in process.
        max_bytes: how large they may be together.
        schema_version: set it to another text where the same attributes mean something else now.
        redis: the URL of a Redis server 5 or later (`redis://host:port/db`, `rediss://`, `unix://`) that
            other processes share; needs the extra `redis`.
        redis_timeout_seconds: how long Redis may take to answer before it counts as dead.
        namespace: begins each key in Redis.

    Raises:
        ValidationError: an option is of a wrong type or out of its range, or redis is not installed.
    """

    name, version = "cache", "1.0"

    def __init__(
        self,
        *,
        item_seconds: float = 300.0,
        query_seconds: float = 30.0,
        missing_seconds: float = 5.0,
        settle_seconds: float = 10.0,
        max_entries: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        schema_version: str = "",
        redis: str | None = None,
        redis_timeout_seconds: float = 0.25,
        namespace: str = "dynamodb-wrapper",
    ) -> None:
        text = "give a text"
        refuse_wrong(
            type(self).__name__,
            item_seconds=positive(item_seconds),
            query_seconds=not_negative(query_seconds),
            missing_seconds=not_negative(missing_seconds),
            settle_seconds=not_negative(settle_seconds),
            max_entries=whole(max_entries),
            max_bytes=whole(max_bytes),
            schema_version=instance(schema_version, str, text),
            redis=unset_or(_server, redis),
            redis_timeout_seconds=positive(redis_timeout_seconds),
            namespace=instance(namespace, str, text),
        )
        self._counters = Counters()
        memory = Memory(max_entries, max_bytes, settle_seconds, HOLD_SECONDS, self._counters)
        cold: Any = None
        if redis is not None:
            cold = self._cold(redis, redis_timeout_seconds, namespace, settle_seconds, memory)
        self._tiers = tiers = Tiers(memory, cold, self._counters, missing_seconds)
        tables = Tables()
        items = Items(tiers, tables, item_seconds, schema_version)
        writes = Writes(tiers, tables, item_seconds, missing_seconds, schema_version)
        self._ways: dict[str, Way] = {"GetItem": items.get, "BatchGetItem": items.batch}
        if query_seconds:
            queries = Queries(tiers, query_seconds, schema_version)
            self._ways |= {"Query": queries.page, "Scan": queries.page}
        self._ways |= dict.fromkeys(WRITES | STATEMENTS, writes.write)
        self._ways |= dict.fromkeys(("CreateTable", "DeleteTable"), writes.table)
        self.layers = [self._layer]

    @property
    def stats(self) -> CacheStats:
        """What the cache did so far."""
        return self._counters.snapshot()

    @overload
    def of(self, client: DynamoDB) -> Cache: ...
    @overload
    def of(self, client: AsyncDynamoDB) -> AsyncCache: ...
    def of(self, client: DynamoDB | AsyncDynamoDB) -> Cache | AsyncCache:
        """The cache as a client sees it: to forget items, and to close it.

        Parameters:
            client: one that uses this plugin; `api.client` or `gateway.client` for an API or a gateway.
        """
        if isinstance(client, DynamoDB):
            return Cache(self._tiers, client)
        mend = "give a DynamoDB or AsyncDynamoDB, such as `api.client`"
        refuse_wrong(f"{type(self).__name__}.of", client=instance(client, AsyncDynamoDB, mend))
        return AsyncCache(self._tiers, client)

    def _layer(self, send: Send, call: Call) -> Flow[Reply]:
        return self._ways.get(call.action, _pass)(send, call)

    def _cold(self, url: str, timeout: float, namespace: str, settle: float, memory: Memory) -> Any:
        try:
            from dynamodb_wrapper.plugins.cache.cold import Cold
            from dynamodb_wrapper.plugins.cache.link import Link
        except ModuleNotFoundError as error:
            raise missing_extra("a cache in Redis", "redis", "redis", error) from error
        return Cold(
            Link(url, timeout),
            namespace,
            settle_seconds=settle,
            hold_seconds=HOLD_SECONDS,
            memory=memory,
            counters=self._counters,
        )


def _pass(send: Send, call: Call) -> Flow[Reply]:
    return send(call)


def _server(redis: object) -> Problem:
    return instance(redis, str, "give the URL of a server, such as 'redis://host:6379/0'")
