from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema import GSI, Index, schema_of


class Visit(BaseModel):
    page: str
    at: datetime = Field(alias="visited_at")
    by: str | None = None
    logged_in: bool = False
    comment: str | None = "none"
    count: int = 0

    class Meta:
        table_name = "visits"
        partition_key = "page"
        sort_key = "visited_at"
        gsis = (GSI("ByPerson", "by", "logged_in"),)


class Page(BaseModel):
    page: str

    class Meta:
        table_name = "pages"
        partition_key = "page"


visits, pages = schema_of(Visit), schema_of(Page)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        visits.partition_key = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        visits.key_types["page"] = "N"  # type: ignore[index]
    with pytest.raises(TypeError):
        visits.indexes["New"] = visits.primary  # type: ignore[index]


def test_the_table_is_an_index_without_a_name() -> None:
    assert visits.primary == Index(None, ("page",), ("visited_at",))
    assert visits.index(None) == visits.primary
    assert pages.primary == Index(None, ("page",))
    assert visits.key_fields == ("page", "visited_at")
    assert visits.index("ByPerson").keys == ("by", "logged_in")


def test_an_unknown_index_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(
        ValidationError, match="Visit has no index 'ByPage'; its indexes are: ByPerson"
    ) as caught:
        visits.index("ByPage")
    assert list(caught.value.errors) == ["index"]
    with pytest.raises(ValidationError, match="its indexes are: none"):
        pages.index("Any")


@pytest.mark.parametrize("key", ["home", {"page": "home"}])
def test_a_key_of_one_part_is_a_value_or_a_mapping(key: Any) -> None:
    assert pages.key_of(key) == {"page": "home"}


def test_a_key_of_two_parts_is_a_mapping() -> None:
    assert visits.key_of({"page": "home", "visited_at": NOON}) == {"page": "home", "visited_at": NOON}


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("home", {"page", "visited_at"}),
        ({}, {"page", "visited_at"}),
        ({"page": "home"}, {"visited_at"}),
        ({"page": "home", "visited_at": NOON, "by": "Ada"}, {"by"}),
        ({"page": "home", "at": NOON}, {"visited_at", "at"}),
    ],
)
def test_a_key_with_too_little_or_too_much_names_each_part(key: Any, wrong: set[str]) -> None:
    with pytest.raises(ValidationError, match=r"the key of Visit is page \+ visited_at; got ") as caught:
        visits.key_of(key)
    assert set(caught.value.errors) == wrong


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (("home", 3), """{"page": 'home', "visited_at": 3}"""),
        (["home", 3], """{"page": 'home', "visited_at": 3}"""),
        ("home", """{"page": 'home', "visited_at": ...}"""),
        ({"visited_at": 3, "by": "Ada"}, """{"page": ..., "visited_at": 3}"""),
    ],
)
def test_a_key_that_is_not_one_is_shown_as_it_is_to_be_given(key: Any, shown: str) -> None:
    with pytest.raises(ValidationError) as caught:
        visits.key_of(key)
    assert str(caught.value).endswith(f": give {shown}")


def test_none_is_dropped_where_reading_restores_it_and_in_keys_that_may_be_none() -> None:
    assert visits.drops_none("by")
    assert not visits.drops_none("logged_in")
    assert not visits.drops_none("visited_at")
    assert not visits.drops_none("comment")
    assert not visits.drops_none("count")


def test_the_codec_stores_booleans_of_keys_as_text() -> None:
    item = visits.codec.encode(Visit(page="home", visited_at=NOON, logged_in=True))
    assert item["logged_in"] == {"S": "true"}
    assert "by" not in item
    assert visits.codec is visits.codec


def test_a_view_s_codec_reads_with_the_keys_of_the_table() -> None:
    class Login(BaseModel):
        page: str
        logged_in: bool

    login = visits.view_codec(Login).decode({"page": {"S": "home"}, "logged_in": {"S": "true"}})
    assert login == Login(page="home", logged_in=True)
