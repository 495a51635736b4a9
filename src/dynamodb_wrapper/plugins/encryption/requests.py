"""Encrypting requests: what is done with the items, keys and expressions that they carry.

Knows the members of a request on one table (API Reference, DynamoDB). Must not know keys or ciphertexts, nor
where requests on several tables have their parts (`engine.bodies` does).
"""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from dynamodb_wrapper.engine.bodies import (
    ITEM_ACTIONS,
    Body,
    changed,
    plain,
    statements,
    tables_of,
    unpacked,
)
from dynamodb_wrapper.plugins.encryption.expressions import MEMBERS, Encrypt, Rewriting
from dynamodb_wrapper.plugins.encryption.guards import sealed_guard
from dynamodb_wrapper.plugins.encryption.sealing import Sealing
from dynamodb_wrapper.plugins.encryption.statements import refuse_encrypted
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables
from dynamodb_wrapper.wire.values import WireItem


class Sealed(Struct):
    """A request that may be sent.

    Parameters:
        body: the request.
        added: key attributes that the request reads besides what was asked for, by table.
    """

    body: Body
    added: dict[str, set[str]]


def sealed(tables: Tables, action: str, body: Body, work: Sealing) -> Sealed | None:
    """The request with all that is to be encrypted noted; None where it concerns no encrypted attribute.

    Parameters:
        tables: those with encrypted attributes.

    Raises:
        ValidationError: it does with an encrypted attribute what cannot be done; nothing was sent.
    """
    if action not in ITEM_ACTIONS or ("TableName" in body and tables.find(body["TableName"]) is None):
        return None
    for statement in statements(body):
        refuse_encrypted(tables, statement)
    body = unpacked(body)
    if not any(tables.find(name) or tables.guard(name) for name in tables_of(body)):
        return None
    added: dict[str, set[str]] = {}

    def change(name: str, request: Body) -> Body:
        at, guarded = tables.find(name), tables.guard(name)
        if at is not None:
            return _one(at, request, work, added)
        if guarded is not None and "TransactItems" in body:
            return sealed_guard(guarded, request)
        return request

    return Sealed(changed(body, change), added)


def _one(at: Protected, body: Body, work: Sealing, added: dict[str, set[str]]) -> Body:
    """A request on one table, or an action of a transaction."""
    made = dict(body)
    encrypt: Encrypt | None = None
    if "Item" in made:
        made["Item"] = work.item(at, made["Item"])
    if "Key" in made:
        key: WireItem = plain(made["Key"])
        made["Key"], encrypt = key, partial(work.value, at, key)
    if made.keys() & MEMBERS:
        rewriting = Rewriting(at, made, encrypt)
        made = rewriting.body()
        if rewriting.added:
            added[at.table] = added.get(at.table, set()) | rewriting.added
    return made
