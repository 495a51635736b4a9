"""Guards of unique values that are encrypted: the guard's name is an HMAC of the value, not the value.

Knows the guards of `operations.uniques`. Must not know how values are encrypted.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from dynamodb_wrapper.plugins.encryption.binding import BLIND_BYTES
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.schema import GUARD


def sealed_guard(at: Protected, action: Mapping[str, Any]) -> dict[str, Any]:
    """An action of a transaction on the guards of a table; a guard of an encrypted attribute gets its name.

    Parameters:
        at: the table of the items.
    """
    made = dict(action)
    for member in ("Item", "Key"):
        if member in made:
            name = made[member][GUARD]["S"]
            made[member] = {**made[member], GUARD: {"S": _sealed_name(at, name)}}
    return made


def _sealed_name(at: Protected, name: str) -> str:
    """`attribute#kind#value`, behind the type of the model where there are several."""
    for attribute, key in at.blind_keys.items():
        start = f"#{name}".find(f"#{attribute}#")
        if start >= 0:
            digest = hmac.digest(key, name.encode(), "sha256")[:BLIND_BYTES]
            return f"{name[:start]}{attribute}#blind#{digest.hex()}"
    return name
