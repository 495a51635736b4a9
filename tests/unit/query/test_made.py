"""What conditions on fields say of the keys that templates make of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.expressions import BeginsWith, Between, Compare, Condition, Path
from dynamodb_wrapper.expressions.params import encode_plainly
from dynamodb_wrapper.models import DynamoDBModel, Instant
from dynamodb_wrapper.query.explain import describe
from dynamodb_wrapper.query.made import of_its_type, on_key, value_of
from dynamodb_wrapper.query.normal import NEVER
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.schema.templates import template_of
from dynamodb_wrapper.schema.union import union_of


class Event(DynamoDBModel):
    source: str
    number: int
    at: Instant
    name: str = ""

    class Meta:
        table_name = "events"
        partition_key = "pk"
        templates: ClassVar = {"pk": "E#{source}"}


class Other(Event):
    class Meta(Event.Meta):
        templates: ClassVar = {"pk": "O#{source}"}


class Plain(DynamoDBModel):
    id: str

    class Meta:
        table_name = "plain"
        partition_key = "id"


SCHEMA: Any = schema_of(Event)
NUMBER, NAME, SOURCE, AT = (Path((name,)) for name in ("number", "name", "source", "at"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOP = r"\U0010ffff"


def said(text: str, *parts: Condition) -> str | None:
    types = {name: info.annotation for name, info in Event.model_fields.items()}

    def fail(why: str) -> Any:
        raise AssertionError(why)

    found = on_key(SCHEMA, template_of("sk", text, types, fail, primary=True), parts)
    if found is NEVER:
        return "never"
    return None if found is None else describe(found, encode_plainly)


@pytest.mark.parametrize(
    ("text", "parts", "key"),
    [
        ("PROFILE", [], "sk = 'PROFILE'"),
        ("A#{number:03d}", [Compare(NUMBER, "=", 7)], "sk = 'A#007'"),
        ("A#{number:03d}#{name}", [Compare(NUMBER, "=", 7)], "begins_with(sk, 'A#007#')"),
        ("A#{number:03d}#{name}", [Compare(NAME, "=", "x")], "begins_with(sk, 'A#')"),
        ("{number:03d}#{name}", [Compare(NAME, "=", "x")], None),
        ("A#{number:03d}", [Compare(NUMBER, ">", 7)], f"sk BETWEEN 'A#007' AND 'A#{TOP}'"),
        ("A#{number:03d}", [Compare(NUMBER, "<=", 7)], "sk BETWEEN 'A#' AND 'A#007'"),
        ("A#{number:03d}#{name}", [Compare(NUMBER, "<=", 7)], f"sk BETWEEN 'A#' AND 'A#007{TOP}'"),
        ("A#{number:03d}", [Between(NUMBER, 3, 7)], "sk BETWEEN 'A#003' AND 'A#007'"),
        ("A#{number:03d}", [Compare(NUMBER, ">", 7), Compare(NUMBER, "<", 3)], "never"),
        ("A#{number:03d}", [Compare(NUMBER, "=", -7)], "never"),
        ("A#{number:03d}", [Compare(NUMBER, ">", -7)], "begins_with(sk, 'A#')"),
        ("A#{number:d}", [Compare(NUMBER, ">", 7)], "begins_with(sk, 'A#')"),
        ("A#{name}", [BeginsWith(NAME, "x")], "begins_with(sk, 'A#x')"),
        ("A#{name}", [Compare(NAME, ">=", "x")], "sk >= 'A#x'"),
        ("A#{name}", [Compare(NAME, "<", "x")], "sk BETWEEN 'A#' AND 'A#x'"),
        ("A#{name}#{source}", [Compare(NAME, ">=", "x")], "begins_with(sk, 'A#')"),
        ("A#{name}", [Compare(NAME, "=", "a#b")], "never"),
        ("A#{name}", [Compare(NAME, "=", SOURCE)], "begins_with(sk, 'A#')"),
        ("A#{name}", [Compare(NAME, "<", SOURCE)], "begins_with(sk, 'A#')"),
        ("{at}", [Compare(AT, ">=", NOW)], f"sk BETWEEN '2026-01-01T00:00:00.000000+00:00' AND '{TOP}'"),
    ],
)
def test_what_is_said_of_a_key(text: str, parts: list[Condition], key: str | None) -> None:
    assert said(text, *parts) == key


def test_the_type_is_asked_for() -> None:
    assert of_its_type(schema_of(Plain)) is None
    both = schema_of(union_of([Event, Other]))
    asked = [of_its_type(SCHEMA), of_its_type(both)]
    assert [describe(each, encode_plainly) for each in asked if each is not None] == [
        "type = 'Event'",
        "type IN ('Event', 'Other')",
    ]


def test_a_value_is_one_that_is_given() -> None:
    assert value_of(Compare(NAME, "=", None), "name") == [None]
    assert value_of(Compare(NAME, "=", "x"), "number") is None
    assert value_of(Compare(NAME, "=", SOURCE), "name") is None
