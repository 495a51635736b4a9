"""The floor: the same requests over a bare socket, each with a signature; replies are received, not read.

No client can do with less: it builds nothing but the signature and looks for nothing but the reply's length.
"""

from __future__ import annotations

import hmac
import json
import socket
import time
from hashlib import sha256
from urllib.parse import urlsplit

from benchmarks import items


class Rival:
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(4 << 20)
        self._key = (b"", "")

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        bodies = [
            _body({"TableName": items.FLAT, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}})
            for pk, sk in items.some_keys(count)
        ]
        for body in bodies:
            self._exchange("GetItem", body)
        return count

    def put(self, count: int) -> int:
        """Put one item over and over."""
        body = _body({"TableName": items.WRITTEN, "Item": next(items.wire_items(items.flat, 1))})
        for _ in range(count):
            self._exchange("PutItem", body)
        return count

    def query_flat_bytes(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return self._query(items.FLAT, count)

    def query_nested_bytes(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return self._query(items.NESTED, count)

    def _query(self, table: str, count: int) -> int:
        body = _body(
            {
                "TableName": table,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": items.FIRST}},
            }
        )
        for _ in range(count):
            self._exchange("Query", body)
        return items.PAGE * count

    def _exchange(self, action: str, body: bytes) -> None:
        self._socket.sendall(self._signed(f"DynamoDB_20120810.{action}", body))
        view, have = memoryview(self._buffer), 0
        while (head := self._buffer.find(b"\r\n\r\n", 0, have)) < 0:
            have += self._socket.recv_into(view[have:])
        lines = bytes(view[:head]).lower()
        at = lines.index(b"content-length:") + 15
        whole = head + 4 + int(lines[at:].partition(b"\r")[0])
        while have < whole:
            have += self._socket.recv_into(view[have:])
        if not lines.startswith(b"http/1.1 200"):
            raise RuntimeError(bytes(view[:have]))

    def _signed(self, target: str, body: bytes) -> bytes:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{stamp[:8]}/{items.REGION}/dynamodb/aws4_request"
        if self._key[1] != scope:
            key = f"AWS4{items.SECRET_KEY}".encode()
            for part in scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (key, scope)
        signed = "content-type;host;x-amz-date;x-amz-target"
        canonical = (
            f"POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:{self._host}\nx-amz-date:{stamp}\n"
            f"x-amz-target:{target}\n\n{signed}\n{sha256(body).hexdigest()}"
        )
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key[0], text.encode(), "sha256").hex()
        return (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Date: {stamp}\r\nX-Amz-Target: {target}\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential={items.ACCESS_KEY}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}\r\n\r\n"
        ).encode() + body


def _body(request: object) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()
