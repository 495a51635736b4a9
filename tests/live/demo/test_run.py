from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysReadApi, DailyDelaysWriteApi
from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.demo.payload import full_items
from dynamodb_wrapper.demo.pipeline import STAGES
from dynamodb_wrapper.demo.run import MonthlyRuns
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineRunLog, RunStatus
from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts

GOOD, BAD = 4, 2


class Watch:
    """A progress that remembers the steps, and sends this process a signal when one begins."""

    def __init__(self, signal_at: str = "") -> None:
        self.steps: list[str] = []
        self._signal_at = signal_at

    def working_on(self, what: str) -> None:
        self.steps.append(what)
        if what == self._signal_at:
            signal.raise_signal(signal.SIGINT)

    def finished(self, line: str) -> None:
        pytest.fail("that is told by whoever runs several months")


@pytest.fixture
def client(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Iterator[DynamoDB]:
    tables(PipelineRunLog, DailyDelay)
    with DynamoDB(config) as client:
        yield client


@pytest.fixture
def monthly(client: DynamoDB, files: FlightFiles) -> Iterator[MonthlyRuns]:
    with Interrupts().listening() as interrupts:
        runs, days = PipelineRunLogsWriteApi(client=client), DailyDelaysWriteApi(client=client)
        yield MonthlyRuns(files, runs, days, interrupts)


def only_run(client: DynamoDB) -> PipelineRunLog:
    (found,) = full_items(client, PipelineRunLog, "PipelineRunsIndex", pipeline_id="nyc-flights")
    return found


def test_a_good_month_goes_through_all_stages_and_is_loaded(client: DynamoDB, monthly: MonthlyRuns) -> None:
    watch = Watch()
    run = monthly.run(GOOD, watch)
    found = only_run(client)
    assert watch.steps == [f"2013-04: {stage}" for stage in STAGES]
    assert (found.run_id, found.status, found.tags["month"]) == (run.run_id, RunStatus.SUCCESS, "2013-04")
    assert [(stage.stage_name, stage.status, stage.records_processed) for stage in found.stages] == [
        (stage, RunStatus.SUCCESS, 30) for stage in STAGES
    ]
    assert (found.total_records_processed, found.total_records_failed) == (30, 0)
    assert found.data_quality_passed
    assert len(found.data_quality_results) == 4
    days = full_items(client, DailyDelay, origin="JFK")
    assert [day.date for day in days] == [f"2013-04-{day:02}" for day in range(1, 31)]
    assert {day.run_id for day in days} == {run.run_id}
    assert days[0].mean_wind_mph is not None
    assert days[1].mean_wind_mph is None


def test_a_month_that_breaks_a_rule_is_not_loaded(client: DynamoDB, monthly: MonthlyRuns) -> None:
    run = monthly.run(BAD, Watch())
    found = only_run(client)
    reason = "7.14 % of the 28 flights of 2013-02 (2 flights) have no departure time; at most 4 % are allowed"
    assert run.status is found.status is RunStatus.FAILED
    assert run.reason == found.error_message == found.stages[3].error_message == reason
    assert [stage.status for stage in found.stages[3:]] == [RunStatus.FAILED, RunStatus.SKIPPED]
    assert [result.check_name for result in found.data_quality_results if not result.passed] == [
        "flights_without_departure_time"
    ]
    assert not found.data_quality_passed
    assert (found.total_records_processed, found.total_records_failed) == (28, 2)
    assert DailyDelaysReadApi(client=client).count({"origin": "JFK"}) == 0


def test_a_month_that_runs_again_is_another_run_and_the_same_days(
    client: DynamoDB, monthly: MonthlyRuns
) -> None:
    first, second = monthly.run(GOOD, Watch()), monthly.run(GOOD, Watch())
    runs = full_items(client, PipelineRunLog, "PipelineRunsIndex", pipeline_id="nyc-flights")
    days = full_items(client, DailyDelay, origin="JFK")
    assert {run.run_id for run in runs} == {first.run_id, second.run_id}
    assert (len(days), {day.run_id for day in days}) == (30, {second.run_id})


@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_in_any_stage_cancels_the_run(client: DynamoDB, monthly: MonthlyRuns, stage: str) -> None:
    with pytest.raises(Interrupted):
        monthly.run(GOOD, Watch(signal_at=f"2013-04: {stage}"))
    found = only_run(client)
    assert (found.status, found.error_message) == (RunStatus.CANCELLED, "interrupted by SIGINT")
    assert len(found.stages) == STAGES.index(stage)
