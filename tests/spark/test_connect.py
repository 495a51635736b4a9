"""Runs and tables under Spark Connect: the tests' session is its server, another process its client."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.run_blocks import stored
from tests.support.spark_models import Day
from tests.support.spark_tests import jobs, pipeline, table_of, table_of_files, wait_for

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import (
    PipelineConfig,
    PipelineRunLog,
    RunStatus,
    TableConfig,
)

for needed in ("pandas", "grpc"):
    pytest.importorskip(needed, reason=f"Spark Connect needs {needed}: pip install 'pyspark[connect]'")

ENGINES = ("dynoxide",)

Play = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def url(spark: Any) -> Iterator[str]:
    """A server of Spark Connect on a free port of 127.0.0.1."""
    jvm, context = spark._jvm, spark.sparkContext
    service = jvm.org.apache.spark.sql.connect.service.SparkConnectService
    service.start(context._jsc.sc())
    running = getattr(getattr(jvm, "org.apache.spark.sql.connect.service.SparkConnectService$"), "MODULE$")
    yield f"sc://127.0.0.1:{running.localPort()}"
    nothing = jvm.scala.Option.empty()
    service.stop(nothing, nothing)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.connect_child", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@pytest.fixture
def play(client: subprocess.Popen[str], config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Play:
    """Has the client play a scenario."""
    tables(PipelineConfig, TableConfig, PipelineRunLog)

    def begin(scenario: str) -> subprocess.Popen[str]:
        asked = {"scenario": scenario, "endpoint": config.endpoint_url, "prefix": config.table_prefix}
        print(json.dumps(asked), file=client.stdin, flush=True)
        return client

    return begin


def outcome(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    return client.stdout.readline().strip()


def test_a_run_has_what_was_observed_but_no_figures_of_spark(play: Play, spark: Any, db: DynamoDB) -> None:
    assert outcome(play("observe")) == "nothing"
    log = stored(db)
    assert (log.status, log.spark_version) == (RunStatus.SUCCESS, spark.version)
    assert (log.spark_application_id, log.monitoring_urls) == (None, {})
    assert [(stage.stage_name, stage.status, stage.records_processed) for stage in log.stages] == [
        ("count", RunStatus.SUCCESS, 5),
        ("largest", RunStatus.SUCCESS, None),
    ]
    assert log.metrics == {
        "observed": {"count": {"rows": 5}, "later": {"largest": 6}},
        "stages": {"largest": {"kept": 1}},
    }


def test_an_error_of_spark_fails_the_run_with_its_class(play: Play, db: DynamoDB) -> None:
    assert outcome(play("fail")) == "ArithmeticException"
    log = stored(db)
    assert (log.status, log.stages[0].status) == (RunStatus.FAILED, RunStatus.FAILED)
    assert "DIVIDE_BY_ZERO" in str(log.error_message)
    assert "observed" not in log.metrics


def test_a_run_that_is_cancelled_elsewhere_stops_its_jobs(
    play: Play, spark: Any, db: DynamoDB, config: DynamoDBConfig
) -> None:
    client = play("sleep")
    wait_for(lambda: jobs(spark))
    with PipelineRunLogsWriteApi(config) as api:
        api.update_run_status("r", "p", RunStatus.CANCELLED, "cancelled by ops")
    assert outcome(client) == "RunLostError"
    wait_for(lambda: not jobs(spark))
    assert (stored(db).status, stored(db).error_message) == (RunStatus.CANCELLED, "cancelled by ops")


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, "SystemExit"), (signal.SIGINT, "Interrupted")]
)
def test_a_client_that_is_asked_to_stop_cancels_its_run_and_its_jobs(
    play: Play, spark: Any, db: DynamoDB, number: signal.Signals, raised: str
) -> None:
    client = play("sleep")
    wait_for(lambda: jobs(spark))
    client.send_signal(number)
    assert outcome(client) == raised
    wait_for(lambda: not jobs(spark))
    log = stored(db)
    assert (log.status, log.error_message) == (RunStatus.CANCELLED, f"interrupted by {number.name}")


@pytest.mark.parametrize("scenario", ["files", "days"])
def test_tables_are_written_read_and_counted(
    play: Play, db: DynamoDB, tables: Callable[..., list[str]], tmp_path: Path, scenario: str
) -> None:
    tables(Day)
    db.put(pipeline())
    options: dict[str, dict[str, Any]] = {
        "files": {"partition_columns": ["origin"]},
        "days": {"connection_config": {"service": "dynamodb", "table": "days"}},
        "ignored": {"write_options": {"mode": "ignore"}},
    }
    few = [{"name": "few", "expression": "flights < 6"}]
    for table_id, more in options.items():
        checks = [] if table_id == "ignored" else few
        db.put(table_of_files(table_id, table_id, tmp_path, data_quality_checks=checks, **more))
    assert outcome(play(scenario)) == "nothing"
    log = stored(db)
    assert (log.output_tables, log.metrics["output_rows"]) == ([scenario], 2)
    assert [(check.check_name, check.passed) for check in log.data_quality_results] == [
        (f"{scenario}.few", False)
    ]
    assert log.metrics["observed"] == {f"read {scenario}": {"rows": 2}}
    for table_id in ["files", "ignored"] if scenario == "files" else ["days"]:
        table = table_of(db, table_id)
        assert (table.record_count, table.size_bytes) == (2 if scenario == "files" else None, None)
