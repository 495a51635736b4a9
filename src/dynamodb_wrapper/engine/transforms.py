"""Item transforms: what changes items on their way to the table and back.

Knows where requests, replies and errors of the service carry whole items (DynamoDB, API Reference). Must not
know what a transform does, nor models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Flow, Layer, Reply, Send
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    DynamoDBWrapperError,
    TransactionCanceledError,
    ValidationError,
)

Item: TypeAlias = dict[str, Any]
"""An item as the service has it: `{"name": {"S": "..."}}`."""

_WORDS: Final = re.compile(r"(?<![:.#\w])[#\w]+")  # neither values nor what is inside of an attribute
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?([\w.-]+)", re.IGNORECASE)


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
        tables = {table for table in _tables(call.body) if transform.attributes(table)}
        if not tables:
            return (yield from send(call))
        items = _Items(transform, tables)
        try:
            reply = yield from send(replace(call, body=items.stored(call.action, call.body)))
        except (ConditionalCheckFailedError, TransactionCanceledError) as error:
            items.load_error(call.body, error)
            raise
        return items.loaded(call.body, reply)

    return layer


class _Items:
    """The items of one call."""

    def __init__(self, transform: Transform, tables: Collection[str]) -> None:
        self._transform = transform
        self._tables = tables

    def stored(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The request as it is sent."""
        made = dict(body)
        if "RequestItems" in made and action == "BatchWriteItem":
            made["RequestItems"] = {
                table: [self._put(table, _plain(write)) for write in writes]
                for table, writes in made["RequestItems"].items()
            }
        elif "TransactItems" in made:
            made["TransactItems"] = [self._action(_plain(each)) for each in made["TransactItems"]]
        elif "TableName" in made:
            made = self._single(made)
        for line in _statements(made):
            self._refuse_statement(line["Statement"])
        return made

    def loaded(self, body: Mapping[str, Any], reply: Reply) -> Reply:
        """The reply as the application gets it."""
        members: dict[str, Any] = msgspec.json.decode(reply)
        for table, holder, place in _places(body, members):
            holder[place] = self._load(table, holder[place])
        return msgspec.json.encode(members)

    def load_error(self, body: Mapping[str, Any], error: DynamoDBWrapperError) -> None:
        """Transform the items that an error carries."""
        tables = _tables(body)
        if isinstance(error, ConditionalCheckFailedError) and error.current_item:
            error.current_item = self._load(tables[0], error.current_item)
        elif isinstance(error, TransactionCanceledError):
            error.reasons = tuple(
                replace(reason, item=self._load(table, reason.item)) if reason.item else reason
                for table, reason in zip(tables, error.reasons, strict=False)
            )

    def _load(self, table: str, item: Item) -> Item:
        return self._transform.load(table, _plain(item)) if table in self._tables else item

    def _store(self, table: str, item: Item) -> Item:
        return self._transform.store(table, _plain(item)) if table in self._tables else item

    def _put(self, table: str, write: dict[str, Any]) -> dict[str, Any]:
        if "PutRequest" not in write:
            return write
        return {"PutRequest": {"Item": self._store(table, write["PutRequest"]["Item"])}}

    def _action(self, action: dict[str, Any]) -> dict[str, Any]:
        ((kind, request),) = action.items()
        return {kind: self._single(request)}

    def _single(self, request: dict[str, Any]) -> dict[str, Any]:
        table = request["TableName"]
        if "Item" in request:
            return {**request, "Item": self._store(table, request["Item"])}
        if table in self._tables:
            names = request.get("ExpressionAttributeNames", {})
            words = {names.get(word, word) for word in _WORDS.findall(request.get("UpdateExpression", ""))}
            self._refuse(table, words | {*request.get("AttributeUpdates", ())})
        return request

    def _refuse_statement(self, statement: str) -> None:
        if statement.lstrip()[:6].upper() != "SELECT" and (table := _table(statement)) in self._tables:
            self._refuse(table, {*_WORDS.findall(statement)})

    def _refuse(self, table: str, written: Collection[str]) -> None:
        if refused := sorted({*self._transform.attributes(table)} & {*written}):
            mend = "put the whole item"
            raise ValidationError(
                f"{', '.join(refused)} of {table} is stored in another form by {self._transform!r}, which an "
                f"update cannot make: {mend}",
                errors={name: [mend] for name in refused},
                context={"table": table},
            )


def _plain(part: Any) -> Any:
    """A part of a request as a dict, also where it is kept as the text of its JSON."""
    return msgspec.json.decode(part) if isinstance(part, msgspec.Raw) else part


def _statements(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if "Statement" in body:
        return [body]
    lines: Sequence[Mapping[str, Any]] = body.get("Statements") or body.get("TransactStatements") or ()
    return lines


def _table(statement: str) -> str:
    found = _TABLE.search(statement)
    return found[1] if found else ""


def _tables(body: Mapping[str, Any]) -> list[str]:
    """The tables of a request; of a transaction or statements one for each, in their order."""
    if "TableName" in body:
        return [body["TableName"]]
    if "RequestItems" in body:
        return [*body["RequestItems"]]
    if "TransactItems" in body:
        return [next(iter(_plain(each).values()))["TableName"] for each in body["TransactItems"]]
    return [_table(line["Statement"]) for line in _statements(body)]


def _places(body: Mapping[str, Any], reply: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where a decoded reply has items: the table, what holds the item, and the name or number under which."""
    tables = _tables(body)
    for name in ("Item", "Attributes"):
        if name in reply:
            yield tables[0], reply, name
    yield from _each(tables[:1], [reply.get("Items", ())])
    responses = reply.get("Responses", ())
    if isinstance(responses, dict):
        yield from _each(responses.keys(), responses.values())
    else:
        for table, slot in zip(tables, responses, strict=False):
            for holder in (slot, slot.get("Error", {})):
                if "Item" in holder:
                    yield table, holder, "Item"
    for table, writes in reply.get("UnprocessedItems", {}).items():
        for write in writes:
            if "PutRequest" in write:
                yield table, write["PutRequest"], "Item"


def _each(tables: Collection[str], pages: Collection[Any]) -> Iterator[tuple[str, Any, Any]]:
    for table, items in zip(tables, pages, strict=True):
        yield from ((table, items, number) for number in range(len(items)))
