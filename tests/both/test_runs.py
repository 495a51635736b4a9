"""Runs that log themselves, on both faces: what is stored, how they end, and whose they are."""

from __future__ import annotations

import asyncio
import logging
import math
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from tests.support.faults import FaultServer, server_error
from tests.support.run_blocks import Blocks, stored

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ConflictError, RunLostError, ValidationError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, PipelineRunLogUpsert, RunStatus
from dynamodb_wrapper.runs import RunWatcher, async_pipeline_run, pipeline_run
from dynamodb_wrapper.timezones import utcnow

OWNER = "owner-1"


@pytest.fixture(params=["sync", "async"])
def blocks(request: pytest.FixtureRequest) -> Blocks:
    return Blocks(request.param)


@pytest.fixture(autouse=True)
def _tables(tables: Callable[..., list[str]]) -> None:
    tables(PipelineRunLog, PipelineConfig)


@pytest.fixture
def db(config: DynamoDBConfig) -> Any:
    with DynamoDB(config) as client:
        yield client


@pytest.fixture
def api(config: DynamoDBConfig) -> Any:
    with PipelineRunLogsWriteApi(config) as api:
        yield api


def running(run_id: str = "r", **fields: Any) -> PipelineRunLogUpsert:
    return PipelineRunLogUpsert(
        run_id=run_id, pipeline_id="p", status=RunStatus.RUNNING, trigger_type="manual", **fields
    )


