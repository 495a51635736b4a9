"""Which zone a time is shown in: that of the call, the settings, the chosen one, or UTC, as a table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_wrapper import (
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigRepository,
    ValidationError,
)
from dynamodb_wrapper.timezones import set_global_timezone

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
IN_UTC, IN_OSLO, IN_TOKYO, IN_NEW_YORK = (
    f"2026-07-01T{text}" for text in ("12:00:00+00:00", "14:00:00+02:00", "21:00:00+09:00", "08:00:00-04:00")
)


@pytest.fixture(autouse=True)
def no_chosen_zone() -> Iterator[None]:
    yield
    set_global_timezone(None)


@pytest.fixture
def stored(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> None:
    pipeline = PipelineConfig(
        pipeline_id="p1",
        pipeline_name="n",
        source_type="s3",
        destination_type="api",
        created_at=NOON,
        updated_at=NOON,
    )
    boto3_table(tables(PipelineConfig)[0]).put_item(Item=pipeline.to_dynamodb_item())


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("call", "settings", "chosen", "shown"),
    [
        (None, None, None, IN_UTC),
        (None, None, "America/New_York", IN_NEW_YORK),
        (None, "Asia/Tokyo", None, IN_TOKYO),
        (None, "Asia/Tokyo", "America/New_York", IN_TOKYO),
        ("Europe/Oslo", None, None, IN_OSLO),
        ("Europe/Oslo", None, "America/New_York", IN_OSLO),
        ("Europe/Oslo", "Asia/Tokyo", None, IN_OSLO),
        ("Europe/Oslo", "Asia/Tokyo", "America/New_York", IN_OSLO),
        ("UTC", "Asia/Tokyo", "America/New_York", IN_UTC),
        (None, "UTC", "America/New_York", IN_UTC),
    ],
)
async def test_the_zone_that_is_shown(
    face: Any, call: str | None, settings: str | None, chosen: str | None, shown: str
) -> None:
    config = face.config.replace(user_timezone=settings)
    read, of_v1 = face(PipelineConfigReadApi, config), face(PipelineConfigRepository, config)
    set_global_timezone(chosen)
    for found in (
        await read.get_by_id("p1", user_timezone=call),
        (await read.query_active_pipelines(user_timezone=call))[0][0],
        await of_v1.get_by_pipeline_id("p1", call),
        (await of_v1.list_all(user_timezone=call))[0],
    ):
        assert found.updated_at.isoformat() == shown


@pytest.mark.usefixtures("stored")
async def test_a_zone_that_is_no_name_is_no_missing_one(face: Any) -> None:
    for reader in (face(PipelineConfigReadApi).get_by_id, face(PipelineConfigRepository).get_by_pipeline_id):
        with pytest.raises(ValidationError) as refused:
            await reader("p1", user_timezone="")
        assert list(refused.value.errors) == ["user_timezone"]


@pytest.mark.usefixtures("stored")
async def test_requests_served_at_once_choose_without_disturbing_each_other(face: Any) -> None:
    of_v1 = face(PipelineConfigRepository)

    async def shown(zone: str) -> str:
        set_global_timezone(zone)
        await asyncio.sleep(0)
        read = await of_v1.get_by_pipeline_id("p1")
        return str(read.updated_at.isoformat())

    zones = ["Europe/Oslo", "Asia/Tokyo", "America/New_York"]
    assert await asyncio.gather(*map(shown, zones)) == [IN_OSLO, IN_TOKYO, IN_NEW_YORK]
    assert (await of_v1.get_by_pipeline_id("p1")).updated_at.isoformat() == IN_UTC
