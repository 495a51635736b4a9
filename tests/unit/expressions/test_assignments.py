from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Change, Params, Update
from dynamodb_wrapper.expressions.assignments import (
    add,
    append,
    discard,
    prepend,
    put,
    put_if_absent,
    remove,
)
from dynamodb_wrapper.models import DynamoDBModel


class State(Enum):
    OPEN = "open"
    PAID = "paid"


class Line(BaseModel):
    sku: str
    qty: int = Field(default=1, le=100)
    state: State = State.OPEN
    at: datetime | None = None


class Order(DynamoDBModel):
    id: str
    total: Decimal = Decimal(7)
    weight: float = 0
    count: int
    seats: int | None = None
    placed: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    lines: list[Line] = Field(default_factory=list)
    states: set[State] = Field(default_factory=set)
    codes: frozenset[int] = frozenset()
    config: dict[str, Any] = Field(default_factory=dict)
    note: str | None = None


LINE = {"M": {"sku": {"S": "a"}, "qty": {"N": "1"}, "state": {"S": "open"}}}
DAY = datetime(2026, 2, 3, tzinfo=UTC)


def said(change: Change) -> tuple[str, list[Any]]:
    params = Params()
    text = Update((change,)).encode(params)
    body = params.into({})
    for mark, name in reversed(body.get("ExpressionAttributeNames", {}).items()):
        text = text.replace(mark, name)
    return text, list(body.get("ExpressionAttributeValues", {}).values())


