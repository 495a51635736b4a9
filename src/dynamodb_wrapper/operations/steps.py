"""Steps: what can be asked of one item of a model, with all that the model's Meta wants kept about it.

A step says which single write or which action of a transaction it is, what must hold of the item, and which
unique values it takes and gives up. Must not know how writes are sent or grouped.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    Assign,
    Change,
    Condition,
    Exists,
    Path,
    Remove,
    Update,
    all_of,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.operations.changes import Changes, path_of_change
from dynamodb_wrapper.operations.intents import changes_of
from dynamodb_wrapper.operations.keys import checked_item, checked_key, wire_key
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.operations.transactions import TransactAction
from dynamodb_wrapper.operations.uniques import Guard, guards
from dynamodb_wrapper.operations.versions import Lock, lock_of, mark_as_stored
from dynamodb_wrapper.operations.writes import DeleteItem, PutItem, SingleWrite, UpdateItem
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.values import WireItem

M = TypeVar("M", bound=BaseModel)


class Step(Struct, Generic[M], frozen=True, kw_only=True):
    """One thing asked of one item.

    Parameters:
        table: the table's full name.
        key: the item's key, in wire form.
        condition: what the caller asks of the stored item.
        lock: the optimistic lock of a model that has one.

    Attributes:
        what: what is asked, in one word.
    """

    schema: TableSchema[M]
    table: str
    key: WireItem
    condition: Condition | None = None
    lock: Lock | None = None
    what: ClassVar[str] = ""

    @property
    def claims(self) -> bool:
        """Whether the step may take or give up unique values."""
        return bool(self.schema.unique)

    @property
    def _locks(self) -> bool:
        """Whether the write depends on the version that was read, so that repeating it is harmless."""
        return self.lock is not None and self.lock.condition() is not None

    def single(self) -> SingleWrite[M]:
        """The write of this item alone."""
        raise NotImplementedError

    def action(self, guard: Condition | None = None) -> TransactAction:
        """The action in a transaction; `guard` must hold of the stored item too."""
        raise NotImplementedError

    def item_after(self, before: WireItem | None) -> WireItem | None:
        """The item after the write, at least its unique attributes."""
        raise NotImplementedError

    def named(self, token: str) -> Self:
        """The same step, whose write notes itself in the item under that token."""
        if self.lock is None or (self.lock.is_blind and self.condition is None):
            return self
        return replace(self, lock=replace(self.lock, token=token))

    def guards(self, item: WireItem | None) -> dict[str, Guard]:
        """The guards of an item with this step's key."""
        return guards(self.schema, self.table, self.key, item)

    def succeeded(self) -> None:
        """Take note that the write was applied."""

    def _conditions(self, *more: Condition | None) -> Condition | None:
        locked = None if self.lock is None else self.lock.condition()
        return all_of(*more, locked, self.condition)

    def _action(self, guard: Condition | None, **what: Any) -> TransactAction:
        return TransactAction(
            table=self.table,
            reader=self.schema.codec,
            condition=self._conditions(guard),
            encode=self.schema.codec.encode_attribute,
            **what,
        )


class PutStep(Step[M], frozen=True, kw_only=True):
    """Store an item, replacing one with the same key."""

    what: ClassVar[str] = "put"
    instance: M
    item: WireItem

    def single(self) -> PutItem[M]:
        """See `Step.single`."""
        return PutItem(
            table=self.table,
            partition_key=self.schema.partition_key,
            item=self._stored(),
            reader=self.schema.codec,
            condition=self._conditions(),
            encode=self.schema.codec.encode_attribute,
            repeatable=True if self._locks else None,
        )

    def action(self, guard: Condition | None = None) -> TransactAction:
        """See `Step.action`."""
        return self._action(guard, item=self._stored())

    def item_after(self, before: WireItem | None) -> WireItem | None:
        """See `Step.item_after`."""
        return self.item

    def _stored(self) -> WireItem:
        return self.item if self.lock is None else self.item | self.lock.item()

    def succeeded(self) -> None:
        """See `Step.succeeded`."""
        mark_as_stored(self.schema, self.instance, self.lock)


class UpdateStep(Step[M], frozen=True, kw_only=True):
    """Change attributes of an item that exists.

    Parameters:
        guard: what the changes were made of; they do not touch it, so that repeating them is harmless.
    """

    what: ClassVar[str] = "update"
    changes: tuple[Change, ...]
    guard: Condition | None = None

    @property
    def claims(self) -> bool:
        """See `Step.claims`."""
        return any(path_of_change(change).attribute in self.schema.unique for change in self.changes)

    def single(self) -> UpdateItem[M]:
        """See `Step.single`."""
        update = Update(self.changes)
        return UpdateItem(
            table=self.table,
            key=self.key,
            update=self._update(),
            reader=self.schema.codec,
            condition=self._conditions(self._exists(), self.guard),
            encode=self.schema.codec.encode_attribute,
            returns="ALL_NEW",
            repeatable=self._locks
            or (update.repeatable and (self.condition is None or self.lock is not None)),
        )

    def action(self, guard: Condition | None = None) -> TransactAction:
        """See `Step.action`."""
        return self._action(all_of(self._exists(), self.guard, guard), key=self.key, update=self._update())

    def item_after(self, before: WireItem | None) -> WireItem | None:
        """See `Step.item_after`."""
        if before is None:
            return None
        after = dict(before)
        for change in self.changes:
            name = path_of_change(change).attribute
            if name not in self.schema.unique:
                continue
            if isinstance(change, Assign) and change.path.is_whole and isinstance(change.value, Wire):
                after[name] = change.value.value
            elif isinstance(change, Remove):
                after.pop(name, None)
            else:
                text = "a unique attribute can be given a value or taken away, not computed by the service"
                raise ValidationError(f"{name}: {text}", errors={name: [text]})
        return after

    def _exists(self) -> Condition:
        return Exists(Path((self.schema.partition_key,)))

    def _update(self) -> Update:
        return Update(self.changes + (() if self.lock is None or not self.changes else self.lock.changes()))


