"""What users do with the tables of pipelines, through both faces and on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import (
    BulkWriteError,
    ConflictError,
    DataFormat,
    DynamoDB,
    ItemNotFoundError,
    TableConfig,
    TableConfigReadApi,
    TableConfigSummaryView,
    TableConfigUpsert,
    TableConfigView,
    TableConfigWriteApi,
    TableType,
    ValidationError,
)
from dynamodb_wrapper.handlers.table_config.statistics import TablesSummary

LONG_AGO = datetime(2020, 1, 31, 12, tzinfo=UTC)
NEEDED: dict[str, Any] = {
    "pipeline_id": "flights",
    "table_name": "Delays",
    "table_type": "source",
    "data_format": "parquet",
    "location": "s3://lake/delays",
}


def dto(table_id: str = "t1", **values: Any) -> TableConfigUpsert:
    return TableConfigUpsert(table_id=table_id, **(NEEDED | values))


def config(number: int, **values: Any) -> TableConfig:
    stamps = {name: LONG_AGO + timedelta(days=number) for name in ("created_at", "updated_at")}
    return TableConfig(table_id=f"t{number:03}", **(NEEDED | stamps | values))


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """The tables' table as boto3 sees it; it is made empty."""
    return boto3_table(tables(TableConfig)[0])


@pytest.fixture
def write(face: Any, table: Any) -> Any:
    return face(TableConfigWriteApi)


@pytest.fixture
def read(face: Any, table: Any) -> Any:
    return face(TableConfigReadApi)


@pytest.fixture
def store(face: Any, table: Any) -> Callable[..., Any]:
    return lambda *configs: face(DynamoDB).batch_write(TableConfig, puts=configs)


@pytest.fixture
async def stored(store: Callable[..., Any]) -> list[TableConfig]:
    """Twelve tables: types, formats, pipelines and states in turns."""
    turns = zip(
        range(12),
        cycle(["source", "destination", "lookup"]),
        cycle(["parquet", "csv"]),
        cycle(["flights", "flights", "flights", "weather"]),
        cycle([True, True, False]),
        strict=False,
    )
    made = [
        config(number, table_type=kind, data_format=form, pipeline_id=pipeline, is_active=active)
        for number, kind, form, pipeline, active in turns
    ]
    await store(*made)
    return made


def ids(items: list[Any]) -> list[str]:
    return [item.table_id for item in items]


def those(stored: list[TableConfig], **wanted: Any) -> list[str]:
    """The ids of the stored tables that have these values, in the order of their ids."""
    return [
        item.table_id
        for item in stored
        if all(getattr(item, name) == value for name, value in wanted.items())
    ]


def raw(table: Any, table_id: str = "t1") -> Any:
    return table.get_item(Key={"table_id": table_id}, ConsistentRead=True).get("Item")


def change_raw(table: Any, table_id: str, **attributes: Any) -> None:
    table.put_item(Item={**raw(table, table_id), **attributes})


async def test_what_was_created_is_read(read: Any, write: Any) -> None:
    created = await write.create_table(dto(partition_columns=["day"], cache_level="MEMORY_ONLY"))
    assert isinstance(created, TableConfig)
    assert (created.table_type, created.data_format) == (TableType.SOURCE, DataFormat.PARQUET)
    seen = await read.get_by_id("t1", consistent_read=True)
    assert isinstance(seen, TableConfigView)
    assert (seen.table_type, seen.data_format) == (TableType.SOURCE, DataFormat.PARQUET)
    assert (seen.created_at, seen.record_count) == (created.created_at, None)


async def test_a_missing_table_is_an_error_or_none(read: Any) -> None:
    for missing in (read.get_by_id, read.get_table_summary):
        with pytest.raises(ItemNotFoundError) as caught:
            await missing("nobody")
        assert caught.value.key == {"table_id": "nobody"}
    assert await read.find_by_id("nobody") is None


