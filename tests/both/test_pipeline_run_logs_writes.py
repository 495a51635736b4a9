"""What can be written of runs, on both faces and real engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import (
    BulkWriteError,
    ConflictError,
    DataQualityResult,
    DynamoDBConfig,
    ItemNotFoundError,
    LogLevel,
    PipelineRunLog,
    PipelineRunLogStatusUpdate,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    RunStatus,
    StageInfo,
    ValidationError,
)
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ConnectionError
from dynamodb_wrapper.expressions import Missing, Path
from dynamodb_wrapper.wire.blocking import BlockingTransport

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = {"run_id": "r1", "pipeline_id": "p1"}
OVER = ["success", "failed", "cancelled", "skipped"]


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """boto3's view of the empty table."""
    [name] = tables(PipelineRunLog)
    return boto3_table(name)


@pytest.fixture
def stored(config: DynamoDBConfig, table: Any) -> Callable[..., PipelineRunLog]:
    """`stored("r1")` is that run as it is in the table."""

    def get(run_id: str = "r1", pipeline_id: str = "p1") -> PipelineRunLog:
        with DynamoDB(config) as db:
            run = db.get(PipelineRunLog, {"run_id": run_id, "pipeline_id": pipeline_id}, consistent=True)
        assert run is not None
        return run

    return get


def dto(run_id: str = "r1", status: str = "running", **more: Any) -> PipelineRunLogUpsert:
    values = {"pipeline_id": "p1", "trigger_type": "manual"} | more
    return PipelineRunLogUpsert(run_id=run_id, status=RunStatus(status), **values)


def over(run_id: str, status: str, start_time: datetime, **more: Any) -> PipelineRunLogUpsert:
    return dto(
        run_id, status, start_time=start_time, error_message="no" if status == "failed" else None, **more
    )


def stage(name: str, status: str = "running", **more: Any) -> StageInfo:
    return StageInfo(stage_name=name, status=RunStatus(status), **more)


# Creating and replacing


async def test_a_run_is_created_from_a_dto(face: Any, table: Any, stored: Any) -> None:
    created = await face(PipelineRunLogsWriteApi).create_run_log(
        dto(start_time=NOON, tags={"team": "data"}, log_level="debug", created_by="me")
    )
    assert (created.status, created.start_time, created.log_level) == ("running", NOON, LogLevel.DEBUG)
    assert (created.tags, created.created_by, created.stages) == ({"team": "data"}, "me", [])
    assert created.created_at == created.updated_at
    assert stored() == created
    assert table.get_item(Key=KEY)["Item"]["start_time"] == "2024-01-15T12:00:00.000000+00:00"


