"""What users do with pipelines, through both faces and on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import (
    BulkWriteError,
    ConflictError,
    DynamoDB,
    ItemNotFoundError,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigSummaryView,
    PipelineConfigUpsert,
    PipelineConfigView,
    PipelineConfigWriteApi,
    ValidationError,
)
from dynamodb_wrapper.expressions import Compare, Path

LONG_AGO = datetime(2020, 1, 31, 12, tzinfo=UTC)


def dto(pipeline_id: str = "p1", **values: Any) -> PipelineConfigUpsert:
    needed = {"pipeline_name": "Flights", "source_type": "s3", "destination_type": "warehouse"}
    return PipelineConfigUpsert(pipeline_id=pipeline_id, **(needed | values))


def pipeline(number: int, **values: Any) -> PipelineConfig:
    needed = {"pipeline_name": "Flights", "source_type": "s3", "destination_type": "warehouse"}
    stamps = {name: LONG_AGO + timedelta(days=number) for name in ("created_at", "updated_at")}
    return PipelineConfig(pipeline_id=f"p{number:03}", **(needed | stamps | values))


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """The pipelines' table as boto3 sees it; it is made empty."""
    return boto3_table(tables(PipelineConfig)[0])


@pytest.fixture
def write(face: Any, table: Any) -> Any:
    return face(PipelineConfigWriteApi)


@pytest.fixture
def read(face: Any, table: Any) -> Any:
    return face(PipelineConfigReadApi)


@pytest.fixture
async def stored(face: Any, table: Any) -> list[PipelineConfig]:
    """Ten pipelines: every third is in prod, every second is inactive."""
    made = [
        pipeline(number, environment="prod" if number % 3 == 0 else "dev", is_active=number % 2 == 0)
        for number in range(10)
    ]
    await face(DynamoDB).batch_write(PipelineConfig, puts=made)
    return made


def ids(items: list[Any]) -> list[str]:
    return [item.pipeline_id for item in items]


def raw(table: Any, pipeline_id: str = "p1") -> Any:
    return table.get_item(Key={"pipeline_id": pipeline_id}, ConsistentRead=True).get("Item")


def change_raw(table: Any, pipeline_id: str, **attributes: Any) -> None:
    table.put_item(Item={**raw(table, pipeline_id), **attributes})


async def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls, each in a thread of its own, and return what each gave or raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        started = list(pool.map(lambda call: call(), calls))
    return await asyncio.gather(*started, return_exceptions=True)


async def test_what_was_created_is_read(read: Any, write: Any) -> None:
    created = await write.create_pipeline(dto(memory_gb=Decimal("8.5"), cpu_cores=4, tags={"team": "air"}))
    assert isinstance(created, PipelineConfig)
    seen = await read.get_by_id("p1", consistent_read=True)
    assert isinstance(seen, PipelineConfigView)
    assert (seen.pipeline_id, seen.pipeline_name, seen.tags) == ("p1", "Flights", {"team": "air"})
    assert seen.created_at == seen.updated_at == created.created_at


async def test_create_never_overwrites(write: Any, table: Any) -> None:
    await write.create_pipeline(dto(pipeline_name="First"))
    with pytest.raises(ConflictError) as caught:
        await write.create_pipeline(dto(pipeline_name="Second"))
    assert caught.value.resource_id == "p1"
    assert isinstance(caught.value.current_item, PipelineConfig)
    assert caught.value.current_item.pipeline_name == "First" == raw(table)["pipeline_name"]


async def test_of_two_creates_at_once_one_succeeds(write: Any) -> None:
    for number in range(5):
        name = f"twice{number}"
        outcomes = await at_once(*[partial(write.create_pipeline, dto(name))] * 2)
        conflicts = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
        created = [outcome for outcome in outcomes if isinstance(outcome, PipelineConfig)]
        assert len(created) == len(conflicts) == 1
        assert conflicts[0].current_item == created[0]


async def test_a_condition_on_a_create_that_fails_is_told_apart_from_an_existing_item(write: Any) -> None:
    with pytest.raises(ConflictError, match="condition") as caught:
        await write.create_pipeline(dto(), condition_expression=Attr("tags").exists())
    assert caught.value.current_item is None


async def test_a_missing_pipeline_is_an_error_or_none(read: Any) -> None:
    for missing in (read.get_by_id, read.get_pipeline_summary):
        with pytest.raises(ItemNotFoundError) as caught:
            await missing("nobody")
        assert caught.value.key == {"pipeline_id": "nobody"}
        assert caught.value.table_name.endswith("pipeline_config")
    assert await read.find_by_id("nobody") is None


