"""Writes: what they touch, and that nothing older is kept when they have ended.

Knows requests that write (API Reference). Must not know stores. Whatever becomes of a write, the items that
it touches are forgotten; where it is known what an item is afterwards, that is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from dynamodb_wrapper.engine.bodies import only_reads, statements, table_of
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.plugins.cache.memory import MISSING
from dynamodb_wrapper.plugins.cache.places import QUERIES, Place, item_place, table_name, variant_of
from dynamodb_wrapper.plugins.cache.tables import Tables
from dynamodb_wrapper.plugins.cache.tiers import Tiers, Written

Keyed: TypeAlias = tuple[str, Mapping[str, Any]]


class _Attributes(Struct):
    Attributes: Raw = Raw(b"")


_attributes = msgspec.json.Decoder(_Attributes)


class Touched(Struct, frozen=True):
    """What a write may change: items by their keys, items by all their attributes, whole tables.

    Parameters:
        tables: of which any item may be changed; with an empty name among them, of any table.
    """

    keys: tuple[Keyed, ...] = ()
    items: tuple[Keyed, ...] = ()
    tables: frozenset[str] = frozenset()


class Writes:
    """Carries writes through the item cache.

    Parameters:
        seconds: how long what an item is after a write is kept.
        missing_seconds: how long it is kept that an item was removed.
        schema_version: as for `Items`.
    """

    def __init__(
        self, tiers: Tiers, tables: Tables, seconds: float, missing_seconds: float, schema_version: str
    ) -> None:
        self._tiers, self._tables = tiers, tables
        self._seconds, self._missing_seconds = seconds, missing_seconds
        self._variant = variant_of({}, schema_version)

    def write(self, send: Send, call: Call) -> Flow[Reply]:
        """A write of items."""
        touched = _touched(call)
        if not (touched.keys or touched.items or touched.tables):
            return (yield from send(call))
        yield from self._tables.find(send, dict.fromkeys(table for table, _ in touched.items))
        places, scopes = self._places(touched)
        return (yield from self._around(send, call, places, scopes))

    def table(self, send: Send, call: Call) -> Flow[Reply]:
        """A table is made or deleted: nothing of that name is kept, pages included."""
        table = table_name(call.body.get("TableName", ""))
        self._tables.forget(table)
        return (yield from self._around(send, call, {}, {table, QUERIES + table}))

    def _around(self, send: Send, call: Call, places: Mapping[Place, None], scopes: set[str]) -> Flow[Reply]:
        written = yield from self._tiers.begin(list(places))
        try:
            for scope in scopes:
                yield from self._tiers.renew(scope)
            reply = yield from send(call)
        except DynamoDBWrapperError as error:
            yield from self._end(written, scopes, known=not error.outcome_unknown, kept={})
            raise
        except BaseException:  # nothing can be waited for any more
            self._tiers.abandon(written, scopes)
            raise
        kept = self._kept(call, reply, places) if len(places) == 1 and not scopes else {}
        yield from self._end(written, scopes, known=True, kept=kept)
        return reply

    def _end(
        self,
        written: list[Written],
        scopes: set[str],
        *,
        known: bool,
        kept: Mapping[Place, tuple[bytes, bytes, float]],
    ) -> Flow[None]:
        try:
            yield from self._tiers.end(written, known=known, kept=kept)
            for scope in scopes:
                yield from self._tiers.renew(scope)
        except BaseException:
            self._tiers.abandon(written, scopes)
            raise

    def _places(self, touched: Touched) -> tuple[dict[Place, None], set[str]]:
        places = {item_place(table, key): None for table, key in touched.keys}
        scopes = set(touched.tables)
        for table, item in touched.items:
            names = self._tables.known(table)
            if names is None or not item.keys() >= set(names):
                scopes.add(table)
            else:
                places[item_place(table, {name: item[name] for name in names})] = None
        return places, scopes

    def _kept(
        self, call: Call, reply: Reply, places: Mapping[Place, None]
    ) -> dict[Place, tuple[bytes, bytes, float]]:
        """What the item is now, where the request or the reply says so."""
        value, seconds = None, self._seconds
        if call.action == "PutItem":
            value = msgspec.json.encode(call.body["Item"])
        elif call.action == "DeleteItem":
            value, seconds = MISSING, self._missing_seconds
        elif call.action == "UpdateItem" and call.body.get("ReturnValues") == "ALL_NEW":
            value = bytes(_attributes.decode(reply).Attributes) or None
        if call.action in ("UpdateItem", "DeleteItem"):
            self._tables.learn(table_name(call.body["TableName"]), call.body["Key"])
        if value is None or seconds <= 0:
            return {}
        return dict.fromkeys(places, (self._variant, value, seconds))


def _touched(call: Call) -> Touched:
    body = call.body
    try:
        if call.action == "PutItem":
            return Touched(items=((table_name(body["TableName"]), body["Item"]),))
        if call.action in ("UpdateItem", "DeleteItem"):
            return Touched(keys=((table_name(body["TableName"]), body["Key"]),))
        if call.action == "BatchWriteItem":
            return _of_batch(body["RequestItems"])
        if call.action == "TransactWriteItems":
            return _of_transaction(body["TransactItems"])
    except (KeyError, TypeError, AttributeError):  # the service will say what is wrong
        return Touched(tables=frozenset({""}))
    return Touched(tables=frozenset(_written_tables(body)))


def _of_batch(requests: Mapping[str, list[Mapping[str, Any]]]) -> Touched:
    each = [(table_name(table), request) for table, some in requests.items() for request in some]
    return Touched(
        keys=tuple((table, some["DeleteRequest"]["Key"]) for table, some in each if "DeleteRequest" in some),
        items=tuple((table, some["PutRequest"]["Item"]) for table, some in each if "PutRequest" in some),
    )


def _of_transaction(actions: list[Mapping[str, Mapping[str, Any]]]) -> Touched:
    each = [action for some in actions for kind, action in some.items() if kind != "ConditionCheck"]
    return Touched(
        keys=tuple((table_name(some["TableName"]), some["Key"]) for some in each if "Key" in some),
        items=tuple((table_name(some["TableName"]), some["Item"]) for some in each if "Item" in some),
    )


def _written_tables(body: Mapping[str, Any]) -> Iterator[str]:
    """The tables that statements write; an empty name for one that cannot be read from the text."""
    return (table_name(table_of(text)) for text in statements(body) if not only_reads(text))
