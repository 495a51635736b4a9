"""What equal keys have in common, however a number in them is written: `1`, `1.0` and `1E+0` are one key."""

from __future__ import annotations

from decimal import Context, Decimal

import msgspec

from dynamodb_wrapper.wire.values import WireItem, WireValue

_EXACT = Context(prec=38)
_encode = msgspec.json.Encoder(order="sorted").encode


def mark(key: WireItem) -> bytes:
    """The same bytes for equal keys, others for different ones."""
    for value in key.values():
        if "N" in value:
            return _encode({name: _plain(value) for name, value in key.items()})
    return _encode(key)


def plain_number(text: str) -> str:
    """The same text for equal numbers."""
    return format(Decimal(text).normalize(_EXACT), "E")


def _plain(value: WireValue) -> WireValue:
    number = value.get("N")
    return value if number is None else {"N": plain_number(number)}
