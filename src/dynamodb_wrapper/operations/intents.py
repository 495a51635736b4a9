"""Writes by intent: create never overwrites, update never creates, upsert keeps what it must not change.

Knows a model's description. Must not know business rules: what is written has been validated before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Write
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    TransactionCanceledError,
)
from dynamodb_wrapper.expressions import (
    Assign,
    AssignIfMissing,
    Change,
    Condition,
    Exists,
    Increment,
    Path,
    Remove,
    Update,
    all_of,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.changes import (
    Changes,
    check_attribute,
    checked_changes,
    is_left_out,
)
from dynamodb_wrapper.operations.expiry import missing
from dynamodb_wrapper.operations.keys import checked_item, resource_id, wire_key
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.operations.transactions import TransactAction
from dynamodb_wrapper.operations.versions import beginning
from dynamodb_wrapper.operations.writes import PutItem, UpdateItem
from dynamodb_wrapper.schema import WRITES, TableSchema
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)


def changes_of(schema: TableSchema[Any], values: Changes) -> tuple[Change, ...]:
    """The changes that give attributes new values; a None that reading restores by itself is taken away.

    Raises:
        ValidationError: an attribute is part of the key, which cannot change, or is not of the model, or its
            value is not one that the model could read again, or too large.
    """
    if not isinstance(values, Mapping):
        return checked_changes(schema, values)
    changes: list[Change] = []
    assigned: WireItem = {}
    for name, value in values.items():
        check_attribute(schema, name)
        path = Path((name,))
        if is_left_out(schema, name, value):
            changes.append(Remove(path))
        else:
            assigned[name] = schema.codec.encode_attribute(name, value, constraints=True)
            changes.append(Assign(path, Wire(assigned[name])))
    check_item_size(assigned)
    return tuple(changes)


class Create(Write[None], Struct, Generic[M], frozen=True, kw_only=True):
    """Store a new item; one with the same key is a `ConflictError` that carries it, unless it is expired."""

    schema: TableSchema[M]
    table: str
    instance: M
    condition: Condition | None = None

    def call(self) -> Call:
        """See `Operation.call`."""
        return self._put().call()

    def parse(self, reply: Reply) -> None:
        """See `Operation.parse`."""

    def flow(self, send: Send) -> Flow[None]:
        """See `Operation.flow`."""
        put = self._put()
        try:
            yield from put.flow(send)
        except ConditionalCheckFailedError as error:
            key = decode_item({name: put.item[name] for name in self.schema.key_fields})
            why = "exists already: update it, or choose another key"
            if error.current_item is None:
                why = "was not created: there is none, but the condition does not hold of that"
            raise conflict(self.schema, key, error, why) from error

    def _put(self) -> PutItem[M]:
        return PutItem(
            table=self.table,
            partition_key=self.schema.partition_key,
            item=checked_item(self.schema, self.schema.codec.encode(self.instance), self.table),
            reader=self.schema.codec,
            condition=all_of(missing(self.schema), self.condition),
            encode=self.schema.codec.encode_attribute,
        )


class UpdateExisting(Write[M], Struct, frozen=True, kw_only=True):
    """Make changes to an item that exists; returns it as it is afterwards.

    A missing item is `ItemNotFoundError`, a condition that fails `ConditionalCheckFailedError`, and a guard
    that fails `ConflictError`; the last two carry the item as it is.

    Parameters:
        condition: what the caller asks of the item.
        guard: what the changes were computed from; they do not touch it, so repeating them is harmless.
    """

    schema: TableSchema[M]
    table: str
    key: object
    changes: Sequence[Change]
    condition: Condition | None = None
    guard: Condition | None = None

    def call(self) -> Call:
        """See `Operation.call`."""
        return self._update().call()

    def flow(self, send: Send) -> Flow[M]:
        """See `Operation.flow`."""
        try:
            after = yield from self._update().flow(send)
        except ConditionalCheckFailedError as error:
            key = self.schema.key_of(self.key)
            if error.current_item is None:
                raise not_found(self.schema, self.table, key, "UpdateItem") from error
            if self.condition is None:
                why = "is not in the state that the update needs; nothing was written"
                raise conflict(self.schema, key, error, why) from error
            why = "does not meet the condition of the update; nothing was written"
            raise conflict(self.schema, key, error, why, ConditionalCheckFailedError) from error
        assert after is not None, "ALL_NEW brings the item"
        return after

    def action(self) -> TransactAction:
        """The same as one action of a transaction."""
        return TransactAction(
            table=self.table,
            reader=self.schema.codec,
            key=wire_key(self.schema, self.key, self.table),
            update=self._changed(),
            condition=self._full_condition(),
            encode=self.schema.codec.encode_attribute,
        )

    def _changed(self) -> Update:
        return Update(rekeyed(self.schema, self.key, self.changes, self.table).changes)

    def _full_condition(self) -> Condition | None:
        return all_of(Exists(Path((self.schema.partition_key,))), self.guard, self.condition)

    def _update(self) -> UpdateItem[M]:
        key = wire_key(self.schema, self.key, self.table)
        update = self._changed()
        return UpdateItem(
            table=self.table,
            key=key,
            update=update,
            reader=self.schema.codec,
            condition=self._full_condition(),
            encode=self.schema.codec.encode_attribute,
            returns="ALL_NEW",
            repeatable=update.repeatable and self.condition is None,
        )


class Upsert(Write[M], Struct, frozen=True, kw_only=True):
    """Store an instance over what is there, in one call; returns the item as it is afterwards.

    Parameters:
        keep: attributes that stay as they are where the item has them already, and get the instance's value
            where it has not. Attributes that the model does not know always stay.
    """

    schema: TableSchema[M]
    table: str
    instance: M
    keep: Collection[str]

    def call(self) -> Call:
        """See `Operation.call`."""
        return self._update().call()

    def flow(self, send: Send) -> Flow[M]:
        """See `Operation.flow`."""
        after = yield from self._update().flow(send)
        assert after is not None, "ALL_NEW brings the item"
        return after

    def _update(self) -> UpdateItem[M]:
        schema = self.schema
        item = checked_item(schema, schema.codec.encode(self.instance), self.table)
        check_item_size(item, self.table)
        changes: list[Change] = []
        for name in sorted(schema.attributes.difference(schema.key_fields)):
            path = Path((name,))
            if name == schema.version:
                noted = AssignIfMissing(Path((WRITES,)), Wire({"S": beginning()}))
                changes += Increment(path, 1), noted
            elif name in item:
                change = AssignIfMissing if name in self.keep else Assign
                changes.append(change(path, Wire(item[name])))
            elif name not in self.keep:
                changes.append(Remove(path))
        return UpdateItem(
            table=self.table,
            key={name: item[name] for name in schema.key_fields},
            update=Update(tuple(changes)) if changes else None,
            reader=schema.codec,
            returns="ALL_NEW",
        )


def not_found(
    schema: TableSchema[Any], table: str, key: Mapping[str, Any], operation: str
) -> ItemNotFoundError:
    """The error for an item that is not there, which that operation of the service told."""
    return ItemNotFoundError(
        f"{schema.model.__name__} {resource_id(key)!r} is not in table {table}",
        context={"operation": operation},
        table_name=table,
        key=key,
    )


def conflict(
    schema: TableSchema[Any],
    key: Mapping[str, Any],
    error: ConditionalCheckFailedError,
    why: str,
    kind: type[ConflictError] = ConflictError,
) -> ConflictError:
    """The error for an item that stands in the way of a write."""
    name = resource_id(key)
    return kind(
        f"{schema.model.__name__} {name!r} {why}",
        error,
        error.context | {"key": dict(key)},
        resource_id=name,
        current_item=error.current_item,
    )


def refused_together(
    schema: TableSchema[Any],
    table: str,
    keys: Sequence[Mapping[str, Any]],
    error: TransactionCanceledError,
) -> ItemNotFoundError | ConflictError | None:
    """The error for items that stand in the way of a transaction, or None where it was something else.

    Parameters:
        keys: the key of each of its actions, in their order.
    """
    refused = [
        (resource_id(key), key, reason.item)
        for key, reason in zip(keys, error.reasons, strict=False)
        if reason.code == "ConditionalCheckFailed"
    ]
    what, none = schema.model.__name__, f"none of the {len(keys)} was changed"
    if missing := [(name, key) for name, key, item in refused if item is None]:
        told = ", ".join(repr(name) for name, _ in missing)
        return ItemNotFoundError(
            f"{what} {told} not in table {table}: {none}", error, table_name=table, key=missing[0][1]
        )
    if not refused:
        return None
    told = ", ".join(repr(name) for name, _, _ in refused)
    name, key, item = refused[0]
    why = f"not in the state that the change needs: {none}"
    where = error.context | {"table": table, "key": dict(key)}
    return ConflictError(f"{what} {told} {why}", error, where, resource_id=name, current_item=item)
