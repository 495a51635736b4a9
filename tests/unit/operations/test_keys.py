from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.keys import checked_key, wire_key
from dynamodb_wrapper.schema import schema_of


class Visit(BaseModel):
    page: str
    at: datetime
    logged_in: bool = False

    class Meta:
        partition_key = "page"
        sort_key = "at"


class Flag(BaseModel):
    on: bool

    class Meta:
        partition_key = "on"


class Note(BaseModel):
    page: str
    title: str

    class Meta:
        partition_key = "page"
        sort_key = "title"


visits, flags, notes = schema_of(Visit), schema_of(Flag), schema_of(Note)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_key_is_stored_as_its_attributes_are() -> None:
    expected = {"page": {"S": "home"}, "at": {"S": "2026-01-01T12:00:00.000000+00:00"}}
    assert wire_key(visits, {"page": "home", "at": NOON}) == expected
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert wire_key(visits, {"at": elsewhere, "page": "home"}) == expected


@pytest.mark.parametrize("given", [True, "true"])
def test_a_boolean_key_is_text(given: object) -> None:
    assert wire_key(flags, given) == {"on": {"S": "true"}}


@pytest.mark.parametrize(
    ("key", "attribute", "says"),
    [
        ({"page": "", "title": "x"}, "page", "partition key page is empty"),
        ({"page": "x", "title": ""}, "title", "sort key title is empty"),
        ({"page": "x" * 2049, "title": "x"}, "page", "2,049 bytes, more than 2,048"),
        ({"page": "ø" * 1025, "title": "x"}, "page", "2,050 bytes"),
        ({"page": "x", "title": "x" * 1025}, "title", "1,025 bytes, more than 1,024"),
        ({"page": None, "title": "x"}, "page", "page"),
        ({"page": 5, "title": "x"}, "page", "valid string"),
    ],
)
def test_a_key_that_the_service_would_refuse_is_refused_here(key: Any, attribute: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        wire_key(notes, key)
    assert list(caught.value.errors) == [attribute]


def test_a_key_as_long_as_possible_is_taken() -> None:
    assert wire_key(notes, {"page": "x" * 2048, "title": "y" * 1024})["title"] == {"S": "y" * 1024}


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        wire_key(visits, {"page": "home", "at": NOON.replace(tzinfo=None)})


def test_the_key_of_an_item_is_checked_and_the_item_returned() -> None:
    item: dict[str, Any] = {"page": {"S": "home"}, "title": {"S": "x"}, "more": {"S": ""}}
    assert checked_key(notes, item) is item
    with pytest.raises(ValidationError, match="sort key title is empty"):
        checked_key(notes, item | {"title": {"S": ""}})