async def test_creating_a_run_never_overwrites(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    first = await api.create_run_log(dto())
    with pytest.raises(ConflictError) as refused:
        await api.create_run_log(dto(status="success"))
    assert (refused.value.current_item, refused.value.resource_id) == (first, "r1/p1")
    assert stored() == first
    await api.create_run_log(dto(pipeline_id="p2"))


async def test_a_run_that_is_created_over_has_end_and_duration(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    before = datetime.now(UTC)
    first = await api.create_run_log(dto(status="success", start_time=before - 5 * SECOND))
    assert before <= first.end_time <= datetime.now(UTC)
    assert 5 <= first.duration_seconds < 65
    told = await api.create_run_log(dto("r2", "success", start_time=NOON, end_time=NOON + SECOND / 8))
    assert told.duration_seconds == Decimal("0.125")
    given = dto("r3", "success", start_time=NOON, end_time=NOON, duration_seconds=Decimal(7))
    assert (await api.create_run_log(given)).duration_seconds == 7
    only_end = await api.create_run_log(dto("r4", "success", end_time=NOON))
    assert (only_end.start_time, only_end.duration_seconds) == (NOON, None)


async def test_an_upsert_stores_a_run_and_keeps_what_it_does_not_say(
    face: Any, table: Any, stored: Any
) -> None:
    api = face(PipelineRunLogsWriteApi)
    first = await api.upsert_run_log(dto(start_time=NOON, created_by="me"))
    assert stored() == first
    await api.add_stage_info("r1", "p1", stage("extract"))
    table.update_item(Key=KEY, UpdateExpression="SET cost_centre = :c", ExpressionAttributeValues={":c": "x"})
    again = await api.upsert_run_log(
        dto(status="success", end_time=NOON + SECOND, created_by="you", total_records_processed=3)
    )
    assert (again.status, again.start_time, again.total_records_processed) == ("success", NOON, 3)
    assert (again.created_at, again.created_by) == (first.created_at, "me")
    assert again.updated_at > first.updated_at
    assert [each.stage_name for each in again.stages] == ["extract"]
    assert again.current_stage == "extract"
    assert table.get_item(Key=KEY)["Item"]["cost_centre"] == "x"
    assert stored() == again


async def test_an_upsert_of_a_whole_run_sets_its_duration(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.upsert_run_log(dto(status="success", start_time=NOON, end_time=NOON + SECOND))
    [again] = await api.upsert_many([dto(status="success", start_time=NOON, end_time=NOON + 2 * SECOND)])
    assert again.duration_seconds == 2


async def test_many_upserts_return_the_runs_in_their_order(face: Any, table: Any) -> None:
    runs = await face(PipelineRunLogsWriteApi).upsert_many([dto(f"r{number}") for number in range(30)])
    assert [run.run_id for run in runs] == [f"r{number}" for number in range(30)]
    assert table.scan()["Count"] == 30


# Starting and finishing


async def test_a_run_starts_now_and_runs(face: Any, table: Any, stored: Any) -> None:
    before = datetime.now(UTC)
    run = await face(PipelineRunLogsWriteApi).start_pipeline_run(
        "r1", "p1", "schedule", created_by="me", environment="prod", input_tables=["a"]
    )
    assert (run.status, run.trigger_type, run.created_by) == (RunStatus.RUNNING, "schedule", "me")
    assert (run.environment, run.input_tables, run.end_time) == ("prod", ["a"], None)
    assert before <= run.start_time <= datetime.now(UTC)
    assert stored() == run


async def test_starting_a_run_twice_is_a_conflict(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.start_pipeline_run("r1", "p1", "manual")
    with pytest.raises(ConflictError) as refused:
        await api.start_pipeline_run("r1", "p1", "retry")
    assert refused.value.current_item == run


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"status": "success"}, "status"),
        ({"end_time": NOON}, "end_time"),
        ({"stages": []}, "stages"),
        ({"environment": "moon"}, "environment"),
        ({"start_time": datetime(2024, 1, 1)}, "start_time"),
        ({"trigger_type": "cosmic"}, "trigger_type"),
        ({"run_id": "a b"}, "run_id"),
    ],
)
async def test_a_start_that_breaks_a_rule_is_refused(
    face: Any, table: Any, fields: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsWriteApi).start_pipeline_run(**{**KEY, "trigger_type": "manual", **fields})
    assert list(refused.value.errors) == [where]
    assert table.scan()["Count"] == 0


