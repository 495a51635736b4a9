"""Item transforms: what changes items on their way to the table and back.

Knows which requests, replies and errors are concerned. Must not know what a transform does, where a body has
its items (`engine.bodies` does), nor models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from dynamodb_wrapper.engine.bodies import (
    ITEM_ACTIONS,
    Body,
    Held,
    Item,
    changed,
    items_of_error,
    items_of_reply,
    only_reads,
    plain,
    resource,
    statements,
    table_of,
    tables_of,
    unpacked,
)
from dynamodb_wrapper.engine.flow import Call, Flow, Layer, Reply, Send
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    TransactionCanceledError,
    ValidationError,
)

_WORDS: Final = re.compile(r"(?<![:.#\w])[#\w]+")  # neither values nor what is inside of an attribute


class Transform(Protocol):
    """Changes items between what the application has and what is stored. Neither method may wait.

    Keys cannot be changed: they stand in requests without their item.
    """

    def attributes(self, table: str) -> Collection[str]:
        """The attributes that a table stores in another form; none for a table that is not concerned."""
        ...

    def store(self, table: str, item: Item) -> Item:
        """What is stored in place of an item; the given one stays as it is."""
        ...

    def load(self, table: str, item: Item) -> Item:
        """What the application gets for a stored item, or for the part of it that was asked for."""
        ...


def transforming(transform: Transform) -> Layer:
    """A layer that transforms the items of every put, and of every reply and error.

    An update or a PartiQL statement that would write an attribute in the application's form is refused: it
    has no whole item to transform.
    """

    def layer(send: Send, call: Call) -> Flow[Reply]:
        if call.action not in ITEM_ACTIONS:
            return (yield from send(call))
        body = unpacked(call.body)
        items = _Items(transform, tables_of(body))
        if not items.tables:
            return (yield from send(call))
        try:
            reply = yield from send(replace(call, body=items.stored(body)))
        except (ConditionalCheckFailedError, TransactionCanceledError) as error:
            items.load(items_of_error(body, error))
            raise
        decoded: dict[str, Any] = msgspec.json.decode(reply)
        items.load(items_of_reply(body, decoded))
        return msgspec.json.encode(decoded)

    return layer


class _Items:
    """The items of one call.

    Attributes:
        tables: those that are concerned.
    """

    def __init__(self, transform: Transform, tables: Iterable[str]) -> None:
        self._transform = transform
        names = {resource(table)[0] for table in tables}
        self.tables = {table for table in names if transform.attributes(table)}

    def stored(self, body: Body) -> Body:
        """The request as it is sent."""
        for statement in statements(body):
            table, _ = resource(table_of(statement))
            if table in self.tables and not only_reads(statement):
                self._refuse(table, {*_WORDS.findall(statement)})
        return changed(body, self._stored)

    def load(self, found: Iterable[Held]) -> None:
        """Give the items of a reply or an error the application's form, where they stand."""
        for held in found:
            table, _ = resource(held.table)
            if table in self.tables:
                loaded = dict(self._transform.load(table, held.item))
                held.item.clear()
                held.item.update(loaded)

    def _stored(self, given: str, request: Body) -> Body:
        table, _ = resource(given)
        if table not in self.tables:
            return request
        if "Item" in request:
            return {**request, "Item": self._transform.store(table, plain(request["Item"]))}
        names = request.get("ExpressionAttributeNames", {})
        words = {names.get(word, word) for word in _WORDS.findall(request.get("UpdateExpression", ""))}
        self._refuse(table, words | {*request.get("AttributeUpdates", ())})
        return request

    def _refuse(self, table: str, written: Collection[str]) -> None:
        if refused := sorted({*self._transform.attributes(table)} & {*written}):
            mend = "put the whole item"
            raise ValidationError(
                f"{', '.join(refused)} of {table} is stored in another form by {self._transform!r}, which an "
                f"update cannot make: {mend}",
                errors={name: [mend] for name in refused},
                context={"table": table},
            )
