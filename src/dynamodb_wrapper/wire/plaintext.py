"""Values that must be encrypted before they are sent, and the ciphertexts that stand for them.

Knows how each is told apart from other wire values. Must not know keys nor how encryption is done: whoever
encrypts puts a ciphertext in the place of each marked value. A marked value is no attribute value of
DynamoDB's, so that one that nobody encrypted is refused here, and by the service too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dynamodb_wrapper.exceptions import ValidationError

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call
    from dynamodb_wrapper.wire.values import WireValue

MARK: Final = "dynamodb_wrapper:encrypt"
MAGIC: Final = b"DDBWE\x01"
"""What every ciphertext begins with: five letters and the format's version."""
MAGIC_TEXT: Final = "RERCV0UB"
"""The same as it stands in the service's JSON, where binary is base64: 6 bytes are 8 characters."""

_ENCODED_MARK: Final = f'"{MARK}":'.encode()


def to_encrypt(value: WireValue) -> WireValue:
    """A wire value with the mark."""
    return {MARK: value}


def is_ciphertext(value: Mapping[str, Any]) -> bool:
    """Whether a wire value is a ciphertext of this library."""
    content = value.get("B")
    return isinstance(content, str) and content.startswith(MAGIC_TEXT)


def refuse_marked(call: Call, body: bytes) -> bytes:
    """The encoded request, if no value in it is marked.

    Raises:
        ValidationError: one is, because no plugin of the client has encrypted it; nothing was sent.
    """
    if _ENCODED_MARK in body:
        mend = "use the plugin dynamodb_wrapper.plugins.encryption.Encryption with the model among its models"
        raise ValidationError(
            f"{call.action} on table {call.table!r} would send a value that its model wants encrypted, and "
            f"nothing in this client encrypts it: {mend}",
            context={"table": call.table, "operation": call.action},
            errors={"plugin": [mend]},
        )
    return body