async def test_a_run_that_ends_well_is_a_success_with_all_it_recorded(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    async with blocks.run("p", "schedule", "ada", config=config, tags={"team": "x"}) as run:
        assert stored(db, run).status is RunStatus.RUNNING
        async with blocks.stage(run, "extract") as stage:
            assert stored(db, run).stages[0].status is RunStatus.RUNNING
            stage.records = 10
            stage.metrics["spilled_bytes"] = 7
        async with blocks.stage(run, "load"):
            run.input("raw", rows=10)
            run.input("raw", rows=5)
            run.input("lookup")
            run.output("clean", rows=9)
        assert run.check("not null", True, expected=0, actual=0)
        assert not run.check("unique", False, expected=9, actual=8, message="one twice")
        run.metric("late", 3)
        run.note(total_records_processed=15, monitoring_urls={"ui": "http://spark"})
    log = stored(db, run)
    assert (log.status, run.status) == (RunStatus.SUCCESS, RunStatus.SUCCESS)
    assert (log.trigger_type, log.created_by, log.tags) == ("schedule", "ada", {"team": "x"})
    assert [(stage.stage_name, stage.status, stage.records_processed) for stage in log.stages] == [
        ("extract", RunStatus.SUCCESS, 10),
        ("load", RunStatus.SUCCESS, None),
    ]
    assert log.input_tables == ["raw", "lookup"]
    assert log.output_tables == ["clean"]
    assert log.metrics == {
        "late": 3,
        "input_rows": 15,
        "output_rows": 9,
        "stages": {"extract": {"spilled_bytes": 7}},
    }
    assert [(result.check_name, result.passed) for result in log.data_quality_results] == [
        ("not null", True),
        ("unique", False),
    ]
    assert not log.data_quality_passed
    assert log.total_records_processed == 15
    assert log.monitoring_urls == {"ui": "http://spark"}
    assert log.end_time is not None
    assert float(log.duration_seconds or 0) == (log.end_time - log.start_time).total_seconds()
    assert UUID(log.run_id).version == 7


async def test_a_run_is_its_id_as_a_text(blocks: Blocks, config: DynamoDBConfig) -> None:
    async with blocks.run("p", config=config, run_id="my-run") as run:
        assert run == "my-run"
        assert f"{run}" == "my-run"
        assert {run: 1}["my-run"] == 1
        copied = pickle.loads(pickle.dumps(run))
        assert type(copied) is str


async def test_a_run_keeps_the_configuration_of_its_pipeline_without_secrets(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    db.put(
        PipelineConfig(
            pipeline_id="p",
            pipeline_name="Flights",
            source_type="s3",
            source_config={"bucket": "b", "options": [{"api_key": "hidden"}]},
            destination_type="database",
            destination_config={"password": "hidden", "url": "jdbc:x"},
            version="2.1.0",
            environment="staging",
        )
    )
    async with blocks.run("p", config=config) as run:
        pass
    log = stored(db, run)
    assert log.config_snapshot["source_config"] == {"bucket": "b", "options": [{"api_key": "(redacted)"}]}
    assert log.config_snapshot["destination_config"] == {"password": "(redacted)", "url": "jdbc:x"}
    assert (log.pipeline_version, log.environment) == ("2.1.0", "staging")


async def test_a_run_that_raises_has_failed_with_message_and_trace_and_its_stage_too(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with blocks.run("p", config=config, run_id="r") as run, blocks.stage(run, "divide"):
            1 / 0  # noqa: B018
    log = stored(db, "r")
    assert log.status is RunStatus.FAILED
    assert log.error_message == "ZeroDivisionError: division by zero"
    assert log.error_stack_trace is not None
    assert "1 / 0" in log.error_stack_trace
    assert (log.stages[0].status, log.stages[0].error_message) == (RunStatus.FAILED, log.error_message)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError()])
async def test_a_run_that_is_interrupted_is_cancelled(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        async with blocks.run("p", config=config, run_id="r"):
            raise error
    assert stored(db, "r").status is RunStatus.CANCELLED


async def test_leaving_the_program_with_status_0_is_a_success_and_with_another_a_failure(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    for code, status in ((0, RunStatus.SUCCESS), (3, RunStatus.FAILED)):
        with pytest.raises(SystemExit):
            async with blocks.run("p", config=config, run_id=f"r{code}"):
                raise SystemExit(code)
        assert stored(db, f"r{code}").status is status


async def test_a_run_gives_a_sign_of_life_while_it_lives(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    async with blocks.run("p", config=config, heartbeat_seconds=0.1, lease_seconds=30) as run:
        first = later = stored(db, run)
        for _ in range(600):
            if (later := stored(db, run)).heartbeat_at != first.heartbeat_at:
                break
            await asyncio.sleep(0.05)
        assert later.heartbeat_at > first.heartbeat_at  # type: ignore[operator]
        assert later.lease_until - later.heartbeat_at == timedelta(seconds=30)  # type: ignore[operator]


async def test_a_run_that_is_cancelled_elsewhere_ends_soon_and_writes_nothing_more(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB, api: PipelineRunLogsWriteApi
) -> None:
    told: list[str] = []

    class Stop(RunWatcher):
        def run_lost(self, run: Any) -> None:
            told.append(run.run_id)

    options: Any = {"heartbeat_seconds": 0.1, "lease_seconds": 30, "watchers": [Stop()]}

    async def work() -> None:
        async with blocks.run("p", config=config, run_id="r", **options) as run:
            assert api.cancel_running_runs_for_pipeline("p", "ops") == 1
            for _ in range(3000):
                run.check_lost()
                await asyncio.sleep(0.01)

    with pytest.raises(RunLostError, match=r"'r' is cancelled already \(cancelled by ops\)"):
        await work()
    assert "r" in told
    log = stored(db, "r")
    assert (log.status, log.error_message) == (RunStatus.CANCELLED, "cancelled by ops")


async def test_a_run_that_was_taken_over_is_not_written_by_its_former_owner(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    async def work() -> None:
        async with blocks.run("p", config=config, run_id="r", heartbeat_seconds=20, lease_seconds=30) as run:
            db.update(PipelineRunLog, {"run_id": "r", "pipeline_id": "p"}, {"lease_owner": "thief"})
            async with blocks.stage(run, "late"):
                pytest.fail("the stage must not begin")

    with pytest.raises(RunLostError, match="has another owner now"):
        await work()
    log = stored(db, "r")
    assert (log.status, log.lease_owner, log.stages) == (RunStatus.RUNNING, "thief", [])


async def test_a_pipeline_goes_on_while_its_log_cannot_be_written_and_nothing_of_it_is_missing_later(
    blocks: Blocks,
    config: DynamoDBConfig,
    db: DynamoDB,
    caplog: pytest.LogCaptureFixture,
    engine: Any,
) -> None:
    script = [server_error()] * 12
    with FaultServer(script, upstream=engine.endpoint_url) as server:
        broken = config.replace(endpoint_url=server.url, retries=1)
        with caplog.at_level(logging.WARNING, "dynamodb_wrapper.runs"):
            async with blocks.run(
                "p", config=broken, run_id="r", heartbeat_seconds=0.2, lease_seconds=9
            ) as run:
                async with blocks.stage(run, "extract") as stage:
                    stage.records = 3
                run.metric("kept", 1)
    log = stored(db, "r")
    assert log.status is RunStatus.SUCCESS
    assert [(stage.stage_name, stage.records_processed) for stage in log.stages] == [("extract", 3)]
    assert log.metrics == {"kept": 1}
    said = [record.getMessage() for record in caplog.records]
    assert len([text for text in said if "the run goes on" in text]) == 1
    assert len([text for text in said if "can be written again" in text]) == 1


async def test_the_end_of_a_run_does_not_wait_for_tables_that_nobody_made(
    blocks: Blocks, config: DynamoDBConfig, caplog: pytest.LogCaptureFixture, engine: Any
) -> None:
    with FaultServer([], upstream=engine.endpoint_url) as server:
        lacking = config.replace(endpoint_url=server.url, table_prefix="nobodys_", retries=1)
        with caplog.at_level(logging.WARNING, "dynamodb_wrapper.runs"):
            async with blocks.run("p", config=lacking, run_id="r") as run:
                run.metric("kept", 1)
        tried = [request for request in server.requests if b"nobodys_pipeline_run_logs" in request.body]
    assert 1 <= len(tried) <= 4, "and not once a second for a minute"
    said = [record.getMessage() for record in caplog.records]
    assert (
        len([text for text in said if "the run goes on" in text and "nobodys_pipeline_run_logs" in text]) == 1
    )
    assert len([text for text in said if "its end could not be written" in text]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"heartbeat_seconds": 0}, "heartbeat_seconds"),
        ({"heartbeat_seconds": 60, "lease_seconds": 60}, "less than lease_seconds"),
        ({"trigger_type": "magic"}, "trigger_type"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_runs(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        async with blocks.run("p", config=config, run_id="r", **options):
            pytest.fail("the block must not run")
    assert db.get(PipelineRunLog, {"run_id": "r", "pipeline_id": "p"}) is None


async def test_a_stage_that_is_not_begun_is_logged_as_skipped(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    async with blocks.run("p", config=config) as run:
        run.skip_stage("load")
    (stage,) = stored(db, run).stages
    assert (stage.stage_name, stage.status, stage.start_time) == ("load", RunStatus.SKIPPED, None)


async def test_only_fields_that_a_run_does_not_keep_itself_may_be_set(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    async with blocks.run("p", config=config) as run:
        with pytest.raises(ValidationError, match="status"):
            run.note(status="success")


async def test_figures_that_cannot_be_stored_do_not_keep_the_run_from_being_logged(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    async with blocks.run("p", config=config) as run:
        run.metric("average", math.nan)
        run.metric("days", {1: 5})
        run.check("average", False, expected=0, actual=math.inf, message="\ud800")
        run.note(tags={"found": "\ud800"})
        async with blocks.stage(run, "extract") as stage:
            stage.records = cast("int", "many")
            stage.metrics["largest"] = -math.inf
        async with blocks.stage(run, "load") as stage:
            stage.records = cast("int", 5.0)
    log = stored(db, run)
    assert log.status is RunStatus.SUCCESS
    assert log.metrics == {"average": "nan", "days": {"1": 5}, "stages": {"extract": {"largest": "-inf"}}}
    assert (log.data_quality_results[0].actual_value, log.tags) == ("inf", {"found": "?"})
    assert [stage.records_processed for stage in log.stages] == [None, 5]


async def test_an_error_whose_text_cannot_be_sent_is_logged(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB
) -> None:
    with pytest.raises(ValueError, match="broken"):
        async with blocks.run("p", config=config, run_id="r") as run, blocks.stage(run, "read"):
            raise ValueError("broken \ud800")
    log = stored(db, "r")
    assert (log.status, log.error_message) == (RunStatus.FAILED, "ValueError: broken ?")
    assert log.stages[0].error_message == log.error_message


async def test_what_is_too_large_is_left_out_and_how_the_run_ended_is_not(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB, caplog: pytest.LogCaptureFixture
) -> None:
    large = "x" * 500_000
    async with blocks.run("p", config=config, config_snapshot={"a": large}) as run:
        assert stored(db, run).config_snapshot == {}
        run.metric("large", large)
        run.check("small", False)
        async with blocks.stage(run, "extract"):
            pass
    log = stored(db, run)
    assert (log.status, log.metrics, log.data_quality_passed) == (RunStatus.SUCCESS, {}, False)
    assert log.end_time is not None
    assert [stage.status for stage in log.stages] == [RunStatus.SUCCESS]
    said = [record.getMessage() for record in caplog.records if "cannot be stored" in record.getMessage()]
    assert "its configuration" in said[0]
    assert "metrics" in said[1]


def is_kept(run_id: str) -> bool:
    return any(thread.name == f"run-{run_id}" for thread in threading.enumerate())


def test_a_run_that_is_interrupted_while_it_begins_is_cancelled(config: DynamoDBConfig, db: DynamoDB) -> None:
    class Interrupting(RunWatcher):
        def run_started(self, run: Any) -> None:
            raise KeyboardInterrupt

    run = pipeline_run("p", config=config, run_id="r", watchers=[Interrupting()])
    with pytest.raises(KeyboardInterrupt), run:
        pytest.fail("the block must not run")
    assert stored(db, "r").status is RunStatus.CANCELLED
    assert not is_kept("r")


async def test_a_task_that_is_cancelled_while_its_run_begins_cancels_the_run(
    config: DynamoDBConfig, db: DynamoDB
) -> None:
    reached, let = threading.Event(), threading.Event()

    class Waiting(RunWatcher):
        def run_started(self, run: Any) -> None:
            reached.set()
            assert let.wait(60)

    async def work() -> None:
        async with async_pipeline_run("p", config=config, run_id="r", watchers=[Waiting()]):
            pytest.fail("the block must not run")

    task = asyncio.ensure_future(work())
    await asyncio.to_thread(reached.wait, 60)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.05)
    let.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stored(db, "r").status is RunStatus.CANCELLED
    assert not is_kept("r")


async def test_a_run_whose_id_is_taken_does_not_begin(
    blocks: Blocks, config: DynamoDBConfig, db: DynamoDB, api: PipelineRunLogsWriteApi
) -> None:
    taken = api.start_owned_run(running(), OWNER, 60.0)
    with pytest.raises(RunLostError, match="has another owner now"):
        async with blocks.run("p", config=config, run_id="r"):
            pytest.fail("the block must not run")
    assert stored(db, "r") == taken
    assert not is_kept("r")


@pytest.mark.parametrize("rows", ["5", 5.5])
async def test_rows_are_a_whole_number(blocks: Blocks, config: DynamoDBConfig, rows: Any) -> None:
    async with blocks.run("p", config=config) as run:
        with pytest.raises(ValidationError, match="rows"):
            run.input("raw", rows=rows)


class TestLeases:
    def begin(self, api: PipelineRunLogsWriteApi, run_id: str = "r", lease: float = -100.0) -> PipelineRunLog:
        began = utcnow() - timedelta(minutes=1)
        return api.start_owned_run(running(run_id, start_time=began), OWNER, lease)

    async def test_lost_runs_are_reaped_once_whoever_does_it(
        self, face: Any, config: DynamoDBConfig, db: DynamoDB, api: PipelineRunLogsWriteApi
    ) -> None:
        for number in range(5):
            self.begin(api, f"lost-{number}")
        self.begin(api, "alive", lease=100)
        api.start_pipeline_run("without-lease", "p", "manual")
        if face.name == "async":
            apis = [face(PipelineRunLogsWriteApi) for _ in range(4)]
            reaped = await asyncio.gather(*(reaper.reap_lost_runs() for reaper in apis))
        else:
            with ThreadPoolExecutor(4) as threads:
                reaped = [job.result() for job in [threads.submit(api.reap_lost_runs) for _ in range(4)]]
        assert sorted(run.run_id for runs in reaped for run in runs) == [f"lost-{n}" for n in range(5)]
        log = stored(db, "lost-1")
        assert log.status is RunStatus.FAILED
        assert log.error_message is not None
        assert log.error_message.startswith("lost: no sign of life since")
        assert log.end_time == log.heartbeat_at
        assert stored(db, "alive").status is RunStatus.RUNNING
        assert stored(db, "without-lease").status is RunStatus.RUNNING

    async def test_reaping_may_be_for_one_pipeline(self, face: Any, api: PipelineRunLogsWriteApi) -> None:
        self.begin(api)
        assert await face(PipelineRunLogsWriteApi).reap_lost_runs("another") == []
        assert len(await face(PipelineRunLogsWriteApi).reap_lost_runs("p")) == 1

    async def test_a_lease_that_is_over_for_less_than_the_grace_holds_still(
        self, face: Any, api: PipelineRunLogsWriteApi
    ) -> None:
        self.begin(api, lease=-1)
        assert await face(PipelineRunLogsWriteApi).reap_lost_runs(grace_seconds=60) == []
        assert len(await face(PipelineRunLogsWriteApi).reap_lost_runs(grace_seconds=0)) == 1

    async def test_the_owner_of_a_reaped_run_cannot_write_to_it(
        self, face: Any, api: PipelineRunLogsWriteApi
    ) -> None:
        self.begin(api)
        await face(PipelineRunLogsWriteApi).reap_lost_runs()
        with pytest.raises(RunLostError, match="is failed already"):
            await face(PipelineRunLogsWriteApi).write_owned_run("r", "p", OWNER, {"metrics": {"a": 1}})

    async def test_only_a_run_whose_owner_is_silent_is_taken_over(
        self, face: Any, db: DynamoDB, api: PipelineRunLogsWriteApi
    ) -> None:
        self.begin(api, lease=100)
        write = face(PipelineRunLogsWriteApi)
        with pytest.raises(ConflictError):
            await write.take_over_run("r", owner="heir", lease_seconds=60)
        self.begin(api, "silent")
        run = await write.take_over_run("silent", owner="heir", lease_seconds=60)
        assert run.lease_owner == "heir"
        assert run.lease_until > utcnow()
        with pytest.raises(RunLostError, match="another owner"):
            await write.write_owned_run("silent", "p", OWNER, {})
        await write.write_owned_run("silent", "p", "heir", {"status": RunStatus.SUCCESS})

    async def test_beginning_a_run_twice_is_beginning_it_once_and_a_strangers_is_refused(
        self, face: Any, api: PipelineRunLogsWriteApi
    ) -> None:
        self.begin(api)
        write = face(PipelineRunLogsWriteApi)
        again = await write.start_owned_run(running(), OWNER, 60.0)
        assert again.lease_owner == OWNER
        with pytest.raises(RunLostError):
            await write.start_owned_run(running(), "stranger", 60.0)