async def test_a_summary_is_a_line(read: Any, write: Any) -> None:
    await write.create_table(dto())
    await write.update_table_statistics("t1", record_count=7)
    summary = await read.get_table_summary("t1")
    assert isinstance(summary, TableConfigSummaryView)
    assert (summary.table_name, summary.is_active, summary.record_count) == ("Delays", True, 7)


async def test_the_examples_of_the_readme_work(read: Any, write: Any) -> None:
    await write.create_table(dto("table-123", pipeline_id="my-pipeline"))
    await write.create_table(dto("table-124", pipeline_id="my-pipeline", is_active=False))
    await write.create_table(dto("table-125", pipeline_id="my-pipeline", table_type="lookup"))
    summary = await read.get_by_id(
        "table-123", projection=["table_id", "table_name", "table_type", "is_active"]
    )
    assert summary.model_fields_set == {"table_id", "table_name", "table_type", "is_active"}
    active, next_token = await read.query_by_pipeline(
        pipeline_id="my-pipeline",
        filters={"is_active": True, "table_type": "source"},
        limit=20,
        last_key=None,
    )
    assert (ids(active), next_token) == (["table-123"], None)
    recent, _ = await read.query_recent_configs(since=datetime(2024, 1, 1, tzinfo=UTC), limit=50)
    assert ids(recent) == ["table-125", "table-124", "table-123"]


async def test_an_unknown_field_of_a_projection_is_refused(read: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: read.get_by_id("t1", projection=["row_count"]),
        lambda: read.query_by_pipeline("flights", projection=["row_count"]),
        lambda: read.query_recent_configs(LONG_AGO, projection=["row_count"]),
        lambda: read.scan_for_all_tables(projection=["row_count"]),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="record_count"):
            await call()


async def test_a_bool_that_is_no_key_is_stored_as_bool(write: Any, table: Any) -> None:
    await write.create_table(dto(caching_enabled=True))
    assert raw(table)["is_active"] is True
    assert raw(table)["caching_enabled"] is True
    await write.update_table_status("t1", False, updated_by="ann")
    assert raw(table)["is_active"] is False
    assert raw(table)["updated_by"] == "ann"


async def test_a_bool_stored_as_text_is_read_and_filtered_too(read: Any, write: Any, table: Any) -> None:
    for name, value in (("t1", "true"), ("t2", "false"), ("t3", True), ("t4", False)):
        await write.create_table(dto(name))
        change_raw(table, name, is_active=value, caching_enabled=value)
    assert [(await read.get_by_id(name)).is_active for name in ("t1", "t2", "t3", "t4")] == [True, False] * 2
    assert set(ids((await read.get_active_tables_by_pipeline("flights"))[0])) == {"t1", "t3"}
    inactive, _ = await read.query_by_pipeline("flights", filters={"is_active": False})
    assert set(ids(inactive)) == {"t2", "t4"}
    assert await write.archive_unused_tables("flights", days_unused=0) == 2
    assert (await read.get_tables_statistics_summary()).active_tables == 0


async def test_the_tables_of_a_pipeline(read: Any, stored: list[TableConfig]) -> None:
    listed, next_key = await read.query_by_pipeline("flights")
    assert sorted(ids(listed)) == those(stored, pipeline_id="flights")
    assert [item.table_type for item in listed] == sorted(item.table_type for item in listed)
    assert next_key is None
    sources, _ = await read.query_by_pipeline("flights", TableType.SOURCE)
    assert sorted(ids(sources)) == those(stored, pipeline_id="flights", table_type="source")
    active, _ = await read.query_by_pipeline("flights", "lookup", active_only=True)
    assert sorted(ids(active)) == those(stored, pipeline_id="flights", table_type="lookup", is_active=True)
    backwards, _ = await read.query_by_pipeline("flights", ascending=False)
    assert ids(backwards) == ids(listed)[::-1]
    assert await read.count_tables_by_pipeline("flights") == 9
    assert await read.count_tables_by_pipeline("nothing") == 0


