"""What a ciphertext belongs to, as bytes that no other place has; and the blind index of a value.

Knows wire values of keys. Must not know encryption. Every part is preceded by its length in four bytes (the
most significant first), so that no two places have the same bytes:

    "dynamodb-wrapper attribute", the table's full name, the encrypted attribute, and for each attribute of
    the primary key, partition first: its name, its type (S, N or B), its value

A text stands as UTF-8, binary as it is, a number as its digits without trailing zeros and an exponent
(`1E+1`), since `10` and `10.0` are one key.
"""

from __future__ import annotations

import hmac
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from typing import Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.marks import plain_number
from dynamodb_wrapper.wire.values import WireItem

BLIND_BYTES = 16
_SCALARS = ("S", "N", "B", "BOOL")


def joined(*parts: bytes) -> bytes:
    """The parts, each behind its length in four bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def associated_data(table: str, key_fields: Sequence[str], key: WireItem, attribute: str) -> bytes:
    """What the ciphertext of an attribute belongs to.

    Parameters:
        table: the table's full name.
        key_fields: the attributes of the primary key, partition first.
        key: their values in wire form, among others perhaps.
    """
    parts = [b"dynamodb-wrapper attribute", table.encode(), attribute.encode()]
    for name in key_fields:
        ((tag, content),) = key[name].items()
        parts += [name.encode(), tag.encode(), content_bytes(tag, content)]
    return joined(*parts)


def content_bytes(tag: str, content: Any) -> bytes:
    """The content of a scalar wire value; the same for equal values."""
    match tag:
        case "N":
            return plain_number(content).encode()
        case "B":
            return a2b_base64(content)
        case "BOOL":
            return b"true" if content else b"false"
        case _:
            return str(content).encode()


def blind_key(root: bytes, table: str, attribute: str) -> bytes:
    """The key of one attribute's blind index: HKDF-SHA256 of the root key, without salt.

    Parameters:
        root: 32 bytes or more.
    """
    extracted = hmac.digest(bytes(32), root, "sha256")
    info = joined(b"dynamodb-wrapper blind index", table.encode(), attribute.encode())
    return hmac.digest(extracted, info + b"\x01", "sha256")


def blind_bytes(key: bytes, attribute: str, value: Mapping[str, Any]) -> bytes | None:
    """The first 16 bytes of the HMAC-SHA256 of a value; None for NULL, which is not indexed.

    Raises:
        ValidationError: it is no text, number, binary or bool.
    """
    ((tag, content),) = value.items()
    if tag == "NULL":
        return None
    if tag not in _SCALARS:
        text = "only text, numbers, bytes and booleans can have a blind index"
        raise ValidationError(f"{attribute}: {text}", errors={attribute: [text]})
    return hmac.digest(key, joined(tag.encode(), content_bytes(tag, content)), "sha256")[:BLIND_BYTES]
