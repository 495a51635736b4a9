"""What equal keys have in common, however a number in them is written: `1`, `1.0` and `1E+0` are one key."""

from __future__ import annotations

from decimal import Context, Decimal

import msgspec

from dynamodb_wrapper.wire.values import WireItem, WireValue

_EXACT = Context(prec=38)


def mark(key: WireItem) -> bytes:
    """The same bytes for equal keys, others for different ones."""
    return msgspec.json.encode({name: _plain(value) for name, value in key.items()}, order="sorted")


def plain_number(text: str) -> str:
    """The same text for equal numbers."""
    return format(Decimal(text).normalize(_EXACT), "E")


def _plain(value: WireValue) -> WireValue:
    number = value.get("N")
    return value if number is None else {"N": plain_number(number)}
