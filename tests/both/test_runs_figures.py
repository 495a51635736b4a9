"""What a run fills in by itself, on both faces: figures that are known, and the configuration it ran with."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from tests.support.faults import Exchange, FaultServer
from tests.support.run_blocks import Blocks, stored

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, RunStatus
from dynamodb_wrapper.runs import RunWatcher, recorder


@pytest.fixture(params=["sync", "async"])
def blocks(request: pytest.FixtureRequest) -> Blocks:
    return Blocks(request.param)


@pytest.fixture(autouse=True)
def _tables(tables: Callable[..., list[str]]) -> None:
    tables(PipelineRunLog, PipelineConfig)


def store(config: DynamoDBConfig, **fields: Any) -> None:
    with DynamoDB(config) as db:
        db.put(
            PipelineConfig(
                pipeline_id="p", pipeline_name="P", source_type="s3", destination_type="s3", **fields
            )
        )


def stages_of(config: DynamoDBConfig) -> list[str]:
    """The stages that are stored of the run "r", which may not be there yet."""
    with DynamoDB(config) as db:
        found = db.get(PipelineRunLog, {"run_id": "r", "pipeline_id": "p"}, consistent=True)
    return [] if found is None else [stage.stage_name for stage in found.stages]


async def test_the_records_of_a_run_are_the_rows_it_wrote(blocks: Blocks, config: DynamoDBConfig) -> None:
    async with blocks.run("p", config=config) as run:
        run.input("raw", rows=100)
        run.output("clean", rows=60)
        run.output("clean", rows=10)
        run.output("sums", rows=5)
    assert stored(config, run).total_records_processed == 75


async def test_the_records_of_a_run_that_writes_nothing_are_the_rows_it_read(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    async with blocks.run("p", config=config) as run:
        run.input("raw", rows=100)
    assert stored(config, run).total_records_processed == 100


async def test_records_of_which_some_are_not_known_are_left_open(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    async with blocks.run("p", config=config) as run:
        run.input("raw", rows=100)
        run.output("clean", rows=60)
        run.output("sums")
    async with blocks.run("p", config=config) as empty:
        pass
    assert stored(config, run).total_records_processed is None
    assert stored(config, empty).total_records_processed is None


async def test_a_figure_of_the_pipeline_s_own_wins(blocks: Blocks, config: DynamoDBConfig) -> None:
    async with blocks.run("p", config=config) as run:
        run.output("clean", rows=60)
        run.note(total_records_processed=61)
    async with blocks.run("p", config=config, total_records_processed=62) as other:
        other.output("clean", rows=60)
    assert stored(config, run).total_records_processed == 61
    assert stored(config, other).total_records_processed == 62


async def test_a_run_that_fails_has_its_figures_too(blocks: Blocks, config: DynamoDBConfig) -> None:
    async def work() -> None:
        async with blocks.run("p", config=config, run_id="r") as run:
            run.output("clean", rows=60)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    log = stored(config)
    assert (log.status, log.total_records_processed) == (RunStatus.FAILED, 60)


async def test_a_run_of_a_pipeline_without_configuration_says_so_once_and_goes_on(
    blocks: Blocks, config: DynamoDBConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "dynamodb_wrapper.runs"):
        async with blocks.run("p", config=config) as run, blocks.stage(run, "a"):
            pass
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "no configuration of pipeline 'p' is stored" in said[0]
    assert stored(config, run).status is RunStatus.SUCCESS
    store(config)
    caplog.clear()
    async with blocks.run("p", config=config) as run:
        pass
    assert caplog.records == []


async def test_more_of_the_configuration_is_kept_beside_that_of_the_pipeline_without_secrets(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    class Session(RunWatcher):
        def run_started(self, run: Any) -> None:
            run.snapshot("session", {"cores": 2, "fs.s3a.secret.key": "hidden"})

    store(config, version="2.0.0")
    async with blocks.run("p", config=config, watchers=[Session()]) as run:
        run.snapshot("tables", {"a": {"url": "https://me:hidden@host/x"}})
        run.snapshot("tables", {"b": {"n": 1}})
    kept = stored(config, run).config_snapshot
    assert (kept["pipeline_name"], kept["version"]) == ("P", "2.0.0")
    assert kept["session"] == {"cores": 2, "fs.s3a.secret.key": "(redacted)"}
    assert kept["tables"] == {"a": {"url": "https://***@host/x"}, "b": {"n": 1}}


async def test_a_configuration_of_one_s_own_stays_as_it_was_given(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    store(config)
    async with blocks.run("p", config=config, config_snapshot={"mine": 1}) as run:
        run.snapshot("tables", {"a": {}})
    assert stored(config, run).config_snapshot == {"mine": 1}


async def test_a_part_of_the_configuration_that_is_too_large_is_left_out_and_nothing_else(
    blocks: Blocks, config: DynamoDBConfig, caplog: pytest.LogCaptureFixture
) -> None:
    store(config)
    async with blocks.run("p", config=config) as run:
        run.snapshot("tables", {"small": {"n": 1}})
        run.snapshot("tables", {"large": {f"n{number}": "x" * 900 for number in range(200)}})
        run.metric("kept", 1)
    log = stored(config, run)
    assert (log.config_snapshot["tables"], log.metrics) == ({"small": {"n": 1}}, {"kept": 1})
    assert "too large to be kept, without this: tables, large" in caplog.text


async def test_a_log_that_does_not_answer_is_waited_for_once_and_again_when_it_does(
    blocks: Blocks, config: DynamoDBConfig, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()

    def when_opened(exchange: Exchange) -> None:
        opened.wait(60)
        exchange.send(exchange.apply())

    stages, wait = 20, 0.5
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", wait)
    store(config)
    with FaultServer([when_opened] * 3, upstream=engine.endpoint_url) as server:
        silent = config.replace(endpoint_url=server.url)
        began = monotonic()
        async with blocks.run("p", config=silent, run_id="r") as run:
            for number in range(stages):
                async with blocks.stage(run, f"s{number}"):
                    pass
            waited = monotonic() - began
            monkeypatch.setattr(recorder, "FLUSH_SECONDS", 60)
            opened.set()
            for number in range(500):
                async with blocks.stage(run, f"late{number}"):
                    if f"late{number}" in stages_of(config):
                        break
                await asyncio.sleep(0.02)
            else:
                pytest.fail("the log answers, but is not waited for")
    assert waited < stages * wait, "and not twice for each stage"
    assert stored(config).status is RunStatus.SUCCESS
    assert {f"s{number}" for number in range(stages)} < set(stages_of(config))
