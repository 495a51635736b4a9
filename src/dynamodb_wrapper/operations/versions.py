"""Optimistic locks: what a versioned write checks and stores, and whether it is the one that was applied.

A write of a model with `Meta.version` counts the version up and puts a token of its own before those of the
writes before it, in the attribute `_writes`. Where an answer was lost and the repeated write meets a changed
item, the tokens tell whether the first attempt made that change. They are kept for about ten minutes, longer
than a call is repeated, and no more than 32 of them: an item that is seldom written has one or two. Must not
know calls or how they are sent.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AnyOf,
    Assign,
    AttributeType,
    Change,
    Compare,
    Condition,
    Increment,
    Missing,
    Path,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.schema import WRITES, TableSchema
from dynamodb_wrapper.wire.plain import stored_fields
from dynamodb_wrapper.wire.values import WireItem

MOST_TOKENS = 32
MINUTES_KEPT = 10
UNTIMED = "__"
_LETTERS = string.ascii_letters + string.digits + "-_"
_MINUTES = len(_LETTERS) ** 2


class Lock(Struct, frozen=True, kw_only=True):
    """What one versioned write checks and stores.

    Parameters:
        attribute: the one that holds the version.
        token: the name of this write, 8 characters: two for the minute, then six by chance.
        read: the version that was read; None for a write that does not look at it.
        stored: whether that version is stored; False for an item that was made here and not read.
        before: the tokens of the writes before, newest first.
    """

    attribute: str
    token: str
    read: int | None = None
    stored: bool = True
    before: tuple[str, ...] = ()

    @property
    def following(self) -> int:
        """The version that the write stores."""
        return (self.read or 0) + 1

    @property
    def tokens(self) -> str:
        """The text that the write stores in `_writes`."""
        return " ".join((self.token, *self.before)[:MOST_TOKENS])

    def condition(self) -> Condition | None:
        """The stored version is the one that was read."""
        path = Path((self.attribute,))
        if self.read is None and self.stored:
            return None
        if self.stored:
            return Compare(path, "=", self.read)
        unsaved: tuple[Condition, ...] = (Missing(path), AttributeType(path, "NULL"))
        if self.read is not None:
            unsaved += (Compare(path, "=", self.read),)
        return AnyOf(unsaved)

    def item(self) -> WireItem:
        """The attributes that a put stores."""
        return {self.attribute: {"N": str(self.following)}, WRITES: {"S": self.tokens}}

    def changes(self) -> tuple[Change, ...]:
        """The changes that an update makes."""
        path = Path((self.attribute,))
        count: Change = Increment(path, 1)
        if self.read is not None:
            count = Assign(path, Wire({"N": str(self.following)}))
        return count, Assign(Path((WRITES,)), Wire({"S": self.tokens}))

    def was_applied(self, stored: Mapping[str, Mapping[str, Any]]) -> bool | None:
        """Whether this write made the item what it is, or led to it; None where the tokens cannot tell.

        Parameters:
            stored: the item as it is stored now, in wire form.
        """
        tokens = str(stored.get(WRITES, {}).get("S", "")).split()
        if self.token in tokens:
            return True
        version = stored.get(self.attribute, {}).get("N")
        if self.read is None or version is None:
            return None
        return False if int(version) - self.read <= len(tokens) else None


def new_token() -> str:
    """A name for a write."""
    minute = _minute()
    chance = "".join(secrets.choice(_LETTERS) for _ in range(6))
    return _LETTERS[minute // len(_LETTERS)] + _LETTERS[minute % len(_LETTERS)] + chance


def _is_recent(token: str) -> bool:
    high, low = _LETTERS.find(token[:1]), _LETTERS.find(token[1:2])
    if token.startswith(UNTIMED) or len(token) < 2 or min(high, low) < 0:
        return False
    return (_minute() - high * len(_LETTERS) - low) % _MINUTES <= MINUTES_KEPT


def _minute() -> int:
    return int(time.time() // 60) % _MINUTES


def lock_of(schema: TableSchema[Any], instance: BaseModel | None, token: str | None = None) -> Lock | None:
    """The lock of a write, or None where the model's Meta has no version.

    Parameters:
        instance: the item as it was read or made; None for a write that knows the key alone.
        token: the name of the write; a new one where none is given.
    """
    if schema.version is None:
        return None
    token = token or new_token()
    if instance is None:
        return Lock(attribute=schema.version, token=token)
    name = version_field(schema)
    read = instance.__dict__.get(name)
    if read is not None and (isinstance(read, bool) or read != int(read) or read < 0):
        raise ValidationError(
            f"{schema.model.__name__}.{name} is {read!r}: a version is a whole number that counts up",
            errors={name: ["must be a whole number, 0 or more"]},
        )
    unsaved = read is None or read == 0 or read == schema.model.model_fields[name].default
    return Lock(
        attribute=schema.version,
        token=token,
        read=None if read is None else int(read),
        stored=not unsaved,
        before=tuple(takewhile(_is_recent, instance.__dict__.get(WRITES, "").split())),
    )


def version_field(schema: TableSchema[Any]) -> str:
    """The field of the model that holds the version."""
    model: type[BaseModel] = schema.model
    return next(field.name for field in stored_fields(model) if field.attribute == schema.version)


def mark_as_stored(schema: TableSchema[Any], instance: BaseModel, lock: Lock | None) -> None:
    """Give an instance the version that was stored, so that it can be written again; not to a frozen one."""
    if lock is None or instance.model_config.get("frozen"):
        return
    name = version_field(schema)
    value = instance.__dict__.get(name)
    kind = int if value is None else type(value)
    vars(instance).update({name: kind(lock.following), WRITES: lock.tokens})
