"""DynamoDB's numbers: 38 significant digits between 1E-130 and 1E+126, exact or refused, never rounded.

Knows Python's int, float and Decimal and the text that the service takes and gives. The limits are those of
"Supported data types and naming rules" in the Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal

from dynamodb_wrapper.wire.refusal import Refused

PLAIN_LIMIT = 10**38
"""Integers nearer to zero have at most 38 digits."""
_SHORT = 38
_EXACT = Context(
    prec=38, Emin=-130, Emax=125, clamp=0, traps=[Inexact, InvalidOperation, Overflow, Subnormal]
)
_WIDE = Context(prec=130)
_LIMITS = "a DynamoDB number has at most 38 significant digits and lies between 1E-130 and 9.99E+125, or is 0"


def int_text(value: int) -> str:
    """The number as the service takes it."""
    if -PLAIN_LIMIT < value < PLAIN_LIMIT:
        return str(value)
    if value.bit_length() > 420:  # beyond 1E+126; str() of far greater ones is refused by Python itself
        raise Refused(f"this integer is too large: {_LIMITS}")
    return decimal_text(Decimal(value).normalize(_WIDE))


def float_text(value: float) -> str:
    """The shortest digits that `float` reads back as the very same number."""
    return decimal_text(Decimal(repr(value)))


def decimal_text(value: Decimal) -> str:
    """The number as the service takes it."""
    text = str(value)
    if value and len(text) <= _SHORT and text.lstrip("-").replace(".", "", 1).isdigit():
        return text
    try:
        exact = _EXACT.create_decimal(value)
    except DecimalException as error:
        raise Refused(f"{_shown(value)} cannot be stored exactly: {_LIMITS}") from error
    if not exact.is_finite():
        raise Refused(f"{value} is no DynamoDB number: store None, or leave the attribute out")
    return str(exact) if exact else "0"


def read_number(text: str) -> int | Decimal:
    """The number that the service gave: an int where the text has neither point nor exponent."""
    if text.isdigit():
        return int(text)
    if "." in text:
        return Decimal(text)
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def _shown(value: Decimal) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
