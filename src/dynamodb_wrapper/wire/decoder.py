"""Compiles a model's fields into strict wire types and one function that makes pydantic's input of them.

Knows shapes, msgspec and the generic decoder. The wire types take nothing doubtful: a reply of another shape
is an error of msgspec, and who called it then takes the generic way, which says what is wrong and where. Of a
model whose validation would change nothing (see `agreement`) the function makes the instance itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias

import msgspec
from pydantic import BaseModel

from dynamodb_wrapper.wire.agreement import takes_as_they_are
from dynamodb_wrapper.wire.plain import as_utc
from dynamodb_wrapper.wire.reading import later_preparer
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    ListOf,
    MapOf,
    ModelOf,
    Opaque,
    Scalar,
    Shape,
    is_left_out_when_empty,
    is_plain_model,
    reads_beyond_its_fields,
    tag_of,
)
from dynamodb_wrapper.wire.source import compile_function, name_in
from dynamodb_wrapper.wire.values import AttributeValue, WireItem, decode

Expression: TypeAlias = Callable[[str], str]
Form: TypeAlias = tuple[Any, Expression]


def _refuse(*_: object) -> Any:
    raise ValueError("pydantic is to say what is wrong with it")


_CONTENT: dict[str, type] = {"S": str, "N": str, "BOOL": bool, "B": bytes}
_READS: dict[type, str] = {
    int: "int({})",
    float: "float({})",
    Decimal: "Decimal({})",
    datetime: "(moment if (moment := read_iso({})).tzinfo is UTC else as_utc(moment))",
}
_FINITE = "(number if (number := Decimal({})).is_finite() else refuse(number))"
_NAMES: dict[str, Any] = {
    "Decimal": Decimal,
    "UTC": UTC,
    "decode": decode,
    "deepcopy": deepcopy,
    "read_iso": datetime.fromisoformat,
    "as_utc": as_utc,
    "refuse": _refuse,
    **{
        name: vars(BaseModel)[slot].__set__
        for name, slot in {
            "set_state": "__dict__",
            "set_fields": "__pydantic_fields_set__",
            "set_extra": "__pydantic_extra__",
            "set_private": "__pydantic_private__",
        }.items()
    },
}


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
        direct: whether the functions make instances; only for models that take values as they are.
    """

    def __init__(self, strict: bool, direct: bool = False) -> None:
        self._strict = strict
        self._direct = direct
        self._names: dict[str, Any] = dict(_NAMES)

    def model(
        self,
        model: type[BaseModel],
        fields: tuple[FieldShape, ...],
        keys: Collection[str] = (),
        nones: Collection[str] = (),
    ) -> tuple[type[msgspec.Struct], Callable[[Any], Any]]:
        """The wire type of an item or nested map, and the function from it to pydantic's input.

        Where the compiler is direct, the function gives the instance.

        Parameters:
            keys: the attributes in which a bool is a text.
            nones: the attributes without which an item has None in it.
        """
        members: list[tuple[Any, ...]] = []
        reads: list[_Read] = []
        for position, field in enumerate(fields):
            name = f"f{position}"
            wire_type, expression = self._form(field.shape, field.stored.attribute in keys)
            none = field.stored.attribute in nones
            absent = "None" if none else "frozenset()" if is_left_out_when_empty(field) else None
            certain = field.required and absent is None
            members.append((name, wire_type) if certain else (name, wire_type | None, None))
            reads.append(_Read(field, f"item.{name}", expression(f"item.{name}"), certain, absent))
        rename = {f"f{position}": field.stored.attribute for position, field in enumerate(fields)}
        members.sort(key=len)
        strict = self._strict or reads_beyond_its_fields(model)
        wire = _strict(model.__name__, members, rename=rename, forbid_unknown_fields=strict)
        lines = self._instance(model, reads) if self._direct else _row(reads)
        return wire, compile_function("item", lines, self._names)

    def _instance(self, model: type[BaseModel], reads: Sequence[_Read]) -> list[str]:
        """The lines that make an instance as pydantic makes it, of values that it takes as they are."""
        own, new = name_in(self._names, model), name_in(self._names, model.__new__)
        state, absent = [], []
        for read in reads:
            name, expression = read.field.stored.name, read.expression
            if not read.certain:
                default = read.absent or self._default(model, name)
                expression = f"{default} if {read.member} is None else {expression}"
                if not read.field.required:
                    absent.append(f"if {read.member} is None: names.discard({name!r})")
            state.append(f"{name!r}: {expression}")
        names = ", ".join(repr(read.field.stored.name) for read in reads)
        return [
            f"instance = {new}({own})",
            f"set_state(instance, {{{', '.join(state)}}})",
            f"names = {{{names}}}" if names else "names = set()",
            *absent,
            "set_fields(instance, names)",
            "set_extra(instance, None)",
            "set_private(instance, None)",
            "return instance",
        ]

    def _default(self, model: type[BaseModel], name: str) -> str:
        """The expression for the value of a field that an item lacks."""
        field = model.model_fields[name]
        if field.default_factory is not None:
            return f"{name_in(self._names, field.default_factory)}()"
        default = name_in(self._names, field.default)
        return default if _is_hashable(field.default) else f"deepcopy({default})"

    def _form(self, shape: Shape, is_key: bool = False) -> Form:
        """The wire type of a shape, and what writes the expression that reads a variable of that type."""
        match shape:
            case Scalar(python=python, null=null) if python is bool and is_key:
                flag = (
                    "{0}.BOOL" if null or not self._direct else "(refuse() if {0}.BOOL is None else {0}.BOOL)"
                )
                text = f"({flag} if {{0}}.S is None else {{0}}.S == 'true')"
                return _KEY_FLAG, text.format
            case Scalar():
                return _SCALAR_TYPES[tag_of(shape), shape.null], self._scalar(shape)
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
            case Opaque(kinds=(kind,)) if is_plain_model(kind):
                prepare = name_in(self._names, later_preparer(kind))
                return AttributeValue, lambda variable: f"{prepare}(decode({variable}))"
            case _:
                return AttributeValue, lambda variable: f"decode({variable})"

    def _scalar(self, shape: Scalar) -> Expression:
        tag, python = tag_of(shape), shape.python
        if self._direct and issubclass(python, Enum):
            members = name_in(self._names, {member.value: member for member in python})
            content = "int({})" if tag == "N" else "{}"
            read = f"{members}[{content}]"
        elif self._direct and python is Decimal:
            read = _FINITE
        else:
            read = _READS.get(python, "int({})" if tag == "N" else "{}")
        if read == "{}":
            return lambda variable: f"{variable}.{tag}"
        return _inside(tag, read.format, shape.null)


