"""Read by type checkers: queries of several models that share a table.

A line with `# type: ignore[...]` must be refused by both checkers, see `tests.support.checkers`. The
functions below are never run.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true, reportUnnecessaryComparison=true

from __future__ import annotations

from typing import ClassVar, assert_type

from tests.support.checkers import assert_checks, both_checkers

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBModel


class Shop:
    table_name = "typed_shop"
    partition_key = "pk"


class Customer(DynamoDBModel):
    customer_id: str

    class Meta(Shop):
        templates: ClassVar = {"pk": "CUSTOMER#{customer_id}"}


class Order(DynamoDBModel):
    customer_id: str
    number: int

    class Meta(Shop):
        templates: ClassVar = {"pk": "ORDER#{number:06d}"}


class Line(DynamoDBModel):
    number: int

    class Meta(Shop):
        templates: ClassVar = {"pk": "LINE#{number:06d}"}


def queries(db: DynamoDB) -> None:
    assert_type(db.query(Order).where(Order.customer_id == "c1").all(), list[Order])
    assert_type(db.query(Customer, Order).where(Order.number > 3).all(), list[Customer | Order])
    assert_type(db.query(Customer, Order, Line).first(), Customer | Order | Line | None)
    assert_type(db.get(Order, {"number": 1}), Order | None)
    for item in db.query(Customer, Order):
        if isinstance(item, Order):
            assert_type(item.number, int)
    db.query(Customer, Order).where(Order.number > "3")  # type: ignore[operator]
    db.query(Customer, Order).where(Order.total > 3)  # type: ignore[attr-defined]
    db.query(Customer, 3)  # type: ignore[call-overload]
    for either in db.query(Customer, Order):
        print(either.number)  # type: ignore[union-attr]


async def awaited(db: AsyncDynamoDB) -> None:
    assert_type(await db.query(Customer, Order).all(), list[Customer | Order])


@both_checkers
def test_the_checkers_understand_queries_of_several_models(checker: list[str]) -> None:
    assert_checks(checker, __file__)
