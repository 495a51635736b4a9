"""Conditions: what must hold of an item, for key conditions, filters and conditional writes.

Knows DynamoDB's condition language (Developer Guide, "Comparison operator and function reference"). Must not
know models or where a condition is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, TypeGuard

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.params import Params
from dynamodb_wrapper.expressions.paths import Path
from dynamodb_wrapper.wire.plain import is_empty_set

Comparator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]
MOST_CHOICES = 100
_PLACEHOLDER = re.compile(r"[:#][A-Za-z0-9_]+")


class Condition:
    """The base of all conditions; join them with `&` and `|`, turn one round with `~`."""

    __slots__ = ()

    def encode(self, params: Params) -> str:
        """The condition as text, its names and values put into `params`."""
        raise NotImplementedError

    def __and__(self, other: Condition | bool) -> Condition:
        return AllOf((*_alike(self, AllOf), other)) if _may_join(other) else NotImplemented

    def __rand__(self, other: bool) -> Condition:
        return self & other

    def __or__(self, other: Condition | bool) -> Condition:
        return AnyOf((*_alike(self, AnyOf), other)) if _may_join(other) else NotImplemented

    def __ror__(self, other: bool) -> Condition:
        return self | other

    def __invert__(self) -> Condition:
        return Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition is neither true nor false here: join conditions with & and |, not and/or; "
            "for a < x < b there is between()"
        )


def not_a_condition(given: bool) -> ValidationError:
    """The error for True or False where a condition is wanted; for a type checker a comparison is a bool."""
    return ValidationError(
        f"a condition was expected, not {given}: an instance's field was compared instead of an attribute; "
        "compare the class's field, such as Order.total, with == and not `is`, and join with & | ~"
    )


def _alike(joined: Condition, by: type[AllOf] | type[AnyOf]) -> tuple[Condition, ...]:
    """The parts of what is joined so already: hundreds in a row stay flat, and no depth of Python's ends."""
    return joined.parts if isinstance(joined, by) else (joined,)


def _may_join(other: object) -> TypeGuard[Condition]:
    if isinstance(other, bool):
        raise not_a_condition(other)
    return isinstance(other, Condition)


class Compare(Condition, Struct, frozen=True):
    """`path <comparator> value`, where the value may be another `Path`."""

    path: Path
    comparator: Comparator
    value: object

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"{self.path.encode(params)} {self.comparator} {self.path.value(params, self.value)}"


class Between(Condition, Struct, frozen=True):
    """`low <= path <= high`."""

    path: Path
    low: object
    high: object

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        low, high = self.path.value(params, self.low), self.path.value(params, self.high)
        return f"{self.path.encode(params)} BETWEEN {low} AND {high}"


class In(Condition, Struct, frozen=True):
    """The path's value is one of `choices` (1 to 100 of them)."""

    path: Path
    choices: tuple[object, ...]

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        if not 1 <= len(self.choices) <= MOST_CHOICES:
            raise ValidationError(
                f"{self.path} IN got {len(self.choices)} choices: DynamoDB takes 1 to {MOST_CHOICES}"
            )
        marks = ", ".join(self.path.value(params, choice) for choice in self.choices)
        return f"{self.path.encode(params)} IN ({marks})"


class BeginsWith(Condition, Struct, frozen=True):
    """The path's text (or bytes) begins with `prefix`."""

    path: Path
    prefix: str | bytes | Path

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"begins_with({self.path.encode(params)}, {self.path.part(params, self.prefix)})"


class Contains(Condition, Struct, frozen=True):
    """The path's text contains a part, or its list or set contains an element."""

    path: Path
    part: object

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"contains({self.path.encode(params)}, {self.path.part(params, self.part)})"


class Exists(Condition, Struct, frozen=True):
    """The item has something at the path."""

    path: Path

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"attribute_exists({self.path.encode(params)})"


class Missing(Condition, Struct, frozen=True):
    """The item has nothing at the path."""

    path: Path

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"attribute_not_exists({self.path.encode(params)})"


class AttributeType(Condition, Struct, frozen=True):
    """What the path holds is of that DynamoDB type."""

    path: Path
    type: Literal["S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"]

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"attribute_type({self.path.encode(params)}, {params.wire_value({'S': self.type})})"


class Size(Condition, Struct, frozen=True):
    """The size of what the path holds: characters, bytes or elements."""

    path: Path
    comparator: Comparator
    size: int | Path

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"size({self.path.encode(params)}) {self.comparator} {self.path.part(params, self.size)}"


class AllOf(Condition, Struct, frozen=True):
    """Every part holds."""

    parts: tuple[Condition, ...]

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return "(" + " AND ".join(part.encode(params) for part in self.parts) + ")"


class AnyOf(Condition, Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return "(" + " OR ".join(part.encode(params) for part in self.parts) + ")"


class Not(Condition, Struct, frozen=True):
    """The part does not hold."""

    part: Condition

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        return f"(NOT {self.part.encode(params)})"


class Expression(Condition, Struct, frozen=True):
    """A condition given as text with its own placeholders, as boto3 takes it."""

    text: str
    names: Mapping[str, str]
    values: Mapping[str, object]

    def encode(self, params: Params) -> str:
        """See `Condition.encode`; the text's placeholders are renamed so that they clash with nothing.

        Raises:
            ValidationError: the text has a placeholder without a name or value.
        """
        marks = {mark: params.name(name) for mark, name in self.names.items()}
        marks |= {mark: params.plain_value(value, mark) for mark, value in self.values.items()}
        undefined = [mark for mark in _PLACEHOLDER.findall(self.text) if mark not in marks]
        if undefined:
            raise ValidationError(
                f"{self.text!r} has placeholders that are not given: {', '.join(undefined)}"
            )
        return f"({_PLACEHOLDER.sub(lambda match: marks[match.group()], self.text)})"


def all_of(*parts: Condition | None) -> Condition | None:
    """Every given condition; None where none is given."""
    given = tuple(part for part in parts if part is not None)
    if len(given) < 2:
        return given[0] if given else None
    return AllOf(given)


def equals(path: Path, value: object) -> Condition:
    """The path holds that value; None means that it holds nothing or NULL, and a bool either stored form.

    A boolean may be stored as BOOL or, by older versions and in keys, as the text "true" or "false". An empty
    set is stored as nothing, or as an empty list where nothing means None.
    """
    if value is None:
        return AnyOf((Missing(path), AttributeType(path, "NULL")))
    if is_empty_set(value):
        return AnyOf((Missing(path), Compare(path, "=", value)))
    if isinstance(value, bool):
        return StoredBool(path, value)
    return Compare(path, "=", value)


class StoredBool(Condition, Struct, frozen=True):
    """The path holds a boolean, stored as BOOL or as text."""

    path: Path
    value: bool

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        text = params.wire_value({"S": "true" if self.value else "false"})
        return f"{self.path.encode(params)} IN ({params.wire_value({'BOOL': self.value})}, {text})"


def one_of(path: Path, values: Iterable[object]) -> Condition:
    """The path holds one of the values (at least one is needed)."""
    return any_equal(path, [equals(path, value) for value in values])


def any_equal(path: Path, choices: Sequence[Condition]) -> Condition:
    """One of several equalities of one path, as one IN where that is possible."""
    if not choices:
        raise ValidationError(f"the filter on {path} has an empty list of values: give at least one")
    if all(isinstance(choice, Compare) for choice in choices) and len(choices) <= MOST_CHOICES:
        return In(path, tuple(choice.value for choice in choices if isinstance(choice, Compare)))
    return AnyOf(tuple(choices))