@pytest.mark.parametrize("status", OVER)
async def test_a_run_is_finished_now(face: Any, table: Any, stored: Any, status: str) -> None:
    api = face(PipelineRunLogsWriteApi)
    started = await api.start_pipeline_run("r1", "p1", "manual")
    run = await api.finish_pipeline_run("r1", "p1", RunStatus(status), "the reason")
    assert (run.status, run.error_message) == (status, "the reason")
    assert run.end_time >= started.start_time
    assert (
        run.duration_seconds == Decimal((run.end_time - run.start_time) // timedelta(microseconds=1)) / 10**6
    )
    assert run.updated_at > started.updated_at
    assert stored() == run


async def test_a_run_whose_clock_is_ahead_can_be_finished(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    await api.start_pipeline_run("r1", "p1", "manual", start_time=ahead)
    run = await api.finish_pipeline_run("r1", "p1", "success")
    assert (run.end_time, run.duration_seconds) == (ahead, 0)


@pytest.mark.parametrize(
    ("status", "message", "where"),
    [
        ("running", None, "status"),
        ("pending", None, "status"),
        ("done", None, "status"),
        (None, None, "status"),
        ("failed", None, "error_message"),
        ("failed", " ", "error_message"),
        ("failed", "x" * 2001, "error_message"),
    ],
)
async def test_an_end_that_breaks_a_rule_is_refused(
    face: Any, table: Any, stored: Any, status: Any, message: Any, where: str
) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.start_pipeline_run("r1", "p1", "manual")
    with pytest.raises(ValidationError) as refused:
        await api.finish_pipeline_run("r1", "p1", status, message)
    assert list(refused.value.errors) == [where]
    assert stored() == run


# Changing the status


async def test_the_duration_is_exact(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto(start_time=NOON))
    end = NOON + timedelta(days=400, microseconds=1)
    run = await api.update_run_status("r1", "p1", "success", end_time=end)
    assert (run.end_time, run.duration_seconds) == (end, Decimal("34560000.000001"))


async def test_an_end_in_another_zone_is_the_same_time(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto(start_time=NOON))
    end = datetime.fromisoformat("2024-01-15T14:00:01+02:00")
    run = await api.update_run_status("r1", "p1", "success", end_time=end)
    assert run.duration_seconds == 1
    assert table.get_item(Key=KEY)["Item"]["end_time"] == "2024-01-15T12:00:01.000000+00:00"


async def test_a_pending_run_becomes_running_and_stays_open(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto(status="pending"))
    run = await api.update_run_status("r1", "p1", RunStatus.RUNNING)
    assert (run.status, run.end_time, run.duration_seconds) == ("running", None, None)
    assert (await api.update_run_status("r1", "p1", "running")).status == "running"
    assert (await api.update_run_status("r1", "p1", "pending")).status == "pending"


@pytest.mark.parametrize("status", OVER)
@pytest.mark.parametrize("later", list(RunStatus))
async def test_a_run_that_is_over_stays_as_it_is(
    face: Any, table: Any, stored: Any, status: str, later: RunStatus
) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto())
    run = await api.update_run_status("r1", "p1", status, error_message="first")
    if later == status:
        assert await api.update_run_status("r1", "p1", later, "second", NOON + SECOND) == run
    else:
        with pytest.raises(ConflictError, match=f"is {status} for good, not {later}") as refused:
            await api.update_run_status("r1", "p1", later, error_message="second")
        assert (refused.value.current_item, refused.value.resource_id) == (run, "r1/p1")
    assert stored() == run


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"status": "success", "end_time": NOON - SECOND}, "end_time"),
        ({"status": "success", "end_time": datetime(2024, 1, 16)}, "end_time"),
        ({"status": "running", "end_time": NOON + SECOND}, "end_time"),
        ({"status": "failed"}, "error_message"),
        ({"status": "ok"}, "status"),
        ({}, "status"),
    ],
)
async def test_a_change_of_status_that_breaks_a_rule_is_refused(
    face: Any, table: Any, stored: Any, given: dict[str, Any], where: str
) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.create_run_log(dto(start_time=NOON))
    with pytest.raises(ValidationError) as refused:
        await api.update_run_status("r1", "p1", **given)
    assert list(refused.value.errors) == [where]
    assert stored() == run


async def test_a_change_of_status_by_dto_tells_who_did_it(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto(start_time=NOON))
    change = PipelineRunLogStatusUpdate(
        status=RunStatus.FAILED, error_message="disk full", end_time=NOON + SECOND, updated_by="alice"
    )
    run = await api.update_run_status_with_dto("r1", "p1", change)
    assert (run.status, run.error_message, run.duration_seconds) == ("failed", "disk full", 1)
    assert table.get_item(Key=KEY)["Item"]["updated_by"] == "alice"
    assert await api.update_run_status_with_dto("r1", dto=change) == run
    with pytest.raises(ValidationError, match="dto is required"):
        await api.update_run_status_with_dto("r1", "p1")


