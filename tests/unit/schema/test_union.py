from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest
from pydantic import Field

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import GSI, schema_of
from dynamodb_wrapper.schema.union import union_of


class Table:
    table_name = "notes"
    partition_key = "pk"
    sort_key = "sk"
    gsis: ClassVar = [GSI("ByX", "x"), GSI("ById", "id")]


class Book(DynamoDBModel):
    id: str
    title: str = Field(default="", alias="name")
    ends: int = 0

    class Meta(Table):
        templates: ClassVar = {"pk": "B#{id}", "sk": "BOOK", "x": "X#{id}"}
        ttl = "ends"


class Page(DynamoDBModel):
    id: str
    number: int
    ends: str = ""

    class Meta(Table):
        templates: ClassVar = {"pk": "B#{id}", "sk": "B#PAGE#{number:04d}"}


class Alone(DynamoDBModel):
    id: str

    class Meta:
        table_name = "notes"
        partition_key = "id"


UNION = union_of([Book, Page, Book])
SCHEMA: Any = schema_of(UNION)


def stored(item: DynamoDBModel) -> Any:
    return schema_of(type(item)).codec.encode(item)


def test_the_fields_are_those_of_all() -> None:
    fields = {name: (info.annotation, info.is_required()) for name, info in UNION.model_fields.items()}
    assert fields == {
        "id": (str, True),
        "title": (str | None, False),
        "ends": (int | str, True),
        "number": (int | None, False),
    }
    assert UNION is union_of([Book, Page])
    assert union_of([Book, Book]) is Book


def test_what_they_have_in_common_describes_the_table() -> None:
    assert {name: (str(made), made.is_prefix) for name, made in SCHEMA.templates.items()} == {
        "pk": ("B#{id}", False),
        "sk": ("B", True),
    }
    assert SCHEMA.type_names == ("Book", "Page")
    assert (SCHEMA.table_name, SCHEMA.ttl, list(SCHEMA.indexes)) == ("notes", "ends", ["ByX", "ById"])


def test_each_item_becomes_its_own_class() -> None:
    items = [Page(id="a", number=1), Book(id="a", name="x"), Page(id="a", number=2)]
    body = {"Items": [stored(item) for item in items], "Count": 3, "LastEvaluatedKey": {"pk": {"S": "x"}}}
    page = SCHEMA.codec.read_page(msgspec.json.encode(body))
    assert (list(page.items), page.count, page.last_evaluated_key) == (items, 3, {"pk": {"S": "x"}})
    assert SCHEMA.codec.decode(stored(items[1])) == items[1]
    assert SCHEMA.codec.read_item(msgspec.json.encode({"Item": stored(items[0])})) == items[0]
    assert SCHEMA.codec.read_item(b"{}") is None


def test_an_item_of_none_of_them_is_refused() -> None:
    body = {"Items": [stored(Book(id="a")) | {"type": {"S": "Shelf"}}], "Count": 1}
    with pytest.raises(ValidationError, match="has 'Shelf' as its type, and is none of Book, Page"):
        SCHEMA.codec.read_page(msgspec.json.encode(body))
    with pytest.raises(ValidationError, match="has None as its type"):
        SCHEMA.codec.decode({})


def test_models_without_a_common_table_are_refused() -> None:
    with pytest.raises(MetaError, match="Alone does not share a table with the others"):
        union_of([Book, Alone])


def test_models_in_conflict_are_refused() -> None:
    class Twin(Book):
        class Meta(Book.Meta):
            type_name = "Book"

    class Other(DynamoDBModel):
        id: str
        title: str = ""

        class Meta(Table):
            templates: ClassVar = {"pk": "B#{id}", "sk": "OTHER"}

    class Copy(DynamoDBModel):
        id: str

        class Meta(Table):
            templates: ClassVar = {"pk": "B#{id}", "sk": "BOOK"}

    assert union_of([Book, Twin]) is not Book
    with pytest.raises(
        MetaError, match="the field title is stored as name by one model and as title by Other"
    ):
        union_of([Book, Other])
    with pytest.raises(MetaError, match="an item of Book can have the same key"):
        union_of([Book, Copy])
