"""A view is a picture of an item: nothing that writes takes one, and nothing partly read can be saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper import (
    GSI,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    MetaError,
    PipelineConfig,
    PipelineConfigView,
    ReadApi,
)


class Note(DynamoDBModel):
    id: str
    topic: str = "t"
    text: str | None = None

    class Meta:
        table_name = "notes"
        partition_key = "id"
        gsis = (GSI("ByTopic", "topic", projection="KEYS_ONLY"),)


NOTE = Note(id="n", text="long")


class WholeNotes(ReadApi[Note, Note]):
    model, view = Note, Note


class SavedView(PipelineConfigView):
    class Meta:
        table_name = "pipeline_config"
        partition_key = "pipeline_id"


@pytest.mark.parametrize("view", [PipelineConfigView, SavedView])
async def test_a_view_is_not_put(
    face: Any, tables: Callable[..., Any], view: type[PipelineConfigView]
) -> None:
    tables(PipelineConfig)
    picture = view(pipeline_id="p", pipeline_name="z")
    with pytest.raises(MetaError, match="a view is never saved"):
        await face(DynamoDB).put(picture)
    assert await face(DynamoDB).get(PipelineConfig, "p") is None


async def test_an_api_does_not_read_parts_into_what_can_be_saved(
    config: DynamoDBConfig, tables: Callable[..., Any]
) -> None:
    tables(Note)
    with WholeNotes(config) as notes, pytest.raises(MetaError, match="derive what items are read into"):
        notes.query({"topic": "t"}, "ByTopic")


async def test_what_a_query_selects_is_not_put(face: Any, tables: Callable[..., Any]) -> None:
    tables(Note)
    db = face(DynamoDB)
    await db.put(NOTE)
    (part,) = await db.query(Note).where("topic", "=", "t").select("id", "topic").all()
    with pytest.raises(MetaError, match="a view is never saved"):
        await db.put(part)
    assert await db.get(Note, "n") == NOTE


async def test_what_was_read_by_an_index_of_keys_is_whole_and_is_put_whole(
    face: Any, tables: Callable[..., Any], boto3_table: Any
) -> None:
    (table,) = tables(Note)
    db = face(DynamoDB)
    stored = {"id": "n", "topic": "t", "text": "long", "unknown": {"to": ["the", "model"]}}
    boto3_table(table).put_item(Item=stored)
    (note,) = await db.query(Note).where("topic", "=", "t").index("ByTopic").all()
    note.topic = "u"
    await db.put(note)
    assert boto3_table(table).get_item(Key={"id": "n"})["Item"] == stored | {"topic": "u"}
