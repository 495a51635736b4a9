"""A plan: which calls answer a query, as one frozen value that sends nothing.

Knows lanes (the pages of one index under one key condition) and keys to get. Must not choose, nor do I/O.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.expressions import AllOf, Compare, Condition, Path, all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations import Query, Scan, Search
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.query.normal import names_of, signature
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.wire.values import WireItem

Operation: TypeAlias = Literal["nothing", "get", "batch-get", "query", "fan-out", "scan"]


class Lane(Struct, frozen=True, kw_only=True):
    """What is read of one index, page after page.

    Parameters:
        index: the index, or the table's own key.
        key: the parts of the key condition; empty for a scan.
        filter: what the service drops.
        judged: what must hold besides and is judged here, because no filter can say it of this index.
        excluded: what lanes before this one return already, so that no item comes twice.
        hydrated: whether the items are read from the table by key, because the index lacks some of them.
        share: of the items under a partition key value, as `Reach.share`.
        one: whether there is at most one item.
    """

    index: Index
    key: tuple[Condition, ...] = ()
    filter: tuple[Condition, ...] = ()
    judged: tuple[Condition, ...] = ()
    excluded: tuple[AllOf, ...] = ()
    hydrated: bool = False
    share: float = 1.0
    one: bool = False

    @property
    def needed(self) -> frozenset[str]:
        """The attributes that are judged here."""
        return names_of(*self.judged, *self.excluded)

    @property
    def judges(self) -> bool:
        """Whether items that the service returns may be dropped here."""
        return bool(self.judged or self.excluded or self.hydrated)


class Plan(Struct, frozen=True, kw_only=True):
    """How a query is answered.

    Parameters:
        schema: the table's description.
        operation: what is done, in a word.
        lanes: the queries or the scan.
        keys: the primary keys to get instead, in the order of the answer.
        judged: what must hold of the items so got.
        attributes: those that the answer needs; None for all there are.
        merged: whether the lanes' items come in the order of the sort key, and not lane after lane.
        forward: whether that order is ascending.
        consistent: whether the latest writes are read.
        always: the parts of what must hold whatever is asked.
    """

    schema: TableSchema[Any]
    operation: Operation
    lanes: tuple[Lane, ...] = ()
    keys: tuple[WireItem, ...] = ()
    judged: tuple[Condition, ...] = ()
    attributes: tuple[str, ...] | None = None
    merged: bool = False
    forward: bool = True
    consistent: bool = False
    always: tuple[Condition, ...] = ()

    def asked(self, parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """The parts without what must hold whatever is asked."""
        return tuple(part for part in parts if part not in self.always)

    def key_fields(self, lane: Lane) -> tuple[str, ...]:
        """The attributes from which a lane can go on after any item."""
        return tuple(dict.fromkeys(lane.index.stored_keys + self.schema.key_fields))

    def projection(self, lane: Lane) -> tuple[Path, ...]:
        """What a lane reads of its index; nothing means all of it."""
        if lane.hydrated:
            return _paths(self.key_fields(lane))
        if self.attributes is None:
            return ()
        return _paths((*self.attributes, *self.key_fields(lane), *sorted(lane.needed)))

    def item_projection(self) -> tuple[Path, ...]:
        """What is read of the table by key; nothing means all of it."""
        if self.attributes is None:
            return ()
        judged = [part for lane in self.lanes if lane.hydrated for part in (*lane.judged, *lane.excluded)]
        names = names_of(*judged, *self.judged)
        return _paths((*self.attributes, *self.schema.key_fields, *sorted(names)))

    def search(self, lane: Lane, table: str, reader: Reader[Any], *, forward: bool) -> Search[Any]:
        """The first page of a lane.

        Parameters:
            table: the table's full name.
            reader: what items become.
            forward: whether the sort key ascends.
        """
        common: dict[str, Any] = {
            "table": table,
            "reader": reader,
            "key_fields": self.key_fields(lane),
            "index": lane.index.stored_name,
            "filter": all_of(*lane.filter),
            "projection": self.projection(lane),
            "consistent": self.consistent,
            "encode": self.schema.codec.encode_attribute,
        }
        if not lane.key:
            return Scan(**common)
        condition = lane.key[0] if len(lane.key) == 1 else AllOf(lane.key)
        return Query(**common, key_condition=condition, forward=forward)

    def identity(self, table: str, reader: Reader[Any]) -> bytes:
        """What makes a query the one it is, for its cursors: all but its projection and page size."""
        encode = self.schema.codec.encode_attribute
        lanes = [
            [
                self.search(lane, table, reader, forward=self.forward).identity().decode(),
                [signature(part, encode).decode() for part in (*lane.judged, *lane.excluded)],
                lane.hydrated,
            ]
            for lane in self.lanes
        ]
        judged = [signature(part, encode).decode() for part in self.judged]
        return msgspec.json.encode([table, lanes, self.keys, judged, self.merged, self.forward])


def spread(lane: Lane) -> tuple[Lane, ...]:
    """A lane of a sharded index as one for each shard; another one as it is."""
    shards = lane.index.shards
    if shards is None or not lane.key:
        return (lane,)
    found: Any = ((at, part) for at, part in enumerate(lane.key) if _is_value_of(part, shards.field))
    at, given = next(found)
    return tuple(
        replace(
            lane,
            key=(*lane.key[:at], Compare(Path((shards.attribute,)), "=", Wire(key)), *lane.key[at + 1 :]),
            share=lane.share / shards.count,
        )
        for key in shards.keys(given.value.value)
    )


def _is_value_of(part: Any, field: str) -> bool:
    return isinstance(part, Compare) and part.comparator == "=" and part.path == Path((field,))


def _paths(names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(Path((name,)) for name in dict.fromkeys(names))
