"""Requests, replies and errors of the service: where they carry items, and which tables they are about.

Knows their members (DynamoDB, API Reference). Must not know what is done with items, nor models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    DynamoDBWrapperError,
    TransactionCanceledError,
)

Item: TypeAlias = dict[str, Any]
"""An item as the service has it: `{"name": {"S": "..."}}`."""
Body: TypeAlias = dict[str, Any]

READS: Final = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
STATEMENTS: Final = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
ITEM_ACTIONS: Final = READS | WRITES | STATEMENTS
"""The actions whose requests or replies may carry items."""

_TABLE: Final = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+(?:"([^"]+)"|([\w.-]+))', re.IGNORECASE)
_SELECT: Final = re.compile(r"\s*(?:SELECT|EXISTS)\b", re.IGNORECASE)


class Held(Struct, frozen=True):
    """An item that a reply or an error carries.

    Parameters:
        table: as the request names it: a name, or an ARN.
        item: all of it, or the part that was asked for; it may be changed.
        key: the item's key, among other attributes perhaps, where the request tells it.
    """

    table: str
    item: Item
    key: Item | None = None


def resource(name: str) -> tuple[str, str]:
    """The table and the index ("" for none) that a name or an ARN means.

    Parameters:
        name: such as `orders`, or `arn:aws:dynamodb:eu-west-1:1:table/orders/index/ByDay`.
    """
    _, is_arn, path = name.partition(":table/")
    table, _, index = path.partition("/index/")
    return (table, index) if is_arn else (name, "")


def plain(part: Any) -> Any:
    """A part of a request as a dict, also where it is kept as the text of its JSON."""
    return msgspec.json.decode(part) if isinstance(part, msgspec.Raw) else part


def unpacked(body: Body) -> Body:
    """A request whose actions, if it is a transaction, are dicts."""
    if "TransactItems" not in body:
        return body
    return {**body, "TransactItems": [plain(each) for each in body["TransactItems"]]}


def statements(body: Mapping[str, Any]) -> list[str]:
    """The PartiQL statements of a request."""
    lines = [body] if "Statement" in body else body.get("Statements") or body.get("TransactStatements") or ()
    return [str(line.get("Statement", "")) for line in lines]


def only_reads(statement: str) -> bool:
    """Whether a statement is one that changes nothing."""
    return _SELECT.match(statement) is not None


def table_of(statement: str) -> str:
    """The table that a statement is about; empty where its text does not tell."""
    found = _TABLE.search(statement)
    return (found[1] or found[2]) if found else ""


def tables_of(body: Mapping[str, Any]) -> list[str]:
    """The tables that an unpacked request names; of actions and statements one for each, in their order."""
    if "TableName" in body:
        return [body["TableName"]]
    if "RequestItems" in body:
        return [*body["RequestItems"]]
    if "TransactItems" in body:
        return [action.get("TableName", "") for action in _actions(body)]
    return [table_of(statement) for statement in statements(body)]


def changed(body: Body, change: Callable[[str, Body], Body]) -> Body:
    """An unpacked request with all its parts changed.

    Parameters:
        change: is given a table and what is asked of it, a dict with `Item`, `Key`, `Keys`, expressions: the
            whole request, an action of a transaction, a put or a deletion of a batch, or what a batch reads
            of one table. It gives what stands in its place.
    """
    if "RequestItems" in body:
        asked = {table: _in_batch(table, part, change) for table, part in body["RequestItems"].items()}
        return {**body, "RequestItems": asked}
    if "TransactItems" in body:
        actions = [
            {kind: change(action.get("TableName", ""), action) for kind, action in each.items()}
            for each in body["TransactItems"]
        ]
        return {**body, "TransactItems": actions}
    return change(body["TableName"], body) if "TableName" in body else body


def items_of_reply(body: Mapping[str, Any], reply: Body) -> Iterator[Held]:
    """The items in a decoded reply to an unpacked request; they are part of the reply."""
    if "RequestItems" in body:
        for table, items in reply.get("Responses", {}).items():
            yield from (Held(table, item) for item in items)
        for table, writes in reply.get("UnprocessedItems", {}).items():
            yield from (Held(table, write["PutRequest"]["Item"]) for write in writes if "PutRequest" in write)
        return
    tables = tables_of(body)
    if "TableName" in body or "Statement" in body:
        for name in ("Item", "Attributes"):
            if name in reply:
                yield Held(tables[0], reply[name], _key(body))
        yield from (Held(tables[0], item) for item in reply.get("Items", ()))
        return
    asked = _actions(body) if "TransactItems" in body else [{}] * len(tables)
    for table, request, slot in zip(tables, asked, reply.get("Responses", ()), strict=False):
        for holder in (slot, slot.get("Error", {})):
            if "Item" in holder:
                yield Held(table, holder["Item"], _key(request))


def items_of_error(body: Mapping[str, Any], error: DynamoDBWrapperError) -> list[Held]:
    """The items that an error carries, copied into it so that they can be changed."""
    tables = tables_of(body)
    if isinstance(error, ConditionalCheckFailedError) and error.current_item:
        error.current_item = dict(error.current_item)
        return [Held(tables[0], error.current_item)]
    if isinstance(error, TransactionCanceledError):
        error.reasons = tuple(
            replace(reason, item=dict(reason.item)) if reason.item else reason for reason in error.reasons
        )
        pairs = zip(tables, error.reasons, strict=False)
        return [Held(table, reason.item) for table, reason in pairs if reason.item]
    return []


def _actions(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [action for each in body["TransactItems"] for action in each.values()]


def _key(request: Mapping[str, Any]) -> Item | None:
    key: Item | None = plain(request.get("Key") or request.get("Item"))
    return key


def _in_batch(table: str, asked: Any, change: Callable[[str, Body], Body]) -> Any:
    if isinstance(asked, dict):
        return change(table, asked)
    writes: Sequence[Body] = [plain(write) for write in asked]
    return [{kind: change(table, request) for kind, request in write.items()} for write in writes]
