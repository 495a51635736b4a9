"""Reads by key through the item cache: GetItem and BatchGetItem.

Knows their requests and replies (API Reference). Must not know stores. A request that asks for the latest
write is passed on, as DAX does (Developer Guide, "DAX and DynamoDB consistency models").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Tell
from dynamodb_wrapper.plugins.cache.memory import MISSING
from dynamodb_wrapper.plugins.cache.places import CAPACITY, Place, item_place, table_name, variant_of
from dynamodb_wrapper.plugins.cache.stats import CacheRead
from dynamodb_wrapper.plugins.cache.tables import Tables
from dynamodb_wrapper.plugins.cache.tiers import Fetched, Gap, Tiers

KEPT_MEMBERS = ("ConsumedCapacity", "UnprocessedKeys")


class _Got(Struct):
    Item: Raw = Raw(b"")


_got = msgspec.json.Decoder(_Got)
_object = msgspec.json.Decoder(dict[str, Raw])
_lists = msgspec.json.Decoder(dict[str, list[Raw]])


class _Wanted(Struct, frozen=True):
    """One key of a batch."""

    table: str
    key: Any
    place: Place
    variant: bytes


class Items:
    """Reads items by key.

    Parameters:
        seconds: how long an item is kept.
        schema_version: sets apart what is kept for another form of the same items.
    """

    def __init__(self, tiers: Tiers, tables: Tables, seconds: float, schema_version: str) -> None:
        self._tiers, self._tables = tiers, tables
        self._seconds, self._schema_version = seconds, schema_version

    def get(self, send: Send, call: Call) -> Flow[Reply]:
        """GetItem."""
        body = call.body
        if body.get("ConsistentRead") or "Key" not in body or "TableName" not in body:
            return (yield from send(call))
        table, key = table_name(body["TableName"]), body["Key"]

        def fetch(consistent: bool) -> Flow[Fetched]:
            reply = yield from send(
                replace(call, body=body | {"ConsistentRead": True}) if consistent else call
            )
            self._tables.learn(table, key)
            return reply, bytes(_got.decode(reply).Item)

        answer = yield from self._tiers.read(
            item_place(table, key),
            variant_of(body, self._schema_version),
            self._seconds,
            call.deadline,
            fetch,
        )
        is_hit = answer.reply is None
        if answer.shared:
            yield Tell(CacheRead(table, is_hit, "item"))
        else:
            yield from self._tell(table, is_hit)
            if is_hit and answer.value == MISSING:
                self._tiers.counters.add("negative_hits")
        return _reply(answer.value or MISSING, call) if answer.reply is None else answer.reply

    def batch(self, send: Send, call: Call) -> Flow[Reply]:
        """BatchGetItem: only the keys that are not kept are asked for."""
        requests = call.body.get("RequestItems")
        wanted = self._wanted(requests)
        if not isinstance(requests, dict) or not wanted:
            return (yield from send(call))
        found = yield from self._tiers.gaps([(each.place, each.variant) for each in wanted])
        asked = [(each, gap) for each, gap in zip(wanted, found, strict=True) if isinstance(gap, Gap)]
        kept = [(each, got) for each, got in zip(wanted, found, strict=True) if isinstance(got, bytes)]
        rest = _rest(requests, asked)
        members: dict[str, Any] = {"UnprocessedKeys": {}}
        if call.body.get(CAPACITY, "NONE") != "NONE":
            members["ConsumedCapacity"] = []
        items: dict[str, list[Raw]] = {}
        if rest:
            reply = _object.decode((yield from send(replace(call, body=call.body | {"RequestItems": rest}))))
            members |= {name: reply[name] for name in KEPT_MEMBERS if name in reply}
            items = _lists.decode(reply.get("Responses", Raw(b"{}")))
            yield from self._fill(asked, items, reply.get("UnprocessedKeys"))
        for each, value in kept:
            items.setdefault(each.table, []).extend([] if value == MISSING else [Raw(value)])
        for outcome, tables in ((True, kept), (False, asked)):
            for table, count in Counter(each.table for each, _ in tables).items():
                yield from self._tell(table_name(table), outcome, count)
        self._tiers.counters.add("negative_hits", sum(value == MISSING for _, value in kept))
        return msgspec.json.encode({"Responses": items} | members)

    def _wanted(self, requests: Any) -> list[_Wanted]:
        wanted = []
        for table, request in requests.items() if isinstance(requests, dict) else ():
            if request.get("ConsistentRead"):
                continue
            variant, name = variant_of(request, self._schema_version), table_name(table)
            for key in request.get("Keys", ()):
                wanted.append(_Wanted(table, key, item_place(name, key), variant))
        return wanted

    def _fill(
        self, asked: Sequence[tuple[_Wanted, Gap]], items: dict[str, list[Raw]], unprocessed: Raw | None
    ) -> Flow[None]:
        """Keep what came, and what did not; nothing of a table whose keys were not read."""
        names = {each.table: tuple(each.key) for each, _ in asked}
        came: dict[Place, bytes] = {}
        for table in names:
            self._tables.learn(table_name(table), dict.fromkeys(names[table]))
            try:
                came |= _by_place(table, names[table], items.get(table, ()))
            except KeyError:
                asked = [(each, gap) for each, gap in asked if each.table != table]
        left = _places_of(unprocessed)
        fills = [(gap, came.get(each.place, MISSING)) for each, gap in asked if each.place not in left]
        yield from self._tiers.fill(fills, self._seconds)

    def _tell(self, table: str, is_hit: bool, count: int = 1) -> Flow[None]:
        self._tiers.counters.add("hits" if is_hit else "misses", count)
        yield Tell(CacheRead(table, is_hit, "item", count))


def _by_place(table: str, names: Sequence[str], items: Sequence[Raw]) -> dict[Place, bytes]:
    """Each item with its place; a KeyError where one came without its key."""
    keyed = ((raw, _object.decode(raw)) for raw in items)
    name = table_name(table)
    return {item_place(name, {part: item[part] for part in names}): bytes(raw) for raw, item in keyed}


def _reply(value: bytes, call: Call) -> Reply:
    """A reply as the service gives it; what is kept has cost nothing."""
    members = b'"Item":' + value if value != MISSING else b""
    if call.body.get(CAPACITY, "NONE") != "NONE":
        cost = b'"ConsumedCapacity":' + no_cost(call.body["TableName"])
        members += b"," + cost if members else cost
    return b"{" + members + b"}"


def no_cost(table: str) -> bytes:
    """What a reply says of its cost where it has none."""
    return msgspec.json.encode({"TableName": table, "CapacityUnits": 0.0})


def _rest(requests: dict[str, Any], asked: Sequence[tuple[_Wanted, Gap]]) -> dict[str, Any]:
    """The part of a request that has to be sent."""
    rest = {table: request for table, request in requests.items() if request.get("ConsistentRead")}
    for each, gap in asked:
        request = rest.setdefault(each.table, requests[each.table] | {"Keys": []})
        request["Keys"].append(each.key)
        if gap.is_recent:
            request["ConsistentRead"] = True
    return rest


def _places_of(unprocessed: Raw | None) -> set[Place]:
    if unprocessed is None:
        return set()
    requests: dict[str, dict[str, Any]] = msgspec.json.decode(unprocessed)
    return {
        item_place(table_name(table), key) for table, request in requests.items() for key in request["Keys"]
    }
