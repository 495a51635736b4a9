"""Changes of typed fields, for updates; a type checker compares each value's type with the field's.

Knows typed fields and changes. Must not know models' Meta. Where an item has no list or set yet, one is made;
where it has no number, the field's default counts, as when the item is read, or else 0. A None of a field
whose default is another is stored as NULL, and an empty set of one whose default is no set as an empty list:
there the service refuses to add, and `put` gives a value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar, overload

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.fields import TypedField, given_field, path_of, place_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Computed
from dynamodb_wrapper.expressions.updates import (
    Add,
    Assign,
    AssignIfMissing,
    Change,
    Concat,
    DeleteFromSet,
    Increment,
    Remove,
)

__all__ = ["Assignment", "add", "append", "discard", "prepend", "put", "put_if_absent", "remove"]

T = TypeVar("T")


class Assignment(Generic[T]):
    """A field that is to get a value: `put(Order.total).to(5)`."""

    __slots__ = ("_field", "_unless_there")

    def __init__(self, field: TypedField, unless_there: bool) -> None:
        self._field = field
        self._unless_there = unless_there

    def to(self, value: T) -> Change:
        """The change that gives the field this value, another field's, or a sum such as `Order.total + 5`.

        Raises:
            ValidationError: the field lies inside an attribute and cannot hold the value; a whole attribute's
                value is checked when the update is made.
        """
        change: type[Assign | AssignIfMissing] = AssignIfMissing if self._unless_there else Assign
        path, place = path_of(self._field), place_of(self._field)
        given: object = value
        if isinstance(given, TypedField):
            return change(path, path_of(given))
        if isinstance(given, Computed):
            if self._unless_there:
                raise ValidationError(f"{path} cannot get a sum only if it is absent: use put(...)")
            return Assign(path, given)
        if path.is_whole:
            return change(path, given)
        return change(path, Wire(place.wire(given, str(path), constraints=True)))

    def __repr__(self) -> str:
        return f"<{self._field} that is to get a value: .to(...) is missing>"


def put(field: T) -> Assignment[T]:
    """Give a field a value: `put(Order.lines[0].qty).to(3)`; beyond the end of a list it is appended."""
    return Assignment(given_field(field, "put()"), unless_there=False)


def put_if_absent(field: T) -> Assignment[T]:
    """Give a field a value unless it has one, be it NULL: `put_if_absent(Order.note).to("none")`."""
    return Assignment(given_field(field, "put_if_absent()"), unless_there=True)


@overload
def add(field: set[T] | None, value: set[T] | frozenset[T]) -> Change: ...
@overload
def add(field: frozenset[T] | None, value: set[T] | frozenset[T]) -> Change: ...
@overload
def add(field: int | None, value: int) -> Change: ...
@overload
def add(field: float | None, value: float) -> Change: ...
@overload
def add(field: Decimal | None, value: Decimal | int) -> Change: ...
def add(field: Any, value: Any) -> Change:
    """Add a number to the number there, or elements to the set there.

    Raises:
        ValidationError: the value is not of the field's type.
    """
    given = given_field(field, "add()")
    path, place = path_of(given), place_of(given)
    if isinstance(value, (set, frozenset)):
        return Add(path, _elements(given, value, "add()"))
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not place.is_number:
        raise ValidationError(
            f"add() takes a number for a number or a set for a set: {path} holds {place.annotation}, "
            f"and {value!r} was given"
        )
    start = 0 if place.default is None else place.default
    return Increment(path, Wire(place.wire(value, str(path))), start)


def append(field: list[T] | None, *values: T) -> Change:
    """Put values at the end of a list."""
    return _concat(field, values, "append()", front=False)


def prepend(field: list[T] | None, *values: T) -> Change:
    """Put values at the front of a list, in the given order."""
    return _concat(field, values, "prepend()", front=True)


@overload
def discard(field: set[T] | None, *elements: T) -> Change: ...
@overload
def discard(field: frozenset[T] | None, *elements: T) -> Change: ...
def discard(field: Any, *elements: Any) -> Change:
    """Take elements out of a set; those that it does not have are no error."""
    given = given_field(field, "discard()")
    return DeleteFromSet(path_of(given), _elements(given, set(elements), "discard()"))


def remove(field: object) -> Change:
    """Take away what is there; the elements of a list after it move up.

    Raises:
        ValidationError: the field is required: the item could not be read any more.
    """
    given = given_field(field, "remove()")
    if place_of(given).is_required:
        raise ValidationError(
            f"{given} is required: without it the item could not be read; give the field a default, "
            "or put(...) another value"
        )
    return Remove(path_of(given))


def _concat(field: Any, values: tuple[Any, ...], asker: str, *, front: bool) -> Change:
    given = given_field(field, asker)
    if not values:
        raise ValidationError(f"{asker} got nothing to put into {given}: give at least one value")
    return Concat(path_of(given), _stored(given, list(values), ("L",), asker), front)


def _elements(field: TypedField, elements: set[Any] | frozenset[Any], asker: str) -> Wire:
    if not elements:
        raise ValidationError(f"{asker} got no elements for {field}: give at least one")
    return _stored(field, elements, ("SS", "NS", "BS"), asker)


def _stored(field: TypedField, values: object, forms: tuple[str, ...], asker: str) -> Wire:
    wire = place_of(field).wire(values, str(field))
    if not wire.keys() & forms:
        kind = "list" if "L" in forms else "set"
        raise ValidationError(f"{asker} needs a {kind}, but {field} holds {place_of(field).annotation}")
    return Wire(wire)
