from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.operations.uniques import Guard, guards, still_has, unique_values
from dynamodb_wrapper.schema import schema_of


class User(BaseModel):
    name: str
    email: str | None = None
    badge: int | None = None

    class Meta:
        table_name = "users"
        partition_key = "name"
        unique: ClassVar = ["email", "badge"]


SCHEMA: Any = schema_of(User)
KEY = {"name": {"S": "ada"}}


def guard(value: dict[str, Any]) -> Guard:
    return Guard("t_unique", "email", value, KEY)


def test_guards_stand_in_a_table_of_their_own() -> None:
    made = guards(SCHEMA, "t", KEY, KEY | {"email": {"S": "x"}, "badge": {"N": "7.0"}})
    assert list(made) == ["email#S#x", "badge#N#7E+0"]
    assert {each.table for each in made.values()} == {"t_unique"}


def test_what_an_item_lacks_or_is_null_has_no_guard() -> None:
    assert unique_values(SCHEMA, KEY | {"email": {"NULL": True}}) == {}
    assert unique_values(SCHEMA, None) == {}


def test_kinds_are_told_apart() -> None:
    names = {guard(value).name for value in ({"S": "1"}, {"N": "1"}, {"B": "MQ=="}, {"BOOL": True})}
    assert len(names) == 4


def test_a_long_value_has_a_short_name() -> None:
    one, other = guard({"S": "x" * 2000}).name, guard({"S": "x" * 2001}).name
    assert one != other
    assert len(one) < 100


def test_a_list_cannot_be_unique() -> None:
    with pytest.raises(ValidationError, match="only text, numbers, bytes and booleans"):
        _ = guard({"L": []}).name


def test_what_an_item_had_is_asked_for() -> None:
    def text(item: Any) -> str:
        condition = still_has(SCHEMA, item)
        assert condition is not None
        return condition.encode(Params())

    assert text(None) == "attribute_not_exists(#0)"
    assert text(KEY | {"email": {"S": "x"}}) == "(#0 = :0 AND attribute_not_exists(#1))"