async def test_a_run_stored_by_other_software_can_be_measured_finished_and_cancelled(
    face: Any, table: Any
) -> None:
    for run_id in ("r1", "r2"):
        table.put_item(
            Item={
                **KEY,
                "run_id": run_id,
                "status": "running",
                "trigger_type": "manual",
                "start_time": "2024-01-15T13:00:00+01:00",
                "owner": "them",
            }
        )
    api = face(PipelineRunLogsWriteApi)
    measured = await api.update_run_metrics(
        "r1", "p1", {"total_records_processed": 2, "total_records_failed": 1}
    )
    assert measured.total_records_failed == 1
    run = await api.update_run_status("r1", "p1", "success", end_time=NOON + SECOND)
    assert run.duration_seconds == 1
    item = table.get_item(Key=KEY)["Item"]
    assert (item["owner"], item["status"]) == ("them", "success")
    assert await api.cancel_running_runs_for_pipeline("p1") == 1


async def test_a_run_stored_without_a_start_can_be_measured_and_finished(face: Any, table: Any) -> None:
    table.put_item(Item={**KEY, "status": "running", "trigger_type": "manual"})
    api = face(PipelineRunLogsWriteApi)
    assert (await api.update_run_metrics("r1", "p1", {"total_records_failed": 0})).total_records_failed == 0
    run = await api.finish_pipeline_run("r1", "p1", "success")
    assert run.status is RunStatus.SUCCESS
    assert "start_time" not in table.get_item(Key=KEY)["Item"]


@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_a_run_that_is_missing_is_not_made(face: Any, table: Any, pipeline_id: str | None) -> None:
    api = face(PipelineRunLogsWriteApi)
    change = PipelineRunLogStatusUpdate(status=RunStatus.SUCCESS)
    writes: list[Callable[[], Any]] = [
        lambda: api.update_run_status("r1", pipeline_id, "success"),
        lambda: api.update_run_status_with_dto("r1", pipeline_id, change),
        lambda: api.finish_pipeline_run("r1", pipeline_id, "success"),
        lambda: api.add_stage_info("r1", pipeline_id, stage("extract")),
        lambda: api.update_run_metrics("r1", pipeline_id, {"cpu_hours": 1}),
        lambda: api.update_run_metrics("r1", pipeline_id, {"total_records_failed": 1}),
    ]
    for write in writes:
        with pytest.raises(ItemNotFoundError) as missing:
            await write()
        assert missing.value.key["run_id"] == "r1"
    assert await api.delete_run_log("r1", pipeline_id) is False
    assert table.scan()["Count"] == 0


async def test_the_run_id_alone_is_enough_where_it_is_unique(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto())
    await api.create_run_log(dto("other"))
    await api.add_stage_info("r1", stage=stage("extract"))
    await api.update_run_metrics("r1", metrics={"cpu_hours": Decimal("0.5")})
    await api.update_run_status("r1", status="running")
    await api.finish_pipeline_run("r1", status="success")
    run = stored()
    assert (run.status, run.cpu_hours, run.current_stage) == ("success", Decimal("0.5"), None)
    assert [(each.stage_name, each.status) for each in run.stages] == [("extract", "success")]
    assert await api.delete_run_log("r1") is True
    assert [item["run_id"] for item in table.scan()["Items"]] == ["other"]


async def test_the_run_id_alone_is_refused_where_two_pipelines_have_it(
    face: Any, table: Any, stored: Any
) -> None:
    api = face(PipelineRunLogsWriteApi)
    first = await api.create_run_log(dto())
    await api.create_run_log(dto(pipeline_id="p2"))
    writes: list[Callable[[], Any]] = [
        lambda: api.update_run_status("r1", status="success"),
        lambda: api.add_stage_info("r1", stage=stage("extract")),
        lambda: api.update_run_metrics("r1", metrics={"cpu_hours": 1}),
        lambda: api.delete_run_log("r1"),
    ]
    for write in writes:
        with pytest.raises(ValidationError) as refused:
            await write()
        assert list(refused.value.errors) == ["pipeline_id"]
    assert stored() == first
    assert (await api.finish_pipeline_run("r1", "p2", "success")).pipeline_id == "p2"


