"""AWS Signature Version 4 for the one shape of request that DynamoDB takes: POST, JSON, no query.

Knows how a request is signed. Must not know sockets or where credentials come from.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from dynamodb_wrapper.wire.credentials import Credentials
    from dynamodb_wrapper.wire.endpoint import Endpoint

CONTENT_TYPE: Final = "application/x-amz-json-1.0"

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SIGNED: Final = "content-type;host;x-amz-date;x-amz-target"
_SIGNED_WITH_TOKEN: Final = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"

_stamp: tuple[int, str] = (0, "")


def timestamp() -> str:
    """The time now as a signature has it, `20261121T073000Z`; formatted once a second."""
    global _stamp
    now = int(time.time())
    second, text = _stamp
    if second != now:
        text = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        _stamp = (now, text)
    return text


class _Keyed:
    """HMAC-SHA256 (RFC 2104) under one key of at most 64 bytes, whose two padded blocks are hashed once."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, message: bytes) -> str:
        """The code of a message."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()


class Signer:
    """Signs requests to one endpoint; the key of the day is derived once.

    Parameters:
        endpoint: gives the host, the path and the Region of the signature.
    """

    __slots__ = ("_day", "_prefix", "_region")

    def __init__(self, endpoint: Endpoint) -> None:
        path = quote(endpoint.path, safe="/~")
        self._prefix = f"POST\n{path}\n\ncontent-type:{CONTENT_TYPE}\nhost:{endpoint.authority}\nx-amz-date:"
        self._region = endpoint.region
        self._day: tuple[str, Credentials | None, _Keyed, str] = ("", None, _Keyed(b""), "")

    def headers(self, target: str, body: bytes, credentials: Credentials, stamp: str) -> str:
        """The header lines that prove who sends `body`, each ended by CRLF.

        Parameters:
            target: the value of X-Amz-Target, which the signature covers.
            body: the request's body.
            credentials: who signs.
            stamp: the time as `timestamp` gives it.
        """
        date, owner, key, scope = self._day
        if owner is not credentials or stamp[:8] != date:
            date, key, scope = self._start_day(stamp[:8], credentials)
        token = credentials.token
        if token is None:
            signed, token_line, token_header = _SIGNED, "", ""
        else:
            signed, token_line = _SIGNED_WITH_TOKEN, f"x-amz-security-token:{token}\n"
            token_header = f"X-Amz-Security-Token: {token}\r\n"
        digest = sha256(body).hexdigest()
        canonical = f"{self._prefix}{stamp}\n{token_line}x-amz-target:{target}\n\n{signed}\n{digest}"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = key.hexdigest(to_sign.encode())
        return (
            f"X-Amz-Date: {stamp}\r\n{token_header}Authorization: {_ALGORITHM} "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n"
        )

    def _start_day(self, date: str, credentials: Credentials) -> tuple[str, _Keyed, str]:
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (date, self._region, "dynamodb", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        scope = f"{date}/{self._region}/dynamodb/aws4_request"
        self._day = (date, credentials, _Keyed(key), scope)
        return date, self._day[2], scope
