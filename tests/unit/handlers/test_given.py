"""Arguments as callers give them: taken in every honest shape, else refused by name."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.handlers.given import listed, mapping


class Given(BaseModel):
    name: str = "a"


@pytest.mark.parametrize("given", [["a", "b"], ("a", "b"), {"a": 0, "b": 0}.keys(), iter("ab")])
def test_every_kind_of_list_is_one(given: Any) -> None:
    assert listed("ids", given, "ids") == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "None"),
        (5, "a int"),
        ("ab", "the text 'ab'"),
        (b"ab", "a bytes"),
        ({"a": 1}, "a dict"),
        (Given(), "a Given"),
        (Given, "the class Given"),
    ],
)
def test_what_is_no_list_is_refused_by_name(given: Any, shown: str) -> None:
    with pytest.raises(ValidationError, match=f"^ids is {shown}: give a list of ids$") as caught:
        listed("ids", given, "ids")
    assert caught.value.errors == {"ids": ["give a list of ids"]}


def test_every_mapping_is_one() -> None:
    given = OrderedDict(a=1)
    assert mapping("updates", given, "{}") is given


@pytest.mark.parametrize("given", [None, ["a"], "a", 5])
def test_what_is_no_mapping_is_refused_by_name(given: Any) -> None:
    with pytest.raises(ValidationError, match=r"^updates is .*: give a mapping such as {'a': 1}$") as caught:
        mapping("updates", given, "{'a': 1}")
    assert list(caught.value.errors) == ["updates"]


def test_of_a_model_it_is_told_how_it_becomes_a_mapping() -> None:
    with pytest.raises(ValidationError, match=r"not a Given; model_dump\(exclude_unset=True\)"):
        mapping("updates", Given(), "{}")
