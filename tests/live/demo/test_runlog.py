from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo.runlog import LoggedRun, QualityError
from dynamodb_wrapper.engine.events import AttemptEnded, Event
from dynamodb_wrapper.exceptions import TableNotFoundError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineRunLog, RunStatus
from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts


class Tripwire:
    """An observer that sends this process a signal at the end of a certain call."""

    def __init__(self) -> None:
        self.at = self.calls = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptEnded):
            self.calls += 1
            if self.calls == self.at:
                signal.raise_signal(signal.SIGINT)


@pytest.fixture
def wire() -> Tripwire:
    return Tripwire()


@pytest.fixture
def client(config: DynamoDBConfig, tables: Callable[..., list[str]], wire: Tripwire) -> Iterator[DynamoDB]:
    tables(PipelineRunLog)
    with DynamoDB(config, observers=[wire]) as client:
        yield client


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts().listening() as interrupts:
        yield interrupts


@pytest.fixture
def run(client: DynamoDB, interrupts: Interrupts) -> LoggedRun:
    return LoggedRun(PipelineRunLogsWriteApi(client=client), "p", interrupts, "2013-04")


def stored(client: DynamoDB, run: LoggedRun) -> PipelineRunLog:
    found = client.get(PipelineRunLog, {"run_id": run.run_id, "pipeline_id": "p"}, consistent=True)
    assert found is not None
    return found


def test_a_run_is_logged_with_its_stages_and_figures(client: DynamoDB, run: LoggedRun) -> None:
    with run.entered(tags={"month": "2013-04"}):
        with run.stage("extract") as tally:
            tally.records = 7
            assert stored(client, run).stages[0].status is RunStatus.RUNNING
        run.measured({"total_records_processed": 7})
    found = stored(client, run)
    assert (found.status, found.tags, found.total_records_processed) == (
        RunStatus.SUCCESS,
        {"month": "2013-04"},
        7,
    )
    (stage,) = found.stages
    assert (stage.stage_name, stage.status, stage.records_processed) == ("extract", RunStatus.SUCCESS, 7)
    assert stage.start_time is not None
    assert stage.end_time is not None
    assert stage.duration_seconds is not None
    assert stage.start_time <= stage.end_time
    assert (run.status, run.reason) == (RunStatus.SUCCESS, None)


def test_a_broken_rule_fails_the_run_with_its_reason_and_goes_no_further(
    client: DynamoDB, run: LoggedRun
) -> None:
    def check() -> None:
        raise QualityError("too many")

    with run.entered():
        try:
            with run.stage("quality checks"):
                check()
        except QualityError:
            run.skip("load")
            raise
    found = stored(client, run)
    assert (found.status, found.error_message) == (RunStatus.FAILED, "too many")
    assert [(stage.stage_name, stage.status, stage.error_message) for stage in found.stages] == [
        ("quality checks", RunStatus.FAILED, "too many"),
        ("load", RunStatus.SKIPPED, None),
    ]
    assert (run.status, run.reason) == (RunStatus.FAILED, "too many")


def test_an_error_fails_the_run_and_is_raised(client: DynamoDB, run: LoggedRun) -> None:
    with pytest.raises(ZeroDivisionError), run.entered(), run.stage("join"):
        _ = 1 / 0
    found = stored(client, run)
    assert found.status is RunStatus.FAILED
    assert found.error_message == found.stages[0].error_message == "ZeroDivisionError: division by zero"


def test_a_signal_cancels_the_run_and_its_stage(client: DynamoDB, run: LoggedRun) -> None:
    with pytest.raises(Interrupted), run.entered(), run.stage("join"):
        signal.raise_signal(signal.SIGTERM)
    found = stored(client, run)
    assert found.status is found.stages[0].status is RunStatus.CANCELLED
    assert found.error_message == "interrupted by SIGTERM"


FIRST_CALL_OF_THE_END = 8  # before it: the start, and for each stage one call to begin and two to end it


def whole_run(run: LoggedRun) -> None:
    with run.entered():
        for name in ("extract", "load"):
            with run.stage(name):
                pass


@pytest.mark.parametrize("at", range(1, 12))
def test_a_signal_in_the_middle_of_any_call_leaves_no_run_running(
    client: DynamoDB, run: LoggedRun, wire: Tripwire, at: int
) -> None:
    wire.at = at
    with suppress(Interrupted):  # not all of these calls are made
        whole_run(run)
    wire.at = 0
    found = stored(client, run)
    assert found.status is run.status
    assert found.status is (RunStatus.CANCELLED if at < FIRST_CALL_OF_THE_END else RunStatus.SUCCESS)
    assert not any(stage.status is RunStatus.RUNNING for stage in found.stages)


def test_an_end_that_cannot_be_logged_does_not_hide_why_the_run_ended(
    client: DynamoDB, run: LoggedRun
) -> None:
    def lose_the_table() -> float:
        client.delete_table(PipelineRunLog)
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught, run.entered():
        lose_the_table()
    assert "could not be logged" in caught.value.__notes__[0]


def test_a_run_that_cannot_be_started_raises_what_is_wrong(client: DynamoDB, run: LoggedRun) -> None:
    client.delete_table(PipelineRunLog)
    with pytest.raises(TableNotFoundError), run.entered():
        pytest.fail("it did not start")
