"""Tables that are there already, when a model's Meta says something else."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import GSI, LSI


class Note(DynamoDBModel):
    page: str
    at: int
    text: str | None = None

    class Meta:
        table_name = "notes"
        partition_key = "page"
        sort_key = "at"


class IndexedNote(Note):
    class Meta(Note.Meta):
        gsis: ClassVar = [GSI("ByText", "text")]
        lsis: ClassVar = [LSI("OfPage", "text")]


class NoteByPage(DynamoDBModel):
    page: str

    class Meta:
        table_name = "notes"
        partition_key = "page"


class NoteAtText(DynamoDBModel):
    page: str
    at: str

    class Meta:
        table_name = "notes"
        partition_key = "page"
        sort_key = "at"


async def test_an_index_that_came_to_meta_later_is_named_with_what_makes_it(
    face: Any, tables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (table,) = tables(Note)
    db = face(DynamoDB)
    note = IndexedNote(page="p", at=1, text="hello")
    await db.put(note)
    query = db.query(IndexedNote).where("text", "=", "hello")
    with pytest.raises(ValidationError) as refused:
        await query.all()
    assert f"Query on table {table!r}" in refused.value.message
    assert "If the table has no index ByText, " in refused.value.message
    assert "db.create_index(Model, 'ByText') makes it" in refused.value.message

    with caplog.at_level(logging.WARNING, "dynamodb_wrapper.tables"):
        assert await db.create_table(IndexedNote) is False
    assert [record.getMessage() for record in caplog.records] == [
        f"the table {table} lacks the index ByText of IndexedNote: "
        "db.create_index(IndexedNote, 'ByText') makes it",
        f"the table {table} lacks the index OfPage of IndexedNote: can be made with the table only",
    ]

    assert await db.create_index(IndexedNote, "ByText") is True
    assert await query.all() == [note]


@pytest.mark.parametrize(
    ("model", "key"),
    [(NoteByPage, r"page \(S\)"), (NoteAtText, r"page \(S\), at \(S\)")],
)
async def test_a_table_that_has_another_key_is_not_taken_for_the_model_s(
    face: Any, tables: Any, model: type[DynamoDBModel], key: str
) -> None:
    (table,) = tables(Note)
    told = rf"the table {table} .* with the key page \(S\), at \(N\), and that of {model.__name__} is {key}:"
    with pytest.raises(MetaError, match=told):
        await face(DynamoDB).create_table(model)


async def test_a_table_that_fits_is_taken_without_a_word(
    face: Any, tables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tables(IndexedNote)
    for model in (IndexedNote, Note):
        assert await face(DynamoDB).create_table(model) is False
    assert not caplog.records