async def test_a_summary_is_a_line(read: Any, write: Any) -> None:
    await write.create_pipeline(dto(environment="prod"))
    summary = await read.get_pipeline_summary("p1")
    assert isinstance(summary, PipelineConfigSummaryView)
    assert (summary.pipeline_name, summary.is_active, summary.environment) == ("Flights", True, "prod")


async def test_a_projection_fetches_its_fields_and_what_the_view_requires(read: Any, write: Any) -> None:
    await write.create_pipeline(dto(description="from the airports"))
    seen = await read.get_by_id("p1", projection=["is_active", "description"])
    assert seen.model_fields_set == {"pipeline_id", "pipeline_name", "is_active", "description"}
    assert (seen.is_active, seen.description, seen.environment) == (True, "from the airports", None)


async def test_the_zone_of_the_call_beats_that_of_the_config_which_beats_utc(
    face: Any, read: Any, write: Any
) -> None:
    created = await write.create_pipeline(dto())
    in_oslo = face(PipelineConfigReadApi, face.config.replace(user_timezone="Europe/Oslo"))
    plain, oslo = await read.get_by_id("p1"), await in_oslo.get_by_id("p1")
    tokyo = await in_oslo.get_by_id("p1", user_timezone="Asia/Tokyo")
    [listed], _ = await in_oslo.query_active_pipelines(user_timezone="Asia/Tokyo")
    assert plain.created_at == oslo.created_at == tokyo.created_at == created.created_at
    assert plain.created_at.utcoffset() == timedelta(0)
    assert oslo.updated_at.tzinfo == ZoneInfo("Europe/Oslo")
    assert tokyo.updated_at.tzinfo == listed.created_at.tzinfo == ZoneInfo("Asia/Tokyo")


async def test_a_datetime_stored_with_another_offset_is_shown_in_utc(
    read: Any, write: Any, table: Any
) -> None:
    await write.create_pipeline(dto())
    change_raw(table, "p1", created_at="2024-01-31T14:00:00+02:00", updated_at="2024-01-31T12:00:00Z")
    seen = await read.get_by_id("p1")
    assert seen.created_at == seen.updated_at == datetime(2024, 1, 31, 12, tzinfo=UTC)
    assert seen.created_at.utcoffset() == seen.updated_at.utcoffset() == timedelta(0)


async def test_a_bool_that_is_a_key_of_an_index_is_stored_as_text(write: Any, table: Any) -> None:
    await write.create_pipeline(dto())
    assert raw(table)["is_active"] == "true"
    await write.update_pipeline_status("p1", False, updated_by="ann")
    assert (raw(table)["is_active"], raw(table)["updated_by"]) == ("false", "ann")
    updated = await write.update_pipeline("p1", {"is_active": True})
    assert raw(table)["is_active"] == "true"
    assert updated.is_active is True
    assert updated.updated_by == "ann"


async def test_datetimes_are_stored_in_utc_and_sort_as_text(write: Any, table: Any) -> None:
    created = await write.create_pipeline(dto())
    text = raw(table)["created_at"]
    assert text.endswith("+00:00")
    assert len(text) == len("2026-01-31T12:00:00.000000+00:00")
    assert datetime.fromisoformat(text) == created.created_at


@pytest.mark.usefixtures("stored")
async def test_the_active_ones_are_listed_by_their_last_change(read: Any) -> None:
    listed, next_key = await read.query_active_pipelines()
    assert ids(listed) == ["p000", "p002", "p004", "p006", "p008"]
    assert next_key is None
    backwards, _ = await read.query_active_pipelines(ascending=False)
    assert ids(backwards) == ids(listed)[::-1]
    assert await read.count_active_pipelines() == 5


@pytest.mark.usefixtures("stored")
async def test_an_environments_pipelines_are_listed_oldest_first(read: Any) -> None:
    assert ids((await read.query_by_environment("prod"))[0]) == ["p000", "p003", "p006", "p009"]
    assert ids((await read.query_by_environment("prod", ascending=False, limit=1))[0]) == ["p009"]
    assert ids((await read.query_by_environment("prod", filters={"is_active": False}))[0]) == ["p003", "p009"]
    assert (await read.query_by_environment("test"))[0] == []
    assert await read.count_pipelines_by_environment("prod") == 4
    assert await read.count_pipelines_by_environment("test") == 0


@pytest.mark.usefixtures("stored")
async def test_an_environments_pipelines_are_listed_by_status(read: Any) -> None:
    assert ids((await read.query_by_environment_and_status("prod", True))[0]) == ["p000", "p006"]
    assert ids((await read.query_by_environment_and_status("prod", False))[0]) == ["p003", "p009"]
    assert ids((await read.query_by_environment_and_status("prod", False, limit=1))[0]) == ["p003"]


