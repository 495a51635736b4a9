"""Optimistic locks: what a versioned write checks and stores, and whether it is the one that was applied.

A write of a model with `Meta.version` counts the version up and notes itself in the attribute `_writes`.
Where an answer was lost and the repeated write meets a changed item, the notes tell whether the first attempt
made one of its versions. Must not know calls or how they are sent.

`_writes` is a floor and then notes, newest first: `12 AbhQ3xTk0a14 AbWm2Lp9Qz13`. A note is the minute (two
characters), the writer (five), chance (three), and the version that was made. Of each writer only the last
note is kept: it starts no write before the one before has ended, so that nobody asks for earlier ones any
more, and however often others write meanwhile, the note of a write that waits to be repeated stays. About
versions up to the floor notes may be missing: of more than 32 writers within ten minutes, or from before
those.
"""

from __future__ import annotations

import os
import secrets
import string
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from msgspec import Struct, field
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
    all_of,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.expiry import expired
from dynamodb_wrapper.schema import WRITES, TableSchema
from dynamodb_wrapper.wire.plain import stored_fields
from dynamodb_wrapper.wire.reading import take_unknown
from dynamodb_wrapper.wire.values import WireItem

MOST_WRITERS = 32
MINUTES_KEPT = 10
UNKNOWN_FLOOR = "-"
_LETTERS = string.ascii_letters + string.digits + "-_"
_MINUTES = len(_LETTERS) ** 2
_WRITER = slice(2, 7)
_TOKEN_LENGTH = 10


