"""Starts engine processes, finds free ports and tells a process from a later one with the same id.

Knows the operating system. Must not know engines, packages or DynamoDB.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from dynamodb_wrapper.local.errors import EngineError

__all__ = ["KeptProcess", "end", "free_port", "spawn_detached", "started_at"]

STOP_SECONDS = 10.0
_KEEPER = str(Path(__file__).with_name("keeper.py"))


def free_port() -> int:
    """Return a loopback port that nothing uses and that the system gives to nobody else for a while.

    A connection is made over the port and closed by the side that listened: that leaves it in TIME_WAIT,
    where the system's own choice of ports avoids it while a server that names it may still bind.
    """
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
        port: int = server.getsockname()[1]
        return port


class KeptProcess:
    """A child process that ends with this process, whichever way this process ends.

    Parameters:
        command: the program and its arguments.
        output: an open file that takes what it prints.
        environment: variables that it gets where they are not set here.
    """

    def __init__(self, command: list[str], output: IO[bytes], environment: Mapping[str, str]) -> None:
        # A session of its own: Ctrl-C at the terminal is for the owner, who may still need the engine.
        self._keeper = _spawn(command, output, environment, subprocess.PIPE)
        assert self._keeper.stdout is not None
        with self._keeper.stdout as first_line:
            line = first_line.readline()
        if not line.strip():
            self.stop()
        self.pid = _pid(line, command)

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._keeper.poll()

    def stop(self) -> None:
        """End it and wait until it has ended; once it has, this does nothing."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()


def spawn_detached(command: list[str], output: IO[bytes], environment: Mapping[str, str]) -> int:
    """Start a process that outlives this one and return its id."""
    with _spawn(command, output, environment, subprocess.DEVNULL, "--detach") as keeper:
        assert keeper.stdout is not None
        return _pid(keeper.stdout.readline(), command)


def _spawn(
    command: list[str], output: IO[bytes], environment: Mapping[str, str], stdin: int, *options: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", _KEEPER, *options, *command],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=output,
        env={**environment, **os.environ},
        start_new_session=True,
    )


def _pid(line: bytes, command: list[str]) -> int:
    if not line.strip():
        raise EngineError(f"{command[0]} could not be run. Check that it is there and may be executed.")
    return int(line)


def started_at(pid: int) -> str | None:
    """Return when a live process was started, as an opaque text; None if no such process lives.

    The id together with this text names one process for ever: a recycled id has another text.
    """
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        # Fields 3 (state) and 22 (start in ticks since boot) of proc(5); the name before them may hold ")".
        fields = stat.rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    done = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, start = done.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def end(pid: int, start: str) -> None:
    """End the process with that id and start, and wait for it; a process with another start is left alone.

    Raises:
        EngineError: it belongs to another user, or does not end.
    """
    for kind, seconds in ((signal.SIGTERM, STOP_SECONDS), (getattr(signal, "SIGKILL", signal.SIGTERM), 2.0)):
        if started_at(pid) != start:
            return
        try:
            os.kill(pid, kind)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise EngineError(f"Process {pid} belongs to another user and was not ended.", error) from error
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if started_at(pid) != start:
                return
            time.sleep(0.02)
    raise EngineError(f"Process {pid} does not end, even when killed.")
