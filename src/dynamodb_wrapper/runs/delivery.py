"""Sending events to a file or a server from a thread of its own, so that nobody waits for it.

Knows order, patience and loss. Must not know what an event says.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

log = logging.getLogger("dynamodb_wrapper.runs")

MOST_WAITING = 1000
AGAIN_SECONDS = 1.0
_WORTH_ANOTHER_TRY = (408, 429)
"""Request Timeout and Too Many Requests; other refusals are for good (RFC 9110, section 15.5)."""

Send = Callable[[bytes], None]


class RefusedError(Exception):
    """The receiver will not take this event, however often it is sent."""


def to_file(path: Path) -> Send:
    """Append each event to a file, as a line."""

    def send(event: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(event + b"\n")

    return send


def to_server(url: str, headers: Mapping[str, str], timeout_seconds: float) -> Send:
    """POST each event to a URL."""
    sent = {"Content-Type": "application/json", **headers}

    def send(event: bytes) -> None:
        try:
            with urlopen(Request(url, event, sent, method="POST"), timeout=timeout_seconds) as reply:
                reply.read()
        except HTTPError as error:
            with error:
                told = error.read(500).decode(errors="replace").strip()
            if error.code < 500 and error.code not in _WORTH_ANOTHER_TRY:
                raise RefusedError(f"{error}: {told}") from None
            raise

    return send


class Delivery:
    """Sends events in the order in which they come.

    An event that cannot be sent is tried again until the newest one has waited for `patience_seconds`; then
    all that wait are dropped. The thread lives as long as there is something to send, and the interpreter
    waits for it at its end.

    Parameters:
        send: sends one event, or raises.
        patience_seconds: how long an end of the program may be held up, besides one attempt.
    """

    def __init__(self, send: Send, patience_seconds: float) -> None:
        self._send = send
        self._patience = patience_seconds
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=MOST_WAITING)
        self._changed = Condition()
        self._newest = 0.0
        self._at_work = self._failing = False

    def put(self, event: Mapping[str, Any]) -> None:
        """Have an event sent; returns at once. The oldest of 1,000 that wait is dropped for it."""
        with self._changed:
            self._waiting.append(event)
            self._newest = monotonic()
            if not self._at_work:
                Thread(target=self._work, name="lineage").start()
                self._at_work = True

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits any more; False when the time is over before that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._at_work, timeout_seconds)

    def _work(self) -> None:
        while (event := self._next()) is not None:
            while not self._is_done_with(event):
                with self._changed:
                    self._changed.wait(AGAIN_SECONDS)

    def _next(self) -> Mapping[str, Any] | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._at_work = False
            self._changed.notify_all()
            return None

    def _is_done_with(self, event: Mapping[str, Any]) -> bool:
        try:
            self._send(json.dumps(event, default=str).encode())
        except (OSError, HTTPException) as error:
            self._warn(error)
            return self._gave_up()
        except Exception as error:
            self._warn(error)
            return True
        if self._failing:
            log.warning("lineage events can be sent again")
            self._failing = False
        return True

    def _gave_up(self) -> bool:
        with self._changed:
            given_up = monotonic() - self._newest >= self._patience
            if given_up:
                self._waiting.clear()
            return given_up

    def _warn(self, error: Exception) -> None:
        if not self._failing:
            log.warning("lineage events cannot be sent, the run goes on: %s", error)
        self._failing = True
