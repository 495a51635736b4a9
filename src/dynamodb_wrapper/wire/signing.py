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


class Template:
    """What all requests for one target have in common within one second; each adds its own signature.

    Attributes:
        headers: the header lines that prove who sends a request, up to its signature, which ends them.
        stamp: the second, as `timestamp` gives it.
        credentials: who signs.
    """

    __slots__ = ("_canonical", "_key", "_to_sign", "credentials", "headers", "stamp")

    def __init__(
        self, headers: str, canonical: str, to_sign: str, key: _Keyed, stamp: str, credentials: Credentials
    ) -> None:
        self.headers = headers.encode()
        self.stamp = stamp
        self.credentials = credentials
        self._canonical = canonical.encode()
        self._to_sign = to_sign.encode()
        self._key = key

    def signature(self, body: bytes) -> bytes:
        """The signature of a request with that body."""
        request = sha256(self._canonical + sha256(body).hexdigest().encode())
        return self._key.hexdigest(self._to_sign + request.hexdigest().encode()).encode()


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

    def template(self, target: str, credentials: Credentials, stamp: str) -> Template:
        """The template of the requests for one target.

        Parameters:
            target: the value of X-Amz-Target, which the signature covers.
            credentials: who signs.
            stamp: the time as `timestamp` gives it.
        """
        date, owner, key, scope = self._day
        if owner is not credentials or stamp[:8] != date:
            key, scope = self._start_day(stamp[:8], credentials)
        token = credentials.token
        if token is None:
            signed, token_line, token_header = _SIGNED, "", ""
        else:
            signed, token_line = _SIGNED_WITH_TOKEN, f"x-amz-security-token:{token}\n"
            token_header = f"X-Amz-Security-Token: {token}\r\n"
        headers = (
            f"X-Amz-Target: {target}\r\nX-Amz-Date: {stamp}\r\n{token_header}Authorization: {_ALGORITHM} "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, Signature="
        )
        canonical = f"{self._prefix}{stamp}\n{token_line}x-amz-target:{target}\n\n{signed}\n"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n"
        return Template(headers, canonical, to_sign, key, stamp, credentials)

    def _start_day(self, date: str, credentials: Credentials) -> tuple[_Keyed, str]:
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (date, self._region, "dynamodb", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        scope = f"{date}/{self._region}/dynamodb/aws4_request"
        self._day = (date, credentials, _Keyed(key), scope)
        return self._day[2], scope
