"""Sessions that a program makes itself: within a run, in vain, and anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pyspark
import pytest
from tests.support.run_blocks import stored
from tests.support.spark_models import Day

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import RunStatus, TableConfig

ENGINES = ("dynoxide",)

Play = Callable[[str], str]


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[str]]:
    """The program, with a JVM of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.spark_sessions_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
    ) as child:
        yield child
        child.communicate()


@pytest.fixture
def child(process: subprocess.Popen[str], config: DynamoDBConfig, pipelines: None) -> Play:
    """Has the program play a scenario, and gives the name of what ended it."""

    def play(scenario: str) -> str:
        asked = {"scenario": scenario, "endpoint": config.endpoint_url, "prefix": config.table_prefix}
        print(json.dumps(asked), file=process.stdin, flush=True)
        assert process.stdout is not None
        return process.stdout.readline().strip()

    return play


def test_a_session_that_does_not_start_is_a_run_that_failed(child: Play, db: DynamoDB) -> None:
    assert child("broken") not in ("nothing", "ValidationError")
    log = stored(db)
    assert (log.status, [stage.status for stage in log.stages]) == (RunStatus.FAILED, [RunStatus.FAILED])
    assert log.error_message
    assert log.spark_version is None


def test_a_run_that_begins_before_its_session_has_the_figures_of_spark_from_then_on(
    child: Play, db: DynamoDB
) -> None:
    assert child("joined") == "nothing"
    log = stored(db)
    assert log.status is RunStatus.SUCCESS
    assert log.spark_version == pyspark.__version__
    assert log.spark_application_id is not None
    assert [stage.records_processed for stage in log.stages] == [None, None, 7]
    figures = log.metrics["stages"]
    assert {name: figures[name]["jobs"] for name in figures} == {"start": 1, "work": 1}


def test_an_integration_goes_on_with_the_session_that_comes_after_one_that_was_stopped(
    child: Play, db: DynamoDB, tables: Callable[..., list[str]], store: Callable[..., TableConfig]
) -> None:
    tables(Day)
    store(connection_config={"service": "dynamodb", "table": "days"})
    assert child("anew") == "nothing"
