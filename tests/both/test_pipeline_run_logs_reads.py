"""What can be read of runs, on both faces and real engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper import (
    DynamoDBConfig,
    ItemNotFoundError,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    RunStatus,
    ValidationError,
)
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.blocking import BlockingTransport

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAIVE = datetime(2024, 1, 15)

Store = Callable[..., None]


@pytest.fixture
def store(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Store:
    """`store(run(...), ...)` puts runs into an empty table."""
    tables(PipelineRunLog)

    def put(*runs: PipelineRunLog) -> None:
        with DynamoDB(config) as db:
            db.batch_write(PipelineRunLog, puts=runs)

    return put


def run(run_id: str, pipeline_id: str = "p1", status: str = "success", **more: Any) -> PipelineRunLog:
    values = {"trigger_type": "manual", "start_time": NOON, "created_at": NOON, "updated_at": NOON} | more
    return PipelineRunLog(run_id=run_id, pipeline_id=pipeline_id, status=RunStatus(status), **values)


def hourly(count: int, **more: Any) -> list[PipelineRunLog]:
    return [run(f"r{hour:02}", start_time=NOON + hour * HOUR, **more) for hour in range(count)]


def ids(runs: Iterable[PipelineRunLog | PipelineRunLogView]) -> list[str]:
    return [each.run_id for each in runs]


async def pages(read: Callable[..., Any], **arguments: Any) -> list[list[str]]:
    found, last_key = [], None
    while True:
        runs, last_key = await read(last_key=last_key, **arguments)
        found.append(ids(runs))
        if last_key is None:
            return found


def flat(found: list[list[str]]) -> list[str]:
    return [run_id for page in found for run_id in page]


async def test_a_run_is_read_by_its_key(face: Any, store: Store) -> None:
    store(run("r1", duration_seconds=Decimal("1.5"), tags={"a": "b"}, stages=[]))
    found = await face(PipelineRunLogsReadApi).get_by_id("r1", "p1", consistent_read=True)
    assert isinstance(found, PipelineRunLogView)
    assert (found.status, found.start_time, found.duration_seconds) == ("success", NOON, Decimal("1.5"))
    assert found.tags == {"a": "b"}


@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_a_projection_reads_only_its_fields(face: Any, store: Store, pipeline_id: str | None) -> None:
    store(run("r1", error_message="no"))
    found = await face(PipelineRunLogsReadApi).get_by_id("r1", pipeline_id, ["status"])
    assert found.model_fields_set == {"run_id", "status"}


@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_a_projection_of_an_unknown_field_is_refused(
    face: Any, store: Store, pipeline_id: str | None
) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsReadApi).get_by_id("r1", pipeline_id, ["stauts"])
    assert list(refused.value.errors) == ["stauts"]
    assert "'status'" in refused.value.message


@pytest.mark.parametrize(
    ("pipeline_id", "key"), [("p9", {"run_id": "r1", "pipeline_id": "p9"}), (None, {"run_id": "r1"})]
)
async def test_a_missing_run_is_told_with_its_key(
    face: Any, store: Store, pipeline_id: str | None, key: dict[str, str]
) -> None:
    api = face(PipelineRunLogsReadApi)
    with pytest.raises(ItemNotFoundError) as missing:
        await api.get_by_id("r1", pipeline_id)
    assert missing.value.key == key
    with pytest.raises(ItemNotFoundError):
        await api.get_run_summary("r1", pipeline_id)
    assert await api.find_by_id("r1", pipeline_id) is None


async def test_the_run_id_alone_is_enough_where_it_is_unique(face: Any, store: Store) -> None:
    store(run("r1"), run("r2", "p2"))
    api = face(PipelineRunLogsReadApi)
    assert (await api.get_by_id("r2")).pipeline_id == "p2"
    assert (await api.find_by_id("r2", consistent_read=True)).pipeline_id == "p2"
    assert (await api.get_run_summary("r2")).pipeline_id == "p2"


async def test_the_run_id_alone_is_refused_where_two_pipelines_have_it(face: Any, store: Store) -> None:
    store(run("r1"), run("r1", "p2"))
    api = face(PipelineRunLogsReadApi)
    for read in (api.get_by_id, api.find_by_id, api.get_run_summary):
        with pytest.raises(ValidationError, match="more than one pipeline") as refused:
            await read("r1")
        assert list(refused.value.errors) == ["pipeline_id"]
    assert (await api.get_by_id("r1", "p2")).pipeline_id == "p2"


@pytest.mark.parametrize("run_id", ["", "x" * 2049])
@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_an_id_that_can_be_no_key_is_refused(
    face: Any, store: Store, run_id: str, pipeline_id: str | None
) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsReadApi).get_by_id(run_id, pipeline_id)
    assert list(refused.value.errors) == ["run_id"]


async def test_a_summary_is_a_run_in_a_line(face: Any, store: Store) -> None:
    store(run("r1", status="failed", error_message="disk full", duration_seconds=Decimal(3)))
    summary = await face(PipelineRunLogsReadApi).get_run_summary("r1", "p1")
    assert isinstance(summary, PipelineRunLogSummaryView)
    assert summary.model_dump() == {
        "run_id": "r1",
        "pipeline_id": "p1",
        "status": RunStatus.FAILED,
        "start_time": NOON,
        "duration_seconds": Decimal(3),
        "error_message": "disk full",
    }


@pytest.mark.parametrize("pipeline_id", ["p1", None])
async def test_times_are_shown_in_the_zone_of_the_user(
    face: Any, store: Store, config: DynamoDBConfig, pipeline_id: str | None
) -> None:
    store(run("r1"))
    oslo = face(PipelineRunLogsReadApi, config.model_copy(update={"user_timezone": "Europe/Oslo"}))
    assert (await oslo.get_by_id("r1", pipeline_id)).start_time.isoformat() == "2024-01-15T13:00:00+01:00"
    found = await oslo.get_by_id("r1", pipeline_id, user_timezone="America/New_York")
    assert found.start_time.isoformat() == "2024-01-15T07:00:00-05:00"
    assert found.start_time == NOON
    with pytest.raises(ValidationError, match="Europe/Oslo"):
        await oslo.get_by_id("r9", pipeline_id, user_timezone="Oslo")


async def test_the_runs_of_a_pipeline_are_listed_newest_first(face: Any, store: Store) -> None:
    store(*hourly(3), run("other", "p2"))
    api = face(PipelineRunLogsReadApi)
    assert ids((await api.query_by_pipeline("p1"))[0]) == ["r02", "r01", "r00"]
    assert ids((await api.query_by_pipeline("p1", ascending=True))[0]) == ["r00", "r01", "r02"]
    assert await api.query_by_pipeline("p9") == ([], None)
    [found], _ = await api.query_by_pipeline("p2", user_timezone="Asia/Tokyo", projection=["start_time"])
    assert found.start_time.isoformat() == "2024-01-15T21:00:00+09:00"


async def test_the_runs_of_a_pipeline_may_be_restricted(face: Any, store: Store) -> None:
    store(*hourly(4), run("bad", status="failed", start_time=NOON + HOUR, environment="prod"))
    api = face(PipelineRunLogsReadApi)

    async def listed(**arguments: Any) -> list[str]:
        return ids((await api.query_by_pipeline("p1", **arguments))[0])

    assert await listed(status="failed") == ["bad"]
    assert await listed(status=RunStatus.SUCCESS, start_time_range=(NOON + 2 * HOUR, None)) == ["r03", "r02"]
    assert sorted(await listed(start_time_range=(None, NOON + HOUR))) == ["bad", "r00", "r01"]
    assert await listed(start_time_range=(NOON + 2 * HOUR, NOON + 3 * HOUR)) == ["r03", "r02"]
    assert len(await listed(start_time_range=(None, None))) == 5
    assert await listed(filters={"environment": "prod"}) == ["bad"]
    assert await listed(status="success", filters={"environment": "prod"}) == []
    assert sorted(await listed(filters={"status": ["failed", "success"]}, limit=None)) == [
        *("bad", "r00", "r01", "r02", "r03")
    ]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"status": "faild"}, "status"),
        ({"start_time_range": (NOON, NOON - HOUR)}, "start_time_range"),
        ({"start_time_range": (NAIVE, None)}, "start_time_range"),
        ({"start_time_range": NOON}, "start_time_range"),
        ({"limit": 0}, "limit"),
        ({"filters": {"colour": "red"}}, "colour"),
        ({"projection": ["stages"]}, "stages"),
        ({"last_key": "abc"}, "last_key"),
    ],
)
async def test_a_wrong_question_is_refused(face: Any, store: Store, given: Any, where: str) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsReadApi).query_by_pipeline("p1", **given)
    assert list(refused.value.errors) == [where]


async def test_an_unknown_status_is_told_with_the_known_ones(face: Any, store: Store) -> None:
    api = face(PipelineRunLogsReadApi)
    for ask in (api.query_by_status, api.count_runs_by_status):
        with pytest.raises(ValidationError, match="pending, running, success, failed, cancelled, skipped"):
            await ask("faild")


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_pages_neither_skip_nor_repeat(face: Any, store: Store, limit: int) -> None:
    runs = hourly(30)
    store(
        *(
            each.model_copy(update={"status": RunStatus(("success", "failed")[n % 2])})
            for n, each in enumerate(runs)
        )
    )
    api = face(PipelineRunLogsReadApi)
    newest_first = ids(runs)[::-1]

    async def read(last_key: str | None, **arguments: Any) -> Any:
        return await api.query_by_pipeline("p1", limit=limit, last_key=last_key, **arguments)

    found = await pages(read)
    assert flat(found) == newest_first
    assert all(len(page) == limit for page in found[:-1])
    assert flat(await pages(read, status="failed")) == newest_first[::2]
    assert flat(await pages(read, filters={"status": "success"}, ascending=True)) == ids(runs)[::2]


async def test_a_cursor_is_refused_by_another_query(face: Any, store: Store) -> None:
    store(*hourly(3), run("x", "p2"))
    api = face(PipelineRunLogsReadApi)
    _, key = await api.query_by_pipeline("p1", limit=1)
    for other in (
        api.query_by_pipeline("p2", last_key=key),
        api.query_by_pipeline("p1", "failed", last_key=key),
        api.query_by_pipeline("p1", ascending=True, last_key=key),
        api.query_by_status("success", last_key=key),
        api.get_recent_runs("p1", last_key=key),
        api.scan_for_all_runs(last_key=key),
    ):
        with pytest.raises(ValidationError) as refused:
            await other
        assert list(refused.value.errors) == ["last_key"]


@pytest.mark.parametrize("status", ["failed", "running", "pending"])
async def test_runs_are_listed_by_status(face: Any, store: Store, status: str) -> None:
    store(
        run("old", status=status),
        run("new", status=status, start_time=NOON + HOUR),
        run("elsewhere", "p2", status=status, start_time=NOON + 2 * HOUR),
        run("good"),
    )
    api = face(PipelineRunLogsReadApi)
    assert ids((await api.query_by_status(status))[0]) == ["elsewhere", "new", "old"]
    assert ids((await api.query_by_status(RunStatus(status), ascending=True))[0])[0] == "old"
    assert ids((await api.query_by_status(status, "p1"))[0]) == ["new", "old"]
    assert ids((await api.query_by_status(status, "p1", (NOON + HOUR, None)))[0]) == ["new"]
    assert ids((await api.query_by_status(status, time_range=(None, NOON)))[0]) == ["old"]
    assert flat(await pages(lambda **given: api.query_by_status(status, "p1", **given), limit=1)) == [
        "new",
        "old",
    ]


@pytest.mark.parametrize(
    ("status", "pipeline_id", "index"),
    [
        ("success", "p1", "PipelineRunsIndex"),
        ("success", None, "StatusRunsIndex"),
        ("running", "p1", "StatusRunsIndex"),
    ],
)
def test_the_index_with_fewer_runs_to_drop_is_read(
    config: DynamoDBConfig, store: Store, status: str, pipeline_id: str | None, index: str
) -> None:
    read = []
    carry = BlockingTransport(config)

    def transport(call: Call, deadline: float) -> bytes:
        read.append(call.body["IndexName"])
        return carry(call, deadline)

    api = PipelineRunLogsReadApi(client=DynamoDB(config, transport=transport))
    assert api.query_by_status(status, pipeline_id) == ([], None)
    assert read == [index]


async def test_running_runs_are_listed_for_all_pipelines(face: Any, store: Store) -> None:
    store(run("a", status="running"), run("b", "p2", "running", start_time=NOON + HOUR), run("c"))
    runs, key = await face(PipelineRunLogsReadApi).get_running_pipelines(["pipeline_id"])
    assert [each.pipeline_id for each in runs] == ["p2", "p1"]
    assert key is None


async def test_what_happened_lately_is_listed(face: Any, store: Store) -> None:
    now = datetime.now(UTC)
    store(
        *(
            run(f"{status}-{pipeline}-{hours}", pipeline, status, start_time=now - hours * HOUR)
            for status in ("failed", "success")
            for pipeline in ("p1", "p2")
            for hours in (1, 30, 200)
        )
    )
    api = face(PipelineRunLogsReadApi)

    async def listed(listing: Any) -> list[str]:
        return ids((await listing)[0])

    assert sorted(await listed(api.get_failed_runs())) == ["failed-p1-1", "failed-p2-1"]
    assert await listed(api.get_failed_runs("p1")) == ["failed-p1-1"]
    assert await listed(api.get_failed_runs("p1", hours=48)) == ["failed-p1-1", "failed-p1-30"]
    assert await listed(api.get_failed_runs("p1", 48, ascending=True)) == ["failed-p1-30", "failed-p1-1"]
    assert sorted(await listed(api.get_recent_runs("p2"))) == ["failed-p2-1", "success-p2-1"]
    assert len(await listed(api.get_recent_runs("p2", hours=24.5 * 10))) == 6
    assert await listed(api.get_successful_runs("p1")) == ["success-p1-1", "success-p1-30"]
    assert len(await listed(api.get_successful_runs(days=10))) == 6
    assert await listed(api.get_recent_runs("p1", 0)) == []


@pytest.mark.parametrize("hours", [-1, "24", None, True, 1e9, float("nan")])
async def test_a_time_that_is_none_is_refused(face: Any, store: Store, hours: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsReadApi).get_recent_runs("p1", hours)
    assert list(refused.value.errors) == ["hours"]


@pytest.mark.parametrize("ascending", [False, True])
async def test_the_pages_of_what_happened_lately_belong_to_one_time(
    face: Any, store: Store, ascending: bool
) -> None:
    now = datetime.now(UTC)
    store(*(run(f"r{n}", status="failed", start_time=now - n * HOUR / 100) for n in range(5)))
    store(run("edge", status="failed", start_time=now - HOUR + timedelta(milliseconds=300)))
    api = face(PipelineRunLogsReadApi)
    for read in (api.get_failed_runs, api.get_recent_runs):
        arguments = {"pipeline_id": "p1", "hours": 1, "limit": 1, "ascending": ascending}
        found = flat(await pages(read, **arguments))
        expected = ["r0", "r1", "r2", "r3", "r4", "edge"]
        if "edge" not in found:  # a slow machine reads the first page only after it has left the hour
            expected.remove("edge")
        assert found == (expected[::-1] if ascending else expected)
        _, key = await read(**arguments)
        for other in ({"hours": 2}, {"pipeline_id": "p2"}):
            with pytest.raises(ValidationError) as refused:
                await read(**(arguments | other), last_key=key)
            assert list(refused.value.errors) == ["last_key"]


async def test_all_runs_are_scanned_with_filters_and_a_projection(face: Any, store: Store) -> None:
    store(*hourly(5), run("bad", "p2", "failed", error_message="disk full"))
    api = face(PipelineRunLogsReadApi)
    failed, key = await api.scan_for_all_runs(
        projection=["run_id", "pipeline_id", "status", "error_message"],
        filters={"status": "failed"},
        limit=50,
    )
    assert key is None
    assert [(each.run_id, each.pipeline_id, each.error_message) for each in failed] == [
        ("bad", "p2", "disk full")
    ]
    found = await pages(api.scan_for_all_runs, limit=2, consistent_read=True)
    assert sorted(flat(found)) == ["bad", *(f"r{hour:02}" for hour in range(5))]


async def test_runs_are_counted(face: Any, store: Store) -> None:
    store(*hourly(5), run("bad", status="failed"), run("x", "p2", "failed"))
    api = face(PipelineRunLogsReadApi)
    assert await api.count_runs_by_pipeline("p1") == 6
    assert await api.count_runs_by_pipeline("p9") == 0
    assert await api.count_runs_by_status("failed") == 2
    assert await api.count_runs_by_status(RunStatus.RUNNING) == 0


async def test_statistics_of_a_pipeline(face: Any, store: Store) -> None:
    now = datetime.now(UTC)
    recent = [
        run(f"s{n}", start_time=now - timedelta(days=n), duration_seconds=Decimal(n)) for n in range(1, 11)
    ]
    store(
        *recent,
        run("f", status="failed", start_time=now - timedelta(days=1), duration_seconds=Decimal("100.5")),
        run("running", status="running", start_time=now),
        run("cancelled", status="cancelled", start_time=now),
        run("long ago", status="failed", start_time=now - timedelta(days=31)),
        run("elsewhere", "p2", "failed", start_time=now),
    )
    found = await face(PipelineRunLogsReadApi).get_pipeline_run_statistics("p1")
    assert found.total_runs == 13
    assert found.success_rate == pytest.approx(10 / 11)
    assert found.average_duration_seconds == Decimal("14.136364")
    assert (found.p50_duration_seconds, found.p95_duration_seconds) == (Decimal(6), Decimal("100.5"))
    assert found.counts_by_status == {
        "success": 10,
        "failed": 1,
        "running": 1,
        "cancelled": 1,
        "pending": 0,
        "skipped": 0,
    }
    assert sum(found.counts_by_day.values()) == 13
    assert found.counts_by_day[(now - timedelta(days=1)).date()] == 2
    assert (await face(PipelineRunLogsReadApi).get_pipeline_run_statistics("p1", days=2.5)).total_runs == 5


async def test_statistics_count_by_the_days_of_the_user(face: Any, store: Store) -> None:
    day = (datetime.now(UTC) - timedelta(days=2)).replace(hour=20, minute=30)
    store(run("r1", start_time=day))
    api = face(PipelineRunLogsReadApi)
    assert (await api.get_pipeline_run_statistics("p1")).counts_by_day == {day.date(): 1}
    tokyo = await api.get_pipeline_run_statistics("p1", user_timezone="Asia/Tokyo")
    assert tokyo.counts_by_day == {date.fromordinal(day.date().toordinal() + 1): 1}


async def test_statistics_of_a_pipeline_without_runs(face: Any, store: Store) -> None:
    found = await face(PipelineRunLogsReadApi).get_pipeline_run_statistics("p9")
    assert (found.total_runs, found.success_rate, found.average_duration_seconds) == (0, None, None)
    assert (found.p50_duration_seconds, found.p95_duration_seconds) == (None, None)
    assert dict(found.counts_by_day) == {}
    assert set(found.counts_by_status.values()) == {0}


async def test_statistics_go_through_all_pages(face: Any, store: Store) -> None:
    now = datetime.now(UTC)
    store(*(run(f"r{n}", start_time=now, config_snapshot={"text": "x" * 60_000}) for n in range(40)))
    found = await face(PipelineRunLogsReadApi).get_pipeline_run_statistics("p1")
    assert found.total_runs == 40  # more than one page of 1 MB


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("eq", (NOON + HOUR,), ["r01"]),
        ("lt", (NOON + HOUR,), ["r00"]),
        ("lte", (NOON + HOUR,), ["r01", "r00"]),
        ("gt", (NOON + 2 * HOUR,), ["r03"]),
        ("gte", (NOON + 2 * HOUR,), ["r03", "r02"]),
        ("between", (NOON + HOUR, NOON + 2 * HOUR), ["r02", "r01"]),
        ("begins_with", ("2024-01-15T13",), ["r01"]),
    ],
)
@pytest.mark.parametrize("sort_key", ["start_time", "created_at"])
async def test_a_range_of_any_attribute_under_a_partition(
    face: Any, store: Store, sort_key: str, condition: str, values: tuple[Any, ...], expected: list[str]
) -> None:
    store(*(each.model_copy(update={"created_at": each.start_time}) for each in hourly(4)))
    api = face(PipelineRunLogsReadApi)
    runs, key = await api.query_by_composite_key_range("pipeline_id", "p1", sort_key, condition, *values)
    assert (ids(runs), key) == (expected, None)


async def test_a_range_of_creation_times_is_cut_into_pages(face: Any, store: Store) -> None:
    store(
        *(
            each.model_copy(update={"created_at": NOON + 9 * HOUR - n * HOUR})
            for n, each in enumerate(hourly(9))
        )
    )
    api = face(PipelineRunLogsReadApi)
    arguments: dict[str, Any] = {
        "partition_key": "pipeline_id",
        "partition_value": "p1",
        "sort_key": "created_at",
        "sort_condition": "between",
        "sort_value": NOON + 3 * HOUR,
        "sort_value2": NOON + 6 * HOUR,
    }
    runs, key = await api.query_by_composite_key_range(**arguments, limit=100)
    assert (ids(runs), key) == (["r06", "r05", "r04", "r03"], None)
    assert await pages(api.query_by_composite_key_range, **arguments, limit=3) == [
        ["r06", "r05", "r04"],
        ["r03"],
    ]
    runs, _ = await api.query_by_composite_key_range(
        **arguments, ascending=True, filters={"run_id": ["r03", "r06"]}
    )
    assert ids(runs) == ["r03", "r06"]


async def test_a_range_is_found_on_every_partition_key(face: Any, store: Store) -> None:
    store(*hourly(2), run("r00", "p2", "failed"), run("r00", "q", "failed"))
    ask = face(PipelineRunLogsReadApi).query_by_composite_key_range
    runs, _ = await ask("run_id", "r00", "pipeline_id", "begins_with", "p", consistent_read=True)
    assert [each.pipeline_id for each in runs] == ["p2", "p1"]
    runs, _ = await ask("status", "failed", "start_time", "lte", NOON, ascending=True)
    assert sorted(each.pipeline_id for each in runs) == ["p2", "q"]
    runs, _ = await ask("status", RunStatus.FAILED, "pipeline_id", "eq", "q")
    assert [each.pipeline_id for each in runs] == ["q"]
    runs, _ = await ask("run_id", "r00", "status", "eq", "failed")
    assert [each.pipeline_id for each in runs] == ["q", "p2"]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (("environment", "dev", "start_time", "eq", NOON), "partition_key"),
        (("pipeline_id", "p1", "started", "eq", NOON), "sort_key"),
        (("pipeline_id", "p1", "pipeline_id", "eq", "p1"), "sort_key"),
        (("pipeline_id", "p1", "start_time", "near", NOON), "sort_condition"),
        (("pipeline_id", "p1", "start_time", "between", NOON), "sort_value2"),
        (("pipeline_id", "p1", "start_time", "eq", NOON, NOON), "sort_value2"),
        (("pipeline_id", None, "start_time", "eq", NOON), "pipeline_id"),
        (("pipeline_id", "p1", "start_time", "gt", NAIVE), "start_time"),
        (("pipeline_id", "p1", "created_at", "gt", NAIVE), "created_at"),
        (("status", "faild", "start_time", "gt", NOON), "status"),
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(
    face: Any, store: Store, given: tuple[Any, ...], where: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        await face(PipelineRunLogsReadApi).query_by_composite_key_range(*given)
    assert list(refused.value.errors) == [where]


async def test_a_consistent_read_of_an_index_is_refused(face: Any, store: Store) -> None:
    ask = face(PipelineRunLogsReadApi).query_by_composite_key_range
    with pytest.raises(ValidationError, match="PipelineRunsIndex"):
        await ask("pipeline_id", "p1", "start_time", "eq", NOON, consistent_read=True)


async def test_a_time_series_lies_between_two_times(face: Any, store: Store) -> None:
    store(*(each.model_copy(update={"updated_at": each.start_time}) for each in hourly(5)))
    api = face(PipelineRunLogsReadApi)

    async def series(attribute: str, start: datetime | None, end: datetime | None, **more: Any) -> list[str]:
        return ids((await api.query_time_series("pipeline_id", "p1", attribute, start, end, **more))[0])

    for attribute in ("start_time", "updated_at"):
        assert await series(attribute, NOON + HOUR, NOON + 3 * HOUR) == ["r03", "r02", "r01"]
        assert await series(attribute, NOON + 3 * HOUR, None, ascending=True) == ["r03", "r04"]
        assert await series(attribute, None, NOON) == ["r00"]
        assert len(await series(attribute, None, None)) == 5
        assert await series(attribute, None, None, filters={"run_id": "r01"}, projection=["run_id"]) == [
            "r01"
        ]
        for start in (NAIVE, NOON + 9 * HOUR):
            with pytest.raises(ValidationError):
                await series(attribute, start, NOON)
