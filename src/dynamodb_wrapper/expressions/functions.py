"""Conditions on typed fields that Python has no operator for; a type checker compares each value's type.

Knows typed fields and conditions. Must not know models' Meta. Every function takes a field of a model's
class, such as `Order.tags`; to a type checker that is a value of the field's type, and a field that may be
None is taken as it is, because a condition on nothing does not hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar, cast, overload
from uuid import UUID

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.boto3 import condition_of
from dynamodb_wrapper.expressions.conditions import (
    AnyOf,
    Between,
    Comparator,
    Condition,
    Contains,
    Exists,
    Missing,
    Size,
    all_of,
    any_equal,
)
from dynamodb_wrapper.expressions.fields import TypedField, given_field, operand, path_of, place_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Path

__all__ = ["begins_with", "between", "contains", "exists", "in_", "missing", "not_", "present", "size"]

_COMPARE: Final[Mapping[Comparator, Callable[[int, int], bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


@overload
def contains(field: str | None, value: str) -> Condition: ...
@overload
def contains(field: bytes | None, value: bytes) -> Condition: ...
@overload
def contains(field: list[T] | set[T] | None, value: T) -> Condition: ...
@overload
def contains(field: frozenset[T] | tuple[T, ...] | None, value: T) -> Condition: ...
def contains(field: Any, value: Any) -> Condition:
    """The field's text contains a part, or its list or set contains an element.

    Raises:
        ValidationError: the value is not of the elements' type.
    """
    given = given_field(field, "contains()")
    path, place = path_of(given), place_of(given)
    if isinstance(value, TypedField):
        return Contains(path, path_of(value))
    if isinstance(value, (str, bytes)) and place.holds(type(value)):
        return Contains(path, value)
    return Contains(path, Wire(place.member().wire(value, f"an element of {path}")))


@overload
def begins_with(field: str | None, prefix: str) -> Condition: ...
@overload
def begins_with(field: bytes | None, prefix: bytes) -> Condition: ...
def begins_with(field: Any, prefix: Any) -> Condition:
    """The field's text or bytes begin with `prefix`; as `.startswith`, also of a field that may be None."""
    return given_field(field, "begins_with()").startswith(prefix)


def exists(field: object) -> Condition:
    """The item has something there, be it NULL."""
    return Exists(path_of(given_field(field, "exists()")))


def missing(field: object) -> Condition:
    """The item has nothing there; for None stored as NULL too, compare with `== None`."""
    return Missing(path_of(given_field(field, "missing()")))


@overload
def between(field: str | None, low: str, high: str) -> Condition: ...
@overload
def between(field: bytes | None, low: bytes, high: bytes) -> Condition: ...
@overload
def between(field: float | Decimal | None, low: float | Decimal, high: float | Decimal) -> Condition: ...
@overload
def between(field: datetime | None, low: datetime, high: datetime) -> Condition: ...
@overload
def between(field: date | None, low: date, high: date) -> Condition: ...
@overload
def between(field: time | None, low: time, high: time) -> Condition: ...
@overload
def between(field: UUID | None, low: UUID, high: UUID) -> Condition: ...
def between(field: Any, low: Any, high: Any) -> Condition:
    """`low <= field <= high`; the field may also be a `size(...)`."""
    if isinstance(field, FieldSize):
        return cast("Condition", all_of(field >= low, field <= high))
    given = given_field(field, "between()")
    return Between(path_of(given), operand(given, low), operand(given, high))


@overload
def in_(field: E | None, values: Iterable[E]) -> Condition: ...
@overload
def in_(field: str | None, values: Iterable[str]) -> Condition: ...
@overload
def in_(field: bytes | None, values: Collection[bytes]) -> Condition: ...
@overload
def in_(field: float | Decimal | None, values: Iterable[float | Decimal]) -> Condition: ...
@overload
def in_(field: datetime | None, values: Iterable[datetime]) -> Condition: ...
@overload
def in_(field: date | None, values: Iterable[date]) -> Condition: ...
@overload
def in_(field: UUID | None, values: Iterable[UUID]) -> Condition: ...
def in_(field: Any, values: Any) -> Condition:
    """The field is one of the values: any number of them, but one at least.

    Raises:
        ValidationError: there are none, or one text was given in place of several.
    """
    given = given_field(field, "in_()")
    if isinstance(values, (str, bytes)):
        raise ValidationError(f"in_() takes several values for {given}, not one text: write [{values!r}]")
    return any_equal(path_of(given), [given == value for value in values])


def not_(condition: Condition | bool) -> Condition:
    """The condition does not hold; as `~`, which a type checker takes for a number where it sees a bool."""
    return ~cast("Condition", condition_of(condition))


def present(field: T | None) -> T:
    """The field itself, to a type checker without None: `present(Order.note).startswith("a")`."""
    given_field(field, "present()")
    return cast("T", field)


def size(field: Sized | None) -> int:
    """The field's size, to be compared with a number: characters, bytes or elements."""
    given = given_field(field, "size()")
    return cast("int", FieldSize(path_of(given), place_of(given).empty_is_nothing))


class FieldSize:
    """The size of a field: `size(Order.lines) > 2` is a condition.

    Parameters:
        path: of the field.
        empty_is_nothing: whether it has the size 0 where nothing is stored; else it has none then.
    """

    __slots__ = ("_empty_is_nothing", "_path")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: Path, empty_is_nothing: bool = False) -> None:
        self._path = path
        self._empty_is_nothing = empty_is_nothing

    def __repr__(self) -> str:
        return f"<size of {self._path}>"

    def __eq__(self, number: object) -> Condition:  # type: ignore[override]
        return self._is("=", number)

    def __ne__(self, number: object) -> Condition:  # type: ignore[override]
        return self._is("<>", number)

    def __lt__(self, number: object) -> Condition:
        return self._is("<", number)

    def __le__(self, number: object) -> Condition:
        return self._is("<=", number)

    def __gt__(self, number: object) -> Condition:
        return self._is(">", number)

    def __ge__(self, number: object) -> Condition:
        return self._is(">=", number)

    def __bool__(self) -> bool:
        raise TypeError(f"the size of {self._path} is not known here: compare it, such as size(field) > 0")

    def _is(self, comparator: Comparator, number: object) -> Condition:
        if isinstance(number, TypedField):
            return Size(self._path, comparator, path_of(number))
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValidationError(
                f"the size of {self._path} is compared with a whole number or a field, not with {number!r}"
            )
        stored = Size(self._path, comparator, number)
        if self._empty_is_nothing and _COMPARE[comparator](0, number):
            return AnyOf((Missing(self._path), stored))
        return stored
