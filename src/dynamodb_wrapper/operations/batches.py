"""Batches: any number of items in as few calls as the service allows, leftovers included.

Limits are those of the DynamoDB API Reference: BatchGetItem 100 keys, BatchWriteItem 25 items, each of at
most 400 KB, so that the limit of 16 MB for all of them cannot be reached.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Read, Reply, Send, Sleep, Together, Write
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError
from dynamodb_wrapper.expressions import Params, Path
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireValue

T = TypeVar("T")
WireItem: TypeAlias = dict[str, WireValue]

MOST_KEYS = 100
MOST_WRITES = 25
MOST_ROUNDS = 12
BASE_SECONDS = 0.05
_EXACT = Context(prec=38)
LONGEST_WAIT_SECONDS = 5.0


class _BatchReply(msgspec.Struct):
    Responses: dict[str, list[dict[str, Any]]] = {}
    UnprocessedKeys: dict[str, dict[str, Any]] = {}
    UnprocessedItems: dict[str, list[dict[str, Any]]] = {}


_replies = msgspec.json.Decoder(_BatchReply)


class BatchGet(Read["list[T | None]"], Struct, frozen=True, kw_only=True):
    """Read many items by key: in the order of `keys`, None for a missing one; a key may stand twice."""

    table: str
    keys: Sequence[WireItem]
    reader: Reader[T]
    projection: Sequence[Path] = ()
    consistent: bool = False

    def flow(self, send: Send) -> Flow[list[T | None]]:
        """See `Operation.flow`."""
        keys = list(self._different().values())
        chunks = [keys[at : at + MOST_KEYS] for at in range(0, len(keys), MOST_KEYS)]
        parts = yield Together([self._chunk(send, chunk) for chunk in chunks])
        found = {mark: item for part in parts for mark, item in part.items()}
        return [found.get(_mark(key)) for key in self.keys]

    def call(self) -> Call:
        """The first request; see `Operation.call`."""
        return self._call(list(self._different().values())[:MOST_KEYS])

    def _different(self) -> dict[bytes, WireItem]:
        return {_mark(key): key for key in self.keys}

    def _call(self, keys: Sequence[WireItem]) -> Call:
        request: dict[str, Any] = {"Keys": list(keys)}
        if self.consistent:
            request["ConsistentRead"] = True
        if self.projection:
            params = Params()
            paths = dict.fromkeys([*self.projection, *(Path((name,)) for name in keys[0])])
            request["ProjectionExpression"] = ", ".join(path.encode(params) for path in paths)
            params.into(request)
        return Call("BatchGetItem", {"RequestItems": {self.table: request}}, self.table)

    def _chunk(self, send: Send, keys: Sequence[WireItem]) -> Flow[dict[bytes, T]]:
        found: dict[bytes, T] = {}
        names = tuple(keys[0])
        rounds = 0
        while keys:
            reply = _replies.decode((yield from send(self._call(keys))))
            for item in reply.Responses.get(self.table, ()):
                found[_mark({name: item[name] for name in names})] = self.reader.decode(
                    item, table=self.table
                )
            left = reply.UnprocessedKeys.get(self.table, {}).get("Keys", [])
            rounds = 0 if len(left) < len(keys) else rounds + 1
            keys = left
            if keys:
                yield from _back_off(rounds, f"{len(keys)} keys of {self.table} were not read")
        return found


class BatchWrite(Write[None], Struct, frozen=True, kw_only=True):
    """Put and delete many items; each goes alone, and of two with one key the later is kept.

    Every item is checked before the first is sent.

    Parameters:
        key_fields: the attributes of the key; without them no key may stand twice.
    """

    table: str
    key_fields: Sequence[str]
    puts: Sequence[WireItem] = ()
    deletes: Sequence[WireItem] = ()

    def flow(self, send: Send) -> Flow[None]:
        """See `Operation.flow`."""
        for item in self.puts:
            check_item_size(item, self.table)
        yield Together([self._chunk(send, chunk) for chunk in self._chunks()])

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
        last = {_mark({name: item[name] for name in self.key_fields}): request for item, request in requests}
        return list(last.values())

    def _chunks(self) -> list[list[WireItem]]:
        requests = self._requests()
        return [requests[at : at + MOST_WRITES] for at in range(0, len(requests), MOST_WRITES)]

    def _call(self, requests: Sequence[WireItem]) -> Call:
        return Call("BatchWriteItem", {"RequestItems": {self.table: list(requests)}}, self.table)

    def _chunk(self, send: Send, requests: Sequence[WireItem]) -> Flow[None]:
        rounds = 0
        while requests:
            reply = _replies.decode((yield from send(self._call(requests))))
            left = reply.UnprocessedItems.get(self.table, [])
            rounds = 0 if len(left) < len(requests) else rounds + 1
            requests = left
            if requests:
                yield from _back_off(rounds, f"{len(requests)} items of {self.table} were not written")


def _mark(key: WireItem) -> bytes:
    """What equal keys have in common, however a number in them is written."""
    return msgspec.json.encode({name: _plain(value) for name, value in key.items()}, order="sorted")


def _plain(value: WireValue) -> WireValue:
    number = value.get("N")
    return value if number is None else {"N": format(Decimal(number).normalize(_EXACT), "E")}


def _back_off(rounds: int, what: str) -> Flow[None]:
    if rounds >= MOST_ROUNDS:
        raise ProvisionedThroughputExceededError(f"{what}: the table is throttled; try again later")
    yield Sleep(random.random() * min(BASE_SECONDS * 2**rounds, LONGEST_WAIT_SECONDS))