class Lock(Struct, frozen=True, kw_only=True):
    """What one versioned write checks and stores.

    Parameters:
        attribute: the one that holds the version.
        read: the version that was read; None for a write that does not look at it.
        stored: whether that version is stored; False for an item that was made here and not read.
        history: `_writes` as it was read.
        token: the name of this write; empty for one that needs none, because it is never asked whether it was
            applied: then what others noted stays as it is.
        expired: what holds of an item whose time is over, where the model has one: an item that was made here
            may replace it, because reading no longer finds it.
        minute: of which notes are kept that are not ten minutes older.
    """

    attribute: str
    read: int | None = None
    stored: bool = True
    history: str = ""
    token: str = ""
    expired: Condition | None = None
    minute: int = field(default_factory=lambda: _minute())

    @property
    def following(self) -> int:
        """The version that the write stores."""
        return (self.read or 0) + 1

    @property
    def is_blind(self) -> bool:
        """Whether the write is made whatever version is stored."""
        return self.read is None and self.stored

    @property
    def writes(self) -> str:
        """The text that the write stores in `_writes`."""
        if self.is_blind:
            return f"{UNKNOWN_FLOOR} {self.token}"
        if not self.token:
            return self.history or str(self.read or 0)
        floor, notes = _noted(self.history, self.read or 0)
        notes = [note for note in notes if note[_WRITER] != self.token[_WRITER]]
        kept = [note for note in notes if _is_recent(note, self.minute)][: MOST_WRITERS - 1]
        floor = max([floor, *(_version(note) for note in notes if note not in kept)])
        return " ".join((str(floor), f"{self.token}{self.following}", *kept))

    def condition(self) -> Condition | None:
        """The stored version is the one that was read, of the same item: not of one that was made anew."""
        path = Path((self.attribute,))
        if self.is_blind:
            return None
        if self.stored:
            same = Compare(Path((WRITES,)), "=", self.history) if self.history else None
            return all_of(Compare(path, "=", self.read), same)
        unsaved: tuple[Condition, ...] = (Missing(path), AttributeType(path, "NULL"))
        if self.read is not None:
            unsaved += (Compare(path, "=", self.read),)
        return AnyOf(unsaved if self.expired is None else (*unsaved, self.expired))

    def item(self) -> WireItem:
        """The attributes that a put stores."""
        return {self.attribute: {"N": str(self.following)}, WRITES: {"S": self.writes}}

    def changes(self) -> tuple[Change, ...]:
        """The changes that an update makes."""
        path = Path((self.attribute,))
        count: Change = Increment(path, 1)
        if self.read is not None:
            count = Assign(path, Wire({"N": str(self.following)}))
        return (count, Assign(Path((WRITES,)), Wire({"S": self.writes}))) if self.token else (count,)

    def was_applied(self, stored: Mapping[str, Mapping[str, Any]]) -> bool | None:
        """Whether this write made the item what it is, or led to it; None where the notes cannot tell.

        Parameters:
            stored: the item as it is stored now, in wire form.
        """
        floor, *notes = str(stored.get(WRITES, {}).get("S", "")).split() or [UNKNOWN_FLOOR]
        if self.token and any(note.startswith(self.token) for note in notes):
            return True
        version = stored.get(self.attribute, {}).get("N")
        if self.is_blind or version is None or not floor.isdecimal():
            return None
        is_another = int(version) < (self.read or 0)  # the item was removed and made anew
        return None if is_another or self.following <= int(floor) else False

    def is_the_same(self, stored: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the item is certainly the one that was read, and not one that was made anew."""
        return bool(set(_noted(self.history, 0)[1]) & set(stored.get(WRITES, {}).get("S", "").split()))


class _Writers:
    """The names of writers, each in use by one write at a time."""

    def __init__(self) -> None:
        self._free: list[str] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._free.clear)

    @contextmanager
    def token(self) -> Iterator[str]:
        """A token for a write that ends with the block."""
        try:
            writer = self._free.pop()
        except IndexError:
            writer = _chance(5)
        minute = _minute()
        try:
            yield _LETTERS[minute // len(_LETTERS)] + _LETTERS[minute % len(_LETTERS)] + writer + _chance(3)
        finally:
            self._free.append(writer)


writers = _Writers()


def _chance(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _noted(history: str, read: int) -> tuple[int, list[str]]:
    """The floor and the notes of an item that was read with that version; without a floor all is below it."""
    floor, *notes = history.split() or [str(read)]
    if not floor.isdecimal():
        return read, []
    return int(floor), [note for note in notes if note[_TOKEN_LENGTH:].isdecimal()]


def _version(note: str) -> int:
    return int(note[_TOKEN_LENGTH:])


def _is_recent(note: str, minute: int) -> bool:
    high, low = _LETTERS.find(note[0]), _LETTERS.find(note[1])
    age = (minute - high * len(_LETTERS) - low) % _MINUTES
    return min(age, _MINUTES - age) <= MINUTES_KEPT  # another machine's clock may be ahead


def _minute() -> int:
    return int(time.time() // 60) % _MINUTES


def lock_of(schema: TableSchema[Any], instance: BaseModel | None) -> Lock | None:
    """The lock of a write, or None where the model's Meta has no version.

    Parameters:
        instance: the item as it was read or made; None for a write that knows the key alone.
    """
    if schema.version is None:
        return None
    if instance is None:
        return Lock(attribute=schema.version)
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
        read=None if read is None else int(read),
        stored=not unsaved,
        history=_history(instance),
        expired=expired(schema),
    )


def _history(instance: BaseModel) -> str:
    """`_writes` as it was read; pydantic's assignment to a model that allows extras makes it one of them."""
    vars(instance).update(take_unknown(instance, (WRITES,)))
    history: str = vars(instance).get(WRITES, "")
    return history


def name_of(token: str) -> str:
    """The name that the write of an item has in a transaction of that idempotency token."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in sha256(token.encode()).digest()[:_TOKEN_LENGTH])


def beginning() -> str:
    """The text for `_writes` of an item that a write makes where there is none, so that no other has it."""
    with writers.token() as token:
        return Lock(attribute="", token=token).writes


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
    vars(instance).update({name: kind(lock.following), WRITES: lock.writes})
