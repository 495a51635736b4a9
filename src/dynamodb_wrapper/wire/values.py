"""Python values to and from DynamoDB's attribute values, without a model.

Knows the service's JSON form of a value (`{"S": "x"}`), of an item and of a reply. Must not know a model's
fields nor Meta: `compiled` adds those. Every type is exact in both directions; what comes back differs from
what was stored only where DynamoDB has no such type: a datetime comes back as its text, an enum as its value,
a float as int or Decimal, a tuple as list, a frozenset as set, and an empty set as an empty list, because
DynamoDB has no empty set.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire.numbers import decimal_text, float_text, int_text, read_number
from dynamodb_wrapper.wire.plain import simplify, utc_text
from dynamodb_wrapper.wire.refusal import Refused

T = TypeVar("T")
WireValue: TypeAlias = dict[str, Any]
WireItem: TypeAlias = dict[str, WireValue]


class AttributeValue(Struct, gc=False):
    """One value as the service's JSON has it: exactly one of the types is set."""

    S: str | None = None
    N: str | None = None
    BOOL: bool | None = None
    M: dict[str, AttributeValue] | None = None
    L: list[AttributeValue] | None = None
    NULL: bool | None = None
    B: bytes | None = None
    SS: list[str] | None = None
    NS: list[str] | None = None
    BS: list[bytes] | None = None


class ItemPage(Struct, Generic[T]):
    """What one Query or Scan call gave.

    Parameters:
        items: in the service's order.
        last_evaluated_key: where the next page starts, in wire form so that it can be sent back or signed;
            None at the end.
        count: how many items the reply holds (with `Select=COUNT`, how many it would).
        scanned_count: how many items were read before the filter.
        consumed_capacity: as the service gave it, if it was asked to.
    """

    items: list[T]
    last_evaluated_key: WireItem | None = None
    count: int = 0
    scanned_count: int = 0
    consumed_capacity: dict[str, Any] | None = None


RawPage: TypeAlias = ItemPage[dict[str, Any]]


class _Envelope(Struct, rename="pascal"):
    item: dict[str, AttributeValue] | None = None
    attributes: dict[str, AttributeValue] | None = None
    items: list[dict[str, AttributeValue]] = []
    last_evaluated_key: WireItem | None = None
    count: int = 0
    scanned_count: int = 0
    consumed_capacity: dict[str, Any] | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ITEMS = msgspec.json.Decoder(list[dict[str, AttributeValue]])


def encode_value(value: object, path: str = "") -> WireValue:
    """The attribute value that holds a Python value exactly.

    Parameters:
        value: str, bool, int, float, Decimal, bytes, None, aware datetime, enum, list, tuple, set, dict with
            text keys, pydantic model, dataclass, or anything that pydantic can put into JSON.
        path: where the value will be, for the message of a refusal.

    Returns:
        Such as `{"S": "x"}`, with binary as base64 text.

    Raises:
        ValidationError: no attribute value holds it exactly; the message names the path.
    """
    try:
        return encode(value)
    except Refused as refused:
        raise refused.error(path) from refused
    except RecursionError as error:
        raise Refused("it contains itself, or is nested far deeper than DynamoDB's 32 levels").error(
            path
        ) from error


def encode_item(item: Mapping[str, Any]) -> WireItem:
    """The item whose attributes have these values; parameters and errors as for `encode_value`."""
    encoded: WireItem = encode_value(dict(item))["M"]
    return encoded


def encode(value: object) -> WireValue:
    """`encode_value` for use inside the codec: raises `Refused`."""
    encoder = _ENCODERS.get(value.__class__)
    return encoder(value) if encoder else encode(simplify(value))


def encode_safely(value: object) -> WireValue:
    """`encode` for a value that may contain itself."""
    try:
        return encode(value)
    except RecursionError as error:
        raise Refused("it contains itself, or is nested beyond DynamoDB's 32 levels") from error


def is_text(value: str) -> bool:
    """Whether a text can be sent at all: a lone surrogate has no UTF-8 form."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_text(value: str) -> WireValue:
    if not value.isascii() and not is_text(value):
        raise Refused("the text holds a lone surrogate, which has no UTF-8 form")
    return {"S": value}


def _encode_list(values: list[Any] | tuple[Any, ...]) -> WireValue:
    encoded: list[WireValue] = []
    try:
        for value in values:
            encoded.append(encode(value))
    except Refused as refused:
        raise refused.inside(len(encoded)) from None
    return {"L": encoded}


def _encode_map(values: dict[Any, Any]) -> WireValue:
    encoded: WireItem = {}
    for key, value in values.items():
        name = key if key.__class__ is str and key.isascii() else key_text(key)
        try:
            encoded[name] = encode(value)
        except Refused as refused:
            raise refused.inside(name) from None
    return {"M": encoded}


def key_text(key: object) -> str:
    """The name of a map's entry; only a text comes back as it was."""
    text = simplify(key) if isinstance(key, str) else key
    if not isinstance(text, str):
        raise Refused(f"the key {key!r} is no text and would come back as one: use text keys").inside(
            str(key)
        )
    if not is_text(text):
        raise Refused("the key holds a lone surrogate, which has no UTF-8 form").inside(repr(key))
    return text


def key_form(value: WireValue) -> WireValue:
    """A wire value as a key of a table or an index holds it: a bool is a text there."""
    flag = value.get("BOOL")
    return value if flag is None else {"S": "true" if flag else "false"}


