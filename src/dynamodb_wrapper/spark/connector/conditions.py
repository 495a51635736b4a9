"""Filters as JSON, for an option: `[["customer_id", "=", "ada"], ["total", ">", 100]]`.

Knows the form and the query builder's operators. Must not know plans.

A condition is a list of an attribute (also a place in one, such as `address.city`), an operator and its
values; or `{"any": [...]}`, `{"all": [...]}` or `{"not": ...}` of conditions. Of a list of conditions all
must hold. Numbers are exact. A value of an attribute is read as its field is, so that a datetime is written
in ISO 8601; any value can be given in DynamoDB's own form too: `{"B": "aGk="}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, AnyOf, Condition, Not
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.query.spoken import condition_from, path_of
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.plain import stored_fields

_TYPES: Final = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))
_LOOSE: Final = ("contains", "begins_with")


def condition_of_json(schema: TableSchema[Any], text: str) -> Condition:
    """The condition that a text means.

    Raises:
        ValidationError: it is no JSON of that form, or names what the table has not.
    """
    given = _read(text)
    return _all(schema, given) if _is_many(given) else _condition(schema, given)


def names_in(text: str) -> tuple[str, ...]:
    """The attributes and places that conditions name.

    Raises:
        ValidationError: the text is no JSON.
    """
    return tuple(dict.fromkeys(_names(_read(text))))


def _names(given: Any) -> Iterator[str]:
    if isinstance(given, dict):
        yield from _names([*given.values()])
    elif isinstance(given, list) and given and isinstance(given[0], str):
        yield given[0]
    elif isinstance(given, list):
        for each in given:
            yield from _names(each)


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise _wrong(text, f"it is no JSON: {error}") from error


def _is_many(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(each, list | dict) for each in given)


def _condition(schema: TableSchema[Any], given: Any) -> Condition:
    if isinstance(given, dict) and len(given) == 1:
        ((word, inner),) = given.items()
        if word == "not":
            return Not(_condition(schema, inner))
        if word == "all" and _is_many(inner):
            return _all(schema, inner)
        if word == "any" and _is_many(inner):
            return AnyOf(tuple(_condition(schema, each) for each in inner))
    if isinstance(given, list) and len(given) > 1 and all(isinstance(word, str) for word in given[:2]):
        name, operator, *values = given
        return condition_from(schema, name, operator, _values(schema, name, operator, values))
    raise _wrong(json.dumps(given, default=str), 'a condition looks like ["total", ">", 100]')


def _all(schema: TableSchema[Any], given: list[Any]) -> Condition:
    parts = tuple(_condition(schema, each) for each in given)
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _values(schema: TableSchema[Any], name: str, operator: str, values: list[Any]) -> list[Any]:
    if operator in ("in", "between") and len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return [_value(schema, name, operator, value) for value in values]


def _value(schema: TableSchema[Any], name: str, operator: str, value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1 and _TYPES.issuperset(value):
        return Wire(value)
    path = path_of(schema, name)
    if value is None or operator in _LOOSE or not path.is_whole:
        return value
    model: Any = schema.model
    for field in stored_fields(model):
        if field.attribute == path.attribute:
            info = model.model_fields[field.name]
            try:
                return TypeAdapter(info.annotation).validate_python(value)
            except PydanticError as error:
                raise _wrong(f"{name} {operator} {value!r}", f"{name} is {info.annotation}") from error
    return value


def _wrong(what: str, why: str) -> ValidationError:
    return ValidationError(f"the filter {what} cannot be read: {why}", errors={"filter": [why]})
