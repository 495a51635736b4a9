"""Runs in processes of their own that are really killed, and the command that tidies up after them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.run_blocks import stored

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import RunStatus

SYNC = """
import time
from dynamodb_wrapper.runs import pipeline_run

with pipeline_run("p", "schedule", run_id="r", heartbeat_seconds=0.2, lease_seconds=0.5) as run:
    with run.stage("long"):
        print("begun", flush=True)
        for _ in range(600):
            run.check_lost()
            time.sleep(0.05)
"""
ASYNC = """
import asyncio
from dynamodb_wrapper.runs import async_pipeline_run


async def main():
    times = {"heartbeat_seconds": 0.2, "lease_seconds": 0.5}
    async with async_pipeline_run("p", "schedule", run_id="r", **times) as run:
        async with run.stage("long"):
            print("begun", flush=True)
            for _ in range(600):
                run.check_lost()
                await asyncio.sleep(0.05)


asyncio.run(main())
"""

ENGINES = ("dynoxide",)
pytestmark = pytest.mark.usefixtures("environment_of_runs")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Start = Callable[..., subprocess.Popen[str]]


def hear(all_but: signal.Signals | None) -> None:
    """Hear these signals, which whoever runs the tests may ignore, except one."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == all_but else signal.SIG_DFL)


@pytest.fixture(params=["sync", "async"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts a process with a run, and returns when it is in its stage."""
    program = tmp_path / "pipeline.py"
    program.write_text(SYNC if request.param == "sync" else ASYNC)
    children: list[subprocess.Popen[str]] = []

    def run(not_heard: signal.Signals | None = None) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, str(program)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: hear(not_heard),
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        return child

    yield run
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate(timeout=30)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_whose_process_is_asked_to_stop_is_cancelled_with_its_stage(
    start: Start, config: DynamoDBConfig, number: signal.Signals
) -> None:
    child = start()
    child.send_signal(number)
    child.communicate(timeout=60)
    assert child.returncode != 0
    run = stored(config)
    assert run.status is RunStatus.CANCELLED
    assert run.stages[0].status is RunStatus.CANCELLED
    assert run.end_time is not None


def test_a_signal_that_the_process_ignores_does_not_cancel_its_run(
    start: Start, config: DynamoDBConfig
) -> None:
    child = start(not_heard=signal.SIGHUP)
    child.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert stored(config).status is RunStatus.RUNNING
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert stored(config).status is RunStatus.CANCELLED


def test_a_run_whose_process_was_killed_is_reaped_once(
    start: Start, config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    child = start()
    assert main(["runs", "reap", "--grace", "0"]) == 0
    assert "0 lost runs ended" in capsys.readouterr().err
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)
    assert stored(config).status is RunStatus.RUNNING
    time.sleep(0.6)  # the lease of half a second ends
    assert main(["runs", "reap", "--grace", "0"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("r  p  lost: no sign of life since")
    assert "1 lost run ended" in told.err
    assert main(["runs", "reap", "--grace", "0"]) == 0
    assert "0 lost runs ended" in capsys.readouterr().err
    assert stored(config).status is RunStatus.FAILED


def test_a_run_that_is_cancelled_from_another_process_stops_within_its_heartbeat(
    start: Start, config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    child = start()
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("r    p         running  ")
    assert main(["runs", "cancel", "r", "--by", "ops"]) == 0
    assert "r is cancelled" in capsys.readouterr().out
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "RunLostError: run 'r' is cancelled already (cancelled by ops)" in said
    run = stored(config)
    assert (run.status, run.error_message) == (RunStatus.CANCELLED, "cancelled by ops")


def test_a_process_that_was_stopped_for_too_long_cannot_write_to_its_run_any_more(
    start: Start, config: DynamoDBConfig
) -> None:
    child = start()
    child.send_signal(signal.SIGSTOP)
    time.sleep(0.7)
    with PipelineRunLogsWriteApi(config) as api:
        assert len(api.reap_lost_runs(grace_seconds=0)) == 1
    before = stored(config)
    child.send_signal(signal.SIGCONT)
    _, said = child.communicate(timeout=60)
    assert "RunLostError: run 'r' is failed already (lost: no sign of life" in said
    assert stored(config) == before
