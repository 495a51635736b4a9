"""Whoever ends a run ends its open stages with it, in the same write, on both faces and real engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from tests.support.run_blocks import Blocks
from tests.support.run_blocks import stored as stored_run

from dynamodb_wrapper import (
    ConflictError,
    DynamoDBConfig,
    PipelineConfig,
    PipelineRunLog,
    PipelineRunLogsRepository,
    PipelineRunLogStatusUpdate,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    RunStatus,
    StageInfo,
    TableConfig,
)
from dynamodb_wrapper.exceptions import RunLostError
from dynamodb_wrapper.timezones import utcnow

KEY = {"run_id": "r", "pipeline_id": "p"}
OWNER = "owner-1"
BEGAN = utcnow().replace(microsecond=0) - timedelta(minutes=10)
MINUTE = timedelta(minutes=1)

End: TypeAlias = Callable[[Any], Any]

ENDS: dict[str, tuple[End, str]] = {
    "finish": (lambda api: api.finish_pipeline_run("r", "p", "success"), "success"),
    "cancel": (lambda api: api.update_run_status("r", None, "cancelled"), "cancelled"),
    "update": (
        lambda api: api.update_run_status_with_dto(
            "r", "p", PipelineRunLogStatusUpdate(status=RunStatus.FAILED, error_message="no")
        ),
        "failed",
    ),
    "cancel of the pipeline": (lambda api: api.cancel_running_runs_for_pipeline("p", "ops"), "cancelled"),
    "reap": (lambda api: api.reap_lost_runs(), "failed"),
    "its owner": (lambda api: api.write_owned_run("r", "p", OWNER, {"status": RunStatus.SUCCESS}), "success"),
}


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """boto3's view of the empty table of runs."""
    return boto3_table(tables(PipelineRunLog, PipelineConfig, TableConfig)[0])


@pytest.fixture
def api(config: DynamoDBConfig, table: Any) -> Any:
    with PipelineRunLogsWriteApi(config) as api:
        yield api


def begin(api: PipelineRunLogsWriteApi, *stages: StageInfo, **fields: Any) -> None:
    """A run of a silent owner, with these stages."""
    dto = PipelineRunLogUpsert(
        run_id="r",
        pipeline_id="p",
        status=RunStatus.RUNNING,
        trigger_type="manual",
        start_time=BEGAN,
        **fields,
    )
    api.start_owned_run(dto, OWNER, -100.0)
    for stage in stages:
        api.add_stage_info("r", "p", stage)


def stage(name: str, status: str = "running", **fields: Any) -> StageInfo:
    return StageInfo(stage_name=name, status=RunStatus(status), **fields)


def extracted() -> StageInfo:
    return stage("extract", "success", start_time=BEGAN, end_time=BEGAN + MINUTE, duration_seconds=60)


@pytest.mark.parametrize("way", ENDS)
async def test_whoever_ends_a_run_ends_its_open_stages_with_it(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig, way: str
) -> None:
    begin(api, extracted(), stage("load", start_time=BEGAN + MINUTE, records_processed=7), stage("odd"))
    end, status = ENDS[way]
    await end(face(PipelineRunLogsWriteApi))
    log = stored_run(config)
    assert (log.status, log.current_stage) == (status, None)
    extract, load, odd = log.stages
    assert extract == extracted(), "a stage that is over stays as it is"
    assert (load.status, load.end_time, load.records_processed) == (status, log.end_time or load.end_time, 7)
    assert load.end_time is not None
    assert load.duration_seconds is not None
    assert float(load.duration_seconds) == (load.end_time - (BEGAN + MINUTE)).total_seconds()
    assert (odd.status, odd.end_time, odd.duration_seconds) == (status, load.end_time, None)


