"""Cursors: where a listing goes on, as an opaque text that nobody can alter or use elsewhere.

Knows signing and expiry. Must not know what a query is: it binds a cursor to bytes that identify one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any, Final

import msgspec

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError

_SIGNATURE_BYTES: Final = 16
_EXPIRING: Final = b"\x01"
"""Begins the content of a cursor that expires; that of another begins with "{"."""
_TIME_BYTES: Final = 8
_OF_THIS_PROCESS: Final = secrets.token_bytes(32)


class Cursors:
    """Makes and reads cursors.

    They are signed with `config.cursor_secret`; without one with a key derived from the configured secret
    access key, and where there is none either, with a key of this process: such cursors end with it.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        secret = config.cursor_secret or config.aws_secret_access_key
        material = secret.get_secret_value().encode() if secret is not None else _OF_THIS_PROCESS
        self._key = hmac.digest(material, b"dynamodb-wrapper cursor", "sha256")

    def seal(self, start: dict[str, Any], query: bytes, *, lifetime: timedelta | None = None) -> str:
        """The cursor that goes on from a start, such as a key in wire form, of the query so identified.

        Parameters:
            lifetime: how long it may be opened; for ever where it is None.
        """
        content = msgspec.json.encode(start, order="sorted")  # the service gives keys in any order
        if lifetime is not None:
            until = int((time.time() + lifetime.total_seconds()) * 1000)
            content = _EXPIRING + max(until, 0).to_bytes(_TIME_BYTES) + content
        return _text(self._sign(content, query) + content)

    def open(self, cursor: str, query: bytes) -> dict[str, Any]:
        """The start in a cursor.

        Raises:
            ValidationError: it is no cursor, was altered, belongs to another query, or has expired.
        """
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            if _text(sealed) != cursor:  # unused bits and ignored characters: other texts of the same bytes
                raise ValueError("not in the form that this library writes")
        except (ValueError, TypeError) as error:
            raise _refused("it is not one that this library made") from error
        signature, content = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(content, query)):
            raise _refused("it was altered, was signed with another secret, or belongs to another query")
        if content.startswith(_EXPIRING):
            head = len(_EXPIRING) + _TIME_BYTES
            if time.time() * 1000 >= int.from_bytes(content[len(_EXPIRING) : head]):
                raise _refused("it has expired")
            content = content[head:]
        start: dict[str, Any] = msgspec.json.decode(content)
        return start

    def _sign(self, content: bytes, query: bytes) -> bytes:
        bound = hashlib.sha256(query).digest() + content
        return hmac.digest(self._key, bound, "sha256")[:_SIGNATURE_BYTES]


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _refused(why: str) -> ValidationError:
    return ValidationError(
        f"last_key is refused: {why}. Pass the next_key of the page before, with the same arguments; "
        "processes that share cursors need the same cursor_secret (DYNAMODB_CURSOR_SECRET)",
        errors={"last_key": [why]},
    )