async def test_filters_of_any_kind_drop_tables(read: Any, stored: list[TableConfig]) -> None:
    wanted = those(stored, pipeline_id="flights", is_active=True, data_format="csv")
    kinds: list[object] = [{"data_format": "csv"}, {"data_format": ["csv"]}, Attr("data_format").eq("csv")]
    for filters in kinds:
        listed, _ = await read.query_by_pipeline("flights", active_only=True, filters=filters)
        assert sorted(ids(listed)) == wanted
    contradiction, _ = await read.query_by_pipeline("flights", active_only=True, filters={"is_active": False})
    assert contradiction == []


async def test_the_tables_of_a_type(read: Any, stored: list[TableConfig]) -> None:
    listed, _ = await read.query_by_table_type("source")
    assert sorted(ids(listed)) == those(stored, table_type="source")
    assert [item.pipeline_id for item in listed] == sorted(item.pipeline_id for item in listed)
    of_weather, _ = await read.query_by_table_type(TableType.LOOKUP, "weather")
    assert sorted(ids(of_weather)) == those(stored, table_type="lookup", pipeline_id="weather")
    active, _ = await read.query_by_table_type("lookup", active_only=True)
    assert ids(active) == those(stored, table_type="lookup", is_active=True)
    assert await read.count_tables_by_type("source") == len(listed)


async def test_sources_destinations_and_active_ones_have_their_own_names(
    read: Any, stored: list[TableConfig]
) -> None:
    sources, _ = await read.get_source_tables("flights")
    assert sorted(ids(sources)) == those(stored, pipeline_id="flights", table_type="source")
    destinations, _ = await read.get_destination_tables("flights", projection=["is_active"], active_only=True)
    assert sorted(ids(destinations)) == those(
        stored, pipeline_id="flights", table_type="destination", is_active=True
    )
    active, _ = await read.get_active_tables_by_pipeline("flights", filters={"data_format": "csv"})
    assert sorted(ids(active)) == those(stored, pipeline_id="flights", is_active=True, data_format="csv")


async def test_the_tables_in_a_format(read: Any, stored: list[TableConfig]) -> None:
    everywhere, _ = await read.get_tables_by_format(DataFormat.CSV)
    assert sorted(ids(everywhere)) == those(stored, data_format="csv")
    of_flights, _ = await read.get_tables_by_format("csv", "flights", active_only=True)
    assert sorted(ids(of_flights)) == those(stored, data_format="csv", pipeline_id="flights", is_active=True)
    assert ids((await read.get_tables_by_format("csv", limit=1))[0])[0] in ids(everywhere)


async def test_a_type_or_format_that_there_is_not_is_refused(read: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: read.query_by_table_type("sauce"),
        lambda: read.query_by_pipeline("flights", "sauce"),
        lambda: read.get_tables_by_format("xml"),
        lambda: read.count_tables_by_type("sauce"),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match=r"source|parquet"):
            await call()


async def test_a_scan_finds_all(read: Any, stored: list[TableConfig]) -> None:
    listed, next_key = await read.scan_for_all_tables(consistent_read=True)
    assert (sorted(ids(listed)), next_key) == (ids(stored), None)
    some, _ = await read.scan_for_all_tables(["table_type"], {"table_type": ["source", "lookup"]}, 3)
    assert len(some) == 3
    assert {item.table_type for item in some} <= {TableType.SOURCE, TableType.LOOKUP}


ENVIRONMENTS = ("dev", "staging", "prod", "test")


