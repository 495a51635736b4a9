"""Batches: any number of items in as few calls as the service allows, leftovers included.

Limits are those of the DynamoDB API Reference: BatchGetItem 100 keys, BatchWriteItem 25 items, each of at
most 400 KB, so that the limit of 16 MB for all of them cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Read, Reply, Send, Write
from dynamodb_wrapper.exceptions import DeadlineExceededError, UnprocessedError, ValidationError
from dynamodb_wrapper.expressions import Params, Path
from dynamodb_wrapper.operations.draining import Drained, drain, leftovers
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.operations.readers import Reader, keys_in, read_list
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem

T = TypeVar("T")
Place: TypeAlias = tuple[str, bytes]

MOST_KEYS = 100
MOST_WRITES = 25


class _BatchReply(msgspec.Struct):
    Responses: dict[str, msgspec.Raw] = {}
    UnprocessedKeys: dict[str, dict[str, Any]] = {}
    UnprocessedItems: dict[str, list[dict[str, Any]]] = {}


_replies = msgspec.json.Decoder(_BatchReply)


class BatchGet(Read["list[T | None]"], Struct, frozen=True, kw_only=True):
    """Read many items by key: in the order of `keys`, None for a missing one; a key may stand twice.

    Parameters:
        deadline: when to give up on what the service leaves over, on the clock of `time.monotonic`.

    Raises:
        UnprocessedError: the service left keys over; carries them in wire form.
    """

    table: str
    keys: Sequence[WireItem]
    reader: Reader[T]
    projection: Sequence[Path] = ()
    consistent: bool = False
    deadline: float = inf

    def flow(self, send: Send) -> Flow[list[T | None]]:
        """See `Operation.flow`."""
        try:
            (found,) = yield from BatchGetMany([self], self.deadline).flow(send)
        except UnprocessedError as error:
            error.unprocessed = tuple(key for _, key in error.unprocessed)
            raise
        return found

    def call(self) -> Call:
        """The first request; see `Operation.call`."""
        keys = list({mark(key): key for key in self.keys}.values())[:MOST_KEYS]
        return Call("BatchGetItem", {"RequestItems": {self.table: self.request(keys)}}, self.table)

    def request(self, keys: Sequence[WireItem]) -> dict[str, Any]:
        """What a call has for this table and some of the keys."""
        request: dict[str, Any] = {"Keys": list(keys)}
        if self.consistent:
            request["ConsistentRead"] = True
        if self.projection:
            params = Params()
            paths = dict.fromkeys([*self.projection, *(Path((name,)) for name in keys[0])])
            request["ProjectionExpression"] = ", ".join(path.encode(params) for path in paths)
            params.into(request)
        return request


class BatchGetMany(Read["list[list[Any]]"], Struct, frozen=True):
    """Read many items of several tables together; the items of each part in the order of its keys.

    Parameters:
        parts: what to read of each table, no two of one table.
        deadline: as for `BatchGet`.

    Raises:
        UnprocessedError: the service left keys over, or the deadline came first; carries each with its table.
    """

    parts: Sequence[BatchGet[Any]]
    deadline: float = inf

    def flow(self, send: Send) -> Flow[list[list[Any]]]:
        """See `Operation.flow`."""
        parts = {part.table: part for part in self.parts}
        if len(parts) < len(self.parts):
            raise ValidationError("two parts of a batch are of one table: read them apart")
        asked = [[(part.table, mark(key)) for key in part.keys] for part in self.parts]
        keys = {
            place: key
            for part, places in zip(self.parts, asked, strict=True)
            for place, key in zip(places, part.keys, strict=True)
        }
        found: dict[Place, Any] = {}

        def exchange(batch: Sequence[Place]) -> Flow[list[Place]]:
            wanted: dict[str, list[WireItem]] = {}
            for place in batch:
                wanted.setdefault(place[0], []).append(keys[place])
            requests = {table: parts[table].request(some) for table, some in wanted.items()}
            call = Call("BatchGetItem", {"RequestItems": requests}, batch[0][0], deadline=self.deadline)
            reply = _replies.decode((yield from send(call)))
            for table, raw in reply.Responses.items():
                part, items = parts[table], bytes(raw)
                places = [(table, mark(key)) for key in keys_in(items, tuple(part.keys[0]))]
                found.update(zip(places, read_list(part.reader, items, table=table), strict=True))
            left = reply.UnprocessedKeys.items()
            return [(table, mark(key)) for table, rest in left for key in rest["Keys"]]

        what = f"keys of {', '.join(parts)} were not read"
        drained = yield from drain(list(keys), MOST_KEYS, exchange, what, self.deadline)
        error = drained.error
        if isinstance(error, DeadlineExceededError) and self.deadline < inf:
            error = leftovers(drained.left, what, error)
        if isinstance(error, UnprocessedError):
            error.unprocessed = tuple((place[0], keys[place]) for place in drained.left)
        if error is not None:
            raise error
        return [[found.get(place) for place in places] for places in asked]


class BatchWrite(Write[None], Struct, frozen=True, kw_only=True):
    """Put and delete many items; each goes alone, and of two with one key the later is kept.

    Every item is checked before the first is sent.

    Parameters:
        key_fields: the attributes of the key; without them no key may stand twice.
        deadline: when to give up on what the service leaves over, on the clock of `time.monotonic`.

    Raises:
        UnprocessedError: the service left requests over; carries them in wire form.
    """

    table: str
    key_fields: Sequence[str]
    puts: Sequence[WireItem] = ()
    deletes: Sequence[WireItem] = ()
    deadline: float = inf

    def flow(self, send: Send) -> Flow[None]:
        """See `Operation.flow`."""
        for item in self.puts:
            check_item_size(item, self.table)
        drained = yield from self.drained(send)
        if drained.error is not None:
            raise drained.error

    def drained(self, send: Send) -> Flow[Drained[WireItem]]:
        """The same, but what was not written is returned and not raised; items are not checked any more."""
        what = f"items of {self.table} were not written"
        exchange = partial(self._exchange, send)
        return (yield from drain(self._requests(), MOST_WRITES, exchange, what, self.deadline))

    def call(self) -> Call:
        """The first request; see `Operation.call`."""
        return self._call(self._requests()[:MOST_WRITES])

    def parse(self, reply: Reply) -> None:
        """See `Operation.parse`."""

    def _requests(self) -> list[WireItem]:
        puts = [(item, {"PutRequest": {"Item": item}}) for item in self.puts]
        requests = puts + [(key, {"DeleteRequest": {"Key": key}}) for key in self.deletes]
        if not self.key_fields:
            return [request for _, request in requests]
        last = {mark({name: item[name] for name in self.key_fields}): request for item, request in requests}
        return list(last.values())

    def _call(self, requests: Sequence[WireItem]) -> Call:
        body = {"RequestItems": {self.table: list(requests)}}
        return Call("BatchWriteItem", body, self.table, deadline=self.deadline)

    def _exchange(self, send: Send, requests: Sequence[WireItem]) -> Flow[list[WireItem]]:
        reply = _replies.decode((yield from send(self._call(requests))))
        return reply.UnprocessedItems.get(self.table, [])
