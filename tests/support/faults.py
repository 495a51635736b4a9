"""A loopback server that fails as it is told: for tests of what happens when the network or the service does.

    with FaultServer([reset_after_apply()], upstream=engine.endpoint_url) as server:
        ...                                    # first request: applied, then reset; the others: forwarded
    with FaultServer(seeded(7, {throttle(): 0.1, reset_before_apply(): 0.05}), upstream=...) as server:

A fault is a function of one `Exchange`. A script gives one fault for each request, in the order of arrival;
when it ends, requests are forwarded to the upstream, or answered with `{}` where there is none.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from zlib import crc32

JSON = "application/x-amz-json-1.0"


@dataclass(frozen=True)
class Request:
    """A request as it arrived; header names are in lower case, `connection` counts from 0."""

    connection: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def action(self) -> str:
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Response:
    """A reply that has not been sent yet."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} Because",
            *(f"{name}: {text}" for name, text in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def answered(body: object = None, status: int = 200, **headers: str) -> Response:
    """A reply as DynamoDB gives it: JSON with length, checksum and request id."""
    encoded = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    usual = {
        "Content-Type": JSON,
        "Content-Length": str(len(encoded)),
        "x-amz-crc32": str(crc32(encoded)),
        "x-amzn-RequestId": "REQUEST",
    }
    return Response(status, encoded, usual | {name.replace("_", "-"): text for name, text in headers.items()})


class Exchange:
    """One request and the connection on which it waits for a reply."""

    def __init__(
        self, request: Request, connection: socket.socket, upstream: str | None, stopping: threading.Event
    ) -> None:
        self.request = request
        self.connection = connection
        self._upstream = upstream
        self._stopping = stopping

    def wait(self, seconds: float) -> None:
        """Let time pass, but not longer than the server runs."""
        self._stopping.wait(seconds)

    def apply(self) -> Response:
        """Let the upstream carry the request out, and give its reply without sending it."""
        if self._upstream is None:
            return answered()
        with_port = urlsplit(self._upstream).netloc
        client = http.client.HTTPConnection(with_port, timeout=30)
        try:
            client.request("POST", "/", self.request.body, dict(self.request.headers))
            reply = client.getresponse()
            body = reply.read()
            framing = ("content-length", "transfer-encoding")
            kept = {name: text for name, text in reply.getheaders() if name.lower() not in framing}
            return Response(reply.status, body, kept | {"Content-Length": str(len(body))})
        finally:
            client.close()

    def send(self, response: Response | bytes) -> None:
        self.connection.sendall(response if isinstance(response, bytes) else response.encoded())

    def hang_up(self) -> None:
        """Close in good order."""
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Close with a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


Fault: TypeAlias = Callable[[Exchange], None]


def forward() -> Fault:
    """No fault: the upstream's own reply."""
    return lambda exchange: exchange.send(exchange.apply())


def reply(response: Response | bytes, pieces: int = 0, pause: float = 0.0, then_close: bool = False) -> Fault:
    """That reply; in pieces of so many bytes, with pauses in seconds before each."""

    def fault(exchange: Exchange) -> None:
        encoded = response if isinstance(response, bytes) else response.encoded()
        size = pieces or len(encoded)
        for start in range(0, len(encoded), size):
            exchange.wait(pause)
            exchange.send(encoded[start : start + size])
        if then_close:
            exchange.hang_up()

    return fault


def refuse(
    code: str, status: int = 400, message: str = "no", headers: Mapping[str, str] = {}, **more: Any
) -> Fault:
    """An error of the service, with further members of its body."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}
    return reply(answered(body, status, **headers))


def throttle(
    reason: str = "TableWriteProvisionedThroughputExceeded", retry_after_ms: int | None = None
) -> Fault:
    """Throttled, with one reason."""
    return refuse(
        "ProvisionedThroughputExceededException",
        headers={} if retry_after_ms is None else {"x-amz-retry-after": str(retry_after_ms)},
        ThrottlingReasons=[{"reason": reason, "resource": "arn:aws:dynamodb:us-east-1:1:table/t"}],
    )


def server_error(applied: bool = False) -> Fault:
    """HTTP 500, after the upstream applied the request or without."""
    failed = refuse("InternalServerError", 500)

    def fault(exchange: Exchange) -> None:
        if applied:
            exchange.apply()
        failed(exchange)

    return fault


def html(status: int = 200) -> Fault:
    """The page of a proxy that knows nothing of DynamoDB."""
    page = b"<html><body>Welcome</body></html>"
    return reply(Response(status, page, {"Content-Type": "text/html", "Content-Length": str(len(page))}))


def reset_before_apply() -> Fault:
    """A reset; the request was not carried out."""
    return Exchange.reset


def reset_after_apply() -> Fault:
    """A reset; the request was carried out."""

    def fault(exchange: Exchange) -> None:
        exchange.apply()
        exchange.reset()

    return fault


def truncate(missing: int = 1) -> Fault:
    """The request is carried out, but the last bytes of the reply do not arrive."""

    def fault(exchange: Exchange) -> None:
        exchange.send(exchange.apply().encoded()[:-missing])
        exchange.hang_up()

    return fault


def alter() -> Fault:
    """The request is carried out, but one byte of the reply's body is another on arrival."""

    def fault(exchange: Exchange) -> None:
        response = exchange.apply()
        middle = len(response.body) // 2
        response.body = (
            response.body[:middle] + bytes([response.body[middle] ^ 1]) + response.body[middle + 1 :]
        )
        exchange.send(response)

    return fault


def slow(seconds: float, applied: bool = True) -> Fault:
    """The reply comes late."""

    def fault(exchange: Exchange) -> None:
        response = exchange.apply() if applied else answered()
        exchange.wait(seconds)
        exchange.send(response)

    return fault


# The ways in which the answer to a write can be lost, applied or not.
LOST: dict[str, Callable[[], Fault]] = {
    "reset before": reset_before_apply,
    "reset after": reset_after_apply,
    "500 before": server_error,
    "500 after": lambda: server_error(applied=True),
    "truncated": truncate,
    "altered": alter,
    "html": html,
}


def seeded(seed: int, chances: Mapping[Fault, float]) -> Iterator[Fault]:
    """Faults for ever, each with its probability, the rest forwarded; the same seed gives the same."""
    chosen = random.Random(seed)
    rest = 1.0 - sum(chances.values())
    faults = [*chances, forward()]
    while True:
        yield chosen.choices(faults, [*chances.values(), rest])[0]


class FaultServer:
    """The server; a context manager.

    Parameters:
        script: the faults, one for each request.
        upstream: the URL of a real engine to forward to.
        tls: for https.
        host: "127.0.0.1", or "::1" for IPv6.

    Attributes:
        requests: what arrived, in order.
        connections: how many connections were accepted.
    """

    def __init__(
        self,
        script: Iterable[Fault] = (),
        *,
        upstream: str | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._script = iter(script)
        self._upstream = upstream
        self._tls = tls
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{name}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> FaultServer:
        self._start(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        for thread in self._threads:
            thread.join(5)

    def drop_connections(self) -> None:
        """Close every connection, as a server does with those that are idle."""
        with self._lock:
            dropped, self._open = self._open, []
        for connection in dropped:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def wait_for(self, count: int) -> None:
        """Block until so many requests have arrived, at most 20 seconds."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, 20)

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, accepted, number)

    def _serve(self, accepted: socket.socket, number: int) -> None:
        with accepted:
            try:
                connection = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
                with self._lock:
                    self._open.append(connection)
                with connection, connection.makefile("rb") as stream:
                    while (request := _read(stream, number)) is not None:
                        with self._lock:
                            self.requests.append(request)
                            self._arrived.notify_all()
                            fault = next(self._script, None) or forward()
                        fault(Exchange(request, connection, self._upstream, self._stopping))
            except (OSError, ValueError):  # the client went away, or the fault closed the connection
                return


@contextmanager
def deaf_server() -> Iterator[socket.socket]:
    """A listener whose queue is full: whoever connects to it gets no answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener


def _read(stream: Any, number: int) -> Request | None:
    if not stream.readline():
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, text = line.partition(":")
        headers[name.lower()] = text.strip()
    return Request(number, headers, stream.read(int(headers.get("content-length", 0))))
