"""Runs on Spark that are killed, cancelled or taken over, or whose log is out of reach.

What is interrupted and killed is a process of its own, `tests.support.spark_child`, with a JVM of its own; it
serves one test after the other until it is killed.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.faults import Exchange, FaultServer
from tests.support.run_blocks import stored
from tests.support.spark_tests import SECONDS, jobs, wait_for

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import RunLostError
from dynamodb_wrapper.handlers.pipeline_run_logs import leases
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineRunLog, RunStatus
from dynamodb_wrapper.spark import SparkDynamoDBIntegration
from dynamodb_wrapper.timezones import utcnow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("dynoxide",)
pytestmark = pytest.mark.usefixtures("environment_of_runs")


class Child:
    """The process, and the run in it.

    Attributes:
        busy: whether a run was begun in it whose end was not read.
    """

    busy = False

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.spark_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @cached_property
    def jvm(self) -> int:
        """The id of the JVM's process; asked for once, and when it is there."""
        return int(self.line())

    def begin(self, config: DynamoDBConfig, lease_seconds: float = 20) -> None:
        """Returns when the run's job runs."""
        assert self.jvm
        self.busy = True
        where = {"endpoint": config.endpoint_url, "prefix": config.table_prefix}
        print(
            json.dumps({"run_id": "r", "lease_seconds": lease_seconds, **where}),
            file=self.process.stdin,
            flush=True,
        )
        assert self.line() == "begun\n"

    def end(self) -> str:
        """The name of what ended the run, and how many jobs still run."""
        told, self.busy = self.line().strip(), False
        return told

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=SECONDS)


@pytest.fixture(scope="module")
def children() -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.kill()


@pytest.fixture
def child(children: list[Child]) -> Iterator[Child]:
    """The process of the test before, or a new one where that was killed."""
    if not children or children[-1].process.poll() is not None:
        children.append(Child())
    yield children[-1]
    if children[-1].busy:
        children[-1].kill()


def forget(config: DynamoDBConfig) -> None:
    with DynamoDB(config) as db:
        db.delete(PipelineRunLog, {"run_id": "r", "pipeline_id": "p"})


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, "SystemExit"), (signal.SIGINT, "Interrupted")]
)
def test_a_driver_that_is_asked_to_stop_cancels_its_run_and_its_jobs_however_often(
    child: Child, config: DynamoDBConfig, number: signal.Signals, raised: str
) -> None:
    for _ in range(12):
        child.begin(config)
        child.process.send_signal(number)
        assert child.end() == f"{raised} 0"
        run = stored(config)
        assert (run.status, run.error_message) == (RunStatus.CANCELLED, f"interrupted by {number.name}")
        assert run.stages[0].status is RunStatus.CANCELLED
        forget(config)


def test_a_run_that_another_process_cancels_stops_its_jobs(
    child: Child, config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    child.begin(config)
    assert main(["runs", "cancel", "r", "--by", "ops"]) == 0
    assert child.end() == "RunLostError 0"
    run = stored(config)
    assert (run.status, run.error_message) == (RunStatus.CANCELLED, "cancelled by ops")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_spark_goes_on_while_the_log_is_out_of_reach_and_nothing_of_it_is_missing_later(
    spark: SparkSession, config: DynamoDBConfig
) -> None:
    down = threading.Event()

    def fault(exchange: Exchange) -> None:
        if down.is_set():
            exchange.reset()
        exchange.send(exchange.apply())

    with FaultServer(itertools.repeat(fault), upstream=config.endpoint_url) as server:
        broken = config.replace(endpoint_url=server.url, retries=1)
        with SparkDynamoDBIntegration(broken) as integration:
            times: Any = {"heartbeat_seconds": 0.2, "lease_seconds": 20}
            with integration.pipeline_run_context("p", "schedule", run_id="r", **times) as run:
                down.set()
                with run.stage("count"):
                    assert run.observe(spark.range(50)).count() == 50
                run.output("numbers", rows=50)
                before = len(server.requests)
                wait_for(lambda: len(server.requests) > before + 2)
                assert stored(config).stages == []
                down.clear()
    log = stored(config)
    assert (log.status, log.output_tables) == (RunStatus.SUCCESS, ["numbers"])
    assert [(stage.stage_name, stage.records_processed) for stage in log.stages] == [("count", 50)]
    assert log.metrics["stages"]["count"]["jobs"] >= 1
    assert log.metrics["observed"] == {"count": {"rows": 50}}


def reaped(config: DynamoDBConfig) -> None:
    with PipelineRunLogsWriteApi(config) as api:
        assert len(api.reap_lost_runs(grace_seconds=0)) == 1


def taken_over(config: DynamoDBConfig) -> None:
    with PipelineRunLogsWriteApi(config) as api:
        api.take_over_run("r", "p", owner="heir", lease_seconds=60)
        api.write_owned_run("r", "p", "heir", {"status": RunStatus.SUCCESS})


@pytest.mark.parametrize(
    ("lose", "told"), [(reaped, "is failed already"), (taken_over, "is success already")]
)
def test_a_driver_that_lost_its_run_while_its_log_was_out_of_reach_stops_its_jobs_and_writes_no_more(
    spark: SparkSession,
    config: DynamoDBConfig,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[DynamoDBConfig], None],
    told: str,
) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", 0)
    down, lost = threading.Event(), []

    def fault(exchange: Exchange) -> None:
        if down.is_set():
            exchange.reset()
        exchange.send(exchange.apply())

    def interfere() -> None:
        wait_for(lambda: jobs(spark))
        down.set()
        until = stored(config).lease_until
        wait_for(lambda: until is not None and utcnow() > until)
        lose(config)
        lost.append(stored(config))
        down.clear()

    with FaultServer(itertools.repeat(fault), upstream=config.endpoint_url) as server:
        broken = config.replace(endpoint_url=server.url, retries=1)
        other = threading.Thread(target=interfere)
        other.start()
        with SparkDynamoDBIntegration(broken) as integration:
            times: Any = {"heartbeat_seconds": 0.2, "lease_seconds": 1.5}
            block = integration.pipeline_run_context("p", "schedule", run_id="r", **times)
            with pytest.raises(RunLostError, match=told) as raised, block as run, run.stage("sleep"):
                spark.sparkContext.parallelize(range(2), 2).foreach(lambda _: time.sleep(600))
        other.join()
    assert "cancel" in str(raised.value.__cause__).lower()
    wait_for(lambda: not jobs(spark))
    assert lost == [stored(config)]


def test_the_run_of_a_driver_that_was_killed_is_reaped_once_and_its_jvm_is_gone(
    child: Child, config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    child.begin(config, lease_seconds=3)
    child.kill()
    wait_for(lambda: not is_alive(child.jvm))
    killed = stored(config)
    assert killed.status is RunStatus.RUNNING
    wait_for(lambda: utcnow() > killed.lease_until)  # type: ignore[operator]
    assert main(["runs", "reap", "--grace", "0"]) == 0
    assert "1 lost run ended" in capsys.readouterr().err
    assert main(["runs", "reap", "--grace", "0"]) == 0
    assert "0 lost runs ended" in capsys.readouterr().err
    run = stored(config)
    assert (run.status, run.end_time) == (RunStatus.FAILED, killed.heartbeat_at)
    assert str(run.error_message).startswith("lost: no sign of life since")
