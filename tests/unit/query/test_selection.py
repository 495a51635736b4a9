"""What items become: the model, a view, or a class of the selected fields."""

from __future__ import annotations

import pytest
from pydantic import Field

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.expressions import Path
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.query.selection import field_name, selection, shape_of
from dynamodb_wrapper.schema import schema_of


class Book(DynamoDBModel):
    isbn: str
    title: str = Field(alias="name")
    pages: int = 0

    class Meta:
        table_name = "books"
        partition_key = "isbn"


class Spine(View):
    title: str = Field(alias="name")
    pages: int | None = None


def test_the_model_itself_needs_everything() -> None:
    shape = shape_of(Book)
    assert shape.attributes is None
    assert shape.reader is schema_of(Book).codec


def test_selected_fields_are_a_class_of_their_own() -> None:
    shape = shape_of(Book, ("title", "pages"))
    assert shape.attributes == ("name", "pages")
    found = shape.reader.decode({"name": {"S": "Emma"}, "isbn": {"S": "1"}})
    assert (found.title, found.pages, type(found).__name__) == ("Emma", 0, "BookSelection")
    with pytest.raises(AttributeError):
        _ = found.isbn
    with pytest.raises(ValueError, match="frozen"):
        found.title = "Persuasion"
    assert selection(Book, ("title", "pages")) is type(found)


def test_a_view_needs_its_fields_and_a_selection_of_it_what_it_requires_too() -> None:
    assert shape_of(Book, None, Spine).attributes == ("name", "pages")
    assert shape_of(Book, ("pages",), Spine).attributes == ("pages", "name")


@pytest.mark.parametrize("fields", [(), ("nothing",), ("pages", "tilte")])
def test_unknown_fields_are_refused(fields: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="Book has isbn, title, pages"):
        shape_of(Book, fields)


def test_fields_are_named_by_name_attribute_or_path() -> None:
    given = ("title", Path(("name",)), Book.title)
    assert {field_name(Book, field) for field in given} == {"title"}
    with pytest.raises(ValidationError, match="not int"):
        field_name(Book, 3)


def test_a_class_that_could_be_saved_is_no_view() -> None:
    with pytest.raises(MetaError, match="Book is not a View, so that a partly read one could be saved"):
        shape_of(Book, None, Book)
