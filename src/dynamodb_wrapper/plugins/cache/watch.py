"""Whether Redis can be trusted at this moment, and what other processes wrote.

Knows a thread that listens to the server's messages for as long as the process uses the cache. Must not know
what is kept. Where the thread cannot listen there is no cache: nobody would tell of the writes of others.
"""

# mypy: disallow-untyped-calls=False
# redis-py declares the types of some of its functions only.
from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from redis.connection import ConnectionInterface
from redis.exceptions import ConnectionError, RedisError, TimeoutError

from dynamodb_wrapper.plugins.cache.link import Command, Link, exchange
from dynamodb_wrapper.plugins.cache.scripts import SCRIPTS

PING_SECONDS = 1.0
SILENT_SECONDS = 2.0
TRUSTED_SECONDS = 3.0
RETRY_SECONDS = 0.5
SLICE_SECONDS = 0.1
HARMLESS = (ConnectionError, TimeoutError, OSError)  # other texts may quote what was sent

_logger = logging.getLogger("dynamodb_wrapper.cache")
_logger.addHandler(logging.NullHandler())


class Watch:
    """Listens to a server, and knows whether it can be trusted.

    Parameters:
        link: to the server.
        channel: where processes tell each other of what they wrote.
        heard: called with each message, in the thread that listens.
        lost: called when messages may have been lost, before the server is trusted again.
        renewal: the commands that make void all that is kept in a run of the server: for when this process
            wrote while it could not say so.
        failed: called for each failure.
    """

    def __init__(
        self,
        link: Link,
        channel: str,
        *,
        heard: Callable[[bytes], None],
        lost: Callable[[], None],
        renewal: Callable[[str], list[Command]],
        failed: Callable[[], None],
    ) -> None:
        self._link, self._channel = link, channel
        self._heard, self._lost, self._renewal, self._failed = heard, lost, renewal, failed
        self._lock = Lock()
        self._missed = False
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._thread: Thread | None = None
        self._stop = Event()
        self._tried: Future[None] = Future()
        self._tried.set_running_or_notify_cancel()
        self._run_id = ""
        self._trusted_until = 0.0
        self._warned = False

    @property
    def run_id(self) -> str:
        """The run of the server that can be trusted now; empty where there is none."""
        if self._process != os.getpid():
            return ""
        return self._run_id if monotonic() < self._trusted_until else ""

    def started(self) -> Future[None] | None:
        """What is done when the first attempt to listen has ended; None where it has."""
        if self._thread is not None and self._process == os.getpid():
            return None if self._tried.done() else self._tried
        with self._lock:
            if self._process != os.getpid():  # threads do not live on in a child
                self._reset()
                self._lost()
            if self._thread is None:
                self._thread = Thread(target=self._work, name="dynamodb-wrapper-cache", daemon=True)
                self._thread.start()
            return self._tried

    def down(self, error: BaseException) -> None:
        """The server failed: it is not trusted until the thread has found it well."""
        self._failed()
        with self._lock:
            self._run_id = ""
            warned, self._warned = self._warned, True
        if not warned:
            _logger.warning(
                "the cache is off, because Redis failed (%s); calls go on without it, and it is used again "
                "when it answers",
                f"{type(error).__name__}: {error}" if isinstance(error, HARMLESS) else type(error).__name__,
            )

    def missed(self) -> None:
        """This process wrote, and the server was not told: it has to be before it is trusted again."""
        with self._lock:
            self._missed, self._run_id = True, ""

    def close(self) -> None:
        """Stop to listen; the next use begins anew."""
        with self._lock:
            thread, self._run_id = self._thread, ""
        self._stop.set()
        if thread is not None and self._process == os.getpid():
            thread.join()
        with self._lock:
            self._reset()

    def _work(self) -> None:
        stop, tried = self._stop, self._tried
        while not stop.is_set():
            try:
                self._listen(stop, tried)
            except Exception as error:
                self.down(error)
            if not tried.done():
                tried.set_result(None)
            stop.wait(RETRY_SECONDS)

    def _listen(self, stop: Event, tried: Future[None]) -> None:
        run_id, connection = self._link.connect()
        try:
            exchange(connection, [("SCRIPT", "LOAD", script) for script in SCRIPTS])
            exchange(connection, [("SUBSCRIBE", self._channel)])
            self._lost()
            while not self._up(run_id):
                self._renew(run_id)
            if not tried.done():
                tried.set_result(None)
            self._follow(connection, run_id, stop)
        finally:
            self._trusted_until = 0.0
            connection.disconnect()

    def _up(self, run_id: str) -> bool:
        """Trust the server, unless it keeps what this process wrote since."""
        with self._lock:
            if self._missed:
                self._missed = False
                return False
            self._trusted_until = monotonic() + TRUSTED_SECONDS
            self._run_id, warned, self._warned = run_id, self._warned, False
        if warned:
            _logger.info("Redis answers again: the cache is used again")
        return True

    def _renew(self, run_id: str) -> None:
        try:
            self._link.run(run_id, self._renewal(run_id))
        except BaseException:
            self.missed()
            raise

    def _follow(self, connection: ConnectionInterface, run_id: str, stop: Event) -> None:
        """Hear messages; a ping's answer shows that all which were sent before it have been heard."""
        following, sent = monotonic(), 0.0
        while not stop.is_set() and self._run_id == run_id:
            if connection.can_read(timeout=SLICE_SECONDS):
                message: Any = connection.read_response()
                if message[0] == b"message":
                    self._heard(message[2])
                elif message[0] == b"pong":
                    self._trusted_until, sent = sent + TRUSTED_SECONDS, 0.0
            now = monotonic()
            if sent and now - sent > SILENT_SECONDS:
                raise RedisError("the server is silent")
            if not sent and now >= following:
                connection.send_command("PING")
                following, sent = now + PING_SECONDS, now
