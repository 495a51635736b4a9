"""A real Redis for tests: on a free port of this machine, with its files in a folder of the test."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

MISSING = "redis-server is not installed: apt install redis-server, which scripts/setup does as root"


class RedisServer:
    """A server that can be killed, and started again at the same port.

    Parameters:
        folder: for its files; it writes none unless it is told to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> str | None:
        """Why no server can be started here, or None."""
        return None if shutil.which("redis-server") else MISSING

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder), "--loglevel", "warning"),
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                if self.ask("PING") == b"+PONG\r\n":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        self.kill()
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send a signal to the server, such as SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(number)

    def ask(self, *words: str) -> bytes:
        """The beginning of the reply to a command, as it comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall("".join(f"{part}\r\n" for part in _encoded(words)).encode())
            return connection.recv(65536)


def _encoded(words: tuple[str, ...]) -> list[str]:
    return [f"*{len(words)}", *(part for word in words for part in (f"${len(word)}", word))]