@pytest.fixture
async def changed(store: Callable[..., Any]) -> list[TableConfig]:
    """Forty tables of all environments, from the latest change on; some changed at the same moment."""
    turns = zip(range(40), cycle(["dev", "dev", "prod", "staging", "dev", "test", "dev"]), strict=False)
    made = [
        config(number, environment=environment, updated_at=LONG_AGO + timedelta(days=number // 2))
        for number, environment in turns
    ]
    await store(*made)
    return made[::-1]


async def test_recent_changes_are_the_latest_of_all_environments(
    read: Any, changed: list[TableConfig]
) -> None:
    since = LONG_AGO + timedelta(days=5)
    wanted = [item for item in changed if item.updated_at >= since]
    listed, next_key = await read.query_recent_configs(since, limit=None)
    assert next_key is None
    assert [item.updated_at for item in listed] == [item.updated_at for item in wanted]
    assert sorted(ids(listed)) == sorted(ids(wanted))
    first, next_key = await read.query_recent_configs(since, limit=6)
    assert ids(first) == ids(listed)[:6]
    assert next_key is not None


async def test_recent_changes_of_one_environment(read: Any, changed: list[TableConfig]) -> None:
    since = LONG_AGO + timedelta(days=5)
    wanted = [item for item in changed if item.updated_at >= since and item.environment == "dev"]
    listed, next_key = await read.query_recent_configs(since, "dev")
    assert [item.updated_at for item in listed] == [item.updated_at for item in wanted]
    assert sorted(ids(listed)) == sorted(ids(wanted))
    assert next_key is None
    oldest, _ = await read.query_recent_configs(since, environment="dev", ascending=True, limit=1)
    assert oldest[0].updated_at == wanted[-1].updated_at


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("limit", [1, 3, 7, 40])
@pytest.mark.parametrize("ascending", [True, False])
async def test_pages_of_recent_changes_are_the_whole_list(read: Any, limit: int, ascending: bool) -> None:
    question: dict[str, Any] = {"filters": Attr("table_id").ne("t007"), "ascending": ascending}
    whole, _ = await read.query_recent_configs(LONG_AGO, limit=None, **question)
    paged: list[Any] = []
    next_key = None
    while True:
        items, next_key = await read.query_recent_configs(
            LONG_AGO, None, ["table_name"], limit, next_key, **question
        )
        assert len(items) <= limit
        paged += items
        if next_key is None:
            break
    assert ids(paged) == ids(whole)
    assert len(set(ids(paged))) == 39
    assert {item.table_name for item in paged} == {"Delays"}


@pytest.mark.usefixtures("changed")
async def test_a_cursor_of_recent_changes_is_bound_to_its_question(read: Any) -> None:
    _, cursor = await read.query_recent_configs(LONG_AGO, limit=3)
    _, of_dev = await read.query_recent_configs(LONG_AGO, "dev", limit=3)
    calls: list[Callable[[], Any]] = [
        lambda: read.query_recent_configs(LONG_AGO + timedelta(days=1), limit=3, last_key=cursor),
        lambda: read.query_recent_configs(LONG_AGO, limit=3, last_key=cursor, ascending=True),
        lambda: read.query_recent_configs(LONG_AGO, limit=3, last_key=cursor, active_only=True),
        lambda: read.query_recent_configs(LONG_AGO, "dev", limit=3, last_key=cursor),
        lambda: read.query_recent_configs(LONG_AGO, limit=3, last_key=of_dev),
        lambda: read.query_recent_configs(LONG_AGO, limit=3, last_key=cursor[:-1]),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="last_key"):
            await call()


async def test_recent_changes_are_shown_in_the_zone_of_the_user(read: Any, write: Any) -> None:
    await write.create_table(dto())
    [seen], _ = await read.query_recent_configs(LONG_AGO, user_timezone="Asia/Tokyo")
    assert seen.updated_at.tzinfo == ZoneInfo("Asia/Tokyo")
    with pytest.raises(ValidationError, match="Tokyo"):
        await read.query_recent_configs(LONG_AGO, user_timezone="Asia/Tokio")


@pytest.mark.parametrize("environment", [None, "dev"])
async def test_a_naive_datetime_is_refused(read: Any, environment: str | None) -> None:
    with pytest.raises(ValidationError, match=r"zone|offset"):
        await read.query_recent_configs(datetime(2024, 1, 1), environment)


async def test_the_summary_adds_up_what_is_known(read: Any, write: Any, stored: list[TableConfig]) -> None:
    await write.bulk_update_statistics(
        [
            {"table_id": "t000", "record_count": 10, "size_bytes": 2**60},
            {"table_id": "t001", "record_count": 0},
            {"table_id": "t003", "record_count": 7, "size_bytes": 2**60},
        ]
    )
    assert await read.get_tables_statistics_summary("weather") == TablesSummary(
        total_tables=3,
        active_tables=2,
        by_type={TableType.SOURCE: 1, TableType.DESTINATION: 1, TableType.LOOKUP: 1},
        by_format={DataFormat.CSV: 3},
        record_count=7,
        size_bytes=2**60,
    )
    everything = await read.get_tables_statistics_summary()
    assert (everything.total_tables, everything.active_tables) == (12, len(those(stored, is_active=True)))
    assert everything.by_format == {DataFormat.PARQUET: 6, DataFormat.CSV: 6}
    assert (everything.record_count, everything.size_bytes) == (17, 2**61)


async def test_the_summary_of_no_tables_is_zero(read: Any) -> None:
    assert await read.get_tables_statistics_summary("nothing") == TablesSummary(0, 0, {}, {}, 0, 0)


async def test_create_never_overwrites(write: Any, table: Any) -> None:
    await write.create_table(dto(table_name="First"))
    with pytest.raises(ConflictError) as caught:
        await write.create_table(dto(table_name="Second"))
    assert caught.value.resource_id == "t1"
    assert caught.value.current_item.table_name == "First" == raw(table)["table_name"]


async def test_an_update_changes_what_is_named(write: Any, table: Any) -> None:
    await write.create_table(dto())
    change_raw(table, "t1", owner={"name": "ann"})
    before = raw(table)
    updated = await write.update_table(
        "t1", {"retention_days": 30, "archive_after_days": 10}, Attr("is_active").eq(True)
    )
    assert (updated.retention_days, updated.archive_after_days) == (30, 10)
    after = raw(table)
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {"retention_days", "archive_after_days", "updated_at"}


@pytest.mark.parametrize(
    ("updates", "field"),
    [
        (
            {"archive_after_days": 30},
            "archive_after_days",
        ),  # against the 30 days of retention that are stored
        ({"location": "ftp://x"}, "location"),
        ({"data_format": "xml"}, "data_format"),
        ({"cache_level": "SOMETIMES"}, "cache_level"),
        ({"last_updated_data": datetime(2026, 1, 1)}, "last_updated_data"),
        ({"table_id": "t2"}, "table_id"),
    ],
)
async def test_an_update_that_is_not_valid_leaves_the_item_as_it_was(
    write: Any, table: Any, updates: dict[str, Any], field: str
) -> None:
    await write.create_table(dto(retention_days=30))
    before = raw(table)
    with pytest.raises(ValidationError) as caught:
        await write.update_table("t1", {"description": "x", **updates})
    assert caught.value.errors.keys() == {field}
    assert raw(table) == before


async def test_a_write_of_a_missing_table_makes_none(write: Any, table: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: write.update_table("nobody", {"description": "x"}),
        lambda: write.update_table_status("nobody", True),
        lambda: write.update_table_statistics("nobody", record_count=1),
        lambda: write.activate_tables_for_pipeline("flights", ["nobody"]),
    ]
    for call in calls:
        with pytest.raises(ItemNotFoundError):
            await call()
    assert raw(table, "nobody") is None


async def test_a_condition_that_fails_brings_the_table_as_it_is(write: Any) -> None:
    await write.create_table(dto())
    condition = Attr("caching_enabled").eq(True)
    calls: list[Callable[[], Any]] = [
        lambda: write.update_table("t1", {"description": "x"}, condition_expression=condition),
        lambda: write.delete_table("t1", condition_expression=condition),
    ]
    for call in calls:
        with pytest.raises(ConflictError) as caught:
            await call()
        assert caught.value.current_item.caching_enabled is False


async def test_a_delete_says_whether_there_was_one(write: Any, table: Any) -> None:
    await write.create_table(dto())
    assert await write.delete_table("t1", condition_expression=Attr("is_active").eq(True)) is True
    assert raw(table) is None
    assert await write.delete_table("t1") is False


async def test_an_upsert_keeps_figures_origin_and_what_it_does_not_know(write: Any, table: Any) -> None:
    created = await write.upsert_table(dto(created_by="ann", description="old"))
    await write.update_table_statistics("t1", record_count=7, last_updated_data=LONG_AGO)
    change_raw(table, "t1", owner="ann")
    stored = await write.upsert_table(dto(created_by="bob", table_type="lookup"))
    assert (stored.created_at, stored.created_by) == (created.created_at, "ann")
    assert stored.updated_at > created.updated_at
    assert (stored.table_type, stored.description) == (TableType.LOOKUP, None)
    assert (stored.record_count, stored.last_updated_data) == (7, LONG_AGO)
    assert raw(table)["owner"] == "ann"


async def test_many_upserts(read: Any, write: Any) -> None:
    stored = await write.upsert_many([dto(f"t{number:03}") for number in range(120)])
    assert ids(stored) == [f"t{number:03}" for number in range(120)]
    assert await read.count_tables_by_pipeline("flights") == 120


async def test_figures_change_only_where_they_are_given(write: Any, table: Any) -> None:
    created = await write.create_table(dto())
    moment = datetime(2026, 1, 31, 13, tzinfo=ZoneInfo("Europe/Oslo"))
    await write.update_table_statistics("t1", 10, 2**40, moment)
    updated = await write.update_table_statistics("t1", size_bytes=0)
    assert (updated.record_count, updated.size_bytes, updated.last_updated_data) == (10, 0, moment)
    assert updated.updated_at > created.updated_at
    assert raw(table)["last_updated_data"] == "2026-01-31T12:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("figures", "fields"),
    [
        ({}, {"record_count", "size_bytes", "last_updated_data"}),
        ({"record_count": -1}, {"record_count"}),
        ({"record_count": 1.5, "size_bytes": "much"}, {"record_count", "size_bytes"}),
        ({"last_updated_data": datetime(2026, 1, 1)}, {"last_updated_data"}),
    ],
)
async def test_figures_that_are_none_are_refused(
    write: Any, table: Any, figures: dict[str, Any], fields: set[str]
) -> None:
    await write.create_table(dto())
    before = raw(table)
    with pytest.raises(ValidationError) as caught:
        await write.update_table_statistics("t1", **figures)
    assert caught.value.errors.keys() == fields
    assert raw(table) == before


async def test_figures_of_many_tables_are_stored(read: Any, write: Any, stored: list[TableConfig]) -> None:
    news = [{"table_id": item.table_id, "record_count": 5, "last_updated_data": LONG_AGO} for item in stored]
    again = [{"table_id": "t003", "record_count": 6}, {"table_id": "t003", "size_bytes": 9}]
    assert await write.bulk_update_statistics([*news, *again]) == 12
    seen = await read.get_by_id("t003")
    assert (seen.record_count, seen.size_bytes, seen.last_updated_data) == (6, 9, LONG_AGO)
    assert (await read.get_tables_statistics_summary()).record_count == 61
    assert await write.bulk_update_statistics([]) == 0


@pytest.mark.usefixtures("stored")
async def test_figures_of_many_are_all_checked_before_one_is_stored(read: Any, write: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await write.bulk_update_statistics(
            [
                {"table_id": "t000", "record_count": 1},
                {"table_id": "t001", "record_count": -1, "size_bytes": -1},
                {"record_count": 1},
                {"table_id": "t002"},
                {"table_id": "t003", "rows": 1, "record_count": 1},
            ]
        )
    assert caught.value.errors.keys() == {
        *("1.record_count", "1.size_bytes", "2.table_id"),
        *("3.record_count", "3.size_bytes", "3.last_updated_data", "4.rows"),
    }
    assert (await read.get_tables_statistics_summary()).record_count == 0


@pytest.mark.usefixtures("stored")
async def test_of_the_figures_of_many_each_failure_is_told(read: Any, write: Any) -> None:
    with pytest.raises(BulkWriteError) as caught:
        await write.bulk_update_statistics(
            [{"table_id": name, "record_count": 1} for name in ("t000", "nobody", "t001")]
        )
    assert caught.value.succeeded == ("t000", "t001")
    assert isinstance(caught.value.failed["nobody"], ItemNotFoundError)
    assert await read.find_by_id("nobody") is None
    assert (await read.get_tables_statistics_summary()).record_count == 2


@pytest.mark.usefixtures("stored")
async def test_all_tables_of_a_pipeline_are_set(read: Any, write: Any) -> None:
    assert await write.deactivate_tables_for_pipeline("flights", updated_by="ann") == 9
    assert (await read.get_active_tables_by_pipeline("flights"))[0] == []
    assert len((await read.get_active_tables_by_pipeline("weather"))[0]) == 2
    assert (await read.get_by_id("t000")).updated_by == "ann"
    assert await write.activate_tables_for_pipeline("flights") == 9
    assert len((await read.get_active_tables_by_pipeline("flights"))[0]) == 9
    assert await write.activate_tables_for_pipeline("nothing") == 0


@pytest.mark.usefixtures("stored")
async def test_named_tables_of_a_pipeline_are_set_all_or_none(read: Any, write: Any) -> None:
    assert await write.deactivate_tables_for_pipeline("flights", ["t000", "t001", "t000"]) == 2
    assert not (await read.get_by_id("t000")).is_active
    with pytest.raises(ItemNotFoundError, match="nobody"):
        await write.activate_tables_for_pipeline("flights", ["t000", "nobody", "t001"])
    with pytest.raises(ConflictError, match="t003") as caught:
        await write.activate_tables_for_pipeline("flights", ["t000", "t003"])
    assert caught.value.resource_id == "t003"
    assert caught.value.current_item.pipeline_id == "weather"
    assert not (await read.get_by_id("t000")).is_active
    assert await write.activate_tables_for_pipeline("flights", []) == 0


async def test_more_named_tables_than_a_transaction_takes_go_in_chunks(
    read: Any, write: Any, store: Callable[..., Any]
) -> None:
    many = [config(number) for number in range(130)]
    await store(*many)
    assert await write.deactivate_tables_for_pipeline("flights", ids(many)) == 130
    with pytest.raises(BulkWriteError) as caught:
        await write.activate_tables_for_pipeline("flights", [*ids(many), "nobody"])
    assert caught.value.succeeded == tuple(ids(many)[:100])
    assert set(caught.value.failed) == {*ids(many)[100:], "nobody"}
    assert (await read.get_tables_statistics_summary("flights")).active_tables == 100


async def test_tables_that_nobody_writes_are_archived(
    read: Any, write: Any, store: Callable[..., Any]
) -> None:
    now = datetime.now(UTC)
    await store(
        config(0, last_updated_data=now - timedelta(days=31), updated_at=now),
        config(1, last_updated_data=now - timedelta(days=29)),  # its configuration is older
        config(2),  # never written, as far as is known; its configuration is old
        config(3, updated_at=now),  # never written; its configuration is new
        config(4, is_active=False),
        config(5, pipeline_id="weather"),
    )
    assert await write.archive_unused_tables("flights", updated_by="ann") == 2
    seen = [await read.get_by_id(f"t{number:03}") for number in range(6)]
    assert [item.is_active for item in seen] == [False, True, False, True, False, True]
    assert [item.updated_by for item in seen] == ["ann", None, "ann", None, None, None]
    assert await write.archive_unused_tables("flights", days_unused=20) == 1
    assert await write.archive_unused_tables("flights", 20) == 0


@pytest.mark.parametrize("days", [-1, True, "30"])
async def test_an_age_that_makes_no_sense_archives_nothing(write: Any, days: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await write.archive_unused_tables("flights", days_unused=days)
    assert caught.value.errors.keys() == {"days_unused"}