class DeleteStep(Step[M], frozen=True, kw_only=True):
    """Remove an item; one that is missing is no error unless a condition says so."""

    what: ClassVar[str] = "delete"

    def single(self) -> DeleteItem[M]:
        """See `Step.single`."""
        return DeleteItem(
            table=self.table,
            key=self.key,
            reader=self.schema.codec,
            condition=self._conditions(),
            encode=self.schema.codec.encode_attribute,
            returns="ALL_OLD",
            repeatable=True if self._locks else None,
        )

    def action(self, guard: Condition | None = None) -> TransactAction:
        """See `Step.action`."""
        return self._action(guard, key=self.key)

    def item_after(self, before: WireItem | None) -> WireItem | None:
        """See `Step.item_after`."""
        return None


class CheckStep(Step[M], frozen=True, kw_only=True):
    """Ask for a condition of an item that the transaction does not change."""

    what: ClassVar[str] = "check"

    @property
    def claims(self) -> bool:
        """See `Step.claims`."""
        return False

    def action(self, guard: Condition | None = None) -> TransactAction:
        """See `Step.action`."""
        return self._action(guard, key=self.key, check_only=True)


def put_step(
    schema: TableSchema[M],
    table: str,
    instance: M,
    condition: object = None,
) -> PutStep[M]:
    """The step that stores an instance; one with a version must still be stored with it.

    Parameters:
        condition: as for `condition_on`; so for the other steps.

    Raises:
        ValidationError: the instance cannot be stored, or the condition is none on its model.
    """
    own = condition_on(schema, condition)
    item = checked_item(schema, schema.codec.encode(instance), table)
    lock = lock_of(schema, instance)
    key = {name: item[name] for name in schema.key_fields}
    return PutStep(
        schema=schema, table=table, key=key, condition=own, lock=lock, instance=instance, item=item
    )


def update_step(
    schema: TableSchema[M],
    table: str,
    key: object,
    changes: Changes,
    condition: object = None,
) -> UpdateStep[M]:
    """The step that changes attributes of an existing item.

    Parameters:
        key: the key; or the item as it was read, whose version must then still be stored.
        changes: as for `changes_of`.

    Raises:
        ValidationError: a change that the model does not allow; `version` is among them.
    """
    if schema.version is not None and schema.version in changes:
        text = "counted up by every write: leave it out"
        raise ValidationError(f"{schema.version} is {text}", errors={schema.version: [text]})
    instance = _instance(schema, key)
    made = rekeyed(schema, key, changes_of(schema, changes), table)
    return UpdateStep(
        schema=schema,
        table=table,
        key=_key(schema, key, table),
        condition=condition_on(schema, condition),
        lock=lock_of(schema, instance),
        changes=made.changes,
        guard=made.guard,
    )


def delete_step(schema: TableSchema[M], table: str, key: object, condition: object = None) -> DeleteStep[M]:
    """The step that removes an item.

    Parameters:
        key: the key; or the item as it was read, whose version must then still be stored.
    """
    own, lock = condition_on(schema, condition), _lock_of_read(schema, key)
    return DeleteStep(schema=schema, table=table, key=_key(schema, key, table), condition=own, lock=lock)


def check_step(schema: TableSchema[M], table: str, key: object, condition: object = None) -> CheckStep[M]:
    """The step that asks for a condition of an item, or that an item which was read is still the same.

    Parameters:
        key: the key; or the item as it was read, whose version must then still be stored.

    Raises:
        ValidationError: there is neither a condition nor a version to look at.
    """
    own, lock = condition_on(schema, condition), _lock_of_read(schema, key)
    if own is None and lock is None:
        raise ValidationError(
            f"a check of {schema.model.__name__} without a condition checks nothing: give one, or give an "
            "item that was read where Meta has a version"
        )
    return CheckStep(schema=schema, table=table, key=_key(schema, key, table), condition=own, lock=lock)


def _lock_of_read(schema: TableSchema[M], key: object) -> Lock | None:
    instance = _instance(schema, key)
    return None if instance is None else lock_of(schema, instance)


def _instance(schema: TableSchema[M], key: object) -> M | None:
    """The item that was given for its key, if one was."""
    if not isinstance(key, BaseModel):
        return None
    if not isinstance(key, schema.model):
        raise ValidationError(f"{type(key).__name__} is no {schema.model.__name__}: give its key or its item")
    return key


def _key(schema: TableSchema[M], key: object, table: str) -> WireItem:
    instance = _instance(schema, key)
    if instance is None:
        return wire_key(schema, key, table)
    item = checked_key(schema, schema.codec.encode(instance), table)
    return {name: item[name] for name in schema.key_fields}
