"""Item transforms on real engines, on both faces, given by config and by `use`."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions.functions import missing
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import Plugin
from dynamodb_wrapper.schema import GSI

TEXT = "to be or not to be, " * 50


class Page(DynamoDBModel):
    number: str
    book: str = "hamlet"
    text: str = TEXT
    read: int = 0

    class Meta:
        table_name = "pages"
        partition_key = "number"
        gsis: ClassVar = [GSI("ByBook", "book", "number")]


class Compressed:
    """Stores the text of pages as compressed bytes."""

    def attributes(self, table: str) -> Collection[str]:
        return ("text",) if table.endswith("pages") else ()

    def store(self, table: str, item: dict[str, Any]) -> dict[str, Any]:
        if "S" not in item.get("text", ()):
            return item
        return item | {"text": {"B": b64encode(zlib.compress(item["text"]["S"].encode())).decode()}}

    def load(self, table: str, item: dict[str, Any]) -> dict[str, Any]:
        if "B" not in item.get("text", ()):
            return item
        return item | {"text": {"S": zlib.decompress(b64decode(item["text"]["B"])).decode()}}


class Compressing(Plugin):
    name, version = "compressing", "1.0"
    transforms = (Compressed(),)


async def test_what_is_read_is_what_was_written_and_the_table_holds_another_form(
    db_with: Callable[..., Any], tables: Any, boto3_table: Callable[[str], Any]
) -> None:
    (table,) = tables(Page)
    db = db_with(Compressing())
    await db.put(Page(number="1"))
    await db.batch_write(Page, puts=[Page(number=str(number)) for number in range(2, 40)])
    await db.transaction().put(Page(number="40")).execute()
    stored = boto3_table(table).scan()["Items"]
    assert len(stored) == 40
    assert {len(bytes(item["text"])) < 60 for item in stored} == {True}
    numbers = [str(number) for number in range(1, 41)]
    assert (await db.get(Page, "1")).text == TEXT
    assert {page.text for page in await db.batch_get(Page, numbers)} == {TEXT}
    assert {page.text for page in await db.transact_get([(Page, "1"), (Page, "40")])} == {TEXT}
    found = await db.query(Page).where("book", "=", "hamlet").all()
    assert [(len(found), page.text) for page in found[:1]] == [(40, TEXT)]
    (row,) = await db.execute_statement(f"SELECT * FROM \"{table}\" WHERE number = '1'", model=Page)
    assert row.text == TEXT


async def test_errors_carry_items_as_the_application_knows_them(
    db_with: Callable[..., Any], tables: Any
) -> None:
    tables(Page)
    db = db_with(Compressing())
    await db.put(Page(number="1"))
    with pytest.raises(ConditionalCheckFailedError) as refused:
        await db.put(Page(number="1"), condition=missing(Page.number))
    assert refused.value.current_item.text == TEXT
    with pytest.raises(TransactionCanceledError) as canceled:
        await db.transaction().check(Page, "1", Page.read > 5).delete(Page, "2").execute()
    assert canceled.value.reasons[0].item.text == TEXT


async def test_an_update_of_what_is_transformed_is_refused_and_any_other_gives_the_whole_item(
    db_with: Callable[..., Any], tables: Any
) -> None:
    tables(Page)
    db = db_with(Compressing())
    await db.put(Page(number="1"))
    assert (await db.update(Page, "1", {"read": 1})).text == TEXT
    with pytest.raises(ValidationError, match=r"text of .*pages is stored in another form"):
        await db.update(Page, "1", {"text": "short"})
    assert (await db.get(Page, "1")).read == 1
