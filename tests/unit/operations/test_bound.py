"""Fields of a model's class are bound to the items of that model; paths of text to any."""

from __future__ import annotations

import re
from pathlib import Path as File
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, Field

import dynamodb_wrapper
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, Compare, Exists, Path
from dynamodb_wrapper.expressions.assignments import add, append, discard, put, put_if_absent, remove
from dynamodb_wrapper.expressions.conditions import Expression
from dynamodb_wrapper.expressions.functions import (
    between,
    contains,
    exists,
    in_,
    missing,
    not_,
    present,
    size,
)
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.operations.bound import condition_on, refuse_others
from dynamodb_wrapper.operations.changes import checked_changes
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.schema.union import union_of

SOURCE = File(dynamodb_wrapper.__file__).parent
T = TypeVar("T")


class Owned(DynamoDBModel):
    owner: str = ""


class Base(Owned):
    id: str
    name: str = ""

    class Meta:
        table_name = "things"
        partition_key = "id"


class Line(BaseModel):
    sku: str = ""


class Order(Base):
    total: int = 0
    paid: bool = False
    tags: set[str] = Field(default_factory=set)
    lines: list[Line] = Field(default_factory=list)


class Urgent(Order):
    until: int = 0


class Customer(DynamoDBModel):
    id: str
    name: str = ""
    title: str = Field(default="", alias="job")
    points: int = 0
    active: bool = True
    groups: set[str] = Field(default_factory=set)
    notes: list[Line] = Field(default_factory=list)

    class Meta:
        table_name = "customers"
        partition_key = "id"


class OrderView(View, DynamoDBModel):
    id: str
    total: int = 0
    shown: str = ""


class Page(DynamoDBModel, Generic[T]):
    id: str
    content: T

    class Meta:
        table_name = "pages"
        partition_key = "id"


class Leaf(Page[int]):
    pass


class Shared:
    table_name = "pets_of_one_table"
    partition_key = "pk"


class Cat(DynamoDBModel):
    name: str = ""
    lives: int = 9

    class Meta(Shared):
        templates: ClassVar = {"pk": "CAT#{name}"}


class Dog(DynamoDBModel):
    name: str = ""
    tricks: int = 0

    class Meta(Shared):
        templates: ClassVar = {"pk": "DOG#{name}"}


ORDER = schema_of(Order)
OTHERS: list[Any] = [
    Customer.points > 3,
    Customer.name == "x",
    Customer.name != None,  # noqa: E711
    Customer.active,
    ~Customer.active,
    Customer.name.startswith("x"),
    Customer.notes[0].sku == "x",
    Order.name == Customer.name,
    (Order.total > 3) & ((Order.name == "a") | ~(Customer.points > 3)),
    Exists(Path(("name",))) & (Customer.points > 3),
    Expression("#a = :a", {"#a": "a"}, {":a": 1}) & (Customer.points > 3),
    between(Customer.points, 1, 2),
    between(size(Customer.notes), 1, 2),
    between(Order.total, 1, Customer.points),
    contains(Customer.groups, "x"),
    contains(Order.tags, Customer.name),
    exists(Customer.name),
    in_(Customer.name, ["x"]),
    in_(Order.name, ["x", Customer.name]),
    missing(Customer.name),
    not_(Customer.points > 3),
    present(Customer.name) == "x",
    size(Customer.notes) > 3,
    size(Order.lines) > Customer.points,
]


@pytest.mark.parametrize("condition", OTHERS)
def test_a_condition_on_a_field_of_another_model_is_refused(condition: Any) -> None:
    with pytest.raises(ValidationError, match=r"^Order has .*: Customer\.\w+.* is a field of another model"):
        condition_on(ORDER, condition)
    assert condition_on(schema_of(Customer), Customer.name == "x") == Compare(Path(("name",)), "=", "x")


