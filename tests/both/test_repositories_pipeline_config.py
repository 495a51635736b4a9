"""Pipelines by the V1 names, through both faces and on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_wrapper import (
    ConflictError,
    ItemNotFoundError,
    PipelineConfig,
    PipelineConfigRepository,
    ValidationError,
)

LONG_AGO = datetime(2020, 1, 31, 12, tzinfo=UTC)


def pipeline(number: int, **values: Any) -> PipelineConfig:
    needed = {"pipeline_name": "Flights", "source_type": "s3", "destination_type": "warehouse"}
    stamps = {name: LONG_AGO + timedelta(days=number) for name in ("created_at", "updated_at")}
    return PipelineConfig(pipeline_id=f"p{number:03}", **(needed | stamps | values))


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(PipelineConfig)[0])


@pytest.fixture
def pipelines(face: Any, table: Any) -> Any:
    return face(PipelineConfigRepository)


async def test_a_pipeline_is_created_from_its_fields_and_read_in_full(pipelines: Any, table: Any) -> None:
    created = await pipelines.create_pipeline_config(
        "p1", "Flights", "s3", "warehouse", "ada", config={"depth": {"a": [1]}}, cpu_cores=2, memory_gb=4
    )
    read = await pipelines.get_by_pipeline_id("p1")
    assert read == created
    assert (read.config, read.cpu_cores, read.created_by) == ({"depth": {"a": [1]}}, 2, "ada")
    assert read.is_active is True
    assert table.get_item(Key={"pipeline_id": "p1"})["Item"]["is_active"] == "true"


async def test_a_create_obeys_the_rules_and_never_overwrites(pipelines: Any) -> None:
    with pytest.raises(ValidationError) as broken:
        await pipelines.create_pipeline_config("p1", "Flights", "s4", "warehouse", cpu_cores=8, memory_gb=1)
    assert list(broken.value.errors) == ["source_type"]
    with pytest.raises(ValidationError, match="did you mean 'description'"):
        await pipelines.create_pipeline_config("p1", "Flights", "s3", "warehouse", descripton="x")
    await pipelines.create_pipeline_config("p1", "Flights", "s3", "warehouse")
    with pytest.raises(ConflictError) as conflict:
        await pipelines.create_pipeline_config("p1", "Others", "s3", "warehouse")
    assert conflict.value.current_item.pipeline_name == "Flights"


async def test_naive_times_of_a_new_pipeline_are_of_the_current_zone(pipelines: Any) -> None:
    clock = datetime(2020, 1, 31, 21)
    values = ("p1", "Flights", "s3", "warehouse")
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await pipelines.create_pipeline_config(*values, created_at=clock)
    with pytest.raises(ValidationError) as unknown:
        await pipelines.create_pipeline_config(*values, current_timezone="Tokio")
    assert list(unknown.value.errors) == ["current_timezone"]
    await pipelines.create_pipeline_config(*values, created_at=clock, current_timezone="Asia/Tokyo")
    assert (await pipelines.get_by_pipeline_id("p1")).created_at == LONG_AGO


async def test_a_missing_pipeline_is_none_or_an_error(pipelines: Any) -> None:
    assert await pipelines.get_by_pipeline_id("none") is None
    with pytest.raises(ItemNotFoundError, match="PipelineConfig 'none'"):
        await pipelines.get_or_raise("none")
    with pytest.raises(ItemNotFoundError):
        await pipelines.update_pipeline_status("none", True)


async def test_lists_are_complete_and_in_order(pipelines: Any, table: Any) -> None:
    filler = {"text": "x" * 90_000}
    with table.batch_writer() as batch:
        for number in range(30):
            item = pipeline(number, is_active=number % 3 > 0, environment="prod" if number % 2 else "dev")
            batch.put_item(Item=item.to_dynamodb_item() | {"config": filler})
    active = await pipelines.get_active_pipelines()
    assert [each.pipeline_id for each in active] == [f"p{n:03}" for n in range(30) if n % 3]
    prod = await pipelines.get_pipelines_by_environment("prod")
    assert [each.pipeline_id for each in prod] == [f"p{n:03}" for n in range(1, 30, 2)]
    assert all(each.config == filler for each in [*active, *prod]), "full models, not views"
    assert len(await pipelines.list_all()) == 30
    assert await pipelines.get_pipelines_by_environment("test") == []


async def test_times_are_shown_in_the_zone_of_the_call(pipelines: Any) -> None:
    await pipelines.create(pipeline(0))
    shown = "2020-01-31T07:00:00-05:00"
    zone = "America/New_York"
    for read in (
        await pipelines.get_by_pipeline_id("p000", zone),
        (await pipelines.get_active_pipelines(user_timezone=zone))[0],
        (await pipelines.get_pipelines_by_environment("dev", zone))[0],
    ):
        assert read.created_at.isoformat() == read.updated_at.isoformat() == shown


async def test_the_status_changes_and_nothing_else(pipelines: Any, table: Any) -> None:
    await pipelines.create(pipeline(0, updated_by="bob", description="stays"))
    table.update_item(
        Key={"pipeline_id": "p000"},
        UpdateExpression="SET legacy = :x",
        ExpressionAttributeValues={":x": "kept"},
    )
    after = await pipelines.update_pipeline_status("p000", False, "ada", current_timezone="Asia/Tokyo")
    assert (after.is_active, after.updated_by, after.description) == (False, "ada", "stays")
    assert after.created_at == LONG_AGO < after.updated_at
    assert await pipelines.get_active_pipelines() == []
    item = table.get_item(Key={"pipeline_id": "p000"})["Item"]
    assert (item["is_active"], item["legacy"]) == ("false", "kept")


async def test_an_update_and_a_delete_of_the_whole_model(pipelines: Any) -> None:
    read = await pipelines.create(pipeline(0))
    changed = read.model_copy(update={"is_active": False, "pipeline_name": "Trains"})
    after = await pipelines.update(changed)
    assert (after.pipeline_name, after.is_active, after.created_at) == ("Trains", False, LONG_AGO)
    assert after.updated_at > read.updated_at
    assert await pipelines.delete("p000") is True
    assert await pipelines.delete("p000") is False
