"""Read by type checkers: typed fields of plain annotations, in conditions and in updates.

A line with `# type: ignore[...]` must be refused by both checkers, see `tests.support.checkers`. The
functions below are never run; what no checker can refuse is listed in docs/conditions.md.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true, reportUnnecessaryComparison=true

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, assert_type

from pydantic import BaseModel, Field
from tests.support.checkers import assert_checks, both_checkers

from dynamodb_wrapper import DynamoDB, DynamoDBModel
from dynamodb_wrapper.expressions import Change, Condition
from dynamodb_wrapper.expressions.assignments import (
    add,
    append,
    discard,
    prepend,
    put,
    put_if_absent,
    remove,
)
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


class State(Enum):
    OPEN = "open"
    PAID = "paid"


class Address(BaseModel):
    city: str
    zip: str | None = None


class Line(BaseModel):
    sku: str
    qty: int = 1


class Order(DynamoDBModel):
    id: str
    total: Decimal = Field(default=Decimal(0), ge=0)
    address: Address
    billing: Address | None = None
    lines: list[Line] = Field(default_factory=list)
    tags: set[str] = Field(default_factory=set)
    state: State = State.OPEN
    channel: Literal["web", "shop"] = "web"
    placed: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    prices: dict[str, Decimal] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    weight: float = 0
    count: int = 0
    note: str | None = None
    paid: bool = False

    class Meta:
        table_name = "orders"
        partition_key = "id"


class Gift(Order):
    wish: str = ""


def where(*conditions: Condition | bool) -> None:
    """Takes conditions, as a query does."""


def conditions(order: Order) -> None:
    where(Order.total < 1000, Order.address.city == "Oslo", Order.lines[0].qty > 2)
    where(Order.id.startswith("a"), Order.state == State.PAID, Order.channel == "web", Order.note == None)  # noqa: E711
    where(Order.total < 1000, Order.placed <= datetime.now(UTC), Order.prices["nok"] >= Decimal("1.5"))
    where(
        Order.config["limits"]["rows"] > 3, Order.paid, Order.total > Order.weight, Order.total == Order.count
    )
    where(Gift.wish == "x", Gift.total > 1, present(Order.billing).city == "Oslo")
    where(contains(Order.tags, "x"), contains(Order.lines, Line(sku="a")), contains(Order.note, "x"))
    where(exists(Order.note), missing(Order.address.zip), begins_with(Order.note, "x"))
    where(between(Order.total, 1, Decimal(5)), between(Order.id, "a", "b"), between(size(Order.tags), 1, 3))
    where(between(Order.placed, datetime.now(UTC), datetime.now(UTC)))
    where(in_(Order.state, [State.OPEN]), in_(Order.note, ["a", "b"]), in_(Order.count, {1, 2}))
    where(size(Order.lines) > 2, not_(Order.paid), present(Order.note) > "b")
    where((Order.total < 1) & exists(Order.note) | ~exists(Order.tags) & Order.paid, not_(Order.total < 1))
    assert_type(exists(Order.note) & (Order.total < 1), Condition)
    assert_type((Order.total < 1) | exists(Order.note), Condition)
    assert_type(present(Order.note), str)
    assert_type(Order.lines[0].qty, int)
    assert_type(order.total, Decimal)


def refused_conditions(order: Order) -> None:
    where(Order.totl < 10)  # type: ignore[attr-defined]
    where(Order.address.town == "x")  # type: ignore[attr-defined]
    where(Order.lines[0].quantity > 2)  # type: ignore[attr-defined]
    where(Order.lines.qty > 2)  # type: ignore[attr-defined]
    where(Gift.wishes == "x")  # type: ignore[attr-defined]
    where(Order.wish == "x")  # type: ignore[attr-defined]
    where(Order.total < "x")  # type: ignore[operator]
    where(Order.lines[0].qty > "2")  # type: ignore[operator]
    where(Order.prices["nok"] >= "2")  # type: ignore[operator]
    where(Order.placed > 5)  # type: ignore[operator]
    where(Order.address.city == 3)  # type: ignore[comparison-overlap]
    where(Order.channel == "phone")  # type: ignore[comparison-overlap]
    where(Order.state == "paid")  # type: ignore[comparison-overlap]
    where(Order.lines[0].qty == "2")  # type: ignore[comparison-overlap]
    where(Order.note > "b")  # type: ignore[operator]
    where(Order.note.startswith("b"))  # type: ignore[union-attr]
    where(Order.billing.city == "Oslo")  # type: ignore[union-attr]
    where(present(Order.note) > 3)  # type: ignore[operator]
    where(Order.id.startswith(3))  # type: ignore[arg-type]
    where(Order.lines["0"].qty > 2)  # type: ignore[call-overload]
    where(contains(Order.tags, 3))  # type: ignore[misc]
    where(contains(Order.lines, "x"))  # type: ignore[misc]
    where(contains(Order.note, 3))  # type: ignore[arg-type]
    where(contains(Order.total, 3))  # type: ignore[call-overload]
    where(begins_with(Order.total, "3"))  # type: ignore[call-overload]
    where(between(Order.total, "a", "b"))  # type: ignore[call-overload]
    where(between(Order.id, "a", 3))  # type: ignore[call-overload]
    where(between(Order.placed, 1, 2))  # type: ignore[call-overload]
    where(between(Order.lines[0].qty, "1", "2"))  # type: ignore[call-overload]
    where(in_(Order.note, [3]))  # type: ignore[type-var, arg-type]
    where(in_(Order.count, ["a"]))  # type: ignore[list-item]
    where(in_(Order.state, ["open"]))  # type: ignore[type-var]
    where(size(Order.count) > 3)  # type: ignore[arg-type]
    where(size(Order.tags) > "3")  # type: ignore[operator]
    where(exists(Order.totl))  # type: ignore[attr-defined]
    where(exists(Order.note) & "x")  # type: ignore[operator]
    where("total < 10")  # type: ignore[arg-type]
    Order(id="1")  # type: ignore[call-arg]


def changes(db: DynamoDB, order: Order) -> None:
    changes: list[Change] = [
        put(Order.total).to(Decimal(5)),
        put(Order.total).to(Order.total + 5),
        put(Order.total).to(Order.total - Order.count),
        put(Order.count).to(10 - Order.count),
        put(Order.lines[0].qty).to(3),
        put(Order.note).to(None),
        put(Order.state).to(State.PAID),
        put(Order.address).to(Address(city="Oslo")),
        put(Order.config["limits"]).to({"rows": 3}),
        put_if_absent(Order.note).to("x"),
        add(Order.count, 1),
        add(Order.total, Decimal("0.5")),
        add(Order.total, 1),
        add(Order.weight, 0.5),
        add(Order.tags, {"x"}),
        append(Order.lines, Line(sku="a"), Line(sku="b")),
        prepend(Order.lines, Line(sku="a")),
        discard(Order.tags, "x", "y"),
        remove(Order.note),
        remove(Order.lines[0]),
    ]
    db.update(Order, "1", changes)
    db.update(Order, "1", [put(Order.total).to(Decimal(5))], condition=Order.total < 5)
    db.update(Order, "1", {"total": 5})
    assert_type(put(Order.total).to(Decimal(5)), Change)


def refused_changes(db: DynamoDB) -> None:
    put(Order.totl).to(3)  # type: ignore[attr-defined]
    put(Order.lines[0].quantity).to(3)  # type: ignore[attr-defined]
    put(Order.lines[0].qty).to("x")  # type: ignore[arg-type]
    put(Order.address.city).to(3)  # type: ignore[arg-type]
    put(Order.address).to("Oslo")  # type: ignore[arg-type]
    put(Order.state).to("paid")  # type: ignore[arg-type]
    put(Order.total).to(None)  # type: ignore[arg-type]
    put(Order.total).to(Order.note)  # type: ignore[arg-type]
    put(Order.total).to(Order.total + "5")  # type: ignore[operator]
    put_if_absent(Order.note).to(3)  # type: ignore[arg-type]
    add(Order.count, "1")  # type: ignore[call-overload]
    add(Order.note, 1)  # type: ignore[arg-type]
    add(Order.total, 0.5)  # type: ignore[call-overload]
    add(Order.tags, {3})  # type: ignore[misc]
    add(Order.lines, 1)  # type: ignore[call-overload]
    append(Order.lines, "x")  # type: ignore[misc]
    append(Order.tags, "x")  # type: ignore[arg-type]
    prepend(Order.lines, Address(city="x"))  # type: ignore[misc]
    discard(Order.tags, 3)  # type: ignore[misc]
    discard(Order.lines, Line(sku="a"))  # type: ignore[call-overload]
    remove(Order.noet)  # type: ignore[attr-defined]
    db.update(Order, "1", [put(Order.total)])  # type: ignore[list-item]
    db.update(Order, "1", [Order.total < 5])  # type: ignore[list-item]
    db.update(Order, "1", "total")  # type: ignore[arg-type]


@both_checkers
def test_both_checkers_agree_with_this_file(checker: list[str]) -> None:
    assert_checks(checker, __file__)
