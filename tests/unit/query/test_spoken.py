"""Conditions in words: names, operators and how many values each takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AnyOf, Between, Compare, Condition, Exists, In, Missing, Not, Path
from dynamodb_wrapper.expressions.conditions import StoredBool
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.spoken import condition_from, path_of
from dynamodb_wrapper.schema import schema_of


class Thing(DynamoDBModel):
    id: str
    size: int = 0
    renamed: str = Field(default="", alias="stored")
    inner: dict[str, Any] = Field(default_factory=dict)

    class Meta:
        table_name = "things"
        partition_key = "id"


THINGS = schema_of(Thing)
SIZE = Path(("size",))


@pytest.mark.parametrize(
    ("words", "condition"),
    [
        (("size", "=", 1), Compare(SIZE, "=", 1)),
        (("size", "!=", 1), Compare(SIZE, "<>", 1)),
        (("size", "=", True), StoredBool(SIZE, True)),
        (("size", "!=", True), Not(StoredBool(SIZE, True))),
        (("size", "between", 1, 2), Between(SIZE, 1, 2)),
        (("size", "between", [1, 2]), Between(SIZE, 1, 2)),
        (("size", "in", 1, 2), In(SIZE, (1, 2))),
        (("size", "in", (1, 2)), In(SIZE, (1, 2))),
        (("size", "in", [1, True]), AnyOf((Compare(SIZE, "=", 1), StoredBool(SIZE, True)))),
        (("size", "exists"), Exists(SIZE)),
        (("inner.deep[2].x", "missing"), Missing(Path(("inner", "deep", 2, "x")))),
        (("renamed", "=", "x"), Compare(Path(("stored",)), "=", "x")),
        (("stored", "=", "x"), Compare(Path(("stored",)), "=", "x")),
    ],
)
def test_words_are_conditions(words: tuple[Any, ...], condition: Condition) -> None:
    assert repr(condition_from(THINGS, words[0], words[1], words[2:])) == repr(condition)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("size", "=="), "is no operator for size: use one of =, !=,"),
        (("size", ""), "is no operator"),
        (("size", "="), "= on size takes one value, not 0"),
        (("size", "=", 1, 2), "takes one value, not 2"),
        (("size", "between", 1), "between on size takes two values, not 1"),
        (("size", "exists", 1), "takes no value, not 1"),
        (("sise", "=", 1), "Thing has no attribute 'sise'; did you mean 'size'"),
        (("size..x", "=", 1), "no attribute path"),
    ],
)
def test_what_is_not_understood_is_refused(words: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        condition_from(THINGS, words[0], words[1], words[2:])
    assert why.replace(";", "") in caught.value.message.replace(";", "")


def test_a_path_stays_one() -> None:
    assert path_of(THINGS, SIZE) is SIZE
