"""Indexes spread over shards, on real engines: one scenario, both faces."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.conftest import AwaitableFace

from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncPipelineConfigReadApi,
    AsyncPipelineConfigRepository,
    AsyncPipelineConfigWriteApi,
    AsyncPipelineRunLogsReadApi,
    AsyncPipelineRunLogsWriteApi,
    AsyncTableConfigReadApi,
    AsyncTableConfigWriteApi,
    AsyncWriteApi,
    Dto,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigRepository,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    RunStatus,
    StageInfo,
    TableConfig,
    TableConfigReadApi,
    TableConfigUpsert,
    TableConfigWriteApi,
    WriteApi,
)
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ConflictError, ValidationError
from dynamodb_wrapper.expressions.assignments import add, put
from dynamodb_wrapper.expressions.functions import in_
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import Plugin
from dynamodb_wrapper.schema import GSI, schema_of
from dynamodb_wrapper.schema.shards import ShardKey
from dynamodb_wrapper.utils import build_gsi_key_condition, extract_model_metadata

SHARDS = 4
SIZES = (1, 2, 7, 100)


class Jobs:
    table_name = "jobs"
    partition_key = "job_id"


class Job(DynamoDBModel):
    """A job whose index is not spread: the oracle."""

    job_id: str
    state: str | None = None
    at: int = 0
    size: int = 0
    note: str | None = None

    class Meta(Jobs):
        gsis: ClassVar = [GSI("ByState", "state", "at")]


class SpreadJob(Job):
    class Meta(Job.Meta):
        gsis: ClassVar = [
            GSI("ByState", "state", "at"),
            GSI("ByStateSpread", "state", "at", shards=SHARDS),
            GSI("Slim", "state", "size", projection="KEYS_ONLY", shards=2),
        ]


class OnlySpread(Job):
    class Meta(Job.Meta):
        gsis: ClassVar = [GSI("ByStateSpread", "state", "at", shards=SHARDS)]


class Locked(DynamoDBModel):
    job_id: str
    owner: str
    state: str | None = None
    revision: int = 0

    class Meta:
        table_name = "locked"
        partition_key = "job_id"
        version = "revision"
        unique: ClassVar = ["owner"]
        gsis: ClassVar = [GSI("ByState", "state", shards=3)]


class HotPipeline(PipelineConfig):
    class Meta:
        table_name = "pipeline_config"
        partition_key = "pipeline_id"
        gsis: ClassVar = [
            GSI("ActivePipelinesIndex", "is_active", "updated_at", shards=SHARDS),
            GSI("EnvironmentIndex", "environment", "created_at", shards=3),
        ]


class HotTable(TableConfig):
    class Meta(TableConfig.Meta):
        gsis: ClassVar[list[Any]] = [
            *(gsi for gsi in TableConfig.Meta.gsis if "Recent" not in str(gsi)),
            GSI("RecentTablesIndex", "environment", "updated_at", shards=3),
        ]


class HotReads(PipelineConfigReadApi):
    model = HotPipeline


class AsyncHotReads(AsyncPipelineConfigReadApi):
    model = HotPipeline


class HotWrites(PipelineConfigWriteApi):
    model = HotPipeline


class AsyncHotWrites(AsyncPipelineConfigWriteApi):
    model = HotPipeline


class HotRepository(PipelineConfigRepository):
    model_class = HotPipeline


class AsyncHotRepository(AsyncPipelineConfigRepository):
    model_class = HotPipeline


class HotTableReads(TableConfigReadApi):
    model = HotTable


class AsyncHotTableReads(AsyncTableConfigReadApi):
    model = HotTable


class HotTableWrites(TableConfigWriteApi):
    model = HotTable


class AsyncHotTableWrites(AsyncTableConfigWriteApi):
    model = HotTable


class HotRun(PipelineRunLog):
    class Meta(PipelineRunLog.Meta):
        gsis: ClassVar[list[Any]] = [
            GSI("PipelineRunsIndex", "pipeline_id", "start_time", shards=3),
            GSI("StatusRunsIndex", "status", "start_time", shards=SHARDS),
            GSI("Stages", "current_stage", shards=2),
        ]


class HotRuns(PipelineRunLogsReadApi):
    model = HotRun


class AsyncHotRuns(AsyncPipelineRunLogsReadApi):
    model = HotRun


class HotRunWrites(PipelineRunLogsWriteApi):
    model = HotRun


class AsyncHotRunWrites(AsyncPipelineRunLogsWriteApi):
    model = HotRun


class JobDto(Dto):
    job_id: str
    at: int = 0


class JobWrites(WriteApi[SpreadJob, JobDto]):
    model = SpreadJob
    dto = JobDto


class AsyncJobWrites(AsyncWriteApi[SpreadJob, JobDto]):
    model = SpreadJob
    dto = JobDto


def jobs(count: int, seed: int = 7, make: type[Job] = SpreadJob) -> list[Any]:
    chance = random.Random(seed)
    moments = chance.sample(range(10_000), count)
    states = ["new", "new", "done", None]
    return [
        make(job_id=f"j{n}", state=chance.choice(states), at=moments[n], size=chance.randrange(5))
        for n in range(count)
    ]


@pytest.fixture
def stored(config: DynamoDBConfig, boto3_table: Any) -> Callable[..., dict[str, Any]]:
    """`stored(Model)` has all items as boto3 sees them, by the first key."""

    def read(model: type[DynamoDBModel] = SpreadJob) -> dict[str, Any]:
        schema = schema_of(model)
        found = boto3_table(config.get_table_name(schema.table_name)).scan(ConsistentRead=True)["Items"]
        return {item[schema.partition_key]: item for item in found}

    return read


def shards_are_right(stored: dict[str, Any], model: type[DynamoDBModel]) -> bool:
    for item in stored.values():
        fresh = model.from_dynamodb_item(item).to_dynamodb_item()
        names = list(schema_of(model).made)
        if {name: item.get(name) for name in names} != {name: fresh.get(name) for name in names}:
            return False
    return True


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(SpreadJob)
    return face(DynamoDB)


async def pages_of(query: Any, size: int) -> list[list[Any]]:
    """All pages forward, each of whose ways back leads to the one before."""
    pages: list[list[Any]] = []
    key: str | None = None
    while True:
        page = await query.paginate(size, key).execute()
        if pages:
            back = await query.paginate(size, page.previous_key).execute()
            assert list(back) == pages[-1]
        else:
            assert page.previous_key is None
        pages.append(list(page))
        key = page.next_key
        if key is None:
            return pages
        assert len(pages[-1]) == size


@pytest.mark.parametrize("ascending", [True, False])
async def test_pages_of_any_size_go_through_all_shards_in_order(db: Any, ascending: bool) -> None:
    items = jobs(45)
    await db.batch_write(SpreadJob, puts=items)
    wanted = sorted((j for j in items if j.state == "new"), key=lambda j: j.at, reverse=not ascending)
    query = db.query(OnlySpread).where(OnlySpread.state == "new").order(ascending)
    for size in SIZES:
        found = [job for page in await pages_of(query, size) for job in page]
        assert [job.job_id for job in found] == [job.job_id for job in wanted]
    assert [job.job_id for job in await query.all()] == [job.job_id for job in wanted]
    assert [job.job_id async for job in query] == [job.job_id for job in wanted]
    assert (await query.first()).job_id == wanted[0].job_id
    assert [job.job_id for job in await query.limit(5).all()] == [job.job_id for job in wanted[:5]]
    assert await query.count() == len(wanted)
    assert await query.limit(3).count() == 3


async def test_from_every_page_the_way_leads_back_to_the_start(db: Any) -> None:
    items = jobs(25)
    await db.batch_write(SpreadJob, puts=items)
    query = db.query(OnlySpread).where(OnlySpread.state == "new")
    wanted = [job.job_id for job in await query.all()]
    at, key = 0, None
    while (page := await query.paginate(1, key).execute()).next_key is not None:
        at, key = at + 1, page.next_key
    back: list[str] = []
    key = page.previous_key
    while key is not None:
        page = await query.paginate(2, key).execute()
        back = [job.job_id for job in page] + back
        key = page.previous_key
    assert back == wanted[:-1]


def test_explain_says_how_many_queries_there_are(config: DynamoDBConfig) -> None:
    with DynamoDB(config) as db:
        told = db.query(OnlySpread).where(OnlySpread.state == "new", OnlySpread.at > 5).explain()
    assert (told.operation, set(told.indexes), len(told.keys)) == ("fan-out", {"ByStateSpread"}, SHARDS)
    assert told.keys[2] == "state#4 = 'new#2' AND at > 5"
    assert told.order == "at, ascending"
    assert told.checked is None
    assert "4 queries" in str(told)


async def test_an_index_that_is_not_spread_is_preferred_to_its_spread_twin(db: Any) -> None:
    told = db.query(SpreadJob).where(SpreadJob.state == "new").explain()
    assert told.indexes == ("ByState",)


async def test_a_cursor_of_the_index_that_is_not_spread_is_refused(db: Any) -> None:
    await db.batch_write(SpreadJob, puts=jobs(12))
    query = db.query(SpreadJob).where(SpreadJob.state == "new")
    page = await query.index("ByState").paginate(2).execute()
    with pytest.raises(ValidationError):
        await query.index("ByStateSpread").paginate(2, page.next_key).execute()


async def test_an_index_without_the_other_attributes_fetches_them(db: Any) -> None:
    items = jobs(30)
    await db.batch_write(SpreadJob, puts=items)
    wanted = {job.job_id: job for job in items if job.state == "new"}
    query = db.query(SpreadJob).where(SpreadJob.state == "new").index("Slim")
    found = await query.all()
    assert {job.job_id: job for job in found} == wanted
    assert [job.size for job in found] == sorted(job.size for job in found)
    slim = await query.select("job_id", "state", "size").all()
    assert {job.job_id: job.state for job in slim} == dict.fromkeys(wanted, "new")
    assert not query.select("job_id", "state", "size").explain().fetched


async def test_answers_of_spread_indexes_are_those_of_others(db: Any) -> None:
    chance = random.Random(2026)
    await db.batch_write(SpreadJob, puts=jobs(60))
    for _ in range(25):
        low, high = sorted(chance.choices(range(10_000), k=2))
        conditions = [
            chance.choice(
                [
                    Job.state == "new",
                    Job.state == "done",
                    in_(Job.state, ["new", "done", "x"]),
                    (Job.state == "new") | ((Job.state == "done") & (Job.at > low)),
                    (Job.state == "new") & ((Job.size < 2) | (Job.at < high)),
                    ((Job.state == "new") & (Job.at > low)) | ((Job.state == "new") & (Job.size < 3)),
                ]
            ),
            *chance.sample([Job.at > low, Job.at < high, Job.size < 3, Job.size != 2], chance.randrange(4)),
        ]
        order = {"ascending": chance.choice([True, False])}
        query = db.query(SpreadJob).where(*conditions).order(**order)
        plain, spread = query.index("ByState"), query.index("ByStateSpread")
        wanted = [job.job_id for job in await plain.all()]
        assert [job.job_id for job in await spread.all()] == wanted
        assert await spread.count() == len(wanted)
        size = chance.choice([1, 3, 10])
        paged = [job.job_id for page in await pages_of(spread, size) for job in page]
        assert paged == wanted


WRITES: dict[str, Callable[[Any], Any]] = {
    "put": lambda db: db.put(SpreadJob(job_id="a", state="done", at=3)),
    "update": lambda db: db.update(SpreadJob, "a", {"state": "done"}),
    "update with changes": lambda db: db.update(SpreadJob, "a", [put(SpreadJob.state).to("done")]),
    "update of what was read": lambda db: db.update(
        SpreadJob, SpreadJob(job_id="a", state="new", at=3), {"state": "done"}
    ),
    "batch": lambda db: db.batch_write(SpreadJob, puts=[SpreadJob(job_id="a", state="done", at=3)]),
    "transaction put": lambda db: db.transaction().put(SpreadJob(job_id="a", state="done", at=3)).execute(),
    "transaction update": lambda db: db.transaction().update(SpreadJob, "a", {"state": "done"}).execute(),
}


@pytest.mark.parametrize("how", WRITES)
async def test_every_write_moves_the_item_to_its_new_value(db: Any, stored: Any, how: str) -> None:
    await db.put(SpreadJob(job_id="a", state="new", at=3))
    shard = stored()["a"]["state#4"].removeprefix("new#")
    await WRITES[how](db)
    assert (stored()["a"]["state"], stored()["a"]["state#4"]) == ("done", f"done#{shard}")
    assert stored()["a"]["state#2"].startswith("done#")
    found = await db.query(OnlySpread).where(OnlySpread.state == "done").all()
    assert [job.job_id for job in found] == ["a"]
    assert await db.query(OnlySpread).where(OnlySpread.state == "new").all() == []


async def test_without_the_field_an_item_is_in_no_shard(db: Any, stored: Any) -> None:
    await db.put(SpreadJob(job_id="a", state="new"))
    await db.update(SpreadJob, "a", {"state": None})
    assert not {"state", "state#4", "state#2"} & stored()["a"].keys()
    await db.update(SpreadJob, "a", {"state": "new"})
    assert {"state", "state#4", "state#2"} <= stored()["a"].keys()
    await db.put(SpreadJob(job_id="a"))
    assert not {"state", "state#4", "state#2"} & stored()["a"].keys()


async def test_other_changes_leave_the_shard_alone(db: Any, stored: Any) -> None:
    await db.put(SpreadJob(job_id="a", state="new"))
    before = stored()["a"]
    job = await db.update(SpreadJob, "a", [add(SpreadJob.size, 2)])
    assert stored()["a"] == before | {"size": 2}
    assert (job.model_extra or {}) == {}
    assert (await db.get(SpreadJob, "a")) == job


async def test_the_shard_cannot_be_written_by_hand_nor_computed(db: Any) -> None:
    await db.put(SpreadJob(job_id="a", state="new"))
    with pytest.raises(ValidationError, match="made by Meta"):
        await db.update(SpreadJob, "a", {"state#4": "x"})
    with pytest.raises(ValidationError, match="give it a value"):
        await db.update(SpreadJob, "a", [put(SpreadJob.state).to(SpreadJob.note)])


async def test_locks_and_unique_values_keep_shards_right(face: Any, tables: Any, stored: Any) -> None:
    tables(Locked)
    db = face(DynamoDB)
    job = Locked(job_id="a", owner="ann", state="new")
    await db.put(job)
    job.state = "done"
    await db.put(job)
    await db.update(Locked, "a", {"state": "over", "owner": "bob"})
    assert stored(Locked)["a"]["state#3"].startswith("over#")
    with pytest.raises(ConflictError):
        await db.update(Locked, job, {"state": "new"})
    assert shards_are_right(stored(Locked), Locked)
    assert [found.job_id for found in await db.query(Locked).where(Locked.state == "over").all()] == ["a"]


async def test_writers_at_once_leave_items_where_they_belong(
    config: DynamoDBConfig, tables: Any, stored: Any
) -> None:
    tables(SpreadJob)
    async with AsyncDynamoDB(config) as db:
        await db.batch_write(SpreadJob, puts=jobs(10))

        async def write(seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(25):
                name, state = f"j{chance.randrange(10)}", chance.choice(["new", "done", None])
                if chance.random() < 0.5:
                    await db.update(SpreadJob, name, {"state": state})
                else:
                    await db.put(SpreadJob(job_id=name, state=state, at=chance.randrange(100)))

        await asyncio.gather(*(write(seed) for seed in range(6)))
        assert shards_are_right(stored(), SpreadJob)
        for state in ("new", "done"):
            found = await db.query(OnlySpread).where(OnlySpread.state == state).all()
            assert {job.job_id for job in found} == {
                name for name, item in stored().items() if item.get("state") == state
            }


async def test_each_shard_gets_a_fair_share(config: DynamoDBConfig, tables: Any, stored: Any) -> None:
    tables(SpreadJob)
    async with AsyncDynamoDB(config) as db:
        await db.batch_write(SpreadJob, puts=[SpreadJob(job_id=f"job-{n}", state="new") for n in range(1000)])
        found = Counter(item["state#4"] for item in stored().values())
        assert set(found) == {f"new#{shard}" for shard in range(SHARDS)}
        assert all(180 < share < 320 for share in found.values())
        assert await db.query(OnlySpread).where(OnlySpread.state == "new").count() == 1000


def pipeline(name: str, **more: Any) -> PipelineConfigUpsert:
    return PipelineConfigUpsert(
        pipeline_id=name, pipeline_name=name, source_type="s3", destination_type="warehouse", **more
    )


async def listed(read: Callable[..., Any], size: int | None, **more: Any) -> list[str]:
    """The ids of all pages; the last page says that it is the last."""
    found: list[str] = []
    key: str | None = None
    while True:
        items, key = await read(limit=size, last_key=key, **more)
        found += [item.pipeline_id for item in items]
        if key is None:
            return found
        assert items


@pytest.mark.parametrize("ascending", [True, False])
async def test_reads_of_a_domain_gather_the_shards(face: Any, tables: Any, ascending: bool) -> None:
    tables(HotPipeline)
    write, read = face(HotWrites), face(HotReads)
    made = [await write.create_pipeline(pipeline(f"p{n}", is_active=n % 3 > 0)) for n in range(14)]
    made.sort(key=lambda one: one.updated_at, reverse=not ascending)
    wanted = [one.pipeline_id for one in made if one.is_active]
    for size in (*SIZES, None):
        assert await listed(read.query_active_pipelines, size, ascending=ascending) == wanted
        in_dev = await listed(
            read.query_by_environment_and_status,
            size,
            environment="dev",
            is_active=True,
            ascending=ascending,
        )
        assert in_dev == wanted
    assert await read.count_active_pipelines() == len(wanted)
    assert await read.count_pipelines_by_environment("dev") == 14
    items, _ = await read.query_active_pipelines(projection=["version"], limit=3, ascending=ascending)
    assert [item.pipeline_id for item in items] == wanted[:3]
    assert not any("description" in item.model_fields_set for item in items)
    _, key = await read.query_active_pipelines(limit=2)
    with pytest.raises(ValidationError):
        await read.query_by_environment("dev", last_key=key)
    with pytest.raises(ValidationError):
        await read.query({"is_active": True}, "ActivePipelinesIndex", consistent_read=True)


async def test_commands_of_a_domain_keep_the_shards(face: Any, tables: Any, stored: Any) -> None:
    tables(HotPipeline)
    write, read = face(HotWrites), face(HotReads)
    await write.upsert_many([pipeline(f"p{n}") for n in range(6)])
    await write.update_pipeline("p0", {"is_active": False, "environment": "prod"})
    await write.update_pipeline_status("p1", False)
    await write.upsert_pipeline(pipeline("p2", is_active=False))
    await write.deactivate_pipelines(["p3", "p4"])
    await write.activate_pipelines(["p4"])
    assert shards_are_right(stored(HotPipeline), HotPipeline)
    assert {item["is_active"] for item in stored(HotPipeline).values()} == {"true", "false"}
    assert sorted(await listed(read.query_active_pipelines, 100)) == ["p4", "p5"]
    assert await read.count_pipelines_by_environment("prod") == 1


async def test_old_pipelines_are_found_in_all_shards(face: Any, tables: Any, stored: Any) -> None:
    tables(HotPipeline)
    db, write = face(DynamoDB), face(HotWrites)
    long_ago = datetime.now(UTC) - timedelta(days=200)
    for n in range(9):
        await db.put(
            HotPipeline(
                pipeline_id=f"p{n}",
                pipeline_name="x",
                source_type="s3",
                destination_type="s3",
                updated_at=long_ago + timedelta(days=n * 20),
            )
        )
    assert await write.archive_old_pipelines("dev") == 6
    assert shards_are_right(stored(HotPipeline), HotPipeline)


async def test_repositories_keep_and_gather_shards(face: Any, tables: Any, stored: Any) -> None:
    tables(HotPipeline)
    repository = face(HotRepository)
    for n in range(7):
        await repository.create_pipeline_config(f"p{n}", "x", "s3", "s3")
    item = await repository.get("p1")
    item.is_active = False
    await repository.update(item)
    await repository.update_pipeline_status("p2", False)
    assert shards_are_right(stored(HotPipeline), HotPipeline)
    active = [item.pipeline_id for item in await repository.get_active_pipelines()]
    assert active == ["p0", "p3", "p4", "p5", "p6"]
    inactive = await repository.query_by_pk(False, index="ActivePipelinesIndex", limit=1)
    assert [item.pipeline_id for item in inactive] == ["p1"]
    assert len(await repository.get_pipelines_by_environment("dev")) == 7


async def test_environments_and_shards_are_gathered_together(face: Any, tables: Any) -> None:
    tables(HotTable)
    write, read = face(HotTableWrites), face(HotTableReads)
    for n in range(10):
        await write.create_table(
            TableConfigUpsert(
                table_id=f"t{n}",
                pipeline_id="p",
                table_name="x",
                table_type="source",
                data_format="csv",
                location="/x",
                environment=["dev", "prod", "test"][n % 3],
            )
        )
    since = datetime.now(UTC) - timedelta(hours=1)
    for size in (1, 3, 100):
        found: list[str] = []
        key: str | None = None
        while True:
            items, key = await read.query_recent_configs(since, limit=size, last_key=key)
            found += [item.table_id for item in items]
            if key is None:
                break
        assert found == [f"t{n}" for n in reversed(range(10))]


async def test_runs_move_between_the_shards_of_their_states(face: Any, tables: Any, stored: Any) -> None:
    tables(HotRun)
    write, read = face(HotRunWrites), face(HotRuns)
    for n in range(8):
        await write.start_pipeline_run(f"r{n}", f"p{n % 2}", "manual")
    await write.finish_pipeline_run("r0", "p0", "success")
    await write.finish_pipeline_run("r1", "p1", "failed", "no disk")
    await write.update_run_status("r2", "p0", "cancelled")
    await write.add_stage_info("r3", "p1", StageInfo(stage_name="load", status=RunStatus.RUNNING))
    await write.add_stage_info("r3", "p1", StageInfo(stage_name="sort", status=RunStatus.RUNNING))
    assert await write.cancel_running_runs_for_pipeline("p0") == 2
    assert stored(HotRun)["r3"]["current_stage#2"].startswith("sort#")
    assert shards_are_right(stored(HotRun), HotRun)
    running, _ = await read.get_running_pipelines()
    assert sorted(run.run_id for run in running) == ["r3", "r5", "r7"]
    failed, _ = await read.get_failed_runs()
    assert [run.run_id for run in failed] == ["r1"]
    assert await read.count_runs_by_status("cancelled") == 3
    assert await read.count_runs_by_pipeline("p1") == 4
    found, key = await read.query_by_pipeline("p0", limit=3)
    rest, end = await read.query_by_pipeline("p0", limit=3, last_key=key)
    assert [run.run_id for run in (*found, *rest)] == ["r6", "r4", "r2", "r0"]
    assert end is None
    assert (await read.get_pipeline_run_statistics("p1")).total_runs == 4


async def test_an_upsert_without_the_field_keeps_field_and_shard(face: Any, db: Any, stored: Any) -> None:
    write = face(JobWrites)
    await db.put(SpreadJob(job_id="a", state="done", at=1))
    await write.upsert(JobDto(job_id="a", at=2))
    assert (stored()["a"]["state"], stored()["a"]["at"]) == ("done", 2)
    assert shards_are_right(stored(), SpreadJob)
    await write.upsert(JobDto(job_id="b", at=2))
    assert shards_are_right(stored(), SpreadJob)


async def test_normalising_a_table_fills_its_shards(
    face: Any, tables: Any, stored: Any, boto3_table: Any
) -> None:
    tables(HotPipeline)
    repository = face(HotRepository)
    await repository.create_pipeline_config("p0", "x", "s3", "s3")
    await repository.create_pipeline_config("p1", "x", "s3", "s3")
    table = boto3_table(face.config.get_table_name("pipeline_config"))
    table.update_item(Key={"pipeline_id": "p0"}, UpdateExpression="REMOVE environment, is_active")
    table.update_item(
        Key={"pipeline_id": "p1"},
        UpdateExpression="REMOVE #s",
        ExpressionAttributeNames={"#s": f"is_active#{SHARDS}"},
    )
    assert (await repository.normalise_all()).written == 2
    assert shards_are_right(stored(HotPipeline), HotPipeline)
    assert len(await repository.get_active_pipelines()) == 2


async def fill(db: Any, model: type[DynamoDBModel], limit: int | None = None) -> list[Any]:
    parts: list[Any] = []
    key: str | None = None
    while True:
        parts.append(await db.fill_shards(model, limit=limit, last_key=key))
        key = parts[-1].next_key
        if key is None:
            return parts


async def test_an_index_is_turned_on_for_items_that_are_there(face: Any, tables: Any, stored: Any) -> None:
    class Filling(Job):
        class Meta(Job.Meta):
            gsis: ClassVar = [
                GSI("ByState", "state", "at"),
                GSI("ByStateSpread", "state", "at", shards=SHARDS, filling=True),
            ]

    tables(Job)
    db = face(DynamoDB)
    await db.batch_write(Job, puts=jobs(60, make=Job))
    assert await db.create_index(Filling, "ByStateSpread") is True
    assert await db.create_index(Filling, "ByStateSpread") is False
    query = db.query(Filling).where(Filling.state == "new")
    wanted = [job.job_id for job in await query.all()]
    assert wanted
    assert query.explain().indexes == ("ByState",)
    assert await query.index("ByStateSpread").count() == 0
    before = stored()
    parts = await fill(db, Filling, limit=16)
    assert len(parts) > 2
    assert sum(part.read for part in parts) == 60
    with_state = {name for name, item in before.items() if "state" in item}
    assert sum(part.written for part in parts) == len(with_state)
    assert all(part.left == () for part in parts)
    after = stored()
    assert {name: {k: v for k, v in item.items() if k != "state#4"} for name, item in after.items()} == before
    assert shards_are_right(after, Filling)
    assert [job.job_id for job in await query.index("ByStateSpread").all()] == wanted
    assert [job.job_id for job in await db.query(OnlySpread).where(OnlySpread.state == "new").all()] == wanted
    (again,) = await fill(db, Filling)
    assert (again.read, again.written) == (60, 0)


async def test_apis_go_on_under_the_name_that_they_know(face: Any, tables: Any, stored: Any) -> None:
    class Filling(PipelineConfig):
        class Meta(PipelineConfig.Meta):
            gsis: ClassVar[list[Any]] = [
                *PipelineConfig.Meta.gsis,
                GSI("Next", "is_active", "updated_at", shards=5, stored_as="Active5", filling=True),
            ]

    class Switched(PipelineConfig):
        class Meta(PipelineConfig.Meta):
            gsis: ClassVar[list[Any]] = [
                GSI("ActivePipelinesIndex", "is_active", "updated_at", shards=5, stored_as="Active5"),
                PipelineConfig.Meta.gsis[1],
            ]

    class Reads(PipelineConfigReadApi):
        model = Switched

    class AsyncReads(AsyncPipelineConfigReadApi):
        model = Switched

    tables(PipelineConfig)
    db, write = face(DynamoDB), face(PipelineConfigWriteApi)
    await write.upsert_many([pipeline(f"p{n}", is_active=n > 2) for n in range(12)])
    await db.create_index(Filling, "Next")
    await fill(db, Filling)
    async with AsyncExitStack() as stack:
        if face.name == "sync":
            read: Any = AwaitableFace(stack.enter_context(Reads(face.config)))
        else:
            read = await stack.enter_async_context(AsyncReads(face.config))
        before = await listed(face(PipelineConfigReadApi).query_active_pipelines, 4)
        assert await listed(read.query_active_pipelines, 4) == before
        assert len(before) == 9
    found = await db.query(Switched).where(Switched.is_active == True).count()  # noqa: E712
    assert found == 9
    assert len(await db.scan(Switched, index="ActivePipelinesIndex").all()) == 12


def test_the_code_of_the_guide_runs(config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "sharding.md").read_text()
    with DynamoDB(config) as db:
        names: dict[str, Any] = {"__name__": "guide", "db": db, "config": config}
        for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
            exec(compile(block, "docs/sharding.md", "exec", dont_inherit=True), names)
        db.delete_table(names["Device"])
        db.delete_table(names["OldDevice"])
    printed = capsys.readouterr().out
    assert "8 queries on " in printed
    assert "50 50 ()" in printed


async def test_a_change_of_the_number_of_shards_is_filled_alike(db: Any, stored: Any) -> None:
    class More(Job):
        class Meta(Job.Meta):
            gsis: ClassVar = [
                GSI("ByStateSpread", "state", "at", shards=SHARDS),
                GSI("ByStateWider", "state", "at", shards=16, filling=True),
            ]

    await db.batch_write(SpreadJob, puts=jobs(30))
    await db.create_index(More, "ByStateWider")
    await fill(db, More)
    query = db.query(More).where(More.state == "new")
    wanted = [job.job_id for job in await query.all()]
    assert len(query.explain().keys) == SHARDS
    assert len(query.index("ByStateWider").explain().keys) == 16
    assert [job.job_id for job in await query.index("ByStateWider").all()] == wanted


async def test_wrong_and_left_over_keys_are_mended(
    db: Any, stored: Any, boto3_table: Any, config: Any
) -> None:
    await db.batch_write(SpreadJob, puts=jobs(20))
    right = stored()
    table = boto3_table(config.get_table_name("jobs"))
    for name in ("j1", "j2", "j3"):
        table.update_item(
            Key={"job_id": name},
            UpdateExpression="SET #s = :wrong",
            ExpressionAttributeNames={"#s": "state#4"},
            ExpressionAttributeValues={":wrong": "old#9"},
        )
    (part,) = await fill(db, SpreadJob)
    assert part.written == 3
    assert stored() == right


async def test_what_cannot_be_a_key_is_left_and_told(db: Any, boto3_table: Any, config: Any) -> None:
    await db.create_table(OnlySpread)
    table = boto3_table(config.get_table_name("jobs"))
    table.put_item(Item={"job_id": "long", "state": "x" * 2046})
    table.put_item(Item={"job_id": "fine", "state": "x"})
    (part,) = await fill(db, SpreadJob)
    assert (part.read, part.written, part.left) == (2, 1, ("long",))


async def test_filling_while_others_write_loses_nothing(
    config: DynamoDBConfig, tables: Any, stored: Any
) -> None:
    tables(SpreadJob)
    async with AsyncDynamoDB(config) as db:
        await db.batch_write(Job, puts=jobs(120, make=Job))
        done = asyncio.Event()
        notes: dict[str, str] = {}

        async def write(seed: int) -> None:
            chance = random.Random(seed)
            while not done.is_set():
                name = f"j{seed + 4 * chance.randrange(30)}"
                notes[name] = f"{chance.random()}"
                state = chance.choice(["new", "done", None])
                await db.update(SpreadJob, name, {"state": state, "note": notes[name]})

        async def run() -> list[Any]:
            try:
                return [part for _ in range(3) for part in await fill(db, SpreadJob, limit=16)]
            finally:
                done.set()

        parts, *_ = await asyncio.gather(run(), *(write(seed) for seed in range(4)))
        assert all(part.left == () for part in parts)
        items = stored()
        assert shards_are_right(items, SpreadJob)
        assert {name: items[name]["note"] for name in notes} == notes
        (again,) = await fill(db, SpreadJob)
        assert again.written == 0


async def test_an_item_that_changes_before_its_key_is_written_gets_the_key_of_its_new_value(
    face: Any, tables: Any, stored: Any, boto3_table: Any, config: DynamoDBConfig
) -> None:
    tables(SpreadJob)
    table = boto3_table(config.get_table_name("jobs"))
    table.put_item(Item={"job_id": "a", "state": "new"})
    table.put_item(Item={"job_id": "b", "state": "new"})

    class Meddler(Plugin):
        name, version = "meddler", "1"

        def __init__(self) -> None:
            self.layers = [self.meddled]

        def meddled(self, send: Any, call: Any) -> Any:
            if call.action == "UpdateItem":
                if call.body["Key"] == {"job_id": {"S": "b"}}:
                    table.delete_item(Key={"job_id": "b"})
                elif table.get_item(Key={"job_id": "a"})["Item"]["state"] == "new":
                    table.put_item(Item={"job_id": "a", "state": "done"})
            return (yield from send(call))

    db = face(DynamoDB, config.replace(plugins=(Meddler(),)))
    (part,) = await fill(db, SpreadJob)
    assert (part.read, part.written, part.left) == (2, 1, ())
    assert stored().keys() == {"a"}
    assert stored()["a"]["state#4"].startswith("done#")


async def test_the_last_page_knows_that_it_is_the_last(db: Any) -> None:
    how = next(how for how in schema_of(OnlySpread).made.values() if isinstance(how, ShardKey))
    by_shard: dict[int, list[str]] = {}
    for name in (f"j{n}" for n in range(60)):
        by_shard.setdefault(how.shard_of({"job_id": {"S": name}}), []).append(name)
    names = by_shard[1][:2] + by_shard[0][:5]  # as many in one shard as are read of it for a page of 7
    puts = [OnlySpread(job_id=name, state="new", at=at) for at, name in enumerate(names)]
    await db.batch_write(OnlySpread, puts=puts)
    page = await db.query(OnlySpread).where(OnlySpread.state == "new").paginate(7).execute()
    assert (page.count, page.next_key) == (7, None)


async def test_the_place_of_the_work_is_of_one_model_and_signed(db: Any) -> None:
    await db.batch_write(SpreadJob, puts=jobs(40))
    part = await db.fill_shards(SpreadJob, limit=8)
    assert part.next_key is not None
    for key in (part.next_key[:-2] + "AA", "x"):
        with pytest.raises(ValidationError):
            await db.fill_shards(SpreadJob, last_key=key)
    with pytest.raises(ValidationError):
        await db.fill_shards(OnlySpread, last_key=part.next_key)
    with pytest.raises(ValidationError, match="no index has shards"):
        await db.fill_shards(Job)
    with pytest.raises(ValidationError, match="limit is 0"):
        await db.fill_shards(SpreadJob, limit=0)


async def test_models_of_one_table_have_shards_each(face: Any, tables: Any, stored: Any) -> None:
    class Shop:
        table_name = "shop"
        partition_key = "pk"
        gsis: ClassVar = [GSI("ByType", "type", "at", shards=3), GSI("ByState", "state", "at", shards=2)]

    class Order(DynamoDBModel):
        number: int
        at: int
        state: str = "open"

        class Meta(Shop):
            templates: ClassVar = {"pk": "ORDER#{number:05d}"}

    class Bill(DynamoDBModel):
        number: int
        at: int
        state: str = "open"

        class Meta(Shop):
            templates: ClassVar = {"pk": "BILL#{number:05d}"}

    tables(Order)
    db = face(DynamoDB)
    await db.batch_write(Order, puts=[Order(number=n, at=n * 2) for n in range(9)])
    await db.batch_write(Bill, puts=[Bill(number=n, at=n * 2 + 1) for n in range(9)])
    await db.update(Order, 3, {"state": "closed"})
    open_ = db.query(Order, Bill).where("state", "=", "open")
    assert open_.explain().indexes == ("ByState", "ByState")
    found = await open_.all()
    assert [item.at for item in found] == [at for at in range(18) if at != 6]
    assert {type(item) for item in found} == {Order, Bill}
    assert [item.at for item in await db.query(Order).where("type", "=", "Order").all()] == list(
        range(0, 18, 2)
    )
    (part,) = await fill(db, Order)
    assert (part.read, part.written) == (9, 0)


def test_what_a_spread_index_cannot_say_in_one_condition() -> None:
    with pytest.raises(ValidationError, match="4 shards"):
        build_gsi_key_condition(OnlySpread, "ByStateSpread", state="new")
    assert extract_model_metadata(OnlySpread)["gsis"][0]["shards"] == SHARDS


def test_too_many_queries_are_not_planned(config: DynamoDBConfig) -> None:
    class Wide(Job):
        class Meta(Job.Meta):
            gsis: ClassVar = [GSI("ByState", "state", "at", shards=200)]

    with DynamoDB(config) as db:
        assert len(db.query(Wide).where(in_(Wide.state, list("abcde"))).explain().keys) == 1000
        with pytest.raises(ValidationError, match="whole table"):
            db.query(Wide).where(in_(Wide.state, list("abcdef"))).explain()
