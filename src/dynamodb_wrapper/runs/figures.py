"""Figures in a form that can be stored.

Knows what DynamoDB has no form for, and that secrets are left out. Must not know runs. A pipeline finds such
values in its data, and a figure that cannot be stored must not keep the run from being logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from typing import Any, SupportsIndex

from dynamodb_wrapper.redaction import redact, redacted
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import encode_safely

DEEPEST = 24
"""DynamoDB takes 32 levels (Developer Guide, "Constraints"), some of which are those of the run itself."""
LONGEST_TEXT = 1000


def storable(value: Any) -> Any:
    """The value without secrets, and with texts in place of what cannot be stored, such as NaN."""
    return redacted(_storable(value, 0))


def whole(value: SupportsIndex | float | None) -> int | None:
    """A count as an int, also where it is numpy's or a float without a fraction.

    Raises:
        TypeError: it is no such number.
    """
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return index(value)  # type: ignore[arg-type]


def as_text(value: object) -> str:
    """A text that can be sent, without secrets: what has no form in UTF-8 becomes a question mark."""
    return redact(str(value).encode("utf-8", "replace").decode())


def cut(text: str, longest: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _storable(value: Any, depth: int) -> Any:
    if depth < DEEPEST:
        if isinstance(value, Mapping):
            return {as_text(name): _storable(inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [_storable(inner, depth + 1) for inner in value]
        if isinstance(value, set | frozenset) and not _is_storable(value):
            return [_storable(inner, depth + 1) for inner in value]
    elif isinstance(value, Mapping | list | tuple):
        return cut(as_text(value), LONGEST_TEXT)
    return value if _is_storable(value) else cut(as_text(value), LONGEST_TEXT)


def _is_storable(value: object) -> bool:
    try:
        encode_safely(value)
    except Refused:
        return False
    return True