async def test_a_scan_finds_what_the_filters_leave(read: Any, stored: list[PipelineConfig]) -> None:
    listed, next_key = await read.scan_for_all_pipelines()
    assert sorted(ids(listed)) == ids(stored)
    assert next_key is None
    either, _ = await read.scan_for_all_pipelines(filters={"pipeline_id": ["p001", "p002"]})
    assert sorted(ids(either)) == ["p001", "p002"]
    inactive, _ = await read.scan_for_all_pipelines(
        projection=["is_active"], filters={"environment": "prod", "is_active": False}
    )
    assert sorted(ids(inactive)) == ["p003", "p009"]
    late, _ = await read.scan_for_all_pipelines(filters=Attr("pipeline_id").gte("p008"), consistent_read=True)
    assert sorted(ids(late)) == ["p008", "p009"]


async def test_a_bool_filter_finds_both_stored_forms(
    read: Any, table: Any, stored: list[PipelineConfig]
) -> None:
    change_raw(table, "p003", legacy=True, is_active="true")
    table.put_item(Item={**raw(table, "p005"), "pipeline_id": "p100", "is_active": "false"})
    active, _ = await read.scan_for_all_pipelines(filters={"is_active": True, "environment": "prod"})
    assert sorted(ids(active)) == ["p000", "p003", "p006"]


async def test_a_filter_on_what_the_model_has_not_is_refused(read: Any) -> None:
    with pytest.raises(ValidationError, match="environment") as caught:
        await read.scan_for_all_pipelines(filters={"enviroment": "prod"})
    assert caught.value.errors.keys() == {"enviroment"}


@pytest.mark.usefixtures("stored")
async def test_a_filter_that_contradicts_the_query_is_refused(read: Any) -> None:
    with pytest.raises(ValidationError, match="no item is both"):
        await read.query_by_environment("prod", filters={"environment": "dev"})
    agreeing, _ = await read.query_by_environment("prod", filters={"environment": ["dev", "prod"]})
    assert len(agreeing) == 4


async def test_an_update_changes_what_is_named_and_moves_updated_at(write: Any, table: Any) -> None:
    created = await write.create_pipeline(dto(description="old", created_by="ann"))
    before = raw(table)
    updated = await write.update_pipeline("p1", {"description": None, "cpu_cores": 2, "memory_gb": 4})
    assert (updated.cpu_cores, updated.memory_gb, updated.description) == (2, 4, None)
    assert updated.updated_at > created.updated_at
    after = raw(table)
    assert "description" not in after
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"description", "cpu_cores", "memory_gb", "updated_at"}


async def test_an_update_of_a_missing_pipeline_makes_none(write: Any, table: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: write.update_pipeline("nobody", {"description": "x"}),
        lambda: write.update_pipeline("nobody", {"cpu_cores": 1}),
        lambda: write.update_pipeline(
            "nobody", {"version": "1.0.1"}, condition_expression=Attr("tags").exists()
        ),
        lambda: write.update_pipeline_status("nobody", True),
    ]
    for call in calls:
        with pytest.raises(ItemNotFoundError):
            await call()
    assert raw(table, "nobody") is None


@pytest.mark.parametrize(
    ("updates", "field"),
    [
        ({"environment": "moon"}, "environment"),
        ({"description": "x" * 1001}, "description"),
        ({"schedule_expression": "61 * * * *"}, "schedule_expression"),
        ({"pipeline_name": None}, "pipeline_name"),
        ({"cpu_cores": 64}, "memory_gb"),  # against the 8 GB that are stored
        ({"memory_gb": "0.6"}, "memory_gb"),  # against the 4 cores that are stored
        ({"pipeline_id": "p2"}, "pipeline_id"),
        ({"descripton": "x"}, "descripton"),
        ({"updated_at": datetime(2026, 1, 1)}, "updated_at"),
    ],
)
async def test_an_update_that_is_not_valid_leaves_the_item_as_it_was(
    write: Any, table: Any, updates: dict[str, Any], field: str
) -> None:
    await write.create_pipeline(dto(cpu_cores=4, memory_gb=8))
    before = raw(table)
    with pytest.raises(ValidationError) as caught:
        await write.update_pipeline("p1", {"version": "2.0.0", **updates})
    assert caught.value.errors.keys() == {field}
    assert raw(table) == before


