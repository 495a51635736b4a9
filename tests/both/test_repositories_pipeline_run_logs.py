"""Runs by the V1 names, through both faces and on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper import (
    ConflictError,
    ItemNotFoundError,
    PipelineRunLog,
    PipelineRunLogsRepository,
    RunStatus,
    StageInfo,
    ValidationError,
)
from dynamodb_wrapper.timezones import utcnow

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def stored(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(PipelineRunLog)[0])


@pytest.fixture
def runs(face: Any, stored: Any) -> Any:
    return face(PipelineRunLogsRepository)


def ids(found: list[PipelineRunLog]) -> list[str]:
    return [run.run_id for run in found]


async def test_a_run_is_created_from_its_fields_and_read_in_full(runs: Any) -> None:
    created = await runs.create_run_log("r1", "p1", "manual", "ada", config_snapshot={"a": 1})
    assert created.status is RunStatus.RUNNING
    assert await runs.get_by_run_id("r1", "p1") == created
    assert await runs.get_by_run_id("r1") == created
    assert (created.created_by, created.config_snapshot) == ("ada", {"a": 1})
    with pytest.raises(ConflictError):
        await runs.create_run_log("r1", "p1", "manual")


async def test_a_create_obeys_the_rules(runs: Any) -> None:
    with pytest.raises(ValidationError) as broken:
        await runs.create_run_log("r1", "p1", "magic", status="failed")
    assert list(broken.value.errors) == ["trigger_type"]
    ended = await runs.create_run_log(
        "r1", "p1", "manual", status="success", start_time=NOON, end_time=NOON + timedelta(minutes=1)
    )
    assert ended.duration_seconds == Decimal(60)


async def test_a_run_by_half_its_key_is_found_unless_two_have_it(runs: Any) -> None:
    assert await runs.get_by_run_id("r1") is None
    assert await runs.get_by_run_id("r1", "p1") is None
    for pipeline in ("p1", "p2"):
        await runs.create_run_log("r1", pipeline, "manual")
    with pytest.raises(ValidationError, match="in more than one pipeline"):
        await runs.get_by_run_id("r1")
    assert (await runs.get_by_run_id("r1", "p2")).pipeline_id == "p2"


async def test_naive_times_are_of_the_current_zone(runs: Any) -> None:
    clock = datetime(2026, 7, 1, 21)
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await runs.create_run_log("r1", "p1", "manual", start_time=clock)
    created = await runs.create_run_log("r1", "p1", "manual", start_time=clock, current_timezone="Asia/Tokyo")
    assert created.start_time == NOON
    stage = {"stage_name": "load", "status": "success", "start_time": clock, "end_time": clock}
    with pytest.raises(ValidationError) as naive:
        await runs.add_stage_info("r1", "p1", stage)
    assert naive.value.errors.keys() == {"start_time", "end_time"}
    after = await runs.add_stage_info("r1", "p1", stage, current_timezone="Asia/Tokyo")
    assert after.stages[0].start_time == after.stages[0].end_time == NOON
    late = clock + timedelta(hours=1)
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await runs.update_run_status("r1", "p1", "success", end_time=late)
    over = await runs.update_run_status("r1", "p1", "success", end_time=late, current_timezone="Asia/Tokyo")
    assert (over.end_time, over.duration_seconds) == (NOON + timedelta(hours=1), Decimal(3600))


async def test_a_status_changes_until_the_run_is_over(runs: Any) -> None:
    await runs.create_run_log("r1", "p1", "manual", status="pending")
    assert (await runs.update_run_status("r1", None, "running")).status is RunStatus.RUNNING
    over = await runs.update_run_status("r1", "p1", RunStatus.FAILED, "no space")
    assert (over.status, over.error_message) == (RunStatus.FAILED, "no space")
    assert over.end_time is not None
    with pytest.raises(ConflictError, match="failed for good"):
        await runs.update_run_status("r1", "p1", "running")
    with pytest.raises(ItemNotFoundError):
        await runs.update_run_status("none", "p1", "running")
    with pytest.raises(ValidationError, match="status is required"):
        await runs.update_run_status("r1", "p1")


async def test_stages_added_at_once_are_all_there(runs: Any) -> None:
    await runs.create_run_log("r1", "p1", "manual")
    stages = [StageInfo(stage_name=f"s{n}", status=RunStatus.RUNNING) for n in range(8)]
    await asyncio.gather(*(runs.add_stage_info("r1", "p1", stage) for stage in stages))
    after = await runs.add_stage_info("r1", stage=StageInfo(stage_name="s3", status=RunStatus.SUCCESS))
    assert sorted(stage.stage_name for stage in after.stages) == [f"s{n}" for n in range(8)]
    assert {stage.status for stage in after.stages if stage.stage_name == "s3"} == {RunStatus.SUCCESS}
    with pytest.raises(ItemNotFoundError):
        await runs.add_stage_info("none", "p1", stages[0])
    with pytest.raises(ValidationError, match="stage is required"):
        await runs.add_stage_info("r1", "p1")
    with pytest.raises(ValidationError) as broken:
        await runs.add_stage_info("r1", "p1", {"stage_name": "x", "status": "odd"})
    assert list(broken.value.errors) == ["status"]


@pytest.fixture
async def several(runs: Any) -> Any:
    """Of p1, newest first: r5 running, r4 failed, r3 success, r2 failed two days ago; of p2: q1 failed."""
    now = utcnow()
    for run_id, pipeline, status, ago in (
        ("r2", "p1", "failed", timedelta(days=2)),
        ("r3", "p1", "success", timedelta(hours=3)),
        ("r4", "p1", "failed", timedelta(hours=2)),
        ("r5", "p1", "running", timedelta(hours=1)),
        ("q1", "p2", "failed", timedelta(minutes=90)),
    ):
        why = {"error_message": "no space"} if status == "failed" else {}
        await runs.create_run_log(run_id, pipeline, "schedule", status=status, start_time=now - ago, **why)
    return runs


async def test_runs_are_listed_newest_first(several: Any) -> None:
    assert ids(await several.get_runs_by_pipeline("p1")) == ["r5", "r4", "r3", "r2"]
    assert ids(await several.get_runs_by_pipeline("p1", limit=2)) == ["r5", "r4"]
    assert ids(await several.get_runs_by_status(RunStatus.FAILED)) == ["q1", "r4", "r2"]
    assert ids(await several.get_runs_by_status("failed", 1)) == ["q1"]
    assert ids(await several.get_running_pipelines()) == ["r5"]
    assert sorted(ids(await several.list_all())) == ["q1", "r2", "r3", "r4", "r5"]
    assert ids(await several.query_by_pk("p1", index="PipelineRunsIndex")) == ["r2", "r3", "r4", "r5"]


async def test_failed_and_recent_runs_are_those_of_the_last_hours(several: Any) -> None:
    assert ids(await several.get_failed_runs()) == ["q1", "r4"]
    assert ids(await several.get_failed_runs("p1")) == ["r4"]
    assert ids(await several.get_failed_runs("p1", hours=72)) == ["r4", "r2"]
    assert ids(await several.get_failed_runs(hours=None)) == ["q1", "r4", "r2"]
    assert ids(await several.get_recent_runs("p1")) == ["r5", "r4", "r3"]
    assert ids(await several.get_recent_runs("p1", hours=1.5, limit=1)) == ["r5"]
    assert ids(await several.get_recent_runs()) == ["r5", "q1", "r4", "r3"]
    assert ids(await several.get_recent_runs(hours=72, limit=4)) == ["r5", "q1", "r4", "r3"]
    with pytest.raises(ValidationError, match="hours is"):
        await several.get_recent_runs("p1", hours=-1)


async def test_lists_are_complete(runs: Any, stored: Any) -> None:
    item = (await runs.create_run_log("r00", "p1", "manual")).to_dynamodb_item()
    with stored.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item=item | {"run_id": f"r{number:02}", "error_stack_trace": "x" * 90_000})
    wanted = [f"r{number:02}" for number in range(30)]
    for found in (
        await runs.get_runs_by_pipeline("p1"),
        await runs.get_runs_by_status("running"),
        await runs.get_running_pipelines(),
        await runs.get_recent_runs("p1"),
        await runs.get_recent_runs(),
    ):
        assert sorted(ids(found)) == wanted


async def test_times_are_shown_in_the_zone_of_the_call_stages_too(runs: Any) -> None:
    start = utcnow().replace(minute=0, second=0, microsecond=0)
    stage = StageInfo(stage_name="load", status=RunStatus.SUCCESS, start_time=start)
    why = {"error_message": "no space"}
    await runs.create_run_log("r1", "p1", "manual", status="failed", start_time=start, stages=[stage], **why)
    await runs.create_run_log("r2", "p1", "manual", start_time=start, stages=[stage])
    zone = "Asia/Kathmandu"
    for found in (
        [await runs.get_by_run_id("r1", "p1", zone)],
        [await runs.get_by_run_id("r1", user_timezone=zone)],
        await runs.get_runs_by_pipeline("p1", user_timezone=zone),
        await runs.get_runs_by_status("failed", user_timezone=zone),
        await runs.get_running_pipelines(zone),
        await runs.get_failed_runs(user_timezone=zone),
        await runs.get_recent_runs("p1", user_timezone=zone),
        await runs.get_recent_runs(user_timezone=zone),
    ):
        assert found
        for run in found:
            for shown in (run.start_time, run.stages[0].start_time):
                assert shown == start
                assert shown.utcoffset() == timedelta(hours=5, minutes=45)
