"""A query of a sharded index: one for every shard, gathered in the order of the sort key.

Knows how such a query is asked for, resumed and counted. Must not know who asks: to callers it is a `Query`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from dynamodb_wrapper.engine.flow import Flow, Send, Together
from dynamodb_wrapper.expressions import Compare, Condition, Path
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations import Count, Query
from dynamodb_wrapper.operations.reads import WIDEST_LOOK, Taken
from dynamodb_wrapper.query.courses import LaneCourse, packed, unpacked
from dynamodb_wrapper.query.plan import Lane, Plan, spread
from dynamodb_wrapper.schema import Index, TableSchema

T = TypeVar("T")
_PLACE: Final = "shards"


class GatheredQuery(Query[T], frozen=True, kw_only=True):
    """A query whose items come from several key conditions of one index, merged by its sort key.

    Parameters:
        schema: the table's description.
        lanes: what is read of each shard, with the filter of the query still to be added.
        start: where it goes on, as `Taken.last_key` of such a query has it.
    """

    schema: TableSchema[Any]
    lanes: tuple[Lane, ...]

    def identity(self) -> bytes:
        """See `Search.identity`; that of every lane counts."""
        lasting = replace(self, hides=None)._queries()
        return msgspec.json.encode([query.identity().decode() for query in lasting])

    def read_all(self, send: Send) -> Flow[list[T]]:
        """See `Search.read_all`."""
        course, items = self._course(), list[T]()
        state: Any = course.start()
        while state is not None:
            haul = yield from course.take(state, WIDEST_LOOK, send)
            items += haul.items
            state = haul.onward
        return items

    def take(self, limit: int, send: Send) -> Flow[Taken[T]]:
        """See `Search.take`."""
        course = self._course()
        place: Any = None if self.start is None else unpacked(self.start[_PLACE])
        haul = yield from course.take(course.start(place), limit, send)
        last: Any = None if haul.onward is None else {_PLACE: packed(course.place(haul.onward))}
        return Taken(haul.items, last)

    def count(self, send: Send) -> Flow[int]:
        """See `Search.count`."""
        return sum((yield Together([Count(query).flow(send) for query in self._queries()])))

    def _queries(self) -> list[Any]:
        plan = self._plan()
        return [plan.search(lane, self.table, self.reader, forward=self.forward) for lane in plan.lanes]

    def _course(self) -> LaneCourse[T]:
        return LaneCourse(self._plan(), self.table, self.reader)

    def _plan(self) -> Plan:
        filters = tuple(each for each in (self.filter, self.hides) if each is not None)
        lanes = tuple(replace(lane, filter=filters) for lane in self.lanes)
        return Plan(
            schema=self.schema,
            operation="fan-out",
            lanes=lanes,
            attributes=tuple(path.attribute for path in self.projection) or None,
            merged=bool(lanes[0].index.sort),
            forward=self.forward,
        )


def gathered(
    query: Query[T],
    schema: TableSchema[Any],
    index: Index,
    partition: Mapping[str, object],
    sort: Condition | None,
) -> GatheredQuery[T]:
    """The query of a sharded index that stands for one on the key that Meta names.

    Parameters:
        query: with a key condition on the attribute that is spread, which is not sent.
        index: what is queried.
        partition: the value of that attribute.
        sort: what must hold of the sort attributes.
    """
    equal = (
        Compare(Path((name,)), "=", Wire(schema.codec.encode_attribute(name, value)))
        for name, value in partition.items()
    )
    lane = Lane(index=index, key=(*equal, *(() if sort is None else (sort,))))
    return GatheredQuery(**asdict(query), schema=schema, lanes=spread(lane))


def beside(queries: Sequence[Query[T]]) -> Query[T] | None:
    """Queries of one sharded index as one, in a common order; None where they are of no such index."""
    gathers = [query for query in queries if isinstance(query, GatheredQuery)]
    if len(gathers) < len(queries):
        return None
    return replace(gathers[0], lanes=tuple(lane for query in gathers for lane in query.lanes))
