"""How attribute values become values of an Arrow type: wire types, and expressions that read them.

Knows Arrow types and the service's JSON form. Must not know replies, models or Meta. A wire type takes no
value that its Arrow type does not hold: a misfit is an error of msgspec or of Arrow and never a wrong value.

| Arrow type | attribute value |
|---|---|
| string | S; or a number (N) as its text, so that none loses digits |
| integers, decimal128, decimal256 | N that fits exactly |
| floats | N, the nearest |
| bool | BOOL; or "true" and "false", as keys hold it |
| binary | B |
| timestamp | S in ISO 8601, in UTC where it has no offset; or N, seconds since 1970 |
| date32 | S in ISO 8601 |
| list | L, or a set (SS, NS, BS) |
| list with the metadata `AS_SET` | a set; or an empty L, which stands for an empty set |
| struct | M; entries that it does not name are passed over |
| map with keys of string | M |
| string with the metadata `JSON_TEXT` | any value as JSON: exact numbers, binary in base64, sets as lists |
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.arrow_needed import pa
from dynamodb_wrapper.wire.plain import read_utc
from dynamodb_wrapper.wire.source import name_in
from dynamodb_wrapper.wire.values import AttributeValue, decode

Expression: TypeAlias = Callable[[str], str]

JSON_TEXT: Final = {"dynamodb": "json"}
"""Metadata of a field that holds any value as JSON text."""
AS_SET: Final = {"dynamodb": "set"}
"""Metadata of a field of lists that are sets."""

_FINER = re.compile(r"[.,]\d{6}\d*[1-9]")  # which Python would cut off
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_json = msgspec.json.Encoder(decimal_format="number", order="sorted")


class Form(NamedTuple):
    """How values of one Arrow type are read.

    Attributes:
        wire: msgspec's type of the attribute value; each of its members may be missing.
        value: gives the expression for the Python value that a variable of that type holds, or None.
        text: the same for a text that Arrow casts to the type, which is faster; None where it cannot.
    """

    wire: type[msgspec.Struct]
    value: Expression
    text: Expression | None = None

    def absent(self) -> msgspec.Struct:
        """What stands for a missing attribute; it reads as None."""
        return self.wire()


def form_of(field: Any, names: dict[str, Any]) -> Form:
    """How values of a field are read.

    Parameters:
        field: a field of an Arrow schema.
        names: what the expressions may name; forms add to it.

    Raises:
        ValidationError: DynamoDB has nothing for its type.
    """
    kind, types = field.type, pa.types
    if said_of(field) == b"json":
        return Form(AttributeValue, _call(names, _read_json, ""))
    if types.is_string(kind) or types.is_large_string(kind):
        return Form(_TEXT, _text)
    if types.is_integer(kind):
        return Form(_NUMBER, _call(names, _read_integer, ".N"), _number)
    if types.is_floating(kind):
        return _floating(kind, names)
    if types.is_decimal(kind):
        return Form(_NUMBER, _call(names, _read_decimal, ".N"), _number)
    if types.is_boolean(kind):
        return Form(_FLAG, lambda it: f"({it}.BOOL if {it}.S is None else {it}.S == 'true')")
    if types.is_binary(kind) or types.is_large_binary(kind):
        return Form(_BINARY, lambda it: f"{it}.B")
    if types.is_timestamp(kind):
        return Form(_TEXT, _call(names, _read_moment, ".S", ".N"), _moment_text)
    if types.is_date32(kind):
        return Form(_DAY, _call(names, _read_day, ".S"), lambda it: f"{it}.S")
    return _nested(field, names)


def said_of(field: Any) -> bytes | None:
    """What the metadata of a field says of its values: b"json", b"set" or nothing."""
    said: bytes | None = (field.metadata or {}).get(b"dynamodb")
    return said


def _floating(kind: Any, names: dict[str, Any]) -> Form:
    if pa.types.is_float64(kind):
        return Form(_NUMBER, _call(names, _read_float, ".N"), _number)
    return Form(_NUMBER, _call(names, _read_single, ".N"))


def _nested(field: Any, names: dict[str, Any]) -> Form:
    kind, types = field.type, pa.types
    if types.is_list(kind) or types.is_large_list(kind):
        return _list(kind.value_field, names, sets_only=said_of(field) == b"set")
    if types.is_struct(kind):
        return _struct(list(kind), names)
    if types.is_map(kind) and types.is_string(kind.key_type):
        each = form_of(kind.item_field, names)
        entries: Any = dict[str, each.wire]  # type: ignore[name-defined]
        read = f"(key, {each.value('each')}) for key, each in "
        return Form(_wire(M=entries), lambda it: f"(None if {it}.M is None else [{read}{it}.M.items()])")
    text = f"DynamoDB has nothing for the Arrow type {kind}"
    raise ValidationError(f"{field.name}: {text}", errors={field.name: [text]})


def _list(element: Any, names: dict[str, Any], *, sets_only: bool = False) -> Form:
    each = form_of(element, names)
    elements: Any = list[each.wire]  # type: ignore[name-defined]
    sets = {tag for member in each.wire.__struct_fields__ if (tag := f"{member}S") in _SETS}
    members: dict[str, Any] = {"L": elements} | {tag: list.__class_getitem__(_SETS[tag]) for tag in sets}
    make, read = name_in(names, each.wire), each.value("each")
    none_of = name_in(names, _none_of) if sets_only else ""

    def value(it: str) -> str:
        expression = "None"
        for tag in sorted(sets):
            one = each.value(f"{make}({tag[0]}=each)")
            expression = f"({expression} if {it}.{tag} is None else [{one} for each in {it}.{tag}])"
        elements = f"{none_of}({it}.L)" if sets_only else f"[{read} for each in {it}.L]"
        return f"({expression} if {it}.L is None else {elements})"

    return Form(_wire(**members), value)


def _struct(fields: list[Any], names: dict[str, Any]) -> Form:
    forms = [form_of(field, names) for field in fields]
    content = items_of([field.name for field in fields], forms)
    reads = [
        (field.name, f".M.f{at}", form) for at, (field, form) in enumerate(zip(fields, forms, strict=True))
    ]

    def value(it: str) -> str:
        made = ", ".join(f"{name!r}: {form.value(it + place)}" for name, place, form in reads)
        return f"(None if {it}.M is None else {{{made}}})"

    return Form(_wire(M=content), value)


def items_of(attributes: list[str], forms: list[Form]) -> type[msgspec.Struct]:
    """The wire type of an item or a map with these attributes as `f0`, `f1` ...; others are passed over."""
    members: Any = [
        (f"f{at}", form.wire, msgspec.field(name=attribute, default_factory=_giving(form.absent())))
        for at, (attribute, form) in enumerate(zip(attributes, forms, strict=True))
    ]
    return msgspec.defstruct("Content", members, gc=False)


def _giving(absent: msgspec.Struct) -> Callable[[], msgspec.Struct]:
    return lambda: absent


def _wire(**members: Any) -> type[msgspec.Struct]:
    fields: Any = [(name, kind | None, None) for name, kind in {**members, "NULL": bool}.items()]
    return msgspec.defstruct("Value", fields, gc=False, forbid_unknown_fields=True)


def _call(names: dict[str, Any], function: Callable[..., Any], *members: str) -> Expression:
    name = name_in(names, function)
    return lambda it: f"{name}({', '.join(it + member for member in members)})"


def _text(it: str) -> str:
    return f"({it}.N if {it}.S is None else {it}.S)"


def _moment_text(it: str) -> str:
    return f"({it}.S if {it}.N is None else 'a number')"  # which Arrow does not take for a moment


def _number(it: str) -> str:
    return f"{it}.N"


def _read_moment(text: str | None, seconds: str | None) -> datetime | None:
    if text is not None:
        if _FINER.search(text):
            raise ValueError(f"{text} is finer than a microsecond")
        return read_utc(text)
    return None if seconds is None else _EPOCH + timedelta(seconds=float(seconds))


def _read_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _read_integer(text: str | None) -> int | None:
    if text is None:
        return None
    number = Decimal(text)
    if number != int(number):
        raise ValueError(f"{text} is not whole")
    return int(number)


def _read_float(text: str | None) -> float | None:
    return None if text is None else float(text)


def _read_single(text: str | None) -> float | None:
    """Arrow makes infinity of a number that is too large."""
    number = _read_float(text)
    if number is not None:
        struct.pack("<f", number)
    return number


def _read_decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _none_of(elements: list[Any]) -> list[Any]:
    if elements:
        raise ValueError("a list, and the column is of sets")
    return elements


def _read_json(value: AttributeValue) -> str | None:
    if value.NULL is not None or value == _NOTHING:
        return None
    return _json.encode(_jsonable(decode(value))).decode()


def _jsonable(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _jsonable(entry) for name, entry in value.items()}
    return [_jsonable(each) for each in value] if isinstance(value, list) else value


_NOTHING = AttributeValue()
_SETS: dict[str, type] = {"SS": str, "NS": str, "BS": bytes}
_TEXT = _wire(S=str, N=str)
_NUMBER = _wire(N=str)
_FLAG = _wire(BOOL=bool, S=Literal["true", "false"])
_BINARY = _wire(B=bytes)
_DAY = _wire(S=str)
