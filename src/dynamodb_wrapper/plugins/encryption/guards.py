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
    """`attribute#kind#value`, behind the type of the model where there are several.

    The attribute is the first that is named: a value may well look like the name of another.
    """
    starts = {attribute: f"#{name}".find(f"#{attribute}#") for attribute in at.blind_keys}
    attribute = min((each for each in starts if starts[each] >= 0), key=starts.__getitem__, default=None)
    if attribute is None:
        return name
    digest = hmac.digest(at.blind_keys[attribute], name.encode(), "sha256")[:BLIND_BYTES]
    return f"{name[: starts[attribute]]}{attribute}#blind#{digest.hex()}"
