from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params, condition_of
from dynamodb_wrapper.expressions.functions import (
    begins_with,
    between,
    contains,
    exists,
    in_,
    missing,
    not_,
    present,
    size,
)
from dynamodb_wrapper.models import DynamoDBModel


class State(Enum):
    OPEN = "open"
    PAID = "paid"


class Line(BaseModel):
    sku: str
    state: State = State.OPEN


class Order(DynamoDBModel):
    id: str
    count: int = 0
    paid: bool = False
    note: str | None = None
    raw: bytes = b""
    lines: list[Line] = Field(default_factory=list)
    days: list[datetime] = Field(default_factory=list)
    states: set[State] = Field(default_factory=set)
    codes: frozenset[int] = frozenset()
    anything: list[Any] = Field(default_factory=list)


DAY, DAY_TEXT = datetime(2026, 2, 3, tzinfo=UTC), {"S": "2026-02-03T00:00:00.000000+00:00"}


def said(given: object) -> tuple[str, list[Any]]:
    condition = condition_of(given)
    assert condition is not None
    params = Params()
    text = condition.encode(params)
    body = params.into({})
    for mark, name in reversed(body.get("ExpressionAttributeNames", {}).items()):
        text = text.replace(mark, name)
    return text, list(body.get("ExpressionAttributeValues", {}).values())


@pytest.mark.parametrize(
    ("condition", "text", "values"),
    [
        (contains(Order.id, "x"), "contains(id, :0)", [{"S": "x"}]),
        (contains(Order.raw, b"x"), "contains(raw, :0)", [{"B": "eA=="}]),
        (contains(Order.states, State.PAID), "contains(states, :0)", [{"S": "paid"}]),
        (contains(Order.codes, 3), "contains(codes, :0)", [{"N": "3"}]),
        (contains(Order.days, DAY), "contains(days, :0)", [DAY_TEXT]),
        (
            contains(Order.lines, Line(sku="a")),
            "contains(lines, :0)",
            [{"M": {"sku": {"S": "a"}, "state": {"S": "open"}}}],
        ),
        (contains(Order.anything, True), "contains(anything, :0)", [{"BOOL": True}]),
        (contains(Order.id, present(Order.note)), "contains(id, note)", []),
        (begins_with(Order.note, "x"), "begins_with(note, :0)", [{"S": "x"}]),
        (begins_with(Order.raw, b"x"), "begins_with(raw, :0)", [{"B": "eA=="}]),
        (present(Order.note).startswith("x"), "begins_with(note, :0)", [{"S": "x"}]),
        (exists(Order.lines[0].sku), "attribute_exists(lines[0].sku)", []),
        (missing(Order.note), "attribute_not_exists(note)", []),
        (between(Order.count, 1, Decimal("2.5")), "count BETWEEN :0 AND :1", [{"N": "1"}, {"N": "2.5"}]),
        (between(Order.lines[0].sku, "a", "b"), "lines[0].sku BETWEEN :0 AND :1", [{"S": "a"}, {"S": "b"}]),
        (
            between(size(Order.lines), 1, 3),
            "(size(lines) >= :0 AND size(lines) <= :1)",
            [{"N": "1"}, {"N": "3"}],
        ),
        (in_(Order.count, {1, 2}), "count IN (:0, :1)", [{"N": "1"}, {"N": "2"}]),
        (in_(Order.lines[0].state, [State.OPEN]), "lines[0].state IN (:0)", [{"S": "open"}]),
        (not_(Order.count > 3), "(NOT count > :0)", [{"N": "3"}]),
        (not_(Order.paid), "(NOT paid IN (:1, :0))", [{"S": "true"}, {"BOOL": True}]),
        (size(Order.id) == 3, "size(id) = :0", [{"N": "3"}]),
        (size(Order.id) != 3, "size(id) <> :0", [{"N": "3"}]),
        (size(Order.states) < 3, "(attribute_not_exists(states) OR size(states) < :0)", [{"N": "3"}]),
        (size(Order.states) > 0, "size(states) > :0", [{"N": "0"}]),
        (size(Order.states) > Order.count, "size(states) > count", []),
    ],
)
def test_a_function_gives_a_condition(condition: object, text: str, values: list[Any]) -> None:
    assert said(condition) == (text, values)


def test_none_and_many_values_may_be_among_the_choices() -> None:
    anyone: Any = Order.note
    assert said(in_(anyone, ["a", None]))[0].startswith("(note = :0 OR (attribute_not_exists(note)")
    text, values = said(in_(Order.count, range(150)))
    assert (text.count(" OR "), len(values)) == (149, 150)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: in_(Order.id, "abc"), r"write \['abc'\]"),
        (lambda: in_(Order.id, []), "empty list of values"),
        (lambda: contains(Order.codes, "x"), "does not fit an element of codes"),
        (lambda: contains(Order.days, datetime(2026, 1, 1)), "time zone"),
        (lambda: exists("note"), r"exists\(\) takes a field of a model's class"),
        (lambda: contains(Order(id="1").id, "x"), "an instance's field is its value"),
        (lambda: present(Order(id="1").note), r"present\(\) takes a field"),
        (lambda: size(Order.id) > "3", "compared with a whole number"),  # type: ignore[operator]
        (lambda: size(Order.id) > size(Order.note), "compared with a whole number"),
        (lambda: not_(Order(id="1").count > 3), "a condition was expected, not False"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: Callable[[], object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        wrong()


def test_a_size_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="compare it"):
        bool(size(Order.lines))
    assert repr(size(Order.lines)) == "<size of lines>"
