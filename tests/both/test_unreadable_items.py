"""Items in a table that do not fit their model: what a write did is told truthfully, whatever is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper import (
    ConflictError,
    DynamoDB,
    PipelineRunLog,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    StageInfo,
    TableConfig,
    TableConfigUpsert,
    TableConfigWriteApi,
)
from dynamodb_wrapper.exceptions import UnreadableItemError

TABLE = TableConfigUpsert(
    table_id="odd",
    pipeline_id="p",
    table_name="odd",
    table_type="source",
    data_format="csv",
    location="s3://bucket/odd",
)
RUN = PipelineRunLogUpsert(run_id="r", pipeline_id="p", status="running", trigger_type="manual")


@pytest.fixture
async def odd(face: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """A stored table whose format is none that the model knows."""
    [name] = tables(TableConfig)
    await face(TableConfigWriteApi).create_table(TABLE)
    stored = boto3_table(name)
    stored.put_item(Item=stored.get_item(Key={"table_id": "odd"})["Item"] | {"data_format": "orc"})
    return stored


def attribute(stored: Any, name: str) -> Any:
    return stored.get_item(Key={"table_id": "odd"})["Item"].get(name)


async def test_a_delete_needs_no_model(face: Any, odd: Any) -> None:
    assert await face(TableConfigWriteApi).delete_table("odd") is True
    assert "Item" not in odd.get_item(Key={"table_id": "odd"})


async def test_the_client_deletes_it_too(face: Any, odd: Any) -> None:
    assert await face(DynamoDB).delete(TableConfig, "odd") is True
    assert "Item" not in odd.get_item(Key={"table_id": "odd"})


async def test_an_update_says_that_it_was_applied(face: Any, odd: Any) -> None:
    with pytest.raises(UnreadableItemError, match="was applied") as unreadable:
        await face(TableConfigWriteApi).update_table("odd", {"description": "new"})
    assert list(unreadable.value.errors) == ["data_format"]
    assert attribute(odd, "description") == "new"


async def test_a_create_is_still_a_conflict_and_carries_what_is_stored(face: Any, odd: Any) -> None:
    with pytest.raises(ConflictError) as conflict:
        await face(TableConfigWriteApi).create_table(TABLE)
    assert conflict.value.current_item["data_format"] == "orc"
    assert attribute(odd, "data_format") == "orc"


async def test_it_counts_among_the_items_that_were_changed(face: Any, odd: Any) -> None:
    assert await face(TableConfigWriteApi).deactivate_tables_for_pipeline("p") == 1
    assert attribute(odd, "is_active") is False


async def test_a_run_is_cancelled_although_it_cannot_be_read(
    face: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]
) -> None:
    [name] = tables(PipelineRunLog)
    await face(PipelineRunLogsWriteApi).create_run_log(RUN)
    stored, key = boto3_table(name), {"run_id": "r", "pipeline_id": "p"}
    stored.put_item(Item=stored.get_item(Key=key)["Item"] | {"log_level": "trace"})

    with pytest.raises(UnreadableItemError, match="was applied"):
        await face(PipelineRunLogsWriteApi).add_stage_info(
            "r", "p", StageInfo(stage_name="load", status="running")
        )
    assert [stage["stage_name"] for stage in stored.get_item(Key=key)["Item"]["stages"]] == ["load"]
    assert await face(PipelineRunLogsWriteApi).cancel_running_runs_for_pipeline("p") == 1
    assert stored.get_item(Key=key)["Item"]["status"] == "cancelled"
