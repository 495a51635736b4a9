"""A loopback HTTP server that keeps the JSON that is sent to it, and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self


class Receiver:
    """Answers with those statuses, one for each request, and with 201 when they are used up.

    Attributes:
        url: where it is.
        received: the bodies that got a 201, in the order of their arrival.
        headers: the headers of those.
        requests: how many requests came.
    """

    def __init__(self, statuses: Sequence[int] = ()) -> None:
        self.received: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        left, receiver = list(statuses), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.requests += 1
                status = left.pop(0) if left else 201
                if status == 201:
                    receiver.received.append(body)
                    receiver.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v1/lineage"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
