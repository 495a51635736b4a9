"""One listing out of several queries: merged by their sort key, and resumed in each where it stopped.

Knows sorted queries and positions in them. Must not know tables, or how positions become a cursor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any, TypeAlias

from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Flow, Read, Send, Together
from dynamodb_wrapper.operations import All, Query, Take, Taken
from dynamodb_wrapper.wire.values import WireItem, encode_item

Item: TypeAlias = dict[str, Any]
Positions: TypeAlias = dict[str, WireItem | None]


@dataclass(frozen=True, slots=True)
class Merged:
    """Some items, and where each query that has more goes on; no position at all is the end."""

    items: list[Item]
    positions: Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeMerged(Read[Merged]):
    """Read `limit` items in the order of the sort key out of queries that are each in that order.

    Each query reads up to `limit` items, because all of them may come from it.

    Parameters:
        queries: by name; they read plain items with their key fields, all in the same direction.
        positions: where each goes on; None is its beginning. One that is not named here is finished.
        sort: the text attribute that all are sorted by.
        limit: how many items are wanted; None for all of them.
    """

    queries: Mapping[str, Query[Item]]
    positions: Positions
    sort: str
    limit: int | None

    def flow(self, send: Send) -> Flow[Merged]:
        """See `Operation.flow`."""
        names = [name for name in self.queries if name in self.positions]
        parts = yield Together([self._take(name).flow(send) for name in names])
        found: dict[str, Taken[Item]] = dict(zip(names, parts, strict=True))
        items = list(islice(self._in_order(found), self.limit))
        used = Counter(name for name, _ in items)
        after = {name: self._after(name, taken, used[name]) for name, taken in found.items()}
        return Merged([item for _, item in items], {name: at for name, (more, at) in after.items() if more})

    def _take(self, name: str) -> Read[Taken[Item]]:
        query = replace(self.queries[name], start=self.positions[name])
        return _TakeAll(query) if self.limit is None else Take(query, self.limit)

    def _in_order(self, found: Mapping[str, Taken[Item]]) -> Iterator[tuple[str, Item]]:
        named = ([(name, item) for item in taken.items] for name, taken in found.items())
        forward = all(query.forward for query in self.queries.values())
        return merge(*named, key=lambda entry: entry[1][self.sort], reverse=not forward)

    def _after(self, name: str, taken: Taken[Item], used: int) -> tuple[bool, WireItem | None]:
        """Whether a query has more after the items used of it, and where that begins."""
        if used == len(taken.items):
            return taken.last_key is not None, taken.last_key
        if used == 0:
            return True, self.positions[name]
        last = taken.items[used - 1]
        return True, encode_item({field: last[field] for field in self.queries[name].key_fields})


@dataclass(frozen=True, slots=True)
class _TakeAll(Read[Taken[Item]]):
    query: Query[Item]

    def flow(self, send: Send) -> Flow[Taken[Item]]:
        return Taken((yield from All(self.query).flow(send)), None)
