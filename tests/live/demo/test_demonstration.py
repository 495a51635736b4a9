from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo.demonstration import MODELS, Demonstration
from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.display import Display
from dynamodb_wrapper.handlers.pipeline_config.queries import PipelineConfigReadApi
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import RunStatus

Show = Callable[..., str]


@pytest.fixture
def show(config: DynamoDBConfig, tables: Callable[..., list[str]], files: FlightFiles) -> Show:
    tables(*MODELS)

    def run(*months: int, alone: bool = True) -> str:
        stream = io.StringIO()
        with closing(Demonstration(config, files, Display(stream))) as demonstration:
            demonstration.run(months, alone=alone)
        return stream.getvalue()

    return run


def row(text: str, start: str, title: str) -> list[str]:
    """The cells of the row that begins so in the table of that title."""
    table = text.split(f"\n{title}", 1)[1].split("\n\n")[0]
    (line,) = [line for line in table.splitlines() if line.strip().startswith(start)]
    return line.split()


def test_what_was_run_is_shown(show: Show) -> None:
    text = show(2, 4)
    assert "tables: 0 created, 4 were there" in text
    assert row(text, "2013-02", "Runs of this demonstration")[1] == "FAILED"
    assert row(text, "2013-04", "Runs of this demonstration")[-2:] == ["30", "0"]
    assert "7.14 % of the 28 flights" in text.split("Failed runs of this demonstration")[1]
    assert row(text, "load", "Stages of the failed run of 2013-02") == ["load", "SKIPPED", "-", "-"]
    assert row(text, "success rate", "Statistics")[-2:] == ["50.0", "%"]
    assert row(text, "daily_delays", "Tables of the pipeline")[1:4] == ["destination", "json", "30"]
    assert row(text, "2013-04-30", "The worst days at JFK")[1] == "30.00"
    assert "of the 30 days loaded, which lack 2013-02: the run failed" in text


def test_running_it_again_adds_runs_and_changes_nothing_else(show: Show, config: DynamoDBConfig) -> None:
    first, second = show(4), show(4)
    assert "runs of the pipeline in all: 1" in first
    assert "runs of the pipeline in all: 2" in second
    assert row(second, "daily_delays", "Tables of the pipeline")[3] == "30"
    with PipelineConfigReadApi(config) as pipelines, TableConfigReadApi(config) as tables:
        found, _ = pipelines.scan_for_all_pipelines()
        assert [pipeline.pipeline_id for pipeline in found] == ["nyc-flights"]
        assert found[0].created_at < found[0].updated_at  # type: ignore[operator]
        assert tables.count_tables_by_pipeline("nyc-flights") == 6


@pytest.mark.parametrize(("alone", "status"), [(True, RunStatus.CANCELLED), (False, RunStatus.RUNNING)])
def test_a_run_that_a_killed_process_left_is_cancelled_where_no_other_can_own_it(
    show: Show, config: DynamoDBConfig, alone: bool, status: RunStatus
) -> None:
    with PipelineRunLogsWriteApi(config) as write, PipelineRunLogsReadApi(config) as read:
        write.start_pipeline_run("left", "nyc-flights", "manual")
        text = show(4, alone=alone)
        assert read.get_by_id("left", "nyc-flights").status is status
    assert ("still RUNNING and are now CANCELLED: 1" in text) is alone