async def test_the_repository_ends_them_too(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load", start_time=BEGAN))
    await face(PipelineRunLogsRepository).update_run_status("r", "p", "failed", "disk full")
    assert [each.status for each in stored_run(config).stages] == ["failed"]


async def test_a_stage_that_had_not_begun_is_skipped(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load", "pending"))
    await face(PipelineRunLogsWriteApi).finish_pipeline_run("r", "p", "success")
    assert stored_run(config).stages == [stage("load", "skipped")]


async def test_a_stage_does_not_end_before_it_began(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load", start_time=BEGAN + 5 * MINUTE))
    await face(PipelineRunLogsWriteApi).update_run_status("r", "p", "success", end_time=BEGAN + MINUTE)
    [load] = stored_run(config).stages
    assert (load.end_time, load.duration_seconds) == (BEGAN + 5 * MINUTE, Decimal(0))


async def test_a_run_that_goes_on_keeps_its_stages_open(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load"))
    write = face(PipelineRunLogsWriteApi)
    await write.update_run_status("r", "p", "running")
    await write.write_owned_run("r", "p", OWNER, {"retry_count": 1})
    log = stored_run(config)
    assert (log.current_stage, log.stages) == ("load", [stage("load")])


async def test_a_late_stage_of_a_run_that_is_over_is_not_the_current_one(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load", start_time=BEGAN))
    write = face(PipelineRunLogsWriteApi)
    await write.finish_pipeline_run("r", "p", "cancelled")
    late = stage("load", "success", start_time=BEGAN, records_processed=5)
    for each in (late, stage("report", "success")):
        assert (await write.add_stage_info("r", "p", each)).current_stage is None
    assert stored_run(config).stages == [late, stage("report", "success")]


@pytest.mark.parametrize("count", [64, 65, 200])
async def test_however_many_stages_a_run_has_all_of_them_end(
    face: Any, api: PipelineRunLogsWriteApi, table: Any, config: DynamoDBConfig, count: int
) -> None:
    begin(api)
    names = [f"s{number}" for number in range(count)]
    listed = [{"stage_name": name, "status": "running"} for name in names]
    table.update_item(Key=KEY, UpdateExpression="SET stages = :s", ExpressionAttributeValues={":s": listed})
    await face(PipelineRunLogsWriteApi).finish_pipeline_run("r", "p", "success")
    log = stored_run(config)
    assert [each.stage_name for each in log.stages] == names
    assert {each.status for each in log.stages} == {"success"}


async def test_a_run_of_many_stages_that_are_over_ends(
    face: Any, api: PipelineRunLogsWriteApi, table: Any, config: DynamoDBConfig
) -> None:
    begin(api)
    listed = [{"stage_name": f"s{number}", "status": "success"} for number in range(70)]
    table.update_item(Key=KEY, UpdateExpression="SET stages = :s", ExpressionAttributeValues={":s": listed})
    await face(PipelineRunLogsWriteApi).finish_pipeline_run("r", "p", "success")
    assert table.get_item(Key=KEY)["Item"]["stages"] == listed


async def test_what_older_versions_and_other_software_put_into_stages_stays(
    face: Any, api: PipelineRunLogsWriteApi, table: Any
) -> None:
    begin(api)
    foreign = {"stage_name": "load", "status": "running", "start_time": "2024-01-31T12:00:00Z", "host": "n7"}
    table.update_item(
        Key=KEY,
        UpdateExpression="SET stages = :s",
        ExpressionAttributeValues={
            ":s": [foreign, {"stage_name": "x", "status": "running", "start_time": "?"}]
        },
    )
    assert await face(PipelineRunLogsWriteApi).cancel_running_runs_for_pipeline("p") == 1
    item = table.get_item(Key=KEY)["Item"]
    load, other = item["stages"]
    assert {**load, **foreign, "status": "cancelled"} == load
    assert load["end_time"] == item["end_time"]
    began = datetime(2024, 1, 31, 12, tzinfo=UTC)
    assert (
        float(load["duration_seconds"]) == (datetime.fromisoformat(load["end_time"]) - began).total_seconds()
    )
    assert other == {
        "stage_name": "x",
        "status": "cancelled",
        "start_time": "?",
        "end_time": item["end_time"],
    }
    assert item["status"] == "cancelled"


@pytest.mark.parametrize("stages", [None, [], "none"])
async def test_a_run_without_a_list_of_stages_ends(
    face: Any, api: PipelineRunLogsWriteApi, table: Any, stages: Any
) -> None:
    begin(api)
    if stages == "none":
        table.update_item(Key=KEY, UpdateExpression="REMOVE stages")
    else:
        table.update_item(
            Key=KEY, UpdateExpression="SET stages = :s", ExpressionAttributeValues={":s": stages}
        )
    assert await face(PipelineRunLogsWriteApi).cancel_running_runs_for_pipeline("p") == 1
    item = table.get_item(Key=KEY)["Item"]
    assert (item["status"], item.get("stages", "none")) == ("cancelled", stages)


async def test_a_run_that_has_no_room_left_for_it_ends_without_its_stages(
    face: Any, api: PipelineRunLogsWriteApi, table: Any
) -> None:
    begin(api)
    listed = [{"stage_name": f"s{number}", "status": "running"} for number in range(100)]
    table.update_item(Key=KEY, UpdateExpression="SET stages = :s", ExpressionAttributeValues={":s": listed})
    item = table.get_item(Key=KEY)["Item"]
    table.put_item(Item=item | {"filling": "x" * 402_500})
    assert len(await face(PipelineRunLogsWriteApi).reap_lost_runs()) == 1
    after = table.get_item(Key=KEY)["Item"]
    assert (after["status"], after["stages"]) == ("failed", listed)


async def test_of_many_who_end_a_run_one_ends_its_stages(
    face: Any, api: PipelineRunLogsWriteApi, config: DynamoDBConfig
) -> None:
    begin(api, stage("load", start_time=BEGAN))
    statuses = ["success", "cancelled", "skipped", "failed"] * 2

    async def finish(status: str) -> Any:
        try:
            return await face(PipelineRunLogsWriteApi).finish_pipeline_run("r", "p", status, f"by {status}")
        except ConflictError as error:
            return error

    if face.name == "async":
        await asyncio.gather(*map(finish, statuses))
    else:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda status: asyncio.run(finish(status)), statuses))
    log = stored_run(config)
    assert [(each.status, each.end_time) for each in log.stages] == [(log.status, log.end_time)]


async def test_a_run_that_ends_while_stages_are_added_leaves_none_open_that_it_saw(
    config: DynamoDBConfig, api: PipelineRunLogsWriteApi
) -> None:
    begin(api)
    writers = 8

    def add(number: int) -> None:
        for at in range(6):
            api.add_owned_stage("r", "p", OWNER, stage(f"s{number}-{at}", start_time=BEGAN))

    with ThreadPoolExecutor(writers + 1) as threads:
        adding = [threads.submit(add, number) for number in range(writers)]
        ended = threads.submit(api.finish_pipeline_run, "r", "p", "cancelled").result()
        lost = [job.exception() for job in adding]
    assert {type(error) for error in lost} <= {RunLostError, type(None)}
    log = stored_run(config)
    assert log == ended
    assert {each.status for each in log.stages} <= {RunStatus.CANCELLED}


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_stages_of_a_run_that_was_cancelled_elsewhere_are_over(
    kind: str, config: DynamoDBConfig, api: PipelineRunLogsWriteApi
) -> None:
    blocks = Blocks(kind)

    async def work() -> None:
        async with blocks.run("p", config=config, run_id="r") as run, blocks.stage(run, "long"):
            assert api.cancel_running_runs_for_pipeline("p", "ops") == 1

    with pytest.raises(RunLostError):
        await work()
    log = stored_run(config)
    assert [(each.status, each.end_time) for each in log.stages] == [(RunStatus.CANCELLED, log.end_time)]
    assert log.current_stage is None


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_run_that_ends_by_itself_has_no_current_stage(
    kind: str, config: DynamoDBConfig, table: Any
) -> None:
    blocks = Blocks(kind)
    async with blocks.run("p", config=config, run_id="r") as run, blocks.stage(run, "load"):
        assert stored_run(config).current_stage == "load"
    log = stored_run(config)
    assert (log.current_stage, [each.status for each in log.stages]) == (None, [RunStatus.SUCCESS])
