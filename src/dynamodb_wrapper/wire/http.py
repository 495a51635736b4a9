"""DynamoDB's protocol over HTTP/1.1 without I/O: bytes of a request out, bytes of a reply in.

Knows framing, checksums and which replies are answers of DynamoDB. Must not know sockets or event loops: the
transports move the bytes and share everything here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

import httptools
import msgspec

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire import errors, failures
from dynamodb_wrapper.wire.credentials import Credentials, CredentialSource
from dynamodb_wrapper.wire.endpoint import STREAMS_ACTIONS, Endpoint, resolve, target
from dynamodb_wrapper.wire.plaintext import refuse_marked
from dynamodb_wrapper.wire.signing import CONTENT_TYPE, Signer, Template, timestamp

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.engine.flow import Call

IDLE_SECONDS: Final = 60.0  # a network address translator forgets a silent connection after some minutes
# A reply is at most 16 MB of item data; base64, escapes and type tags can swell it several times.
MAX_REPLY_BYTES: Final = 128 * 1024 * 1024
MAX_HEAD_BYTES: Final = 256 * 1024

Reply: TypeAlias = tuple[int, Mapping[bytes, bytes], bytes]
"""Status, headers (names as sent) and body."""

INTACT: Final[Mapping[bytes, bytes]] = MappingProxyType({})
"""Stands for the headers of a success that `intact_body` has checked already: nobody needs them any more."""

_encode = msgspec.json.Encoder().encode
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BadReply(Exception):
    """What arrived is no HTTP reply, or none of a sane size."""


class Lost(Exception):
    """An exchange on one connection failed.

    Parameters:
        cause: an operating system's error, a TimeoutError, a BadReply, or None where the peer just closed.
        sent: whether the whole request had been handed to the network.
        started: whether any byte of the reply had come.
    """

    def __init__(self, cause: Exception | None, *, sent: bool, started: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.sent = sent
        self.started = started

    def replaceable(self, call: Call) -> bool:
        """Whether a new connection may carry the call in place of a kept one that the server had closed."""
        if self.started or isinstance(self.cause, (TimeoutError, BadReply)):
            return False
        return not self.sent or (call.repeatable and not call.traced)

    def error(self, call: Call, endpoint: Endpoint) -> ConnectionError:
        """What the caller is told."""
        if isinstance(self.cause, TimeoutError):
            return failures.too_late(call, endpoint, "the reply", sent=self.sent)
        if isinstance(self.cause, BadReply):
            return failures.not_http(call, endpoint, self.cause)
        return failures.broken_off(call, endpoint, self.cause, sent=self.sent)


def intact_body(data: bytes) -> bytes | None:
    """The body of a success that arrived as DynamoDB sends small ones; None for anything else.

    That is: in one piece, its length and its checksum given and true, a JSON object by its first and last
    byte, and the connection kept. All else is for a `Reader`, which knows HTTP, and for `Origin.result`.
    """
    head, _, body = data.partition(b"\r\n\r\n")
    if not (head.startswith(b"HTTP/1.1 200 ") and body.startswith(b"{") and body.endswith(b"}")):
        return None
    lines = head.lower() + b"\r\n"
    if b"\r\ncontent-length: %d\r\n" % len(body) not in lines:
        return None
    if b"\r\nconnection:" in lines and b"\r\nconnection: keep-alive\r\n" not in lines:
        return None
    return body if b"\r\nx-amz-crc32: %d\r\n" % crc32(body) in lines else None


class Reader:
    """Reads the replies that arrive on one connection, one at a time.

    Attributes:
        started: whether any byte of the present reply has arrived.
        headers: the reply's headers, names as sent.
        body_parts: the body as it arrived.
        reusable: whether the reply is complete and the connection may carry another request.
    """

    __slots__ = (
        "_bytes",
        "_complete",
        "_parser",
        "body_parts",
        "headers",
        "on_body",
        "on_header",
        "reusable",
        "started",
    )

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.body_parts: list[bytes] = []
        self.on_header = self.headers.__setitem__
        self.on_body = self.body_parts.append
        self.started = self._complete = self.reusable = False
        self._bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def begin(self) -> None:
        """Expect the reply to the request that is about to be sent."""
        self.headers.clear()
        self.body_parts.clear()
        self.started = self._complete = self.reusable = False
        self._bytes = 0

    def feed(self, data: bytes) -> bool:
        """Take what arrived; true when the reply is complete.

        Raises:
            BadReply: it is not HTTP, or too large.
        """
        self.started = True
        self._bytes += len(data)
        if self._bytes > MAX_REPLY_BYTES:
            raise BadReply(f"more than {MAX_REPLY_BYTES} bytes")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BadReply(str(error.__context__ or error) or type(error).__name__) from error
        if self._bytes > MAX_HEAD_BYTES and not self.body_parts and not self._complete:
            raise BadReply(f"headers of more than {MAX_HEAD_BYTES} bytes")
        return self._complete

    def end(self) -> bool:
        """The peer closed; true if that is how the reply ends, because it gave no length."""
        lowered = {name.lower() for name in self.headers}
        framed = b"content-length" in lowered or b"transfer-encoding" in lowered
        return bool(self.body_parts) and not framed

    def reply(self) -> Reply:
        """Status, headers and body of the complete reply; the reader may begin anew afterwards."""
        parts = self.body_parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._parser.get_status_code(), dict(self.headers), body

    def on_message_begin(self) -> None:
        """Called by the parser; a reply that nobody asked for condemns the connection."""
        if self._complete:
            raise BadReply("more than one reply to one request")

    def on_message_complete(self) -> None:
        """Called by the parser; an interim reply (1xx) is not the reply."""
        if self._parser.get_status_code() < 200:
            self.headers.clear()
        else:
            self._complete = True
            self.reusable = self._parser.should_keep_alive()


class Origin:
    """One endpoint and what every request to it begins with.

    Parameters:
        endpoint: where the requests go.
    """

    __slots__ = ("_head", "_signer", "_templates", "endpoint")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._signer = Signer(endpoint)
        self._templates: dict[str, Template] = {}
        self._head = (
            f"POST {endpoint.path} HTTP/1.1\r\nHost: {endpoint.authority}\r\nUser-Agent: dynamodb-wrapper\r\n"
            f"Content-Type: {CONTENT_TYPE}\r\n"
        ).encode()

    def request(self, call: Call, credentials: Credentials) -> bytes:
        """The whole signed request.

        Raises:
            ValidationError: a text in the body is not Unicode.
        """
        body, stamp = encode(call), timestamp()
        template = self._templates.get(call.action)
        if template is None or template.stamp != stamp or template.credentials is not credentials:
            template = self._signer.template(target(call.action), credentials, stamp)
            self._templates[call.action] = template
        return b"%b%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._head,
            template.headers,
            template.signature(body),
            len(body),
            body,
        )

    def result(self, call: Call, status: int, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        """The reply's body if it is an intact success of DynamoDB.

        Raises:
            DynamoDBWrapperError: the class that says what the service answered, or what is wrong with it.
        """
        if headers is INTACT:
            return body
        checksum = headers.get(b"x-amz-crc32")
        looks_whole = status == 200 and body[:1] == b"{" and body[-1:] == b"}"
        if looks_whole and checksum is not None and b"%d" % crc32(body) == checksum:
            return body
        return self._examine(call, status, _by_name(headers), body)

    def _examine(self, call: Call, status: int, headers: Mapping[str, str], body: bytes) -> bytes:
        checksum = headers.get("x-amz-crc32")
        if checksum is not None and str(crc32(body)) != checksum:
            raise failures.corrupted(call, self.endpoint, f"its x-amz-crc32 is {checksum}, not {crc32(body)}")
        try:
            members = _object_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._not_dynamodb(call, status, headers, body) from error
        if status == 200:
            return body
        decoded: dict[str, Any] = {name: msgspec.json.decode(value) for name, value in members.items()}
        code = errors.error_code(str(decoded.get("__type") or headers.get("x-amzn-errortype", "")))
        if status < 400 or not code:
            raise self._not_dynamodb(call, status, headers, body)
        raise errors.service_error(call, self.endpoint, status, code, decoded, headers)

    def _not_dynamodb(
        self, call: Call, status: int, headers: Mapping[str, str], body: bytes
    ) -> ConnectionError:
        return failures.not_dynamodb(call, self.endpoint, status, headers.get("content-type", ""), body)


class Dialect:
    """All that a transport says and hears under one configuration: who signs, and where calls go.

    Parameters:
        config: the settings.

    Raises:
        ValidationError: the endpoint or the Region is not usable.
        AuthenticationError: one half of the keys is missing.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self.credentials = CredentialSource(config)
        self._database = Origin(resolve(config))
        streams = resolve(config, streams=True)
        self._streams = self._database if streams == self._database.endpoint else Origin(streams)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The different origins: one, or on AWS also that of DynamoDB Streams."""
        return (self._database,) if self._streams is self._database else (self._database, self._streams)

    def origin(self, call: Call) -> Origin:
        """Where a call goes."""
        return self._streams if call.action in STREAMS_ACTIONS else self._database


def encode(call: Call) -> bytes:
    """The call's body as JSON.

    Raises:
        ValidationError: a text in it is not Unicode, or a value should have been encrypted.
    """
    try:
        return refuse_marked(call, _encode(call.body))
    except UnicodeEncodeError as error:
        text = (
            f"{call.action} on table {call.table!r}: a text holds a lone surrogate, which UTF-8 cannot carry"
        )
        raise ValidationError(text, error, {"table": call.table, "operation": call.action}) from error


def _by_name(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.items()}