# Stages


async def test_stages_are_added_in_order(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    begun = await api.start_pipeline_run("r1", "p1", "manual")
    extract = stage(
        "extract", "success", start_time=NOON, end_time=NOON + SECOND, duration_seconds=Decimal(1)
    )
    await api.add_stage_info("r1", "p1", extract)
    run = await api.add_stage_info("r1", "p1", stage("load", records_processed=5))
    assert run.stages == [extract, stage("load", records_processed=5)]
    assert run.current_stage == "load"
    assert run.updated_at > begun.updated_at
    assert stored() == run


async def test_a_stage_replaces_the_one_of_its_name_in_its_place(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.start_pipeline_run("r1", "p1", "manual")
    for name in ("extract", "load"):
        await api.add_stage_info("r1", "p1", stage(name, start_time=NOON, error_message="slow"))
    done = stage("extract", "success", start_time=NOON, records_processed=9)
    run = await api.add_stage_info("r1", "p1", done)
    assert run.stages == [done, stage("load", start_time=NOON, error_message="slow")]
    assert run.current_stage == "extract"
    assert stored() == run


async def test_a_replaced_stage_keeps_what_other_software_put_there(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.start_pipeline_run("r1", "p1", "manual")
    await api.add_stage_info("r1", "p1", stage("extract"))
    table.update_item(
        Key=KEY, UpdateExpression="SET stages[0].host = :h", ExpressionAttributeValues={":h": "n7"}
    )
    await api.add_stage_info("r1", "p1", stage("extract", "success"))
    [item] = table.get_item(Key=KEY)["Item"]["stages"]
    assert item == {"stage_name": "extract", "status": "success", "host": "n7"}


async def test_a_run_without_a_list_of_stages_gets_one(face: Any, table: Any) -> None:
    table.put_item(Item={**KEY, "status": "running", "trigger_type": "manual"})
    run = await face(PipelineRunLogsWriteApi).add_stage_info("r1", "p1", stage("extract"))
    assert [each.stage_name for each in run.stages] == ["extract"]


async def test_a_run_takes_many_stages(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.start_pipeline_run("r1", "p1", "manual")
    names = [f"stage {number}" for number in range(140)]
    for name in names:
        await api.add_stage_info("r1", "p1", stage(name))
    for name in (names[0], names[63], names[64], names[139]):
        await api.add_stage_info("r1", "p1", stage(name, "success"))
    run = stored()
    assert [each.stage_name for each in run.stages] == names
    assert [n for n, each in enumerate(run.stages) if each.status == "success"] == [0, 63, 64, 139]


async def test_a_run_that_is_over_takes_late_stages(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    ended = await api.create_run_log(dto(status="success"))
    run = await api.add_stage_info("r1", "p1", stage("load", "success"))
    assert (run.status, run.end_time, len(run.stages)) == ("success", ended.end_time, 1)


@pytest.mark.parametrize("given", [None, {"stage_name": "x", "status": "running"}, stage("")])
async def test_what_is_no_stage_is_refused(face: Any, table: Any, stored: Any, given: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.start_pipeline_run("r1", "p1", "manual")
    with pytest.raises(ValidationError) as refused:
        await api.add_stage_info("r1", "p1", given)
    assert list(refused.value.errors) == ["stage"]
    assert stored() == run


# Metrics


async def test_metrics_are_set_and_nothing_else(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    begun = await api.start_pipeline_run("r1", "p1", "manual", tags={"a": "b"})
    figures: dict[str, Any] = {
        "total_records_processed": 10,
        "total_records_failed": 2,
        "input_data_size_bytes": 2**40,
        "output_data_size_bytes": 0,
        "cpu_hours": Decimal("1.25"),
        "memory_usage_gb": Decimal("0.5"),
        "retry_count": 1,
        "spark_application_id": "app-1",
    }
    run = await api.update_run_metrics("r1", "p1", figures)
    assert run.model_dump(include=set(figures)) == figures
    assert run.updated_at > begun.updated_at
    assert run == begun.model_copy(update={**figures, "updated_at": run.updated_at})
    assert stored() == run


async def test_quality_follows_from_the_results(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.start_pipeline_run("r1", "p1", "manual")
    bad = DataQualityResult(check_name="nulls", passed=False, expected_value=Decimal("0.04"), actual_value=1)
    run = await api.update_run_metrics("r1", "p1", {"data_quality_results": [bad]})
    assert (run.data_quality_results, run.data_quality_passed) == ([bad], False)
    good = {"check_name": "nulls", "passed": True}
    run = await api.update_run_metrics("r1", "p1", {"data_quality_results": [good]})
    assert (run.data_quality_results[0].check_name, run.data_quality_passed) == ("nulls", True)
    both = {"data_quality_results": [bad], "data_quality_passed": True}
    assert (await api.update_run_metrics("r1", "p1", both)).data_quality_passed is True


@pytest.mark.parametrize(
    ("metrics", "where"),
    [
        ({"cpu_hour": 1}, "cpu_hour"),
        ({"status": "success"}, "status"),
        ({"run_id": "x"}, "run_id"),
        ({"cpu_hours": -1}, "cpu_hours"),
        ({"total_records_processed": "many"}, "total_records_processed"),
        ({"total_records_failed": 11}, "total_records_failed"),
        ({"data_quality_results": [{"passed": True}]}, "data_quality_results.0.check_name"),
        ({}, "metrics"),
        (None, "metrics"),
    ],
)
async def test_metrics_that_break_a_rule_are_refused(
    face: Any, table: Any, stored: Any, metrics: Any, where: str
) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.start_pipeline_run("r1", "p1", "manual", total_records_processed=10)
    with pytest.raises(ValidationError) as refused:
        await api.update_run_metrics("r1", "p1", metrics)
    assert list(refused.value.errors) == [where]
    assert stored() == run


async def test_the_general_update_leaves_status_and_stages_to_their_commands(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.start_pipeline_run("r1", "p1", "manual")
    for name, value in (("status", "success"), ("stages", [])):
        with pytest.raises(ValidationError) as refused:
            await api.update(KEY, {name: value})
        assert list(refused.value.errors) == [name]
    assert (await api.update(KEY, {"tags": {"a": "b"}})).tags == {"a": "b"}


# Removing and cancelling


@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_a_run_is_removed(face: Any, table: Any, pipeline_id: str | None) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.create_run_log(dto())
    assert await api.delete_run_log("r1", pipeline_id) is True
    assert await api.delete_run_log("r1", pipeline_id) is False


@pytest.mark.parametrize("condition", [Attr("status").eq("success"), Missing(Path(("run_id",)))])
async def test_a_run_is_removed_only_under_its_condition(
    face: Any, table: Any, stored: Any, condition: object
) -> None:
    api = face(PipelineRunLogsWriteApi)
    run = await api.create_run_log(dto())
    with pytest.raises(ConflictError) as refused:
        await api.delete_run_log("r1", "p1", condition)
    assert refused.value.current_item == run
    assert await api.delete_run_log("r1", condition_expression=Attr("status").eq("running")) is True


async def test_the_running_runs_of_a_pipeline_are_cancelled(face: Any, table: Any, stored: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    started = datetime.now(UTC) - 60 * SECOND
    await api.upsert_many([dto(f"r{number}", start_time=started) for number in range(12)])
    done = await api.create_run_log(dto("done", "success"))
    waiting = await api.create_run_log(dto("waiting", "pending"))
    elsewhere = await api.create_run_log(dto("r1", pipeline_id="p2"))
    assert await api.cancel_running_runs_for_pipeline("p1", cancelled_by="alice") == 12
    run = stored("r7")
    assert (run.status, run.error_message) == (RunStatus.CANCELLED, "cancelled by alice")
    assert run.duration_seconds == Decimal((run.end_time - started) // timedelta(microseconds=1)) / 10**6
    assert table.get_item(Key={"run_id": "r7", "pipeline_id": "p1"})["Item"]["updated_by"] == "alice"
    assert [stored("done"), stored("waiting"), stored("r1", "p2")] == [done, waiting, elsewhere]
    assert await api.cancel_running_runs_for_pipeline("p1") == 0


async def test_old_runs_that_are_over_are_removed(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    now = datetime.now(UTC)
    old, recent = now - timedelta(days=91), now - timedelta(days=89)
    await api.upsert_many([over(f"old-{status}", status, old) for status in RunStatus])
    await api.upsert_many([over(f"recent-{status}", status, recent) for status in RunStatus])
    assert await api.cleanup_old_run_logs() == 4
    left = {item["run_id"] for item in table.scan()["Items"]}
    assert left == {"old-running", "old-pending", *(f"recent-{status}" for status in RunStatus)}
    assert await api.cleanup_old_run_logs(days_old=30) == 4
    assert await api.cleanup_old_run_logs(30) == 0
    with pytest.raises(ValidationError, match="days_old"):
        await api.cleanup_old_run_logs(-1)


async def test_more_old_runs_than_a_page_holds_are_removed(face: Any, table: Any) -> None:
    api = face(PipelineRunLogsWriteApi)
    await api.upsert_many(
        [over(f"r{n}", "success", NOON, config_snapshot={"x": "x" * 40_000}) for n in range(60)]
    )
    assert await api.cleanup_old_run_logs() == 60
    assert table.scan()["Count"] == 0


# Races and faults


Meddled = Callable[..., PipelineRunLogsWriteApi]


class Meddler:
    """A transport that does something before the first call of an action, or loses the reply to it."""

    def __init__(self, config: DynamoDBConfig, action: str, before: Callable[[], object] | None) -> None:
        self._carry = BlockingTransport(config)
        self._action, self._before = action, before
        self._waiting = True

    def __call__(self, call: Call, deadline: float) -> bytes:
        met = self._waiting and call.action == self._action
        self._waiting = self._waiting and not met
        if met and self._before is not None:
            self._before()
        reply = self._carry(call, deadline)
        if met and self._before is None:
            lost = ConnectionError("the reply was lost")
            lost.outcome_unknown = True
            raise lost
        return reply


@pytest.fixture
def meddled(config: DynamoDBConfig, table: Any) -> Meddled:
    """`meddled(action, before)`: an API that is overtaken by `before`, or loses a reply if there is none."""

    def make(action: str, before: Callable[[], object] | None = None) -> PipelineRunLogsWriteApi:
        return PipelineRunLogsWriteApi(client=DynamoDB(config, transport=Meddler(config, action, before)))

    return make


@pytest.fixture
def api(config: DynamoDBConfig, table: Any) -> Any:
    with PipelineRunLogsWriteApi(config) as made:
        yield made


def test_of_two_finishers_the_first_wins(api: Any, meddled: Meddled, stored: Any) -> None:
    api.start_pipeline_run("r1", "p1", "manual")
    late = meddled("UpdateItem", lambda: api.finish_pipeline_run("r1", "p1", "cancelled", "by hand"))
    with pytest.raises(ConflictError) as refused:
        late.finish_pipeline_run("r1", "p1", "success")
    assert refused.value.current_item == stored()
    assert (stored().status, stored().error_message) == ("cancelled", "by hand")


def test_two_finishers_with_the_same_status_agree(api: Any, meddled: Meddled, stored: Any) -> None:
    api.start_pipeline_run("r1", "p1", "manual")
    late = meddled("UpdateItem", lambda: api.finish_pipeline_run("r1", "p1", "failed", "first"))
    assert late.finish_pipeline_run("r1", "p1", "failed", "second") == stored()
    assert stored().error_message == "first"


def test_a_run_that_ends_meanwhile_is_not_set_back(api: Any, meddled: Meddled, stored: Any) -> None:
    api.create_run_log(dto(status="pending"))
    late = meddled("UpdateItem", lambda: api.finish_pipeline_run("r1", "p1", "skipped"))
    with pytest.raises(ConflictError):
        late.update_run_status("r1", "p1", "running")
    assert stored().status == "skipped"


def test_the_duration_counts_from_the_start_that_holds_at_the_end(
    api: Any, meddled: Meddled, stored: Any
) -> None:
    api.create_run_log(dto(start_time=NOON))
    late = meddled("UpdateItem", lambda: api.upsert_run_log(dto(start_time=NOON + SECOND)))
    late.update_run_status("r1", "p1", "success", end_time=NOON + 3 * SECOND)
    assert (stored().start_time, stored().duration_seconds) == (NOON + SECOND, 2)


def test_a_run_that_is_removed_meanwhile_is_not_made_again(api: Any, meddled: Meddled, table: Any) -> None:
    writes: list[Callable[[PipelineRunLogsWriteApi], object]] = [
        lambda late: late.finish_pipeline_run("r1", "p1", "success"),
        lambda late: late.update_run_metrics("r1", "p1", {"total_records_failed": 1}),
        lambda late: late.add_stage_info("r1", "p1", stage("load")),
    ]
    for write in writes:
        api.start_pipeline_run("r1", "p1", "manual")
        with pytest.raises(ItemNotFoundError):
            write(meddled("UpdateItem", lambda: api.delete_run_log("r1", "p1")))
        assert table.scan()["Count"] == 0


@pytest.mark.parametrize("meanwhile", ["ended", "removed"])
def test_a_run_that_is_not_running_any_more_is_not_cancelled(
    api: Any, meddled: Meddled, table: Any, meanwhile: str
) -> None:
    api.start_pipeline_run("r1", "p1", "manual")

    def act() -> object:
        if meanwhile == "ended":
            return api.finish_pipeline_run("r1", "p1", "success")
        return api.delete_run_log("r1", "p1")

    assert meddled("UpdateItem", act).cancel_running_runs_for_pipeline("p1") == 0
    assert [item["status"] for item in table.scan()["Items"]] == (["success"] if meanwhile == "ended" else [])


def test_a_run_that_runs_again_is_not_cleaned_up(api: Any, meddled: Meddled, stored: Any) -> None:
    api.create_run_log(dto(status="success", start_time=NOON))
    late = meddled("DeleteItem", lambda: api.upsert_run_log(dto(status="running", start_time=NOON)))
    assert late.cleanup_old_run_logs() == 0
    assert stored().status == "running"


def test_a_stage_whose_reply_is_lost_is_there_once(api: Any, meddled: Meddled, stored: Any) -> None:
    api.start_pipeline_run("r1", "p1", "manual")
    run = meddled("UpdateItem").add_stage_info("r1", "p1", stage("load"))
    assert [each.stage_name for each in run.stages] == ["load"]
    assert stored() == run


def test_an_end_whose_reply_is_lost_is_written_once(api: Any, meddled: Meddled, stored: Any) -> None:
    api.start_pipeline_run("r1", "p1", "manual")
    run = meddled("UpdateItem").finish_pipeline_run("r1", "p1", "failed", "disk full")
    assert (run.status, run.error_message) == ("failed", "disk full")
    assert stored() == run


def test_a_cancellation_whose_reply_is_lost_is_counted(api: Any, meddled: Meddled, stored: Any) -> None:
    api.start_pipeline_run("r1", "p1", "manual")
    assert meddled("UpdateItem").cancel_running_runs_for_pipeline("p1") == 1
    assert stored().status == "cancelled"


def test_an_upsert_of_many_tells_which_failed(api: Any, table: Any) -> None:
    too_big = dto("big", config_snapshot={"x": "x" * 420_000})
    with pytest.raises(BulkWriteError) as some:
        api.upsert_many([dto("r1"), too_big, dto("r2")])
    assert some.value.succeeded == ("r1/p1", "r2/p1")
    assert list(some.value.failed) == ["big/p1"]
    assert {item["run_id"] for item in table.scan()["Items"]} == {"r1", "r2"}
