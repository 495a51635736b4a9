"""Typed fields: what comparisons of a class's fields say, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import (
    BaseModel,
    Field,
    PlainSerializer,
    RootModel,
)
from typing_extensions import TypedDict

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params, condition_of
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import schema_of


class State(Enum):
    OPEN = "open"
    PAID = "paid"


class Address(BaseModel):
    city: str
    zip_code: str | None = Field(default=None, alias="zip")
    since: datetime | None = None
    checked: bool = False


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    name: str
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str
    tricks: list[str] = Field(default_factory=list)


@dataclass
class Box:
    weight: Decimal
    opened: datetime | None = None


class Limits(TypedDict):
    rows: int


class Tags(RootModel[list[str]]):
    pass


class Line(BaseModel):
    sku: str
    qty: int = 1
    state: State = State.OPEN
    grams: Annotated[int, PlainSerializer(lambda grams: f"{grams} g")] = 0


class Order(DynamoDBModel):
    id: str
    total: Decimal = Decimal(3)
    paid: bool = False
    urgent: bool = False
    address: Address
    billing: Address | None = None
    lines: list[Line] = Field(default_factory=list)
    pairs: tuple[str, datetime] = ("", datetime(2026, 1, 1, tzinfo=UTC))
    by_state: dict[State, Line] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=lambda: Limits(rows=1))
    box: Box | None = None
    labels: Tags = Tags([])
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    state: State = State.OPEN
    placed: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    note: str | None = None
    extra: Any = None
    secret: str = Field(default="", exclude=True)

    class Meta:
        table_name = "orders"
        partition_key = "id"
        gsis: ClassVar = [{"name": "ByPaid", "partition_key": "paid", "sort_key": "placed"}]


ANY: Any = Order
OSLO = [{"M": {"city": {"S": "Oslo"}, "checked": {"BOOL": False}}}]
MOMENT = datetime(2026, 2, 3, tzinfo=UTC)


def said(given: object) -> tuple[str, list[Any]]:
    """A condition with its names put back, and its values."""
    condition = condition_of(given)
    assert condition is not None
    params = Params(schema_of(Order).codec.encode_attribute)
    text = condition.encode(params)
    body = params.into({})
    for mark, name in reversed(body.get("ExpressionAttributeNames", {}).items()):
        text = text.replace(mark, name)
    return text, list(body.get("ExpressionAttributeValues", {}).values())


@pytest.mark.parametrize(
    ("condition", "text", "values"),
    [
        (Order.total == 5, "total = :0", [{"N": "5"}]),
        (Order.total != 5, "total <> :0", [{"N": "5"}]),
        (Order.total < 5, "total < :0", [{"N": "5"}]),
        (5 >= Order.total, "total <= :0", [{"N": "5"}]),  # noqa: SIM300
        (Order.total > Decimal("1.50"), "total > :0", [{"N": "1.50"}]),
        (Order.placed >= MOMENT, "placed >= :0", [{"S": "2026-02-03T00:00:00.000000+00:00"}]),
        (Order.state == State.PAID, "state = :0", [{"S": "paid"}]),
        (Order.id.startswith("a"), "begins_with(id, :0)", [{"S": "a"}]),
        (Order.address.city == "Oslo", "address.city = :0", [{"S": "Oslo"}]),
        (Order.address.zip_code == "0150", "address.zip = :0", [{"S": "0150"}]),
        (Order.address == Address(city="Oslo"), "address = :0", OSLO),
        (Order.lines[0].qty > 2, "lines[0].qty > :0", [{"N": "2"}]),
        (Order.lines[1].state != State.OPEN, "lines[1].state <> :0", [{"S": "open"}]),
        (Order.lines[0].grams == 5, "lines[0].grams = :0", [{"S": "5 g"}]),
        (Order.pairs[1] < MOMENT, "pairs[1] < :0", [{"S": "2026-02-03T00:00:00.000000+00:00"}]),
        (Order.by_state[State.PAID].qty == 1, "by_state.paid.qty = :0", [{"N": "1"}]),
        (Order.config["limits"]["rows"][0] > 3, "config.limits.rows[0] > :0", [{"N": "3"}]),
        (Order.limits["rows"] > 3, "limits.rows > :0", [{"N": "3"}]),
        (Order.labels.root[0] == "x", "labels[0] = :0", [{"S": "x"}]),
        (Order.total < Order.lines[0].qty, "total < lines[0].qty", []),
        (Order.extra == "true", "extra = :0", [{"S": "true"}]),
        (Order.extra == True, "extra = :0", [{"BOOL": True}]),  # noqa: E712
    ],
)  # fmt: skip
def test_a_comparison_is_a_condition(condition: object, text: str, values: list[Any]) -> None:
    assert said(condition) == (text, values)


def test_fields_of_models_that_may_be_missing_or_of_several_kinds_are_reached() -> None:
    assert said(ANY.billing.since > MOMENT)[0] == "billing.since > :0"
    assert said(ANY.pet.name == "Tom")[0] == "pet.name = :0"
    assert said(ANY.pet.lives == 9)[0] == "pet.lives = :0"
    assert said(ANY.box.weight > 3) == ("box.weight > :0", [{"N": "3"}])
    assert said(ANY.box.opened < MOMENT)[1] == [{"S": "2026-02-03T00:00:00.000000+00:00"}]


def test_nothing_is_asked_for_with_none() -> None:
    there_not = "(attribute_not_exists(note) OR attribute_type(note, :0))"
    assert said(Order.note == None) == (there_not, [{"S": "NULL"}])  # noqa: E711
    assert said(Order.note != None)[0] == f"(NOT {there_not})"  # noqa: E711
    with pytest.raises(ValidationError, match="total < None: None has no order"):
        _ = Order.total < None  # type: ignore[operator]


def test_a_bool_is_found_in_both_forms_and_is_a_condition_itself() -> None:
    forms = [{"S": "true"}, {"BOOL": True}]
    for condition in (Order.urgent == True, Order.urgent, Order.paid == True):  # noqa: E712
        text, values = said(condition)
        assert text in ("urgent IN (:1, :0)", "paid IN (:1, :0)")
        assert values == forms
    assert said(Order.address.checked == False)[1] == [{"S": "false"}, {"BOOL": False}]  # noqa: E712
    assert said(Order.urgent != True)[0] == "(NOT urgent IN (:1, :0))"  # noqa: E712
    assert said(~Order.urgent)[0] == "(NOT urgent IN (:1, :0))"
    assert said(Order.urgent & (Order.total < 1))[0] == "(urgent IN (:1, :0) AND total < :2)"
    assert said((Order.total < 1) | Order.urgent)[0] == "(total < :0 OR urgent IN (:2, :1))"
    assert said(Order.urgent & Order.paid)[0] == "(urgent IN (:1, :0) AND paid IN (:3, :2))"
    assert said(Order.urgent | Order.paid)[0] == "(urgent IN (:1, :0) OR paid IN (:3, :2))"


def test_a_field_that_holds_no_bool_is_no_condition() -> None:
    with pytest.raises(ValidationError, match="the field total is none: compare it with a value"):
        condition_of(Order.total)


def test_comparing_an_instance_is_refused_wherever_a_condition_is_wanted() -> None:
    order = Order(id="1", address=Address(city="Oslo"))
    for wrong in (
        lambda: condition_of(order.total < 5),
        lambda: (Order.total < 5) & (order.total < 5),
        lambda: (order.total < 5) & (Order.total < 5),
        lambda: (Order.total < 5) | (order.total > 5),
        lambda: (order.total > 5) | (Order.total < 5),
        lambda: condition_of(Order.total is None),
    ):
        with pytest.raises(ValidationError, match=r"a condition was expected, not (True|False)"):
            wrong()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: 1 < ANY.total < 5, "for a < x < b there is between"),
        (lambda: bool(ANY.total), "the field total is neither true nor false"),
        (lambda: "x" in ANY.lines, "use contains"),
        (lambda: list(ANY.lines), "not iterable"),
        (lambda: ANY.lines[-1], "counts from the end"),
        (lambda: ANY.lines[0:1], "names no place"),
        (lambda: ANY.lines["x"], r"there is no \['x'\]"),
        (lambda: ANY.total[0], "there is no"),
        (lambda: ANY.pairs[2], "there is no"),
        (lambda: ANY.limits["lines"], "there is no"),
        (lambda: ANY.lines[True], "names no place"),
        (lambda: {ANY.total}, "unhashable"),
        (lambda: (ANY.total < 5) & "x", "unsupported operand"),
        (lambda: (ANY.total < 5) | 3, "unsupported operand"),
    ],
)
def test_what_python_would_decide_itself_is_refused(wrong: Callable[[], object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        wrong()


def test_a_misspelt_field_is_an_attribute_error_at_every_depth() -> None:
    with pytest.raises(AttributeError, match="Order has no field 'totl'"):
        _ = ANY.totl
    with pytest.raises(AttributeError, match="address has no field 'citi'; did you mean 'city'"):
        _ = ANY.address.citi
    with pytest.raises(AttributeError, match="lines has no field 'qty'"):
        _ = ANY.lines.qty
    with pytest.raises(AttributeError, match=r"not stored \(exclude=True\)"):
        _ = ANY.secret
    assert not hasattr(Order.address, "__wrapped__")


def test_a_value_of_the_wrong_type_inside_an_attribute_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"'many' does not fit lines\[0\].qty: Input should be"):
        _ = Order.lines[0].qty > "many"  # type: ignore[operator]
    with pytest.raises(ValidationError, match=r"address.since.*time zone"):
        _ = Order.address.since == datetime(2026, 1, 1)
    with pytest.raises(ValidationError, match="can start with a text"):
        Order.id.startswith(("a", "b"))


def test_a_field_shows_its_path() -> None:
    assert repr(Order.lines[0].qty) == "<field lines[0].qty>"
    assert f"{Order.by_state[State.PAID].sku}" == "by_state.paid.sku"


def test_a_sum_is_refused_in_a_condition() -> None:
    with pytest.raises(ValidationError, match="total is compared with a sum"):
        _ = Order.total > Order.lines[0].qty + 1
