"""Encrypting requests: where each action of the service carries items, keys and expressions.

Knows the members of requests (API Reference, DynamoDB). Must not know keys or ciphertexts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.plugins.encryption.expressions import MEMBERS, Encrypt, Rewriting
from dynamodb_wrapper.plugins.encryption.guards import sealed_guard
from dynamodb_wrapper.plugins.encryption.sealing import Sealing
from dynamodb_wrapper.plugins.encryption.statements import table_of
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables, plain_form
from dynamodb_wrapper.wire.values import WireItem

Body: TypeAlias = dict[str, Any]


class Sealed(Struct):
    """A request that may be sent.

    Parameters:
        body: the request.
        tables: the tables with encrypted attributes that its reply may have items of; one for each action of
            a transaction and each statement, None where it concerns another table.
        added: key attributes that the request reads besides what was asked for, by table.
    """

    body: Body
    tables: list[Protected | None]
    added: dict[str, set[str]]


class Requests:
    """Encrypts the requests of a client.

    Parameters:
        tables: those with encrypted attributes.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._actions: dict[str, Callable[[Body, Sealing], Sealed | None]] = {
            "BatchExecuteStatement": partial(self._statements, "Statements"),
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "DeleteItem": self._single,
            "ExecuteStatement": self._statement,
            "ExecuteTransaction": partial(self._statements, "TransactStatements"),
            "GetItem": self._single,
            "PutItem": self._single,
            "Query": self._single,
            "Scan": self._single,
            "TransactGetItems": self._transaction,
            "TransactWriteItems": self._transaction,
            "UpdateItem": self._single,
        }

    def sealed(self, action: str, body: Body, work: Sealing) -> Sealed | None:
        """The request with all that is to be encrypted noted; None where it concerns no encrypted attribute.

        Raises:
            ValidationError: it does with an encrypted attribute what cannot be done; nothing was sent.
        """
        seal = self._actions.get(action)
        return None if seal is None else seal(body, work)

    def _single(self, body: Body, work: Sealing) -> Sealed | None:
        at = self._tables.find(body.get("TableName"))
        if at is None:
            return None
        added: dict[str, set[str]] = {}
        return Sealed(_one(at, body, work, added), [at], added)

    def _batch_get(self, body: Body, work: Sealing) -> Sealed | None:
        requests, added, concerned = dict(body["RequestItems"]), dict[str, set[str]](), list[Protected]()
        for name, request in requests.items():
            if (at := self._tables.find(name)) is not None:
                requests[name] = _one(at, request, work, added)
                concerned.append(at)
        return Sealed({**body, "RequestItems": requests}, [*concerned], added) if concerned else None

    def _batch_write(self, body: Body, work: Sealing) -> Sealed | None:
        requests, concerned = dict(body["RequestItems"]), list[Protected]()
        for name, writes in requests.items():
            if (at := self._tables.find(name)) is not None:
                requests[name] = [
                    {"PutRequest": {"Item": work.item(at, write["PutRequest"]["Item"])}}
                    if "PutRequest" in write
                    else write
                    for write in map(plain_form, writes)
                ]
                concerned.append(at)
        return Sealed({**body, "RequestItems": requests}, [*concerned], {}) if concerned else None

    def _transaction(self, body: Body, work: Sealing) -> Sealed | None:
        added: dict[str, set[str]] = {}
        actions, concerned = list[Body](), list[Protected | None]()
        for each in map(plain_form, body["TransactItems"]):
            ((kind, action),) = each.items()
            at = self._tables.find(action.get("TableName"))
            concerned.append(at)
            if at is not None:
                actions.append({kind: _one(at, action, work, added)})
            else:
                guard = self._tables.guard(action.get("TableName"))
                actions.append(each if guard is None else {kind: sealed_guard(guard, action)})
        if not any(concerned) and actions == body["TransactItems"]:
            return None
        return Sealed({**body, "TransactItems": actions}, concerned, added)

    def _statement(self, body: Body, work: Sealing) -> Sealed | None:
        at = table_of(self._tables, body.get("Statement", ""))
        return None if at is None else Sealed(body, [at], {})

    def _statements(self, member: str, body: Body, work: Sealing) -> Sealed | None:
        concerned = [table_of(self._tables, each.get("Statement", "")) for each in body.get(member, ())]
        return Sealed(body, concerned, {}) if any(concerned) else None


def _one(at: Protected, body: Mapping[str, Any], work: Sealing, added: dict[str, set[str]]) -> Body:
    """A request on one table, or an action of a transaction."""
    made = dict(body)
    encrypt: Encrypt | None = None
    if "Item" in made:
        made["Item"] = work.item(at, made["Item"])
    if "Key" in made:
        key: WireItem = plain_form(made["Key"])
        made["Key"], encrypt = key, partial(work.value, at, key)
    if made.keys() & MEMBERS:
        rewriting = Rewriting(at, made, encrypt)
        made = rewriting.body()
        if rewriting.added:
            added[at.table] = added.get(at.table, set()) | rewriting.added
    return made
