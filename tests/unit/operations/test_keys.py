from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, field_serializer

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.keys import checked_key, several_keys, wire_key
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


class Shouted(BaseModel):
    page: str

    class Meta:
        partition_key = "page"

    @field_serializer("page")
    def _shout(self, page: str) -> str:
        return page.upper()


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


PARTS = st.text(max_size=5) | st.sampled_from(["x" * 1024, "x" * 1025, "ø" * 512, "\ud800"]) | st.none()


@given(page=PARTS, title=PARTS)
def test_plain_texts_are_judged_as_all_other_keys_are(page: Any, title: Any) -> None:
    key = {"title": title, "page": page}

    def slowly() -> Any:
        return checked_key(
            notes, {name: notes.codec.encode_attribute(name, key[name]) for name in notes.key_fields}
        )

    def outcome(make: Callable[[], Any]) -> Any:
        try:
            return list(make().items())  # the partition key stands first
        except ValidationError as error:
            return error.errors

    assert outcome(lambda: wire_key(notes, key)) == outcome(slowly)


def test_a_text_that_is_stored_otherwise_is_so_as_a_key_too() -> None:
    assert wire_key(schema_of(Shouted), "home") == {"page": {"S": "HOME"}}


@pytest.mark.parametrize("key", ["home", {"page": "home"}, {"page": "a", "title": "b", "more": "c"}])
def test_a_key_must_have_all_its_parts_and_no_others(key: Any) -> None:
    with pytest.raises(ValidationError, match="the key of Note is page \\+ title"):
        wire_key(notes, key)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        wire_key(visits, {"page": "home", "at": NOON.replace(tzinfo=None)})


def test_the_key_of_an_item_is_checked_and_the_item_returned() -> None:
    item: dict[str, Any] = {"page": {"S": "home"}, "title": {"S": "x"}, "more": {"S": ""}}
    assert checked_key(notes, item) is item
    with pytest.raises(ValidationError, match="sort key title is empty"):
        checked_key(notes, item | {"title": {"S": ""}})


def test_a_tuple_of_the_parts_of_a_key_is_one_key_and_other_tuples_are_several() -> None:
    mend = r'^keys is one key: give a list, as in keys=\[{"page": \'a\', "title": \'b\'}\]$'
    with pytest.raises(ValidationError, match=mend):
        several_keys(schema_of(Note), "keys", ("a", "b"))
    keys = ({"page": "a", "title": "b"}, {"page": "a", "title": "c"})
    for some in (keys, keys[:1], keys + keys, list(keys)):
        assert several_keys(schema_of(Note), "keys", some) is some
    assert several_keys(schema_of(Flag), "keys", ("a", "b")) == ("a", "b")
