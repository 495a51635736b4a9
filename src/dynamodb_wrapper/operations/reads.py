"""Reading: one item, and pages of a query or a scan.

Limits are those of the DynamoDB API Reference, GetItem, Query and Scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Flow, Page, Read, Reply, Send
from dynamodb_wrapper.expressions.params import Encode, Params, encode_plainly
from dynamodb_wrapper.operations.readers import Reader, key_at
from dynamodb_wrapper.wire.values import WireItem

if TYPE_CHECKING:
    from dynamodb_wrapper.expressions import Condition, Path

T = TypeVar("T")

FIRST_FILTERED_LOOK = 100
WIDEST_LOOK = 10_000


class GetItem(Read["T | None"], Struct, Generic[T], frozen=True, kw_only=True):
    """Read one item by its primary key; None where there is none."""

    table: str
    key: WireItem
    reader: Reader[T]
    projection: Sequence[Path] = ()
    consistent: bool = False

    def call(self) -> Call:
        """See `Operation.call`."""
        body: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        if self.consistent:
            body["ConsistentRead"] = True
        if self.projection:
            params = Params()
            body["ProjectionExpression"] = _project(self.projection, params)
            params.into(body)
        return Call("GetItem", body, self.table)

    def parse(self, reply: Reply) -> T | None:
        """See `Operation.parse`."""
        return self.reader.read_item(reply, table=self.table)


class Found(Page[T], frozen=True):
    """A page of a search: `last_key` is where the next one starts, `count` how many items matched."""

    last_key: WireItem | None = None
    count: int = 0


class Search(Read[Page[T]], Struct, frozen=True, kw_only=True):
    """What a query and a scan share: a filter, a projection, pages of at most `evaluate` items read.

    `key_fields` are the key attributes of the table and of the index searched: from them a page can be
    resumed after any item. `hides` is a filter that changes as time passes and the search does not.
    """

    table: str
    reader: Reader[T]
    key_fields: Sequence[str]
    index: str | None = None
    filter: Condition | None = None
    hides: Condition | None = None
    projection: Sequence[Path] = ()
    consistent: bool = False
    evaluate: int | None = None
    start: WireItem | None = None
    encode: Encode = encode_plainly
    count_only: bool = False

    @property
    def action(self) -> str:
        """The service's name of the operation."""
        raise NotImplementedError

    def complete(self, body: dict[str, Any], params: Params) -> None:
        """Add what only this kind of search has."""
        raise NotImplementedError

    def call(self) -> Call:
        """See `Operation.call`."""
        body: dict[str, Any] = {"TableName": self.table}
        if self.index is not None:
            body["IndexName"] = self.index
        params = Params(self.encode)
        if self.count_only:
            body["Select"] = "COUNT"
        elif self.projection:
            body["ProjectionExpression"] = _project(self.projection, params)
        self.complete(body, params)
        filters = [each for each in (self.filter, self.hides) if each is not None]
        if filters:
            body["FilterExpression"] = " AND ".join(each.encode(params) for each in filters)
        if self.consistent:
            body["ConsistentRead"] = True
        if self.evaluate is not None:
            body["Limit"] = self.evaluate
        if self.start is not None:
            body["ExclusiveStartKey"] = self.start
        return Call(self.action, params.into(body), self.table)

    def identity(self) -> bytes:
        """What makes this search the one it is, whatever page, projection and page size it is read with."""
        params = Params(self.encode)
        body: dict[str, Any] = {"TableName": self.table, "IndexName": self.index, "Action": self.action}
        self.complete(body, params)
        if self.filter is not None:
            body["FilterExpression"] = self.filter.encode(params)
        return msgspec.json.encode(params.into(body), order="sorted")

    def parse(self, reply: Reply) -> Found[T]:
        """See `Operation.parse`."""
        page = self.reader.read_page(reply, table=self.table)
        last = page.last_evaluated_key
        following = replace(self, start=last) if last else None
        return Found(list(page.items), following, last, page.count)

    def read_all(self, send: Send) -> Flow[list[T]]:
        """Every item, page after page."""
        items: list[T] = []
        page: Page[T] = self.parse((yield from send(self.call())))
        items += page.items
        while page.next is not None:
            page = page.next.parse((yield from send(page.next.call())))
            items += page.items
        return items

    def take(self, limit: int, send: Send) -> Flow[Taken[T]]:
        """Exactly `limit` items, fewer only at the end; see `Take`."""
        search: Search[T] = self
        items = list[T]()
        drops = search.filter is not None or search.hides is not None
        look = max(limit, FIRST_FILTERED_LOOK) if drops else limit + 1
        while True:
            search = replace(search, evaluate=min(look, WIDEST_LOOK))
            reply = yield from send(search.call())
            page = search.parse(reply)
            wanted = limit - len(items)
            items += page.items[:wanted]
            if len(page.items) > wanted:
                last = key_at(reply, wanted - 1, search.key_fields) if wanted else search.start
                return Taken(items, last)
            looked_beyond = wanted == 0 and drops
            if page.last_key is None or looked_beyond:
                return Taken(items, page.last_key)
            search = replace(search, start=page.last_key)
            look = look * 4 if drops else limit + 1 - len(items)

    def count(self, send: Send) -> Flow[int]:
        """How many items there are; none is sent over the network."""
        search, count = replace(self, count_only=True), 0
        while True:
            page = search.parse((yield from send(search.call())))
            count += page.count
            if page.last_key is None:
                return count
            search = replace(search, start=page.last_key)


