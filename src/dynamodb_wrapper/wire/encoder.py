"""Compiles a model's fields into one function that makes the item to store.

Knows shapes and the generic encoder. The compiled function takes no doubtful value: it raises `Mismatch` when
a value is not of the class that its field promises, and `Refused` when it cannot be stored; who called it
then takes the slow way, which says what is wrong and where.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from dynamodb_wrapper.wire.numbers import PLAIN_LIMIT, decimal_text, float_text, int_text
from dynamodb_wrapper.wire.plain import dumped_field, utc_text
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    ListOf,
    MapOf,
    ModelOf,
    Opaque,
    Scalar,
    Shape,
    may_be_bool,
    tag_of,
)
from dynamodb_wrapper.wire.source import compile_function, name_in
from dynamodb_wrapper.wire.values import WireItem, WireValue, encode, is_text, key_form, key_text


class Mismatch(Exception):
    """A value is not of the class that its field promises."""


_EXPRESSIONS: dict[type, str] = {
    str: "{'S': value}",
    int: "{'N': str(value) if -PLAIN_LIMIT < value < PLAIN_LIMIT else int_text(value)}",
    float: "{'N': float_text(value)}",
    Decimal: "{'N': decimal_text(value)}",
    bool: "{'BOOL': value}",
    bytes: "{'B': b2a_base64(value, newline=False).decode('ascii')}",
    datetime: "{'S': value.isoformat('T', 'microseconds') if value.tzinfo is UTC else utc_text(value)}",
    date: "{'S': value.isoformat()}",
    UUID: "{'S': str(value)}",
}
_NAMES: dict[str, Any] = {
    "Mismatch": Mismatch,
    "PLAIN_LIMIT": PLAIN_LIMIT,
    "UTC": UTC,
    "b2a_base64": b2a_base64,
    "decimal_text": decimal_text,
    "dumped_field": dumped_field,
    "encode": encode,
    "key_form": key_form,
    "key_text": key_text,
    "float_text": float_text,
    "int_text": int_text,
    "is_text": is_text,
    "utc_text": utc_text,
}


class EncoderCompiler:
    """Writes the source of encoding functions and runs it; one compiler serves one codec."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = dict(_NAMES)

    def model(
        self, model: type[BaseModel], fields: tuple[FieldShape, ...], keys: Collection[str] = ()
    ) -> Callable[[Any], WireItem]:
        """The function that makes the item for an instance of exactly this model."""
        lines = [
            f"if instance.__class__ is not {self._name(model)}: raise Mismatch",
            "state = instance.__dict__",
            "item = {}",
        ]
        for field in fields:
            if not field.stored.excluded:
                lines += self._field(field, field.stored.attribute in keys)
        lines += [
            "extra = instance.__pydantic_extra__",
            "if extra:",
            "    for name, value in extra.items(): item[name] = encode(value)",
            "return item",
        ]
        return self._function("instance", lines)

    def shape(self, shape: Shape) -> Callable[[Any], WireValue]:
        """The function that makes the wire value for a value of this shape."""
        lines = [f"if {self._test(shape)}: return {self._expression(shape)}"]
        if shape.null:
            lines.append("if value is None: return {'NULL': True}")
        return self._function("value", [*lines, "raise Mismatch"])

    def _field(self, field: FieldShape, is_key: bool) -> list[str]:
        stored, shape = field.stored, field.shape
        if stored.one_way:
            return ["raise Mismatch"]
        source = f"dumped_field(instance, {stored.name!r})" if stored.dumped else f"state[{stored.name!r}]"
        target = f"item[{stored.attribute!r}]"
        stores = self._expression(shape)
        if is_key:
            stores = f"key_form({stores})" if may_be_bool(shape) else stores
        lines, first = [f"value = {source}"], "if"
        if stored.empty_left_out:
            lines.append("if value.__class__ in (set, frozenset) and not value: pass")
            first = "elif"
        if stored.none_left_out or (is_key and shape.null):
            lines += [f"{first} value is None: pass", f"elif {self._test(shape)}: {target} = {stores}"]
        elif is_key:
            lines += [
                f"{first} value is None: raise Mismatch",
                f"elif {self._test(shape)}: {target} = {stores}",
            ]
        else:
            lines.append(f"{first} {self._test(shape)}: {target} = {stores}")
            if shape.null:
                lines.append(f"elif value is None: {target} = {{'NULL': True}}")
        return [*lines, "else: raise Mismatch"]

    def _test(self, shape: Shape) -> str:
        match shape:
            case Scalar(python=python) if python is str:
                return "value.__class__ is str and (value.isascii() or is_text(value))"
            case Scalar(python=python):
                return f"value.__class__ is {self._name(python)}"
            case ListOf():
                return "value.__class__ is list"
            case MapOf():
                return "value.__class__ is dict"
            case ModelOf(model=model):
                return f"value.__class__ is {self._name(model)}"
            case Opaque(kinds=()):
                return "True"
            case Opaque(kinds=kinds):
                return f"value.__class__ in {self._name(kinds)}"

    def _expression(self, shape: Shape) -> str:
        match shape:
            case Scalar(python=python) if issubclass(python, Enum):
                return "{'S': value._value_}" if tag_of(shape) == "S" else "{'N': int_text(value._value_)}"
            case Scalar(python=python):
                return _EXPRESSIONS[python]
            case ListOf(element=Opaque()) | MapOf(element=Opaque()) | Opaque():
                return "encode(value)"
            case ListOf(element=element):
                return f"{{'L': [{self._name(self.shape(element))}(each) for each in value]}}"
            case MapOf(element=element):
                key = "key if key.__class__ is str and key.isascii() else key_text(key)"
                each = f"{self._name(self.shape(element))}(each)"
                return f"{{'M': {{{key}: {each} for key, each in value.items()}}}}"
            case ModelOf(model=model, fields=fields):
                return f"{{'M': {self._name(self.model(model, fields))}(value)}}"

    def _function(self, parameter: str, lines: list[str]) -> Callable[[Any], Any]:
        return compile_function(parameter, lines, self._names)

    def _name(self, thing: Any) -> str:
        return name_in(self._names, thing)
