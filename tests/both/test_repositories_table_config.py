"""Tables by the V1 names, through both faces and on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_wrapper import (
    ConflictError,
    ItemNotFoundError,
    TableConfig,
    TableConfigRepository,
    TableType,
    ValidationError,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def stored(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(TableConfig)[0])


@pytest.fixture
def repository(face: Any, stored: Any) -> Any:
    return face(TableConfigRepository)


async def create(repository: Any, table_id: str, **values: Any) -> Any:
    given = {
        "pipeline_id": "p1",
        "table_name": table_id,
        "table_type": "source",
        "data_format": "parquet",
        "location": f"s3://lake/{table_id}",
    }
    return await repository.create_table_config(table_id, **(given | values))


@pytest.fixture
async def several(repository: Any) -> Any:
    """Of p1: two sources, one of them not active, a destination and a lookup; of p2: a source."""
    await create(repository, "orders")
    await create(repository, "old", is_active=False)
    await create(repository, "sales", table_type="destination")
    await create(repository, "codes", table_type=TableType.LOOKUP)
    await create(repository, "others", pipeline_id="p2")
    return repository


def ids(found: list[TableConfig]) -> list[str]:
    return sorted(table.table_id for table in found)


async def test_a_table_is_created_from_its_fields_and_read_in_full(repository: Any) -> None:
    created = await repository.create_table_config(
        "orders",
        "p1",
        "Orders",
        TableType.SOURCE,
        "delta",
        "s3://lake/orders",
        "ada",
        schema_definition={"fields": [{"name": "id"}]},
        record_count=7,
        last_updated_data=datetime(2026, 7, 1, 21),
        current_timezone="Asia/Tokyo",
    )
    read = await repository.get_by_table_id("orders")
    assert read == created
    assert (read.created_by, read.record_count, read.last_updated_data) == ("ada", 7, NOON)
    assert read.schema_definition == {"fields": [{"name": "id"}]}


async def test_a_create_obeys_the_rules_and_never_overwrites(repository: Any) -> None:
    with pytest.raises(ValidationError) as broken:
        await create(repository, "orders", location="lake/orders", retention_days=0)
    assert broken.value.errors.keys() == {"location", "retention_days"}
    await create(repository, "orders")
    with pytest.raises(ConflictError):
        await create(repository, "orders")


async def test_tables_are_listed_by_pipeline_by_type_and_by_role(several: Any) -> None:
    assert ids(await several.get_tables_by_pipeline("p1")) == ["codes", "old", "orders", "sales"]
    assert ids(await several.get_active_tables_by_pipeline("p1")) == ["codes", "orders", "sales"]
    assert ids(await several.get_tables_by_type("source")) == ["old", "orders", "others"]
    assert ids(await several.get_tables_by_type(TableType.LOOKUP)) == ["codes"]
    assert ids(await several.get_source_tables("p1")) == ["old", "orders"]
    assert ids(await several.get_destination_tables("p1")) == ["sales"]
    assert ids(await several.list_all()) == ["codes", "old", "orders", "others", "sales"]
    assert await several.get_tables_by_pipeline("p3") == []


async def test_lists_are_complete(repository: Any, stored: Any) -> None:
    item = (await create(repository, "t00")).to_dynamodb_item()
    with stored.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item=item | {"table_id": f"t{number:02}", "description": "x" * 90_000})
    wanted = [f"t{number:02}" for number in range(30)]
    for found in (
        await repository.get_tables_by_pipeline("p1"),
        await repository.get_active_tables_by_pipeline("p1"),
        await repository.get_source_tables("p1"),
        await repository.get_tables_by_type("source"),
    ):
        assert ids(found) == wanted


async def test_figures_are_stored_and_nothing_else_changes(several: Any) -> None:
    before = await several.get_by_table_id("orders")
    after = await several.update_table_statistics("orders", record_count=5, size_bytes=100)
    assert (after.record_count, after.size_bytes, after.last_updated_data) == (5, 100, None)
    after = await several.update_table_statistics(
        "orders", last_updated_data=datetime(2026, 7, 1, 14), current_timezone="Europe/Oslo"
    )
    assert (after.record_count, after.last_updated_data) == (5, NOON)
    assert after.created_at == before.created_at < after.updated_at
    with pytest.raises(ItemNotFoundError):
        await several.update_table_statistics("none", record_count=1)
    with pytest.raises(ValidationError) as broken:
        await several.update_table_statistics("orders", record_count=-1)
    assert list(broken.value.errors) == ["record_count"]
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await several.update_table_statistics("orders", last_updated_data=datetime(2026, 7, 1, 14))


async def test_times_are_shown_in_the_zone_of_the_call(repository: Any) -> None:
    await create(repository, "orders", last_updated_data=NOON)
    await create(repository, "sales", last_updated_data=NOON, table_type="destination")
    zone = "Asia/Kolkata"
    for found in (
        [await repository.get_by_table_id("orders", zone)],
        await repository.get_tables_by_pipeline("p1", zone),
        await repository.get_active_tables_by_pipeline("p1", zone),
        await repository.get_tables_by_type("source", zone),
        await repository.get_source_tables("p1", zone),
        await repository.get_destination_tables("p1", zone),
    ):
        assert {table.last_updated_data.isoformat() for table in found} == {"2026-07-01T17:30:00+05:30"}


async def test_a_missing_table_is_none(repository: Any) -> None:
    assert await repository.get_by_table_id("none") is None
