"""Connections to one Redis server, for threads and for each event loop.

Knows redis-py's connections. Must not know what commands mean. A connection belongs to one run of the server
(its `run_id`): one to another run is refused, so that what a restarted server brings back from its disk is
never taken for what was kept in the run before.
"""

# mypy: disallow-untyped-calls=False
# redis-py declares the types of some of its functions only.
from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from redis.asyncio.connection import AbstractConnection as AwaitingConnection
from redis.asyncio.connection import ConnectionPool as AwaitingPool
from redis.asyncio.retry import Retry as AwaitingRetry
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, ConnectionPool
from redis.exceptions import ConnectionError
from redis.retry import Retry

from dynamodb_wrapper.exceptions import ValidationError

Command: TypeAlias = tuple[str | bytes | int, ...]
MOST_IDLE = 16
MOST_PER_LOOP = 16
_WHO = ("INFO", "server")


class OtherRunError(ConnectionError):
    """The server is not the one, or not in the run, that is known."""


class _Loop:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self.free: list[tuple[str, AwaitingConnection]] = []
        self.turns = asyncio.Semaphore(MOST_PER_LOOP)


class Link:
    """Sends commands to a server.

    Parameters:
        url: as redis-py has it: `redis://host:port/db`, `rediss://...` or `unix://path`.
        timeout_seconds: how long an answer, or a connection, may take.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        settings: dict[str, Any] = {
            "socket_timeout": timeout_seconds,
            "socket_connect_timeout": timeout_seconds,
            "protocol": 2,
        }
        try:
            self._pool = ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **settings)
            self._awaiting = AwaitingPool.from_url(url, retry=AwaitingRetry(NoBackoff(), 0), **settings)
        except ValueError as error:
            mend = "give redis://host:port/db, rediss://host:port/db or unix://path"
            raise ValidationError(f"redis is no URL of a server: {mend}", errors={"redis": [mend]}) from error
        self._lock = Lock()
        self._free: list[tuple[str, ConnectionInterface]] = []
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()
        self._process = os.getpid()

    def connect(self) -> tuple[str, ConnectionInterface]:
        """A new connection, and the run of the server that it is to."""
        connection = self._pool.make_connection()
        try:
            connection.connect()
            return _run_id(exchange(connection, [_WHO])[0]), connection
        except BaseException:
            connection.disconnect()
            raise

    def run(self, run_id: str, commands: Sequence[Command]) -> list[Any]:
        """The replies of that run of the server to some commands, blocking.

        Raises:
            RedisError, OSError: it does not answer, or not well, or is in another run.
        """
        connection = self._take(run_id)
        try:
            replies = exchange(connection, commands)
        except BaseException:
            connection.disconnect()
            raise
        with self._lock:
            if len(self._free) < MOST_IDLE and self._process == os.getpid():
                self._free.append((run_id, connection))
                return replies
        connection.disconnect()
        return replies

    async def arun(self, run_id: str, commands: Sequence[Command]) -> list[Any]:
        """The awaiting twin of `run`."""
        home = self._home()
        async with home.turns:
            connection = await self._atake(home, run_id)
            try:
                replies = await _aexchange(connection, commands)
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            home.free.append((run_id, connection))
        return replies

    def close(self) -> None:
        """Close the connections of threads that are not in use."""
        with self._lock:
            free, self._free = self._free, []
        for _, connection in free:
            connection.disconnect()

    async def aclose(self) -> None:
        """Close the connections of threads and of this event loop that are not in use."""
        self.close()
        home = self._loops.pop(asyncio.get_running_loop(), None)
        for _, connection in home.free if home else ():
            await connection.disconnect(nowait=True)

    def _take(self, run_id: str) -> ConnectionInterface:
        while True:
            with self._lock:
                if self._process != os.getpid():  # they are the parent's, which still uses them
                    self._free, self._process = [], os.getpid()
                if not self._free:
                    break
                known, connection = self._free.pop()
            if known == run_id:
                return connection
            connection.disconnect()
        found, connection = self.connect()
        if found != run_id:
            connection.disconnect()
            raise OtherRunError("another server, or another run of it, answers there")
        return connection

    def _home(self) -> _Loop:
        loop = asyncio.get_running_loop()
        with self._lock:
            home = self._loops.get(loop)
            if home is None:
                home = self._loops[loop] = _Loop()
            return home

    async def _atake(self, home: _Loop, run_id: str) -> AwaitingConnection:
        while home.free:
            known, idle = home.free.pop()
            if known == run_id:
                return idle
            await idle.disconnect(nowait=True)
        connection: AwaitingConnection = self._awaiting.make_connection()
        try:
            await connection.connect()
            found = _run_id((await _aexchange(connection, [_WHO]))[0])
            if found != run_id:
                raise OtherRunError("another server, or another run of it, answers there")
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection


def exchange(connection: ConnectionInterface, commands: Sequence[Command]) -> list[Any]:
    """Send commands together and read their replies."""
    connection.send_packed_command(connection.pack_commands(commands))
    return [connection.read_response() for _ in commands]


async def _aexchange(connection: AwaitingConnection, commands: Sequence[Command]) -> list[Any]:
    await connection.send_packed_command(connection.pack_commands(commands))
    return [await connection.read_response() for _ in commands]


def _run_id(info: bytes) -> str:
    for line in info.decode().splitlines():
        name, _, text = line.partition(":")
        if name == "run_id":
            return text
    raise OtherRunError("the server does not tell its run_id")