def _is_hashable(value: object) -> bool:
    """Whether pydantic gives each instance the very same default; others are copied."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


class _Read(msgspec.Struct, frozen=True):
    """How a field is read: `certain` if an item must have it; else `absent` may be its value without one."""

    field: FieldShape
    member: str
    expression: str
    certain: bool
    absent: str | None


def _row(reads: Sequence[_Read]) -> list[str]:
    """The lines that make pydantic's input."""
    always, sometimes = [], []
    for read in reads:
        attribute = repr(read.field.stored.attribute)
        if read.certain:
            always.append(f"{attribute}: {read.expression}")
        elif read.absent is not None:
            always.append(f"{attribute}: {read.absent} if {read.member} is None else {read.expression}")
        else:
            sometimes.append(f"if {read.member} is not None: row[{attribute}] = {read.expression}")
    return [f"row = {{{', '.join(always)}}}", *sometimes, "return row"]


def _list_form(each: Any, expression: str, null: bool) -> Form:
    content: Any = list[each]
    read = _inside("L", lambda elements: f"[{expression} for each in {elements}]", null)
    return _value_type("L", content, null), read


def _map_form(each: Any, expression: str, null: bool) -> Form:
    content: Any = dict[str, each]
    read = _inside("M", lambda entries: f"{{key: {expression} for key, each in {entries}.items()}}", null)
    return _value_type("M", content, null), read


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
        nones: as for `DecoderCompiler.model`.

    Attributes:
        reply: decodes the reply of a call for one item.
        page: decodes the reply of a Query or Scan.
        row: makes pydantic's input of an item that one of them gave, or the instance if `direct`.
        direct: whether pydantic would take the values as they are.
    """

    def __init__(
        self,
        model: type[BaseModel],
        fields: tuple[FieldShape, ...],
        keys: tuple[str, ...],
        strict: bool,
        hidden: str | None = None,
        nones: Collection[str] = (),
    ) -> None:
        self.direct = takes_as_they_are(model, fields)
        wire, self.row = DecoderCompiler(strict, self.direct).model(model, fields, keys, nones)
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
