"""`runs list` and `runs show`, of runs that a pipeline logged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import PipelineRunLog, RunStatus
from dynamodb_wrapper.runs import pipeline_run

ENGINES = ("dynoxide",)
pytestmark = pytest.mark.usefixtures("environment_of_runs")
Told = Callable[..., tuple[int, str, str]]
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """`told("list", ...)` is the exit status, the output and what stands on standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(["runs", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def store(config: DynamoDBConfig) -> Callable[..., None]:
    """Stores a run that started so many minutes after noon."""

    def put(run_id: str, minutes: int, status: RunStatus, pipeline: str = "p") -> None:
        start = NOON + timedelta(minutes=minutes)
        with DynamoDB(config) as db:
            db.put(
                PipelineRunLog(
                    run_id=run_id, pipeline_id=pipeline, status=status, trigger_type="api", start_time=start
                )
            )

    return put


def _failing_run(config: DynamoDBConfig) -> None:
    with pipeline_run("p", "schedule", run_id="r", config=config) as run:
        with run.stage("extract") as stage:
            stage.records = 336_776
        run.input("raw_flights")
        run.output("daily_delays")
        run.metric("late_share", 0.4)
        run.check("delays are known", passed=False, expected=0, actual=12)
        with run.stage("load"):
            raise ZeroDivisionError("no flight was late")


def _ids(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines()[1:]]


def test_where_there_are_no_runs_the_table_and_the_filters_are_named(
    told: Told, config: DynamoDBConfig
) -> None:
    table = f"{config.table_prefix}pipeline_run_logs"
    assert told("list") == (0, "", f"no runs in table {table} at {config.endpoint_url}\n")
    _, _, said = told("list", "--status", "failed", "--pipeline", "p")
    assert said.startswith(f"no runs with status failed of pipeline p in table {table} at ")


def test_runs_of_every_status_are_listed_the_newest_first(told: Told, store: Callable[..., None]) -> None:
    for minutes, status in enumerate(RunStatus):
        store(f"r{minutes}", minutes, status, "p" if minutes % 2 else "q")
    status_code, out, said = told("list")
    assert status_code == 0
    assert out.splitlines()[0].split() == ["run", "pipeline", "status", "started", "seconds", "message"]
    assert _ids(out) == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert out.splitlines()[1].split() == ["r5", "p", "skipped", "2026-01-31T12:05:00+00:00", "-"]
    assert said == "6 runs, newest first\n"

    assert _ids(told("list", "--pipeline", "q")[1]) == ["r4", "r2", "r0"]
    assert _ids(told("list", "--status", "failed")[1]) == ["r3"]
    assert _ids(told("list", "--status", "failed", "--pipeline", "q")[1]) == []


def test_of_more_runs_than_asked_for_the_newest_are_listed_and_that_there_are_more_is_said(
    told: Told, store: Callable[..., None]
) -> None:
    for minutes in range(5):
        store(f"r{minutes}", minutes, RunStatus.SUCCESS if minutes < 3 else RunStatus.FAILED)
    for options, newest in (
        ((), ["r4", "r3", "r2"]),
        (("--pipeline", "p"), ["r4", "r3", "r2"]),
    ):
        _, out, said = told("list", "--limit", "3", *options)
        assert _ids(out) == newest
        assert "newest first; and more: see --limit" in said
    assert "more" not in told("list", "--limit", "5")[2]
    assert told("list", "--limit", "1", "--status", "failed")[2] == (
        "1 run with status failed, newest first; and more: see --limit\n"
    )


def test_a_run_is_shown_with_its_stages_checks_metrics_and_why_it_failed(
    told: Told, config: DynamoDBConfig
) -> None:
    with pytest.raises(ZeroDivisionError):
        _failing_run(config)
    assert "no flight was late" in told("list")[1]
    status, out, _ = told("show", "r")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    for line in (
        ["run", "r"],
        ["pipeline", "p"],
        ["status", "failed"],
        ["data", "a", "check", "of", "its", "data", "failed"],
        ["trigger", "schedule"],
        ["inputs", "raw_flights"],
        ["outputs", "daily_delays"],
        ["late_share", "0.4"],
        ["delays", "are", "known", "FAILED", "0", "12"],
    ):
        assert line in lines
    assert next(line for line in lines if line[:2] == ["extract", "SUCCESS"])[-1] == "336776"
    assert any(line[:2] == ["load", "FAILED"] for line in lines)
    assert out.rstrip().endswith("ZeroDivisionError: no flight was late")

    logged = json.loads(told("show", "r", "--pipeline", "p", "--json")[1])
    assert (logged["status"], logged["metrics"]) == ("failed", {"late_share": "0.4"})
    assert [stage["stage_name"] for stage in logged["stages"]] == ["extract", "load"]


def test_a_run_that_there_is_not_or_that_two_pipelines_have_is_told_in_one_line(
    told: Told, store: Callable[..., None]
) -> None:
    status, out, said = told("show", "r")
    assert (status, out, said.count("\n")) == (1, "", 1)
    assert "PipelineRunLog 'r' is not in table" in said

    store("r", 0, RunStatus.SUCCESS)
    store("r", 1, RunStatus.RUNNING, "q")
    status, _, said = told("show", "r")
    assert status == 1
    assert "exists in more than one pipeline" in said
    assert told("show", "r", "--pipeline", "q")[0] == 0
