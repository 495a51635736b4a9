"""Conditions as they are given: whole ones, or an attribute's name, an operator and values.

Knows a model's attributes and the operators. Must not know plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AnyOf,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Missing,
    Not,
    Path,
    equals,
)
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.query.normal import is_opaque, names_of
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.validation import did_you_mean
from dynamodb_wrapper.wire.compiled import attribute_names
from dynamodb_wrapper.wire.plain import is_empty_set, stored_fields

Operator: TypeAlias = Literal[
    "=", "!=", "<", "<=", ">", ">=", "between", "begins_with", "contains", "in", "exists", "missing"
]
_MANY = (list, tuple, set, frozenset)


def condition_from(
    schema: TableSchema[Any], name: str, operator: str = "", values: Sequence[object] = ()
) -> Condition:
    """The condition that such words mean.

    Parameters:
        name: a field or attribute, or a place inside one, such as `address.city` or `lines[0].qty`.
        operator: one of `Operator`.
        values: none for exists and missing, two for between, one or a list for in, one for the others.

    Raises:
        ValidationError: the attribute or the operator is not known, or there are too many or too few values.
    """
    if operator not in get_args(Operator):
        raise ValidationError(
            f"{operator!r} is no operator for {name}: use one of {', '.join(get_args(Operator))}",
            errors={name: [f"unknown operator {operator!r}"]},
        )
    path = path_of(schema, name)
    if operator == "in":
        return _one_of(path, _choices(values))
    if operator == "between" and len(values) == 1 and isinstance(values[0], (list, tuple)):
        values = values[0]
    wanted = {"exists": 0, "missing": 0, "between": 2}.get(operator, 1)
    if len(values) != wanted:
        raise ValidationError(
            f"{operator} on {name} takes {('no value', 'one value', 'two values')[wanted]}, "
            f"not {len(values)}",
            errors={name: [f"{operator} takes {wanted}"]},
        )
    if operator in ("=", "!=") and is_empty_set(values[0]) and not _is_empty_where_absent(schema, path):
        return Compare(path, "=" if operator == "=" else "<>", values[0])
    return _MAKERS[operator](path, *values)


def _is_empty_where_absent(schema: TableSchema[Any], path: Path) -> bool:
    """Whether a set without elements may be stored there as nothing, and nothing does not mean None."""
    model: type[BaseModel] = schema.model
    return path.is_whole and any(
        field.attribute == path.attribute and field.empty_where_absent for field in stored_fields(model)
    )


def condition_given(schema: TableSchema[Any], given: object) -> Condition:
    """A condition as it was given; boto3's may be on attributes that the model does not know, others not.

    Raises:
        ValidationError: it is none, or is on the field of another model.
    """
    condition = condition_on(schema, given)
    if condition is None:
        raise ValidationError("a condition was expected, not None")
    if not hasattr(given, "get_expression") and not is_opaque(condition):
        for name in sorted(names_of(condition) - schema.attributes):
            raise ValidationError(
                f"{schema.model.__name__} has no attribute {name!r}{did_you_mean(name, schema.attributes)}: "
                f"use the fields of {schema.model.__name__}; what it does not know can be asked for with "
                f"boto3's Attr({name!r})",
                errors={name: ["unknown attribute"]},
            )
    return condition


def path_of(schema: TableSchema[Any], name: str | Path) -> Path:
    """The path of a field, an attribute, or a place inside one; a path stays as it is.

    Raises:
        ValidationError: the model has no such field.
    """
    if isinstance(name, Path):
        return name
    if name in schema.attributes:
        return Path((name,))
    path = Path.of(name)
    first = path.attribute
    if first not in schema.attributes:
        stored = attribute_names(schema.model)
        if first not in stored:
            raise ValidationError(
                f"{schema.model.__name__} has no attribute {first!r}{did_you_mean(first, stored)}",
                errors={first: ["unknown attribute"]},
            )
        first = stored[first]
    return Path((first, *path.steps[1:]))


def _choices(values: Sequence[object]) -> Sequence[object]:
    if len(values) == 1 and isinstance(values[0], _MANY):
        return tuple(values[0])
    return tuple(values)


def _one_of(path: Path, choices: Sequence[object]) -> Condition:
    parts = [equals(path, choice) for choice in choices]
    if all(isinstance(part, Compare) for part in parts):
        return In(path, tuple(choices))
    return AnyOf(tuple(parts))


def _differs(path: Path, value: object) -> Condition:
    same = equals(path, value)
    return Compare(path, "<>", value) if isinstance(same, Compare) else Not(same)


_MAKERS: Final[Mapping[str, Callable[..., Condition]]] = {
    "=": equals,
    "!=": _differs,
    "<": lambda path, value: Compare(path, "<", value),
    "<=": lambda path, value: Compare(path, "<=", value),
    ">": lambda path, value: Compare(path, ">", value),
    ">=": lambda path, value: Compare(path, ">=", value),
    "between": Between,
    "begins_with": BeginsWith,
    "contains": Contains,
    "exists": Exists,
    "missing": Missing,
}
