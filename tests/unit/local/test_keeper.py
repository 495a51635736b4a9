"""The keeper: prints the engine's id, passes its status on, and ends it when standard input closes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dynamodb_wrapper.local.processes as processes

KEEPER = [sys.executable, "-I", "-S", str(Path(processes.__file__).with_name("keeper.py"))]


def keep(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*KEEPER, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_it_tells_the_engines_id_and_passes_its_status_and_output_on() -> None:
    code = "import os, sys; print(os.getpid()); sys.exit(7)"
    with keep(sys.executable, "-c", code) as keeper:
        assert keeper.wait(20) == 7
        assert keeper.stdout is not None
        assert keeper.stderr is not None
        assert keeper.stdout.read() == keeper.stderr.read() != ""


def test_it_ends_the_engine_when_standard_input_closes() -> None:
    with keep(sys.executable, "-c", "import time; time.sleep(60)") as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        pid = int(keeper.stdout.readline())
        assert keeper.poll() is None
        keeper.stdin.close()
        assert keeper.wait(20) != 0
    assert processes.started_at(pid) is None


def test_a_program_that_is_not_there_is_told() -> None:
    with keep("no-such-program") as keeper:
        assert keeper.wait(20) == 127
        assert keeper.stderr is not None
        assert "no-such-program" in keeper.stderr.read()
