"""What the cache counts, and what it tells observers.

Knows numbers. Must not know keys or values.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from msgspec import Struct

from dynamodb_wrapper.engine.events import Event, Measure


class CacheRead(Event, frozen=True):
    """Items or a page were looked for in the cache.

    Parameters:
        table: the table's full name.
        hit: whether they were there, or were brought by another reader's call.
        kind: "item" or "query".
        count: how many keys or pages; a batch tells of its hits and of its misses by table.
    """

    table: str
    hit: bool
    kind: str
    count: int = 1

    def measures(self) -> Iterable[Measure]:
        """The keys or the page, as hits or misses."""
        labels = {"table": self.table, "kind": self.kind, "outcome": "hit" if self.hit else "miss"}
        yield Measure("cache_reads", labels, self.count)


class CacheStats(Struct, frozen=True):
    """What a cache did since it was made.

    Parameters:
        hits: reads by key that were answered from the cache, items that are missing included.
        misses: reads by key that were not.
        negative_hits: hits that said that there is no item.
        query_hits: pages of a query or scan that were answered from the cache.
        query_misses: pages that were not.
        shared: reads that waited for the same read of another thread or task, and took its answer.
        evictions: what had to go because the cache in process was full.
        refused_fills: answers that were not kept, because the item was written while they were on the way.
        store_failures: commands that Redis did not answer, and connections to it that were lost.
    """

    hits: int = 0
    misses: int = 0
    negative_hits: int = 0
    query_hits: int = 0
    query_misses: int = 0
    shared: int = 0
    evictions: int = 0
    refused_fills: int = 0
    store_failures: int = 0


class Counters:
    """Counts what `CacheStats` shows; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts = dict.fromkeys(CacheStats.__struct_fields__, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count something that happened."""
        with self._lock:
            self._counts[name] += count

    def snapshot(self) -> CacheStats:
        """The numbers of this moment."""
        with self._lock:
            return CacheStats(**self._counts)
