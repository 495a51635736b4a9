"""Many writers on one run at once: no stage is lost, and a run ends once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dynamodb_wrapper import (
    AsyncPipelineRunLogsWriteApi,
    ConflictError,
    DynamoDBConfig,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    RunStatus,
    StageInfo,
)
from dynamodb_wrapper.client import DynamoDB

THREADS = 20
TASKS = 200
KEY = {"run_id": "r1", "pipeline_id": "p1"}


def stage(name: str, status: RunStatus = RunStatus.RUNNING, **more: Any) -> StageInfo:
    return StageInfo(stage_name=name, status=status, **more)


def names_of(config: DynamoDBConfig) -> Counter[str]:
    with DynamoDB(config) as db:
        run = db.get(PipelineRunLog, KEY, consistent=True)
    assert run is not None
    return Counter(each.stage_name for each in run.stages)


def begin(config: DynamoDBConfig) -> None:
    with PipelineRunLogsWriteApi(config) as api:
        api.start_pipeline_run("r1", "p1", "manual")


def test_twenty_threads_that_add_stages_lose_none(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    begin(config)
    with PipelineRunLogsWriteApi(config) as api, ThreadPoolExecutor(THREADS) as pool:

        def work(thread: int) -> None:
            for number in range(5):
                api.add_stage_info("r1", "p1", stage(f"s{thread}-{number}"))

        for done in [pool.submit(work, thread) for thread in range(THREADS)]:
            done.result()
    assert names_of(config) == Counter(
        f"s{thread}-{number}" for thread in range(THREADS) for number in range(5)
    )


async def test_two_hundred_tasks_that_add_stages_lose_none(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    begin(config)
    async with AsyncPipelineRunLogsWriteApi(config) as api:
        await asyncio.gather(
            *(api.add_stage_info("r1", "p1", stage(f"s{number}")) for number in range(TASKS))
        )
    assert names_of(config) == Counter(f"s{number}" for number in range(TASKS))


async def test_tasks_that_report_the_same_stages_leave_one_of_each(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    begin(config)
    async with AsyncPipelineRunLogsWriteApi(config) as api:
        await asyncio.gather(
            *(
                api.add_stage_info("r1", "p1", stage(f"s{number % 70}", records_processed=number))
                for number in range(140)
            )
        )
    assert names_of(config) == Counter({f"s{number}": 1 for number in range(70)})


async def test_stages_added_while_the_run_ends_and_is_measured_are_kept(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    begin(config)
    async with AsyncPipelineRunLogsWriteApi(config) as api:
        *_, ended, measured = await asyncio.gather(
            *(api.add_stage_info("r1", "p1", stage(f"s{number}")) for number in range(20)),
            api.finish_pipeline_run("r1", "p1", "success"),
            api.update_run_metrics("r1", "p1", {"total_records_processed": 7, "total_records_failed": 0}),
        )
    assert ended.status is RunStatus.SUCCESS
    assert measured.total_records_processed == 7
    assert len(names_of(config)) == 20


def test_of_many_finishers_exactly_one_decides(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    begin(config)
    ends = [RunStatus.SUCCESS, RunStatus.CANCELLED, RunStatus.SKIPPED, RunStatus.FAILED]
    with PipelineRunLogsWriteApi(config) as api, ThreadPoolExecutor(len(ends)) as pool:

        def finish(status: RunStatus) -> RunStatus | ConflictError:
            try:
                return api.finish_pipeline_run("r1", "p1", status, error_message=f"by {status}").status
            except ConflictError as error:
                return error

        outcomes = list(pool.map(finish, ends))
    winners = [outcome for outcome in outcomes if isinstance(outcome, RunStatus)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
    assert len(winners) == 1
    assert {loser.current_item.status for loser in losers} == set(winners)
    with PipelineRunLogsReadApi(config) as reads:
        run = reads.get_by_id("r1", "p1")
    assert (run.status, run.error_message) == (winners[0], f"by {winners[0]}")


async def test_starting_a_run_in_many_places_starts_it_once(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    async with AsyncPipelineRunLogsWriteApi(config) as api:
        outcomes = await asyncio.gather(
            *(api.start_pipeline_run("r1", "p1", "manual", created_by=f"host{n}") for n in range(10)),
            return_exceptions=True,
        )
    [started] = [outcome for outcome in outcomes if isinstance(outcome, PipelineRunLog)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
    assert len(refused) == 9
    assert {error.current_item.created_by for error in refused} == {started.created_by}