async def test_an_update_without_a_change_is_refused(write: Any, table: Any) -> None:
    await write.create_pipeline(dto())
    before = raw(table)
    with pytest.raises(ValidationError, match="nothing to change"):
        await write.update_pipeline("p1", {})
    assert raw(table) == before


async def test_two_updates_cannot_break_a_rule_together(write: Any) -> None:
    """Each is allowed by what is stored; both are not."""
    for number in range(5):  # so that in some rounds both have read before one writes
        name = f"p{number}"
        await write.create_pipeline(dto(name, cpu_cores=4, memory_gb=4))
        outcomes = await at_once(
            partial(write.update_pipeline, name, {"cpu_cores": 8}),
            partial(write.update_pipeline, name, {"memory_gb": 2}),
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PipelineConfig", "ValidationError"]


@pytest.mark.parametrize(
    "condition",
    [
        Attr("is_active").eq(True),
        Attr("is_active").eq(True) & Attr("pipeline_name").begins_with("Fl"),
        ~Attr("description").exists() | Attr("description").size().gt(100),
        Attr("config.limits[0]").between(1, 5),
        Compare(Path(("is_active",)), "=", True),
    ],
)
async def test_an_update_may_have_a_condition(write: Any, condition: object) -> None:
    await write.create_pipeline(dto(config={"limits": [3]}))
    updated = await write.update_pipeline("p1", {"description": "x"}, condition_expression=condition)
    assert updated.description == "x"


async def test_a_condition_that_fails_brings_the_item_as_it_is(write: Any, table: Any) -> None:
    await write.create_pipeline(dto(is_active=False))
    before = raw(table)
    with pytest.raises(ConflictError) as caught:
        await write.update_pipeline(
            "p1", {"description": "x"}, condition_expression=Attr("is_active").eq(True)
        )
    assert caught.value.resource_id == "p1"
    assert isinstance(caught.value.current_item, PipelineConfig)
    assert caught.value.current_item.is_active is False
    assert raw(table) == before


async def test_what_is_no_condition_is_refused(write: Any) -> None:
    await write.create_pipeline(dto())
    with pytest.raises(ValidationError, match="condition"):
        await write.update_pipeline("p1", {"description": "x"}, condition_expression="is_active = :true")


async def test_unknown_attributes_survive_update_and_upsert(write: Any, table: Any) -> None:
    await write.create_pipeline(dto())
    owner = {"name": "ann", "numbers": [Decimal("1.50"), None, {"deep": True}], "set": {"a", "b"}}
    change_raw(table, "p1", owner=owner)
    await write.update_pipeline("p1", {"cpu_cores": 2})
    assert raw(table)["owner"] == owner
    await write.upsert_pipeline(dto(description="again"))
    await write.activate_pipelines(["p1"])
    assert raw(table)["owner"] == owner
    assert raw(table)["description"] == "again"


async def test_an_upsert_creates(read: Any, write: Any) -> None:
    stored = await write.upsert_pipeline(dto(created_by="ann"))
    assert isinstance(stored, PipelineConfig)
    assert stored.created_at == stored.updated_at
    assert (await read.get_by_id("p1")).created_by == "ann"


async def test_an_upsert_keeps_who_created_it_when_and_moves_updated_at(write: Any) -> None:
    created = await write.create_pipeline(dto(created_by="ann", description="old", cpu_cores=1))
    stored = await write.upsert_pipeline(dto(created_by="bob", updated_by="bob", pipeline_name="New"))
    assert (stored.created_at, stored.created_by) == (created.created_at, "ann")
    assert stored.updated_at > created.updated_at
    assert (stored.pipeline_name, stored.updated_by) == ("New", "bob")
    assert (stored.description, stored.cpu_cores) == (None, None)


async def test_many_upserts_give_what_is_stored_in_their_order(read: Any, write: Any) -> None:
    await write.create_pipeline(dto("p07", created_by="ann"))
    numbers = [*range(30), 7]
    stored = await write.upsert_many([dto(f"p{number:02}", version=f"1.0.{number}") for number in numbers])
    assert ids(stored) == [f"p{number:02}" for number in numbers]
    assert stored[7].created_by == "ann"
    assert len((await read.scan_for_all_pipelines())[0]) == 30
    assert await write.upsert_many([]) == []


async def test_of_many_upserts_each_failure_is_told(write: Any, table: Any) -> None:
    too_big = dto("big", config={"text": "x" * 400 * 1024})
    with pytest.raises(BulkWriteError) as caught:
        await write.upsert_many([dto("a"), too_big, dto("b")])
    assert set(caught.value.succeeded) == {"a", "b"}
    assert isinstance(caught.value.failed["big"], ValidationError)
    assert raw(table, "a")
    assert raw(table, "big") is None


async def test_a_delete_says_whether_there_was_one(write: Any, table: Any) -> None:
    await write.create_pipeline(dto())
    assert await write.delete_pipeline("p1") is True
    assert raw(table) is None
    assert await write.delete_pipeline("p1") is False
    assert await write.delete_pipeline("p1", condition_expression=Attr("is_active").eq(False)) is False


async def test_a_delete_may_have_a_condition(write: Any, table: Any) -> None:
    await write.create_pipeline(dto())
    with pytest.raises(ConflictError) as caught:
        await write.delete_pipeline("p1", condition_expression=Attr("is_active").eq(False))
    assert caught.value.current_item.is_active is True
    assert raw(table)
    assert await write.delete_pipeline("p1", condition_expression=Attr("is_active").eq(True)) is True


async def test_many_are_activated_and_deactivated(
    read: Any, write: Any, stored: list[PipelineConfig]
) -> None:
    names = ids(stored)
    assert await write.activate_pipelines(names, updated_by="ann") == 10
    assert await read.count_active_pipelines() == 10
    assert await write.deactivate_pipelines([*names[:4], *names[:2]]) == 4
    assert await read.count_active_pipelines() == 6
    assert (await read.get_by_id("p000")).updated_by == "ann"
    assert await write.activate_pipelines([]) == 0


async def test_with_a_missing_one_none_is_changed(
    read: Any, write: Any, stored: list[PipelineConfig]
) -> None:
    with pytest.raises(ItemNotFoundError, match="nobody") as caught:
        await write.deactivate_pipelines([*ids(stored), "nobody"])
    assert caught.value.key == {"pipeline_id": "nobody"}
    assert await read.count_active_pipelines() == 5
    assert await read.find_by_id("nobody") is None


async def test_a_text_is_no_list_of_ids(write: Any) -> None:
    with pytest.raises(ValidationError, match="list"):
        await write.activate_pipelines("p1")


async def test_more_than_a_transaction_takes_go_in_chunks(face: Any, read: Any, write: Any) -> None:
    many = [pipeline(number) for number in range(230)]
    await face(DynamoDB).batch_write(PipelineConfig, puts=many)
    assert await write.deactivate_pipelines(ids(many)) == 230
    assert await read.count_active_pipelines() == 0
    with pytest.raises(BulkWriteError) as caught:
        await write.activate_pipelines([*ids(many[:150]), "nobody", *ids(many[150:])])
    assert caught.value.succeeded == (*ids(many[:100]), *ids(many[199:]))
    assert list(caught.value.failed) == [*ids(many[100:150]), "nobody", *ids(many[150:199])]
    assert all(isinstance(error, ItemNotFoundError) for error in caught.value.failed.values())
    assert await read.count_active_pipelines() == 131


async def test_old_pipelines_of_an_environment_are_archived(
    read: Any, write: Any, stored: list[PipelineConfig]
) -> None:
    await write.update_pipeline("p006", {"description": "in use"})
    assert await write.archive_old_pipelines("prod", days_inactive=90, updated_by="ann") == 1
    archived = await read.get_by_id("p000")
    assert (archived.is_active, archived.updated_by) == (False, "ann")
    assert (await read.get_by_id("p006")).is_active is True
    assert (await read.get_by_id("p002")).is_active is True
    assert await write.archive_old_pipelines("prod") == 0


@pytest.mark.parametrize("days", [-1, True, "90", 1e9])
async def test_an_age_that_makes_no_sense_archives_nothing(write: Any, days: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await write.archive_old_pipelines("prod", days_inactive=days)
    assert caught.value.errors.keys() == {"days_inactive"}


@pytest.mark.usefixtures("stored")
async def test_a_change_of_many_is_validated_before_it_is_written(read: Any, write: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: write.activate_pipelines(["p001"], updated_by="x" * 129),
        lambda: write.archive_old_pipelines("prod", updated_by="x" * 129),
        lambda: write.update_pipeline_status("p001", True, updated_by="x" * 129),
    ]
    for call in calls:
        with pytest.raises(ValidationError) as caught:
            await call()
        assert caught.value.errors.keys() == {"updated_by"}
    assert await read.count_active_pipelines() == 5


async def test_an_item_that_breaks_the_view_is_an_error_that_names_it(
    read: Any, write: Any, table: Any
) -> None:
    await write.create_pipeline(dto())
    change_raw(table, "p1", created_at="yesterday")
    with pytest.raises(ValidationError, match="created_at"):
        await read.get_by_id("p1")