@pytest.mark.parametrize(
    "change",
    [
        put(Customer.name).to("x"),
        put(Order.name).to(Customer.name),
        put(Order.total).to(Order.total + Customer.points),
        put(Order.total).to(Customer.points - 1),
        put(Customer.notes[0].sku).to("x"),
        put_if_absent(Customer.name).to("x"),
        add(Customer.points, 1),
        append(Customer.notes, Line()),
        discard(Customer.groups, "x"),
        remove(Customer.name),
    ],
)
def test_a_change_of_a_field_of_another_model_is_refused(change: Any) -> None:
    with pytest.raises(ValidationError, match=r"^Order has .*: Customer\.\w+.* is a field of another model"):
        checked_changes(ORDER, [put(Order.paid).to(True), change])


def test_the_error_names_field_and_models_and_how_to_mend_it() -> None:
    with pytest.raises(ValidationError) as caught:
        condition_on(ORDER, Customer.points > 3)
    assert caught.value.message == (
        "Order has no attribute 'points': Customer.points is a field of another model; use the fields of "
        "Order; what it does not know can be asked for with boto3's Attr('points')"
    )
    assert caught.value.errors == {"points": ["a field of another model"]}
    with pytest.raises(ValidationError, match=r"of its own: Customer\.name is .* the fields of Order$"):
        checked_changes(ORDER, [put(Customer.name).to("x")])
    with pytest.raises(ValidationError, match=r"no attribute 'job': Customer\.title is"):
        condition_on(ORDER, Customer.title == "x")
    with pytest.raises(ValidationError, match=re.escape("Customer.notes[0].sku is a field")):
        condition_on(ORDER, Customer.notes[0].sku == "x")


@pytest.mark.parametrize(
    ("model", "condition"),
    [
        (Order, Order.total > 3),
        (Order, Base.name == "x"),
        (Order, Owned.owner == "x"),
        (Order, Urgent.total > 3),
        (Order, OrderView.total > 3),
        (Base, Order.name == "x"),
        (Leaf, Leaf.content > 3),
        (Leaf, Page[int].content > 3),  # type: ignore[misc]
        (Leaf, Page.content == 3),  # type: ignore[misc]
        (Page[int], Page[int].content > 3),  # type: ignore[misc]
        (Page[int], Leaf.content > 3),
        (Page[int], Page[str].id == "x"),
        (union_of((Cat, Dog)), (Cat.lives > 3) & (Dog.tricks > 3)),
        (Order, Exists(Path(("unknown",)))),
        (Order, Attr("unknown").eq(3)),
        (Order, Expression("#a = :a", {"#a": "a"}, {":a": 1})),
        (Order, None),
    ],
)
def test_fields_of_the_model_and_its_kin_and_paths_of_text_are_taken(model: Any, condition: Any) -> None:
    assert condition is None or condition_on(schema_of(model), condition) is not None


@pytest.mark.parametrize(
    ("model", "condition"),
    [
        (Order, Urgent.until > 3),
        (Order, OrderView.shown == "x"),
        (Cat, Dog.name == "x"),
        (Cat, Dog.tricks > 3),
        (union_of((Cat, Dog)), Customer.name == "x"),
    ],
)
def test_what_the_items_do_not_have_is_not_theirs(model: Any, condition: Any) -> None:
    with pytest.raises(ValidationError, match="is a field of another model"):
        condition_on(schema_of(model), condition)


def test_a_class_and_its_namesake_are_two() -> None:
    class Order(Base):
        total: int = 0

    with pytest.raises(ValidationError, match=r"Order\.total is a field of another class named Order"):
        refuse_others(ORDER, Order.total > 3)


def test_conditions_as_deep_as_can_be_sent_are_looked_through() -> None:
    condition: Any = Customer.points > 3
    for _ in range(900):
        condition = AllOf((Exists(Path(("paid",))), ~condition))
    with pytest.raises(ValidationError, match=r"Customer\.points"):
        refuse_others(ORDER, condition)


def test_no_other_module_takes_conditions_without_binding_them() -> None:
    rooms = (SOURCE / room for room in ("operations", "query", "client", "handlers", "repositories"))
    named = [path.name for room in rooms for path in room.rglob("*.py") if "condition_of" in path.read_text()]
    assert named == ["bound.py"]
