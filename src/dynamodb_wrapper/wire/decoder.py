"""Compiles a model's fields into strict wire types and one function that makes pydantic's input of them.

Knows shapes, msgspec and the generic decoder. The wire types take nothing doubtful: a reply of another shape
is an error of msgspec, and who called it then takes the generic way, which says what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec
from pydantic import BaseModel

from dynamodb_wrapper.wire.plain import read_utc
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    ListOf,
    MapOf,
    ModelOf,
    Scalar,
    Shape,
    is_left_out_when_none,
    reads_beyond_its_fields,
    tag_of,
)
from dynamodb_wrapper.wire.source import compile_function, name_in
from dynamodb_wrapper.wire.values import AttributeValue, WireItem, decode

Expression: TypeAlias = Callable[[str], str]
Form: TypeAlias = tuple[Any, Expression]

_CONTENT: dict[str, type] = {"S": str, "N": str, "BOOL": bool, "B": bytes}
_CALLS: dict[type, str] = {int: "int", float: "float", Decimal: "Decimal", datetime: "read_utc"}


def _strict(name: str, fields: list[tuple[Any, ...]], **options: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, fields, gc=False, **{"forbid_unknown_fields": True, **options})


def _value_type(tag: str, content: Any, null: bool) -> type[msgspec.Struct]:
    if null:
        return _strict(f"{tag}OrNull", [(tag, content | None, None), ("NULL", bool | None, None)])
    return _strict(tag, [(tag, content)])


_SCALAR_TYPES = {
    (tag, null): _value_type(tag, content, null)
    for tag, content in _CONTENT.items()
    for null in (False, True)
}
_KEY_FLAG = _strict(
    "KeyFlag",
    [("S", Literal["true", "false"] | None, None), ("BOOL", bool | None, None), ("NULL", bool | None, None)],
)


class DecoderCompiler:
    """Makes the wire types and the reading functions of one codec.

    Parameters:
        strict: whether an attribute that a model does not know is an error, so that the generic way keeps it;
            it is one in any case for a model that can do something with it.
    """

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._names: dict[str, Any] = {"Decimal": Decimal, "decode": decode, "read_utc": read_utc}

    def model(
        self, model: type[BaseModel], fields: tuple[FieldShape, ...], keys: tuple[str, ...] = ()
    ) -> tuple[type[msgspec.Struct], Callable[[Any], dict[str, Any]]]:
        """The wire type of an item or nested map, and the function from it to pydantic's input."""
        members: list[tuple[Any, ...]] = []
        always: list[str] = []
        sometimes: list[str] = []
        for position, field in enumerate(fields):
            name, attribute = f"f{position}", field.stored.attribute
            wire_type, expression = self._form(field.shape, attribute in keys)
            if is_left_out_when_none(field, keys):
                members.append((name, wire_type | None, None))
                read = expression(f"item.{name}")
                always.append(f"{attribute!r}: None if item.{name} is None else {read}")
            elif field.required:
                members.append((name, wire_type))
                always.append(f"{attribute!r}: {expression(f'item.{name}')}")
            else:
                members.append((name, wire_type | None, None))
                sometimes += [
                    f"value = item.{name}",
                    f"if value is not None: row[{attribute!r}] = {expression('value')}",
                ]
        rename = {f"f{position}": field.stored.attribute for position, field in enumerate(fields)}
        members.sort(key=len)
        strict = self._strict or reads_beyond_its_fields(model)
        wire = _strict(model.__name__, members, rename=rename, forbid_unknown_fields=strict)
        row = compile_function(
            "item", [f"row = {{{', '.join(always)}}}", *sometimes, "return row"], self._names
        )
        return wire, row

    def _form(self, shape: Shape, is_key: bool = False) -> Form:
        """The wire type of a shape, and what writes the expression that reads a variable of that type."""
        match shape:
            case Scalar(python=python) if python is bool and is_key:
                return _KEY_FLAG, lambda it: f"({it}.BOOL if {it}.S is None else {it}.S == 'true')"
            case Scalar():
                return _SCALAR_TYPES[tag_of(shape), shape.null], _scalar_expression(shape)
            case ListOf(element=element, null=null):
                each, expression = self._form(element)
                return _list_form(each, expression("each"), null)
            case MapOf(element=element, null=null):
                each, expression = self._form(element)
                return _map_form(each, expression("each"), null)
            case ModelOf(model=model, fields=fields, null=null):
                wire, row = self.model(model, fields)
                call = name_in(self._names, row)
                return _value_type("M", wire, null), _inside("M", lambda content: f"{call}({content})", null)
            case _:
                return AttributeValue, lambda variable: f"decode({variable})"


def _list_form(each: Any, expression: str, null: bool) -> Form:
    content: Any = list[each]
    read = _inside("L", lambda elements: f"[{expression} for each in {elements}]", null)
    return _value_type("L", content, null), read


def _map_form(each: Any, expression: str, null: bool) -> Form:
    content: Any = dict[str, each]
    read = _inside("M", lambda entries: f"{{key: {expression} for key, each in {entries}.items()}}", null)
    return _value_type("M", content, null), read


def _scalar_expression(shape: Scalar) -> Expression:
    tag = tag_of(shape)
    call = _CALLS.get(shape.python) or ("int" if tag == "N" else None)
    if call is None:
        return lambda variable: f"{variable}.{tag}"
    return _inside(tag, lambda text: f"{call}({text})", shape.null)


def _inside(tag: str, expression: Expression, null: bool) -> Expression:
    """The expression for a wire value whose content has that expression, with None where it is NULL."""
    if not null:
        return lambda variable: expression(f"{variable}.{tag}")
    return lambda variable: f"(None if {variable}.{tag} is None else {expression(f'{variable}.{tag}')})"


class ModelDecoder:
    """The compiled decoder of one model.

    Parameters:
        strict: as for `DecoderCompiler`.
        hidden: the text attribute that an item may have beside the fields; its wire type has it as `hidden`.

    Attributes:
        reply: decodes the reply of a call for one item.
        page: decodes the reply of a Query or Scan.
        row: makes pydantic's input of an item that one of them gave.
    """

    def __init__(
        self,
        model: type[BaseModel],
        fields: tuple[FieldShape, ...],
        keys: tuple[str, ...],
        strict: bool,
        hidden: str | None = None,
    ) -> None:
        wire, self.row = DecoderCompiler(strict).model(model, fields, keys)
        if hidden is not None:
            text = _SCALAR_TYPES["S", False] | None
            wire = _strict("WithHidden", [("hidden", text, None)], bases=(wire,), rename={"hidden": hidden})
        item: Any = wire | None
        items: Any = list[wire]  # type: ignore[valid-type]
        self.reply = _envelope("Reply", [("item", item, None), ("attributes", item, None)])
        self.page = _envelope(
            "Page",
            [
                ("items", items, msgspec.field(default_factory=list)),
                ("last_evaluated_key", WireItem | None, None),
                ("count", int, 0),
                ("scanned_count", int, 0),
                ("consumed_capacity", dict[str, Any] | None, None),
            ],
        )


def _envelope(name: str, members: list[tuple[str, Any, Any]]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct(name, members, rename="pascal"))
