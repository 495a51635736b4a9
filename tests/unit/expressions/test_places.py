from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any

import pytest
from annotated_types import MaxLen
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.places import Place, field_place, step_of


class Level(IntEnum):
    LOW = 1


class Inner(BaseModel):
    at: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC), alias="time")
    level: Level = Level.LOW


class Other(BaseModel):
    at: int


class Outer(BaseModel):
    inner: Inner | None = None
    either: Inner | Other
    short: Annotated[str, Field(max_length=3)] = "x"


def place(name: str) -> Place:
    found = field_place(Outer, name)
    assert found is not None
    return found


def test_a_field_is_found_inside_what_may_be_none() -> None:
    inner = place("inner").field("at")
    assert inner is not None
    assert (inner.attribute, inner.owner) == ("time", Inner)
    assert place("inner").field("nothing") is None


def test_a_field_that_several_models_store_under_different_names_has_no_place() -> None:
    assert place("either").field("at") is None
    assert place("either").field("level") is not None


def test_values_take_the_form_of_their_field() -> None:
    at = place("inner").field("at")
    assert at is not None
    assert at.wire("2026-01-01T02:00:00+02:00", "at") == {"S": "2026-01-01T00:00:00.000000+00:00"}
    assert Place(list[datetime]).member().wire(datetime(2026, 1, 1, tzinfo=UTC), "x")["S"].startswith("2026")
    assert Place(dict[str, Level]).element("a") == Place(Level)
    assert Place(Level).wire(Level.LOW, "x") == {"N": "1"}
    assert Place(Annotated[list[int], MaxLen(3), ["not", "hashable"]]).wire([1], "x") == {"L": [{"N": "1"}]}


def test_limits_hold_of_what_is_stored_and_not_of_what_is_compared() -> None:
    assert place("short").wire("four", "short") == {"S": "four"}
    with pytest.raises(ValidationError, match="'four' does not fit short") as caught:
        place("short").wire("four", "short", constraints=True)
    assert list(caught.value.errors) == ["short"]


def test_elements_are_of_lists_tuples_and_maps() -> None:
    assert Place(tuple[int, str]).element(1) == Place(str)
    assert Place(tuple[int, ...]).element(7) == Place(int)
    assert Place(list[int] | dict[str, bytes] | None).element("a") == Place(bytes)
    assert Place(list).element(0) == Place(dict).element("a") == Place(Any)
    assert Place(str).element(0) is None
    assert Place(list[int] | list[str]).element(0) == Place(int | str)


@pytest.mark.parametrize("step", [-1, 1.5, None, slice(1), True])
def test_a_step_is_a_position_or_a_key(step: object) -> None:
    with pytest.raises(TypeError):
        step_of(step)
    assert step_of(Level.LOW) == 1