class Query(Search[T], frozen=True, kw_only=True):
    """A page of the items under one partition key value, in the order of the sort key."""

    key_condition: Condition
    forward: bool = True

    @property
    def action(self) -> str:
        """See `Search.action`."""
        return "Query"

    def complete(self, body: dict[str, Any], params: Params) -> None:
        """See `Search.complete`."""
        body["KeyConditionExpression"] = self.key_condition.encode(params)
        if not self.forward:
            body["ScanIndexForward"] = False


class Scan(Search[T], frozen=True, kw_only=True):
    """A page of all items of a table or index, in no order; `segment` of `segments` for parallel scans."""

    segment: int = 0
    segments: int = 1

    @property
    def action(self) -> str:
        """See `Search.action`."""
        return "Scan"

    def complete(self, body: dict[str, Any], params: Params) -> None:
        """See `Search.complete`."""
        if self.segments > 1:
            body |= {"Segment": self.segment, "TotalSegments": self.segments}


class Taken(Struct, Generic[T], frozen=True):
    """The items that were asked for, and the key to go on after the last of them (None at the end)."""

    items: list[T]
    last_key: WireItem | None


class Take(Read[Taken[T]], Struct, frozen=True):
    """Read exactly `limit` items of a search, fewer only at its end, however many a filter drops.

    A page may be cut in the middle: the key to go on after is then made from the last item taken, so that the
    search must read its key fields. Without a filter one item more is read, to know whether there is a next
    page; with one, one page more, so that the last page of a list may be empty only where more than that
    would have to be read to find out.
    """

    search: Search[T]
    limit: int

    def flow(self, send: Send) -> Flow[Taken[T]]:
        """See `Operation.flow`."""
        return self.search.take(self.limit, send)


class All(Read[list[T]], Struct, frozen=True):
    """Read every item of a search, page after page."""

    search: Search[T]

    def flow(self, send: Send) -> Flow[list[T]]:
        """See `Operation.flow`."""
        return self.search.read_all(send)


class Count(Read[int], Struct, frozen=True):
    """Count the items of a search; no item is sent over the network, though each is read and paid for."""

    search: Search[Any]

    def flow(self, send: Send) -> Flow[int]:
        """See `Operation.flow`."""
        return self.search.count(send)


def _project(paths: Sequence[Path], params: Params) -> str:
    from dynamodb_wrapper.expressions.projections import project  # a get of a whole item does without

    return project(paths, params)
