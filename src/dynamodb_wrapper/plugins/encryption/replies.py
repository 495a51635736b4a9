"""Decrypting replies: where each action's reply, and each error, carries items.

Knows the members of replies (API Reference, DynamoDB). Must not know keys or ciphertexts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    DynamoDBWrapperError,
    TransactionCanceledError,
)
from dynamodb_wrapper.plugins.encryption.opening import Found
from dynamodb_wrapper.plugins.encryption.requests import Body, Sealed
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables
from dynamodb_wrapper.wire.values import WireItem


def found_in_reply(tables: Tables, sealed: Sealed, reply: Body) -> list[Found]:
    """The items in a decoded reply that have encrypted attributes; they are part of the reply."""
    return [found for found in _found(tables, sealed, reply) if found.item]


def found_in_error(sealed: Sealed, error: DynamoDBWrapperError) -> list[Found]:
    """The items that an error carries, copied into it so that they can be changed."""
    if isinstance(error, ConditionalCheckFailedError) and error.current_item and sealed.tables[0]:
        error.current_item = dict(error.current_item)
        return [Found(sealed.tables[0], error.current_item)]
    if isinstance(error, TransactionCanceledError):
        error.reasons = tuple(
            replace(reason, item=dict(reason.item)) if reason.item else reason for reason in error.reasons
        )
        pairs = zip(sealed.tables, error.reasons, strict=False)
        return [Found(at, reason.item) for at, reason in pairs if at is not None and reason.item]
    return []


def without_added(sealed: Sealed, found: Iterable[Found]) -> None:
    """Take out the key attributes that were read only to check the ciphertexts with."""
    for each in found:
        for name in sealed.added.get(each.at.table, ()):
            each.item.pop(name, None)


def _found(tables: Tables, sealed: Sealed, reply: Body) -> Iterator[Found]:
    body = sealed.body
    if "TableName" in body or "Statement" in body:
        at = sealed.tables[0]
        assert at is not None, "a request on one table is sealed for one"
        for name in ("Item", "Attributes"):
            if name in reply:
                yield Found(at, reply[name], body.get("Key") or body.get("Item"))
        for item in reply.get("Items", ()):
            yield Found(at, item)
    elif "RequestItems" in body:
        yield from _found_in_batch(tables, reply)
    else:
        yield from _found_in_list(sealed.tables, reply.get("Responses", ()), _keys(body))


def _found_in_batch(tables: Tables, reply: Body) -> Iterator[Found]:
    for name, items in reply.get("Responses", {}).items():
        if (at := tables.find(name)) is not None:
            yield from (Found(at, item) for item in items)
    for name, writes in reply.get("UnprocessedItems", {}).items():
        if (at := tables.find(name)) is not None:
            yield from (Found(at, write["PutRequest"]["Item"]) for write in writes if "PutRequest" in write)


def _found_in_list(
    tables: Sequence[Protected | None], slots: Sequence[Any], keys: Sequence[WireItem | None]
) -> Iterator[Found]:
    for at, slot, key in zip(tables, slots, keys, strict=False):
        if at is None:
            continue
        item = slot.get("Item") or slot.get("Error", {}).get("Item")
        if item:
            yield Found(at, item, key)


def _keys(body: Body) -> list[WireItem | None]:
    if "TransactItems" in body:
        return [next(iter(each.values())).get("Key") for each in body["TransactItems"]]
    return [None for _ in body.get("Statements") or body.get("TransactStatements") or ()]
