"""Processes: free ports, an end with the owner's, and no mistaking one process for another."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from dynamodb_wrapper.local import EngineError
from dynamodb_wrapper.local.processes import KeptProcess, end, free_port, spawn_detached, started_at

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


@pytest.fixture
def output() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


def soon(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_free_port_can_be_listened_on_and_is_not_given_twice() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            server.listen()


def test_a_kept_process_runs_until_it_is_stopped(output: IO[bytes]) -> None:
    process = KeptProcess(SLEEPER, output, {})
    assert process.status() is None
    assert started_at(process.pid)
    process.stop()
    process.stop()
    assert started_at(process.pid) is None
    assert process.status() is not None


def test_a_process_that_ends_by_itself_tells_its_status_and_its_output(output: IO[bytes]) -> None:
    process = KeptProcess([sys.executable, "-c", "import sys; print('out'); sys.exit('err')"], output, {})
    assert soon(lambda: process.status() is not None)
    assert process.status() == 1
    process.stop()
    output.seek(0)
    assert sorted(output.read().split()) == [b"err", b"out"]


def test_a_kept_process_does_not_outlive_a_killed_owner() -> None:
    code = (
        "import sys, tempfile, time\n"
        "from dynamodb_wrapper.local.processes import KeptProcess\n"
        f"print(KeptProcess({SLEEPER!r}, tempfile.TemporaryFile(), {{}}).pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert started_at(pid)
        owner.send_signal(signal.SIGKILL)
    assert soon(lambda: started_at(pid) is None)


@pytest.mark.parametrize(("own", "seen"), [(None, "given"), ("own", "own")])
def test_a_process_gets_a_variable_unless_it_is_set_already(
    own: str | None, seen: str, output: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if own is not None:
        monkeypatch.setenv("ENGINE_THREADS", own)
    command = [sys.executable, "-c", "import os; print(os.environ['ENGINE_THREADS'], os.environ['PATH'])"]
    process = KeptProcess(command, output, {"ENGINE_THREADS": "given"})
    assert soon(lambda: process.status() is not None)
    process.stop()
    output.seek(0)
    assert output.read().decode().split() == [seen, os.environ["PATH"]]


def test_a_command_that_cannot_be_run_is_an_error_not_a_process(output: IO[bytes]) -> None:
    with pytest.raises(EngineError, match="no-such-program could not be run"):
        KeptProcess(["no-such-program"], output, {})
    with pytest.raises(EngineError, match="no-such-program could not be run"):
        spawn_detached(["no-such-program"], output, {})


def test_a_detached_process_lives_on_until_it_is_ended(output: IO[bytes]) -> None:
    pid = spawn_detached(SLEEPER, output, {})
    start = started_at(pid)
    assert start
    end(pid, start)
    assert started_at(pid) is None


def test_a_process_that_ignores_the_request_to_end_is_killed(
    output: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynamodb_wrapper.local.processes.STOP_SECONDS", 0.2)
    stubborn = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    pid = spawn_detached([sys.executable, "-I", "-S", "-c", stubborn], output, {})
    assert soon(lambda: os.fstat(output.fileno()).st_size > 0)
    end(pid, started_at(pid) or "")
    assert started_at(pid) is None


def test_a_process_with_the_same_id_but_another_start_is_left_alone() -> None:
    end(os.getpid(), "some other start")
    assert started_at(os.getpid())


def test_a_process_that_is_not_there_has_no_start() -> None:
    with subprocess.Popen(SLEEPER) as process:
        process.kill()
    assert started_at(process.pid) is None