@pytest.mark.parametrize(
    ("change", "text", "values", "repeatable"),
    [
        (put(Order.total).to(Decimal(5)), "SET total = :0", [{"N": "5"}], True),
        (put(Order.lines[0].qty).to(3), "SET lines[0].qty = :0", [{"N": "3"}], True),
        (put(Order.lines[0].state).to(State.PAID), "SET lines[0].state = :0", [{"S": "paid"}], True),
        (
            put(Order.lines[0].at).to(DAY),
            "SET lines[0].at = :0",
            [{"S": "2026-02-03T00:00:00.000000+00:00"}],
            True,
        ),
        (put(Order.lines[0].at).to(None), "SET lines[0].at = :0", [{"NULL": True}], True),
        (put(Order.lines[2]).to(Line(sku="a")), "SET lines[2] = :0", [LINE], False),
        (put(Order.config["a"]["b"]).to([1]), "SET config.a.b = :0", [{"L": [{"N": "1"}]}], True),
        (
            put(Order.total).to(Order.total + 5),
            "SET total = if_not_exists(total, :0) + :1",
            [{"N": "7"}, {"N": "5"}],
            False,
        ),
        (put(Order.count).to(Order.count - 1), "SET count = count - :0", [{"N": "1"}], False),
        (put(Order.count).to(10 - Order.count), "SET count = :0 - count", [{"N": "10"}], False),
        (
            put(Order.count).to(10 + Order.lines[0].qty),
            "SET count = :0 + if_not_exists(lines[0].qty, :1)",
            [{"N": "10"}, {"N": "1"}],
            False,
        ),
        (
            put(Order.total).to(Order.total - Order.count),
            "SET total = if_not_exists(total, :0) - count",
            [{"N": "7"}],
            False,
        ),
        (put(Order.seats).to(Order.count), "SET seats = count", [], False),
        (put_if_absent(Order.note).to("x"), "SET note = if_not_exists(note, :0)", [{"S": "x"}], True),
        (
            put_if_absent(Order.lines[0].qty).to(3),
            "SET lines[0].qty = if_not_exists(lines[0].qty, :0)",
            [{"N": "3"}],
            True,
        ),
        (add(Order.count, 2), "SET count = if_not_exists(count, :0) + :1", [{"N": "0"}, {"N": "2"}], False),
        (
            add(Order.total, Decimal("-0.5")),
            "SET total = if_not_exists(total, :0) + :1",
            [{"N": "7"}, {"N": "-0.5"}],
            False,
        ),
        (
            add(Order.weight, 0.5),
            "SET weight = if_not_exists(weight, :0) + :1",
            [{"N": "0"}, {"N": "0.5"}],
            False,
        ),
        (
            add(Order.lines[0].qty, 2),
            "SET lines[0].qty = if_not_exists(lines[0].qty, :0) + :1",
            [{"N": "1"}, {"N": "2"}],
            False,
        ),
        (add(Order.states, {State.PAID}), "ADD states :0", [{"SS": ["paid"]}], True),
        (add(Order.codes, frozenset({3})), "ADD codes :0", [{"NS": ["3"]}], True),
        (
            append(Order.lines, Line(sku="a")),
            "SET lines = list_append(if_not_exists(lines, :0), :1)",
            [{"L": []}, {"L": [LINE]}],
            False,
        ),
        (
            prepend(Order.lines, Line(sku="a")),
            "SET lines = list_append(:1, if_not_exists(lines, :0))",
            [{"L": []}, {"L": [LINE]}],
            False,
        ),
        (discard(Order.states, State.PAID, State.OPEN), "DELETE states :0", [{"SS": ["open", "paid"]}], True),
        (discard(Order.codes, 3), "DELETE codes :0", [{"NS": ["3"]}], True),
        (remove(Order.note), "REMOVE note", [], True),
        (remove(Order.lines[0]), "REMOVE lines[0]", [], False),
        (remove(Order.config["a"]), "REMOVE config.a", [], True),
    ],
)
def test_a_function_gives_a_change(change: Change, text: str, values: list[Any], repeatable: bool) -> None:
    assert said(change) == (text, values)
    assert change.repeatable is repeatable


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: put(Order.lines[0].qty).to(101), r"101 does not fit lines\[0\].qty"),
        (lambda: put(Order.lines[0].qty).to("x"), "valid integer"),  # type: ignore[arg-type]
        (lambda: put(Order.lines[0].at).to(datetime(2026, 1, 1)), "time zone"),
        (lambda: put_if_absent(Order.total).to(Order.total + 1), "only if it is absent"),
        (lambda: add(Order.lines[0].qty, 0.5), r"0.5 does not fit lines\[0\].qty"),
        (lambda: add(Order.count, True), "takes a number for a number"),
        (lambda: add(Order.note, 1), "note holds str"),  # type: ignore[arg-type]
        (lambda: add(Order.lines, {1}), "lines"),  # type: ignore[call-overload]
        (lambda: add(Order.states, set()), "got no elements"),
        (lambda: append(Order.lines), "got nothing to put into lines"),
        (lambda: append(Order.states, State.OPEN), "needs a list, but states holds"),  # type: ignore[arg-type]
        (lambda: append(Order.lines, "x"), "does not fit lines"),  # type: ignore[misc]
        (lambda: discard(Order.codes), "got no elements"),
        (lambda: discard(Order.note, "x"), "note"),  # type: ignore[arg-type]
        (lambda: remove(Order.count), "count is required"),
        (lambda: remove(Order.lines[0].sku), "sku is required"),
        (lambda: put(Order.count).to(Order.count + "x"), "is no number"),  # type: ignore[operator]
        (lambda: Order.id + "x", "id holds"),
        (lambda: Order.id + Order.count, "id holds"),  # type: ignore[operator]
        (lambda: Order.lines + Order.lines, "append and prepend"),
        (lambda: put(Order(id="1", count=1).count), "an instance's field is its value"),
    ],
)
def test_what_cannot_be_changed_so_is_refused(wrong: Callable[[], object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        wrong()


def test_a_sum_of_three_is_refused() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        put(Order.count).to(Order.count + 1 + 1)


def test_a_change_without_its_value_says_so() -> None:
    assert repr(put(Order.lines[0].qty)) == "<lines[0].qty that is to get a value: .to(...) is missing>"
