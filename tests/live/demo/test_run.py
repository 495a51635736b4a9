from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from tests.live.demo.conftest import BAD, GOOD, flight
from tests.support.faults import Exchange, Fault, FaultServer, forward

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysReadApi, DailyDelaysWriteApi
from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.demo.payload import full_items
from dynamodb_wrapper.demo.pipeline import STAGES
from dynamodb_wrapper.demo.run import MonthlyRuns
from dynamodb_wrapper.demo.work import FileWork
from dynamodb_wrapper.exceptions import BulkWriteError
from dynamodb_wrapper.local import RunningEngine
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, RunStatus
from dynamodb_wrapper.runs import Run, pipeline_run
from dynamodb_wrapper.runs.interrupt import Interrupted

Monthly = MonthlyRuns[Run]


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
    tables(PipelineRunLog, PipelineConfig, DailyDelay)
    with DynamoDB(config) as client:
        yield client


@pytest.fixture
def monthly(client: DynamoDB, config: DynamoDBConfig, files: FlightFiles) -> Monthly:
    return monthly_runs(client, config, files)


def monthly_runs(client: DynamoDB, config: DynamoDBConfig, files: FlightFiles) -> Monthly:
    work = partial(FileWork, files, DailyDelaysWriteApi(client=client))
    return MonthlyRuns(partial(pipeline_run, config=config), work)


def all_runs(client: DynamoDB) -> list[PipelineRunLog]:
    return full_items(client, PipelineRunLog, "PipelineRunsIndex", pipeline_id="nyc-flights")


def only_run(client: DynamoDB) -> PipelineRunLog:
    (found,) = all_runs(client)
    return found


def test_a_good_month_goes_through_all_stages_and_is_loaded(client: DynamoDB, monthly: Monthly) -> None:
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
    assert found.input_tables == ["flights", "airlines", "airports", "planes", "weather"]
    assert found.output_tables == ["daily_delays"]
    assert found.input_data_size_bytes == sum(len(flight(GOOD, day, day)) + 1 for day in range(1, 31))
    assert found.cpu_hours is not None
    days = full_items(client, DailyDelay, origin="JFK")
    assert [day.date for day in days] == [f"2013-04-{day:02}" for day in range(1, 31)]
    assert {day.run_id for day in days} == {run.run_id}
    assert days[0].mean_wind_mph is not None
    assert days[1].mean_wind_mph is None


def test_a_month_that_breaks_a_rule_is_not_loaded(client: DynamoDB, monthly: Monthly) -> None:
    run = monthly.run(BAD, Watch())
    found = only_run(client)
    reason = "7.14 % of the 28 flights of 2013-02 (2 flights) have no departure time; at most 4 % are allowed"
    assert run.status is found.status is RunStatus.FAILED
    assert run.reason == reason
    assert found.error_message == found.stages[3].error_message == f"QualityError: {reason}"
    assert [stage.status for stage in found.stages[3:]] == [RunStatus.FAILED, RunStatus.SKIPPED]
    assert [result.check_name for result in found.data_quality_results if not result.passed] == [
        "flights_without_departure_time"
    ]
    assert not found.data_quality_passed
    assert (found.total_records_processed, found.total_records_failed) == (28, 2)
    assert DailyDelaysReadApi(client=client).count({"origin": "JFK"}) == 0


def test_a_month_that_cannot_be_loaded_has_failed_and_says_why(client: DynamoDB, monthly: Monthly) -> None:
    client.delete_table(DailyDelay)
    with pytest.raises(BulkWriteError):
        monthly.run(GOOD, Watch())
    found = only_run(client)
    assert [stage.status for stage in found.stages[3:]] == [RunStatus.SUCCESS, RunStatus.FAILED]
    assert found.status is RunStatus.FAILED
    assert str(found.error_message).startswith("BulkWriteError: ")


def test_a_month_that_runs_again_is_another_run_and_the_same_days(client: DynamoDB, monthly: Monthly) -> None:
    first, second = monthly.run(GOOD, Watch()), monthly.run(GOOD, Watch())
    days = full_items(client, DailyDelay, origin="JFK")
    assert {run.run_id for run in all_runs(client)} == {first.run_id, second.run_id}
    assert (len(days), {day.run_id for day in days}) == (30, {second.run_id})


@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_in_any_stage_cancels_the_run(client: DynamoDB, monthly: Monthly, stage: str) -> None:
    with pytest.raises(Interrupted):
        monthly.run(GOOD, Watch(signal_at=f"2013-04: {stage}"))
    found = only_run(client)
    assert (found.status, found.error_message) == (RunStatus.CANCELLED, "interrupted by SIGINT")
    assert len(found.stages) == STAGES.index(stage)


def interrupting(number: signal.Signals) -> Fault:
    """Sends the main thread a signal, as a terminal does, while it waits for the reply."""

    def fault(exchange: Exchange) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, number)
        exchange.send(exchange.apply())

    return fault


@pytest.mark.parametrize(
    ("number", "ends_with"), [(signal.SIGINT, Interrupted), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_in_the_middle_of_the_load_cancels_the_run_and_its_stage(
    client: DynamoDB,
    config: DynamoDBConfig,
    engine: RunningEngine,
    files: FlightFiles,
    number: signal.Signals,
    ends_with: type[BaseException],
) -> None:
    with FaultServer([interrupting(number)], upstream=engine.endpoint_url) as server:
        slow = config.replace(endpoint_url=server.url)
        with DynamoDB(slow) as loads, pytest.raises(ends_with) as caught:
            monthly_runs(loads, config, files).run(GOOD, Watch())
    found = only_run(client)
    assert found.status is found.stages[4].status is RunStatus.CANCELLED
    assert found.error_message == f"interrupted by {number.name}"
    interrupted = caught.value if ends_with is Interrupted else caught.value.__cause__
    assert interrupted is not None
    assert interrupted.__notes__ == [f"run {found.run_id} is now CANCELLED"]


def test_a_signal_in_the_middle_of_any_request_leaves_no_run_running(
    client: DynamoDB, config: DynamoDBConfig, engine: RunningEngine, files: FlightFiles
) -> None:
    with FaultServer(upstream=engine.endpoint_url) as server, DynamoDB(config) as loads:
        monthly_runs(loads, config.replace(endpoint_url=server.url), files).run(GOOD, Watch())
        requests = len(server.requests)
    assert requests > 2 * len(STAGES)
    told: list[str] = []
    for at in range(requests):
        script = [*[forward()] * at, interrupting(signal.SIGINT)]
        with (
            FaultServer(script, upstream=engine.endpoint_url) as server,
            pytest.raises(Interrupted) as caught,
        ):
            monthly_runs(client, config.replace(endpoint_url=server.url), files).run(GOOD, Watch())
        told += getattr(caught.value, "__notes__", [])
    _, *interrupted, ended = sorted(all_runs(client), key=lambda run: run.run_id)
    assert {run.status for run in interrupted} == {RunStatus.CANCELLED}
    assert ended.status is RunStatus.SUCCESS
    assert not any(stage.status is RunStatus.RUNNING for run in interrupted for stage in run.stages)
    assert told == [f"run {run.run_id} is now CANCELLED" for run in interrupted if run.stages]
