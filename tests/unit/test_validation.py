from __future__ import annotations

import pickle

import pytest
from pydantic import BaseModel, field_validator
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import (
    did_you_mean,
    from_pydantic,
    invalid,
    problem,
    several,
    whole_number,
    yes_or_no,
)


class Line(BaseModel):
    quantity: int


class Order(BaseModel, extra="forbid"):
    lines: list[Line] = []
    note: str = ""
    total: int = 0

    @field_validator("note")
    @classmethod
    def _polite(cls, note: str) -> str:
        if note == "braces":
            raise problem("a note with {braces} is refused")
        if note:
            raise ValueError("no notes please")
        return note


def error_of(**values: object) -> ValidationError:
    with pytest.raises(PydanticError) as caught:
        Order.model_validate(values)
    return from_pydantic(caught.value, "Order", Order.model_fields)


def test_errors_are_keyed_by_field_and_nested_values_by_path() -> None:
    error = error_of(lines=[{"quantity": 1}, {}], total="x")
    assert list(error.errors) == ["lines.1.quantity", "total"]
    assert error.errors["lines.1.quantity"] == ["is required"]
    assert "Order is not valid: lines.1.quantity: is required; total: " in str(error)


def test_a_validators_own_words_are_kept_as_they_are() -> None:
    assert error_of(note="x").errors == {"note": ["no notes please"]}
    assert error_of(note="braces").errors == {"note": ["a note with {braces} is refused"]}


def test_a_misspelt_field_gets_a_suggestion() -> None:
    assert error_of(totl=1).errors == {"totl": ["there is no such field; did you mean 'total'?"]}


def test_refused_values_are_not_repeated_and_the_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(error_of(total="s3cr3t")))
    assert "s3cr3t" not in f"{error!r}{error.__dict__}"


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("Pipelin_Id", "; did you mean 'pipeline_id'?"),
        ("us-esat-1", "; did you mean 'us-east-1'?"),
        ("zzz", ""),
    ],
)
def test_did_you_mean_finds_near_names_only(name: str, remark: str) -> None:
    assert did_you_mean(name, ["pipeline_id", "us-west-1", "us-east-1"]) == remark


def test_an_error_without_a_field_is_told_without_one() -> None:
    assert str(invalid("the input", {"": ["is no object"]})) == "the input is not valid: is no object"


def test_what_is_only_like_true_is_no_answer() -> None:
    assert [yes_or_no("order", given, "True or False") for given in (True, False)] == [True, False]
    for refused in ("desc", "", 1, 0, None):
        with pytest.raises(ValidationError, match=rf"order is {refused!r}: give True or False$") as caught:
            yes_or_no("order", refused, "True or False")
    assert caught.value.errors == {"order": ["True or False"]}


@pytest.mark.parametrize("given", [[], ["a"], ("a",), {"a"}, {"a": 1}.keys(), iter("a")])
def test_every_kind_of_list_is_several(given: object) -> None:
    assert several("keys", given, "key") is given


@pytest.mark.parametrize("given", [None, 5, "ab", b"ab", {"a": 1}, Line(quantity=1), Line])
def test_one_thing_is_not_several(given: object) -> None:
    with pytest.raises(
        ValidationError, match=r"^keys is one key: give a list, as in keys=\[key\]$"
    ) as caught:
        several("keys", given, "key")
    assert caught.value.errors == {"keys": ["give a list, as in keys=[key]"]}
    with pytest.raises(ValidationError, match=r"as in keys=\[5\]$"):
        several("keys", given, "key", "5")


def test_whole_numbers_start_at_one_and_true_is_none() -> None:
    assert [whole_number("limit", given, 1000) for given in (1, 1000)] == [1, 1000]
    for refused in (0, -1, True, 1.0, "1", None, 1001):
        with pytest.raises(ValidationError, match=r"give a whole number from 1 to 1,000$") as caught:
            whole_number("limit", refused, 1000)
    assert caught.value.errors == {"limit": ["a whole number from 1 to 1,000"]}
    with pytest.raises(ValidationError, match=r"limit is 0: give a whole number from 1 on, or None$"):
        whole_number("limit", 0, otherwise=", or None")
