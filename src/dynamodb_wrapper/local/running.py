"""Starts an engine, waits until it answers, and stops it.

Knows ports, readiness and output. Must not know what the engines need (`engines`) nor the library's own
wire code: readiness is one plain HTTP request.
"""

from __future__ import annotations

import atexit
import http.client
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

from dynamodb_wrapper.local.engines import Engine, EngineName, choose
from dynamodb_wrapper.local.errors import EngineError
from dynamodb_wrapper.local.processes import KeptProcess, free_port

__all__ = ["RunningEngine", "answers", "attach", "prepare_data", "start", "wait_until_ready"]

log = logging.getLogger("dynamodb_wrapper.local")

START_SECONDS = 60.0
"""How long an engine may take until it answers: a cold Java on a busy machine needs ten."""
_TRIES = 3
_OUTPUT_SHOWN = 4000

# Engines check that a signature is there, not that it is right.
_PROBE_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
    "X-Amz-Date": "20130101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20130101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


class RunningEngine:
    """An engine that answers; a context manager that stops it.

    Attributes:
        name: "dynoxide", "dynamodb-local" or "moto"; "external" for one that was attached to.
        endpoint_url: what to give to `DynamoDBConfig` or boto3.
        port: the port of that URL.
        pid: the engine's process id, None for one that was attached to.
    """

    def __init__(self, name: str, endpoint_url: str, process: KeptProcess | None = None) -> None:
        self.name = name
        self.endpoint_url = endpoint_url
        self.port = _port_of(endpoint_url)
        self.pid = process.pid if process else None
        self._process = process
        self._owner = os.getpid()
        if process:
            atexit.register(self.stop)

    def stop(self) -> None:
        """Stop it and wait until it has ended. What was attached to, or is owned by a parent, goes on."""
        if self._process and self._owner == os.getpid():
            self._process.stop()
            atexit.unregister(self.stop)

    def __enter__(self) -> RunningEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<RunningEngine {self.name} at {self.endpoint_url}>"


class Status(Protocol):
    """What tells whether a process has ended: its exit status, or None while it runs."""

    def __call__(self) -> int | None:
        """The exit status, None while it runs."""


def start(
    engine: EngineName = "auto", data: Path | str | None = None, port: int | None = None
) -> RunningEngine:
    """Start an engine on this machine and wait until it answers on the loopback address.

    It ends with `stop()`, with the `with` block, or with this process, whichever way that ends.

    Parameters:
        engine: which one; "auto" takes the first of dynoxide, DynamoDB Local and moto that can run here.
        data: a folder to keep the data in, made if it is not there; None keeps them in memory only.
        port: the port to listen on; a free one is found if not given.

    Raises:
        EngineError: it cannot run here, did not start (its output is in the message), or did not answer
            within 60 seconds.
    """
    chosen = choose(engine)
    folder = None if data is None else Path(data)
    prepare_data(chosen, folder)
    command = chosen.prepare()
    for attempt in range(1, _TRIES + 1):
        number = port or free_port()
        try:
            return _start_once(chosen, command(number, folder), number)
        except EngineError as error:
            # A free port can be taken in between; a port that was asked for is not exchanged.
            if port or not error.retryable or attempt == _TRIES:
                raise
            log.info("engine %s ended on port %d, trying another port", chosen.name, number)
    raise AssertionError("unreachable")


def attach(endpoint_url: str) -> RunningEngine:
    """Return an engine that runs already and that `stop()` leaves running.

    Parameters:
        endpoint_url: its address, such as "http://127.0.0.1:8000".

    Raises:
        EngineError: nothing answers there as DynamoDB does.
    """
    if not answers(endpoint_url):
        raise EngineError(f"Nothing answers as DynamoDB does at {endpoint_url}. Start it or correct the URL.")
    return RunningEngine("external", endpoint_url)


def prepare_data(engine: Engine, data: Path | None) -> None:
    """Make the data folder, if one is wanted and the engine can use it.

    Raises:
        EngineError: the engine keeps data in memory only, or the folder cannot be made.
    """
    if data is None:
        return
    if not engine.keeps_data:
        raise EngineError(
            f"Engine {engine.name} cannot keep data in a folder. "
            "Leave the folder out, or use dynoxide or dynamodb-local."
        )
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"The data folder {data} cannot be made: {error}.", error) from error


def _start_once(engine: Engine, command: list[str], port: int) -> RunningEngine:
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as output:
        process = KeptProcess(command, output, engine.environment)
        try:
            wait_until_ready(engine, url, process.status)
        except BaseException as error:
            process.stop()
            if isinstance(error, EngineError):
                output.seek(0)
                said = output.read().decode(errors="replace").strip()[-_OUTPUT_SHOWN:]
                error.args = (f"{error.message} Its output: {said or '(nothing)'}",)
                error.message = error.args[0]
            raise
    log.info("engine %s answers at %s", engine.name, url)
    return RunningEngine(engine.name, url, process)


def wait_until_ready(engine: Engine, endpoint_url: str, status: Status) -> None:
    """Wait until the engine answers a request.

    Parameters:
        status: returns the exit status of its process, or None while it runs.

    Raises:
        EngineError: the process ended (`retryable`: on another port it may not), or did not answer within
            60 seconds.
    """
    until = time.monotonic() + START_SECONDS
    while True:
        ready = answers(endpoint_url, 1.0)
        ended = status()
        # In this order: a process that lost its port to another has ended, while the other answers.
        if ended is not None:
            error = EngineError(
                f"Engine {engine.name} ended with exit status {ended} before it answered at {endpoint_url}."
            )
            error.retryable = True
            raise error
        if ready:
            return
        if time.monotonic() > until:
            raise EngineError(
                f"Engine {engine.name} did not answer at {endpoint_url} within {START_SECONDS:.0f} s."
            )
        time.sleep(0.02)


def answers(endpoint_url: str, seconds: float = 5.0) -> bool:
    """Whether something answers at that URL as DynamoDB does, within about so many seconds."""
    parts = urlsplit(endpoint_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", _port_of(endpoint_url), timeout=seconds)
    try:
        connection.request("POST", "/", body=b"{}", headers=_PROBE_HEADERS)
        reply = connection.getresponse()
        return reply.status == 200 and "TableNames" in json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _port_of(endpoint_url: str) -> int:
    parts = urlsplit(endpoint_url)
    return parts.port or (443 if parts.scheme == "https" else 80)
