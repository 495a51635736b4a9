"""Typed fields: on a model's class, a field is a place whose comparisons are conditions.

To a type checker a field keeps the type of its annotation, so `Order.address.city == "Oslo"` and
`Order.lines[0].qty > 2` are checked with nothing but the model. Knows paths, what annotations say of them and
the conditions that Python's operators stand for; what has no operator is in `functions` and `assignments`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NoReturn

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.conditions import BeginsWith, Compare, Condition, Not, equals
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Computed, FieldPath, Operand, Path
from dynamodb_wrapper.expressions.places import Place, field_place, remark, step_of
from dynamodb_wrapper.wire.plain import is_empty_set
from dynamodb_wrapper.wire.values import encode_value

_NUMBERS = (int, float, Decimal)


class TypedField:
    """A place in the items of a model: its path, and what the annotations say of it.

    Comparisons with `== != < <= > >=` and `.startswith(...)` give conditions; `.name` and `[step]` lead
    further in; `+` and `-` compute a number in an update. A field that holds a bool is a condition itself.

    Values are stored as the annotation says. `== None` holds where there is nothing or NULL; `== True` holds
    of both forms in which a bool may be stored, BOOL and text.
    """

    __slots__ = ("_path", "_place")
    __hash__ = None  # type: ignore[assignment]
    __iter__ = None

    def __init__(self, path: Path, place: Place) -> None:
        self._path = path
        self._place = place

    def __repr__(self) -> str:
        return f"<field {self._path}>"

    def __str__(self) -> str:
        return str(self._path)

    def __getattr__(self, name: str) -> TypedField:
        if name.startswith("_"):
            raise AttributeError(name)
        place = self._place.field(name)
        if place is None:
            raise AttributeError(f"{self._path} has no field {name!r}{remark(name, self._place)}")
        path = self._path if place.attribute is None else self._path.within(place.attribute)
        return TypedField(path, place)

    def __getitem__(self, step: object) -> TypedField:
        plain = step_of(step)
        place = self._place.element(plain)
        if place is None:
            raise TypeError(f"{self._path} holds {self._place.annotation}, in which there is no [{plain!r}]")
        return TypedField(self._path.within(plain), place)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        if self._has_forms(value):
            return equals(self._path, value)
        return Compare(self._path, "=", operand(self, value))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        if self._has_forms(value):
            return Not(equals(self._path, value))
        return Compare(self._path, "<>", operand(self, value))

    def __lt__(self, value: object) -> Condition:
        return self._ordered("<", value)

    def __le__(self, value: object) -> Condition:
        return self._ordered("<=", value)

    def __gt__(self, value: object) -> Condition:
        return self._ordered(">", value)

    def __ge__(self, value: object) -> Condition:
        return self._ordered(">=", value)

    def startswith(self, prefix: object) -> Condition:
        """The text (or bytes) begins with `prefix`."""
        if isinstance(prefix, TypedField):
            return BeginsWith(self._path, prefix._path)
        if not isinstance(prefix, (str, bytes)):
            raise ValidationError(f"{self._path} can start with a text or bytes, not with {prefix!r}")
        return BeginsWith(self._path, prefix)

    def __and__(self, other: object) -> Condition:
        return truth_of(self) & other  # type: ignore[operator]

    def __rand__(self, other: object) -> Condition:
        return other & truth_of(self)  # type: ignore[operator]

    def __or__(self, other: object) -> Condition:
        return truth_of(self) | other  # type: ignore[operator]

    def __ror__(self, other: object) -> Condition:
        return other | truth_of(self)  # type: ignore[operator]

    def __invert__(self) -> Condition:
        return ~truth_of(self)

    def __add__(self, other: object) -> Computed:
        return Computed(_term(self), "+", _number(self, other))

    def __radd__(self, other: object) -> Computed:
        return Computed(_number(self, other), "+", _term(self))

    def __sub__(self, other: object) -> Computed:
        return Computed(_term(self), "-", _number(self, other))

    def __rsub__(self, other: object) -> Computed:
        return Computed(_number(self, other), "-", _term(self))

    def __bool__(self) -> bool:
        raise TypeError(
            f"the field {self._path} is neither true nor false: compare it, and join conditions with & | ~ "
            "instead of and, or, not"
        )

    def __contains__(self, value: object) -> bool:
        raise TypeError(f"`in` cannot ask about the field {self._path}: use contains(field, {value!r})")

    def _has_forms(self, value: object) -> bool:
        """Whether there are several ways in which the value may be stored."""
        if isinstance(value, bool):
            return self._place.holds(bool)
        return value is None or (is_empty_set(value) and self._place.empty_is_nothing)

    def _ordered(self, comparator: Literal["<", "<=", ">", ">="], value: object) -> Condition:
        if value is None:
            raise ValidationError(f"{self._path} {comparator} None: None has no order; ask with == or !=")
        return Compare(self._path, comparator, operand(self, value))


def class_field(model: type[BaseModel], name: str) -> TypedField:
    """The typed field of a model's field.

    Raises:
        AttributeError: there is no such field, or it is not stored.
    """
    place = field_place(model, name)
    if place is None:
        raise AttributeError(f"{model.__name__} has no field {name!r}")
    return TypedField(FieldPath((place.attribute or name,), model), place)


def given_field(given: object, asker: str) -> TypedField:
    """What was given, if it is a typed field.

    Raises:
        ValidationError: it is something else, as an instance's field is.
    """
    if isinstance(given, TypedField):
        return given
    raise ValidationError(
        f"{asker} takes a field of a model's class, such as Order.total, not {given!r}: "
        "an instance's field is its value"
    )


def path_of(field: TypedField) -> Path:
    """The path of a field."""
    return field._path


def place_of(field: TypedField) -> Place:
    """What a field's annotations say of it."""
    return field._place


def operand(field: TypedField, value: object) -> object:
    """A value to compare a field with; one inside an attribute is encoded at once, as its annotation says.

    The value of a whole attribute stays as it is, because the table's codec knows which attributes are keys.
    """
    if isinstance(value, TypedField):
        return value._path
    if isinstance(value, Computed):
        raise ValidationError(
            f"{field._path} is compared with a sum, which DynamoDB computes in updates only: compute it here"
        )
    return value if field._path.is_whole else Wire(field._place.wire(value, str(field._path)))


def truth_of(field: TypedField) -> Condition:
    """The condition that a field is true.

    Raises:
        ValidationError: the field does not hold a bool.
    """
    if not field._place.holds(bool):
        raise ValidationError(
            f"a condition was expected, and the field {field._path} is none: compare it with a value"
        )
    return equals(field._path, True)


def _term(field: TypedField) -> Operand:
    """A field in a sum; where nothing is stored, the number that reading would give."""
    if not field._place.is_number:
        _no_sum(f"{field._path} holds {field._place.annotation}")
    return Operand(field._path, field._place.default)


def _number(field: TypedField, value: object) -> Operand | Wire:
    if isinstance(value, TypedField):
        return _term(value)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        _no_sum(f"{value!r} is no number that {field._path} could be added to")
    return Wire(encode_value(value, str(field._path)))


def _no_sum(why: str) -> NoReturn:
    raise ValidationError(
        f"{why}: DynamoDB computes one sum or difference of two numbers; a list has append and prepend"
    )
