"""Items as older versions stored them: every API reads them rightly, and what is written is written as today.

The items are those of tests/support/items_of_older_versions.json, in DynamoDB's wire form. `reads` is what
their fields are, `normal` how attributes are stored once they have been written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, TypeAdapter

from dynamodb_wrapper import (
    DynamoDB,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigRepository,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsRepository,
    PipelineRunLogsWriteApi,
    RunStatus,
    StageInfo,
    TableConfig,
    TableConfigReadApi,
    TableConfigRepository,
    TableConfigWriteApi,
    TableType,
    View,
)
from dynamodb_wrapper.query.keys import sort_condition
from dynamodb_wrapper.repositories import Normalised

OLD: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "support" / "items_of_older_versions.json").read_text()
)
MODELS: tuple[type[BaseModel], ...] = (PipelineConfig, TableConfig, PipelineRunLog)
REPOSITORIES = (PipelineConfigRepository, TableConfigRepository, PipelineRunLogsRepository)
READ_APIS = (PipelineConfigReadApi, TableConfigReadApi, PipelineRunLogsReadApi)
KEYS = (("pipeline_id",), ("table_id",), ("run_id", "pipeline_id"))
DOMAINS = [
    pytest.param(*domain, id=name)
    for name, *domain in zip(OLD, MODELS, REPOSITORIES, READ_APIS, KEYS, strict=True)
]
each_domain = pytest.mark.parametrize(("model", "repository", "read_api", "key_names"), DOMAINS)
LONG_AGO = datetime(2024, 1, 31, 12, tzinfo=UTC)


class Stored:
    """The tables with their old items, as they are on the wire."""

    def __init__(self, client: Any, names: Iterable[str]) -> None:
        self._client = client
        self._names = dict(zip(OLD, names, strict=True))
        for table, entries in OLD.items():
            for entry in entries:
                client.put_item(TableName=self._names[table], Item=_for_boto3(entry["item"]))

    def item(self, table: str, **key: str) -> dict[str, Any]:
        found = self._client.get_item(
            TableName=self._names[table],
            Key={name: {"S": value} for name, value in key.items()},
            ConsistentRead=True,
        )
        item: dict[str, Any] = found["Item"]
        return item


def _for_boto3(value: Any) -> Any:
    """The same with binary as bytes, as boto3 takes it."""
    if isinstance(value, list):
        return [_for_boto3(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"B"}:
        return {
            "B": TypeAdapter(bytes, config={"val_json_bytes": "base64"}).validate_json(json.dumps(value["B"]))
        }
    return {name: _for_boto3(each) for name, each in value.items()}


@pytest.fixture
def stored(tables: Callable[..., list[str]], boto3_client: Any) -> Stored:
    return Stored(boto3_client, tables(*MODELS))


def entries_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    return OLD[model.Meta.table_name]  # type: ignore[attr-defined]


def key_of(entry: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: entry["item"][name]["S"] for name in names}


def check(read: Any, entry: dict[str, Any]) -> None:
    """That what was read is what was meant, as far as it has these fields.

    What an old item lacks has the model's default in a model, and the view's, mostly None, in a view.
    """
    known = type(read).model_fields
    fields = {name: value for name, value in entry["reads"].items() if name in known}
    if isinstance(read, View):
        made = {name: known[name].get_default(call_default_factory=True) for name in known}
        fields |= {name: made[name] for name in fields if name not in entry["item"]}
    assert read.model_dump(mode="json", include=set(fields)) == fields
    moments = [value for value in vars(read).values() if isinstance(value, datetime)]
    assert all(moment.tzinfo is UTC for moment in moments)


def check_all(
    read: Iterable[Any], model: type[BaseModel], names: Iterable[str], missing: Iterable[str] = ()
) -> None:
    """That each old item was read once and rightly, but for those that an index cannot have."""
    names = tuple(names)
    by_key = {tuple(getattr(item, name) for name in names): item for item in read}
    wanted = {tuple(key_of(entry, names).values()): entry for entry in entries_of(model)}
    wanted = {key: entry for key, entry in wanted.items() if key[0] not in missing}
    assert by_key.keys() == wanted.keys()
    for key, entry in wanted.items():
        check(by_key[key], entry)


def ids(found: Iterable[Any]) -> list[str]:
    return [
        getattr(item, "run_id", None) or getattr(item, "table_id", None) or item.pipeline_id for item in found
    ]


@each_domain
async def test_the_read_api_reads_them(
    face: Any, stored: Stored, model: Any, repository: Any, read_api: Any, key_names: Any
) -> None:
    api = face(read_api)
    for entry in entries_of(model):
        key = key_of(entry, key_names)
        check(await api.get_by_id(**key), entry)
        check(await api.get(key), entry)
        check(await api.find_by_id(**key, consistent_read=True), entry)
    check_all((await api.scan())[0], model, key_names)


@each_domain
async def test_the_repository_reads_them(
    face: Any, stored: Stored, model: Any, repository: Any, read_api: Any, key_names: Any
) -> None:
    of_v1 = face(repository)
    for entry in entries_of(model):
        key = key_of(entry, key_names)
        check(await of_v1.get(key), entry)
        check(await of_v1.get_or_raise(key), entry)
        check((await of_v1.query_by_pk(entry["item"][key_names[0]]["S"]))[0], entry)
    check_all(await of_v1.list_all(), model, key_names)


@each_domain
async def test_the_general_client_reads_them(
    face: Any, stored: Stored, model: Any, repository: Any, read_api: Any, key_names: Any
) -> None:
    db = face(DynamoDB)
    entries = entries_of(model)
    keys = [key_of(entry, key_names) for entry in entries]
    for many in (
        [await db.get(model, key) for key in keys],
        await db.batch_get(model, keys),
        await db.transact_get([(model, key) for key in keys]),
    ):
        for item, entry in zip(many, entries, strict=True):
            check(item, entry)
    check_all(await db.query(model).allow_scan().all(), model, key_names)
    name = face.config.get_table_name(model.Meta.table_name)
    check_all(await db.execute_statement(f'SELECT * FROM "{name}"', model=model), model, key_names)


async def test_queries_by_index_read_pipelines(face: Any, stored: Stored) -> None:
    read, db, of_v1 = face(PipelineConfigReadApi), face(DynamoDB), face(PipelineConfigRepository)
    lacking = ("bare",)
    for found in (
        (await read.query_active_pipelines())[0],
        (await read.query_by_environment("prod"))[0],
        (await read.query_by_environment_and_status("prod", True))[0],
        await of_v1.get_active_pipelines(),
        await of_v1.get_pipelines_by_environment("prod"),
        await db.query(PipelineConfig).where("is_active", "=", True).where("environment", "=", "prod").all(),
    ):
        check_all(found, PipelineConfig, ["pipeline_id"], lacking)
    assert await read.count_active_pipelines() == 2
    assert (await read.get_pipeline_summary("zulu")).is_active is True


async def test_queries_by_index_read_tables_and_filters_know_either_form_of_a_boolean(
    face: Any, stored: Stored
) -> None:
    read, of_v1 = face(TableConfigReadApi), face(TableConfigRepository)
    for found in (
        (await read.query_by_pipeline("zulu"))[0],
        (await read.query_recent_configs(datetime(2024, 1, 31, tzinfo=UTC), "prod"))[0],
        await of_v1.get_tables_by_pipeline("zulu"),
    ):
        check_all(found, TableConfig, ["table_id"])
    for source in (
        (await read.query_by_table_type("source"))[0],
        (await read.scan_for_all_tables(filters={"caching_enabled": True}))[0],
        (await read.query_by_pipeline("zulu", filters={"is_active": False}))[0],
        (await read.scan_for_all_tables(filters=Attr("caching_enabled").eq(True)))[0],
        await face(DynamoDB).query(TableConfig).where("is_active", "=", False).allow_scan().all(),
        await face(DynamoDB).query(TableConfig).where(TableConfig.caching_enabled).allow_scan().all(),
        await of_v1.get_tables_by_type(TableType.SOURCE),
        await of_v1.get_source_tables("zulu"),
    ):
        assert ids(source) == ["orders"]
    for active in (
        (await read.get_active_tables_by_pipeline("zulu"))[0],
        await of_v1.get_active_tables_by_pipeline("zulu"),
        await of_v1.get_destination_tables("zulu"),
    ):
        assert ids(active) == ["sales"]
    summary = await read.get_tables_statistics_summary("zulu")
    assert (summary.total_tables, summary.active_tables, summary.record_count) == (2, 1, 1200)


async def test_queries_by_index_read_runs(face: Any, stored: Stored) -> None:
    read, of_v1 = face(PipelineRunLogsReadApi), face(PipelineRunLogsRepository)
    for found in (
        (await read.query_by_pipeline("zulu"))[0],
        await of_v1.get_runs_by_pipeline("zulu"),
    ):
        check_all(found, PipelineRunLog, ["run_id", "pipeline_id"])
    for running in ((await read.get_running_pipelines())[0], await of_v1.get_running_pipelines()):
        assert ids(running) == ["r2"]
    assert ids(await of_v1.get_runs_by_status("success")) == ["r1"]
    assert (await of_v1.get_by_run_id("r1")).stages[0].end_time == datetime(2024, 1, 31, 12, 5, tzinfo=UTC)


@each_domain
async def test_a_write_of_the_whole_item_normalises_it_and_keeps_what_is_unknown(
    face: Any, stored: Stored, model: Any, repository: Any, read_api: Any, key_names: Any
) -> None:
    table = model.Meta.table_name
    of_v1, db = face(repository), face(DynamoDB)
    for entry in entries_of(model):
        key = key_of(entry, key_names)
        await of_v1.update(await of_v1.get(key))
        item = stored.item(table, **key)
        assert {name: item[name] for name in entry["normal"]} == entry["normal"]
        await db.put(await db.get(model, key))
        item = stored.item(table, **key)
        unknown = entry["item"].keys() - model.model_fields.keys()
        assert {name: item[name] for name in unknown} == {
            name: _for_boto3(entry["item"][name]) for name in unknown
        }


async def test_a_write_of_some_attributes_normalises_those(face: Any, stored: Stored) -> None:
    write = face(PipelineConfigWriteApi)
    after = await write.update_pipeline("zulu", {"cpu_cores": 8, "memory_gb": 16})
    assert (after.cpu_cores, after.is_active) == (8, True)
    item = stored.item("pipeline_config", pipeline_id="zulu")
    assert item["updated_at"]["S"].endswith("+00:00")
    assert (item["memory_gb"], item["cpu_cores"]) == ({"N": "16"}, {"N": "8"})
    assert item["created_at"] == {"S": "2024-01-31T12:00:00Z"}, "not named, so not written"
    dto = PipelineConfigUpsert(
        pipeline_id="offset", pipeline_name="New", source_type="kafka", destination_type="s3"
    )
    assert (await write.upsert_pipeline(dto)).created_at == datetime(2024, 1, 31, 18, tzinfo=UTC)
    assert stored.item("pipeline_config", pipeline_id="offset")["is_active"] == {"S": "true"}

    tables = face(TableConfigWriteApi)
    only_if = {"condition_expression": Attr("is_active").eq(False)}
    assert (await tables.update_table("orders", {"is_active": True}, **only_if)).is_active is True
    assert stored.item("table_config", table_id="orders")["is_active"] == {"BOOL": True}
    assert await tables.deactivate_tables_for_pipeline("zulu") == 2
    assert stored.item("table_config", table_id="sales")["is_active"] == {"BOOL": False}


async def test_an_update_whose_rule_looks_at_old_forms_succeeds(face: Any, stored: Stored) -> None:
    after = await face(PipelineConfigWriteApi).update_pipeline("zulu", {"cpu_cores": 16})
    assert (after.cpu_cores, after.memory_gb) == (16, 8.5)


async def test_runs_that_older_versions_began_go_on(face: Any, stored: Stored) -> None:
    write = face(PipelineRunLogsWriteApi)
    stage = StageInfo(stage_name="load", status=RunStatus.FAILED)
    assert [each.status for each in (await write.add_stage_info("r1", "zulu", stage)).stages] == ["failed"]
    assert stored.item("pipeline_run_logs", run_id="r1", pipeline_id="zulu")["stages"]["L"][0]["M"][
        "host"
    ] == {"S": "worker-1"}
    over = await write.finish_pipeline_run("r2", "zulu", "failed", "gone")
    assert over.end_time > over.start_time == LONG_AGO.replace(microsecond=500_000)
    assert await write.cleanup_old_run_logs(days_old=1) == 2


async def test_runs_that_older_versions_left_running_are_cancelled(face: Any, stored: Stored) -> None:
    assert await face(PipelineRunLogsWriteApi).cancel_running_runs_for_pipeline("zulu") == 1


async def test_texts_of_mixed_forms_do_not_sort_as_the_times_do_until_they_are_normalised(
    face: Any, stored: Stored
) -> None:
    read, of_v1 = face(PipelineConfigReadApi), face(PipelineConfigRepository)
    by_created = {"environment": "prod"}, "EnvironmentIndex"
    evening = datetime(2024, 1, 31, 19, tzinfo=UTC)

    async def created_before_evening() -> list[str]:
        sort = sort_condition("created_at", "lt", evening)
        return ids((await read.query(*by_created, sort=sort))[0])

    assert await created_before_evening() == ["zulu"], (
        "offset began at 18:00 UTC, which its text does not say"
    )
    assert await of_v1.normalise_all() == Normalised(read=3, written=3, left=())
    assert await created_before_evening() == ["zulu", "offset"]
    assert ids((await read.query_active_pipelines())[0]) == ["bare", "offset", "zulu"]
    assert ids((await read.query_by_environment("dev"))[0]) == ["bare"]


@each_domain
async def test_normalising_a_table_writes_each_item_once_and_loses_nothing(
    face: Any, stored: Stored, model: Any, repository: Any, read_api: Any, key_names: Any
) -> None:
    of_v1, entries = face(repository), entries_of(model)
    table = model.Meta.table_name
    before = {str(key_of(entry, key_names)): await of_v1.get(key_of(entry, key_names)) for entry in entries}
    done = await of_v1.normalise_all()
    assert done == Normalised(read=len(entries), written=len(entries), left=())
    assert await of_v1.normalise_all() == Normalised(read=len(entries), written=0, left=())
    check_all(await of_v1.list_all(), model, key_names)
    for entry in entries:
        key = key_of(entry, key_names)
        item = stored.item(table, **key)
        assert {name: item[name] for name in entry["normal"]} == entry["normal"]
        unknown = entry["item"].keys() - model.model_fields.keys()
        assert {name: item[name] for name in unknown} == {
            name: _for_boto3(entry["item"][name]) for name in unknown
        }
        made_up = {"created_at", "updated_at"} - before[str(key)].model_fields_set
        after = await of_v1.get(key)
        assert after.model_copy(update=dict.fromkeys(made_up)) == before[str(key)].model_copy(
            update=dict.fromkeys(made_up)
        )


async def test_normalising_leaves_what_it_cannot_write_and_names_it(
    face: Any, stored: Stored, config: Any, boto3_client: Any
) -> None:
    item = entries_of(PipelineConfig)[0]["item"] | {
        "pipeline_id": {"S": "odd"},
        "is_active": {"S": "perhaps"},
    }
    boto3_client.put_item(TableName=config.get_table_name("pipeline_config"), Item=_for_boto3(item))
    done = await face(PipelineConfigRepository).normalise_all()
    assert done == Normalised(read=4, written=3, left=("odd",))
    assert stored.item("pipeline_config", pipeline_id="odd") == _for_boto3(item)