def epoch_form(value: WireValue) -> WireValue:
    """A datetime in wire form as whole seconds since 1970, rounded up; other values as they are."""
    text = value.get("S")
    if text is None:
        return value
    return {"N": str(ceil(datetime.fromisoformat(text).timestamp()))}


def _encode_set(values: set[Any] | frozenset[Any]) -> WireValue:
    by_tag: dict[str, list[Any]] = {}
    for value in values:
        for tag, content in encode(value).items():
            by_tag.setdefault(tag, []).append(content)
    if not by_tag:
        return {"L": []}
    if len(by_tag) > 1 or (tag := next(iter(by_tag))) not in ("S", "N", "B"):
        raise Refused("a DynamoDB set holds texts only, numbers only or binaries only: use a list")
    contents = by_tag[tag]
    if tag == "N":
        return {"NS": list({Decimal(text): text for text in sorted(contents)}.values())}
    return {f"{tag}S": sorted(set(contents))}


_ENCODERS: dict[type, Callable[[Any], WireValue]] = {
    str: _encode_text,
    int: lambda value: {"N": int_text(value)},
    bool: lambda value: {"BOOL": value},
    type(None): lambda value: {"NULL": True},
    float: lambda value: {"N": float_text(value)},
    Decimal: lambda value: {"N": decimal_text(value)},
    dict: _encode_map,
    list: _encode_list,
    tuple: _encode_list,
    datetime: lambda value: {"S": utc_text(value)},
    bytes: lambda value: {"B": b2a_base64(value, newline=False).decode("ascii")},
    set: _encode_set,
    frozenset: _encode_set,
}


def decode_value(value: AttributeValue | Mapping[str, Any]) -> Any:
    """The Python value of an attribute value, decoded or in its plain dict form.

    A number is an int where the service wrote neither point nor exponent, else an exact Decimal.

    Raises:
        ValidationError: it has a type that this library does not know, or not exactly one.
    """
    if isinstance(value, AttributeValue):
        return decode(value)
    try:
        ((tag, content),) = value.items()
        return _DECODERS[tag](content)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValidationError(
            f"{value!r} is no DynamoDB attribute value: one type and its content are needed, such as "
            '{"S": "text"}',
            error,
        ) from error


def decode_item(item: Mapping[str, AttributeValue | Mapping[str, Any]]) -> dict[str, Any]:
    """The Python values of an item's attributes, as `decode_value` gives them."""
    return {name: decode_value(value) for name, value in item.items()}


def decode(value: AttributeValue) -> Any:
    """`decode_value` for a value that msgspec has decoded."""
    if (text := value.S) is not None:
        return text
    if (text := value.N) is not None:
        return read_number(text)
    if (entries := value.M) is not None:
        return decode_attributes(entries)
    if (elements := value.L) is not None:
        return [text if (text := element.S) is not None else decode(element) for element in elements]
    if value.BOOL is not None:
        return value.BOOL
    if value.NULL is not None:
        return None
    return _decode_rarely(value)


def _decode_rarely(value: AttributeValue) -> Any:
    if value.B is not None:
        return value.B
    if value.SS is not None:
        return set(value.SS)
    if value.NS is not None:
        return set(map(read_number, value.NS))
    if value.BS is not None:
        return set(value.BS)
    raise ValidationError(
        "the reply holds a value of a type that this library does not know: a newer version may read it"
    )


def _binary(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else a2b_base64(content)  # boto3's client gives bytes


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda content: content,
    "N": read_number,
    "BOOL": lambda content: content,
    "M": decode_item,
    "L": lambda content: [decode_value(element) for element in content],
    "NULL": lambda content: None,
    "B": _binary,
    "SS": set,
    "NS": lambda content: set(map(read_number, content)),
    "BS": lambda content: set(map(_binary, content)),
}


def read_item(reply: bytes, member: str = "Item") -> dict[str, Any] | None:
    """The item in a reply, or None if it has none.

    Parameters:
        reply: the JSON body.
        member: "Item" for GetItem, "Attributes" for PutItem, UpdateItem and DeleteItem.

    Raises:
        ConnectionError: the reply is not what DynamoDB answers.
        ValidationError: a value has a type that this library does not know.
    """
    envelope = _read(reply)
    item = envelope.item if member == "Item" else envelope.attributes
    return None if item is None else decode_attributes(item)


def read_page(reply: bytes) -> RawPage:
    """The items in the reply of a Query or Scan; errors as for `read_item`."""
    envelope = _read(reply)
    return ItemPage(
        list(map(decode_attributes, envelope.items)),
        envelope.last_evaluated_key or None,
        envelope.count,
        envelope.scanned_count,
        envelope.consumed_capacity,
    )


def read_items(items: bytes) -> list[dict[str, Any]]:
    """The items in a JSON list of them; errors as for `read_item`."""
    found = _checked(_ITEMS, items)
    return list(map(decode_attributes, found))


def decode_attributes(item: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """`decode_item` for an item that msgspec has decoded."""
    return {
        name: text
        if (text := value.S) is not None
        else read_number(number)
        if (number := value.N) is not None
        else decode(value)
        for name, value in item.items()
    }


def _read(reply: bytes) -> _Envelope:
    return _checked(_ENVELOPE, reply)


def _checked(decoder: msgspec.json.Decoder[T], reply: bytes) -> T:
    try:
        return decoder.decode(reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConnectionError(f"the endpoint did not answer as DynamoDB does: {error}", error) from error
