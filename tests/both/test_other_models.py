"""A field of another model in a condition, a change or a selection is refused, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper import (
    GSI,
    AsyncReadApi,
    AsyncWriteApi,
    Dto,
    DynamoDB,
    DynamoDBModel,
    ReadApi,
    ValidationError,
    View,
    WriteApi,
    add,
    in_,
    put,
    remove,
)
from dynamodb_wrapper.engine.events import CallStarted
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.repositories import AsyncBaseDynamoRepository, BaseDynamoRepository


class Customer(DynamoDBModel):
    id: str
    name: str = ""
    points: int = 0
    city: str | None = None

    class Meta:
        table_name = "customers"
        partition_key = "id"


class Named(DynamoDBModel):
    name: str = ""


class Order(Named):
    id: str
    total: int = 0
    status: str = "open"

    class Meta:
        table_name = "orders"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByStatus", "status", "total")]


class Kept(Named):
    """As an order, whose Meta wants more kept than the item."""

    id: str
    total: int = 0
    status: str = "open"
    version: int = 0

    class Meta:
        table_name = "kept"
        partition_key = "id"
        version = "version"
        gsis: ClassVar = [GSI("ByStatus", "status", "total")]


class OrderView(View):
    id: str
    total: int = 0


class OrderUpsert(Dto):
    id: str
    total: int = 0


class OrderReadApi(ReadApi[Order, OrderView]):
    model, view = Order, OrderView


class AsyncOrderReadApi(AsyncReadApi[Order, OrderView]):
    model, view = Order, OrderView


class OrderWriteApi(WriteApi[Order, OrderUpsert]):
    model, dto = Order, OrderUpsert


class AsyncOrderWriteApi(AsyncWriteApi[Order, OrderUpsert]):
    model, dto = Order, OrderUpsert


class KeptWriteApi(WriteApi[Kept, OrderUpsert]):
    model, dto = Kept, OrderUpsert


class AsyncKeptWriteApi(AsyncWriteApi[Kept, OrderUpsert]):
    model, dto = Kept, OrderUpsert


class OrderRepository(BaseDynamoRepository[Order]):
    model_class = Order


class AsyncOrderRepository(AsyncBaseDynamoRepository[Order]):
    model_class = Order


OF_CUSTOMERS: list[Any] = [
    Customer.points > 3,
    Customer.name == "x",
    (Named.name == "a") | ~in_(Customer.city, ["Oslo"]),
]
CHANGES: list[Any] = [
    put(Customer.name).to("x"),
    add(Customer.points, 1),
    remove(Customer.city),
    put(Named.name).to(Customer.name),
]
IN_A_PUT: dict[str, Callable[[Any, Any, Any], Any]] = {
    "put": lambda db, model, wrong: db.put(model(id="a"), condition=wrong),
    "update": lambda db, model, wrong: db.update(model, "a", {"total": 5}, condition=wrong),
    "update of an item": lambda db, model, wrong: db.update(
        model, model(id="a"), {"total": 5}, condition=wrong
    ),
    "delete": lambda db, model, wrong: db.delete(model, "a", condition=wrong),
    "delete of an item": lambda db, model, wrong: db.delete(model, model(id="a"), condition=wrong),
    "query": lambda db, model, wrong: db.query(model).where("id", "=", "a").where(wrong).all(),
    "scan": lambda db, model, wrong: db.scan(model, where=wrong).all(),
}
IN_A_TRANSACTION: dict[str, Callable[[Any, Any, Any], Any]] = {
    "put": lambda steps, model, wrong: steps.put(model(id="a"), condition=wrong),
    "update": lambda steps, model, wrong: steps.update(model, "a", {"total": 5}, condition=wrong),
    "delete": lambda steps, model, wrong: steps.delete(model, "a", condition=wrong),
    "check": lambda steps, model, wrong: steps.check(model, "a", wrong),
}
IN_AN_API: dict[str, Callable[[Any, Any], Any]] = {
    "create": lambda api, wrong: api.create(OrderUpsert(id="a"), wrong),
    "update": lambda api, wrong: api.update("a", {"total": 5}, wrong),
    "delete": lambda api, wrong: api.delete("a", wrong),
}
IN_A_LISTING: dict[str, Callable[[Any, Any], Any]] = {
    "filters of a query": lambda api, wrong: api.query({"status": "open"}, "ByStatus", filters=wrong),
    "sort of a query": lambda api, wrong: api.query({"status": "open"}, "ByStatus", sort=wrong),
    "filters of a scan": lambda api, wrong: api.scan(filters=wrong),
    "filters of a count": lambda api, wrong: api.count({"status": "open"}, "ByStatus", filters=wrong),
}


@pytest.fixture
def sent() -> list[Any]:
    """The calls that were begun."""
    return []


@pytest.fixture
def db(face: Any, sent: list[Any]) -> Any:
    return face(
        DynamoDB, observers=[lambda event: sent.append(event) if isinstance(event, CallStarted) else None]
    )


async def refused(ask: Callable[[], Any], model: type) -> None:
    """What is asked, and awaited where that is a call, is refused by name."""

    async def asked() -> None:
        found = ask()
        if hasattr(found, "__await__"):
            await found

    what = rf"^{model.__name__} has (no|an) attribute .*: Customer\.\w+ is a field of another model; use the"
    with pytest.raises(ValidationError, match=what):
        await asked()


@pytest.mark.parametrize("where", IN_A_PUT)
@pytest.mark.parametrize("model", [Order, Kept])
async def test_conditions(db: Any, sent: list[Any], where: str, model: type) -> None:
    for wrong in OF_CUSTOMERS:
        await refused(lambda wrong=wrong: IN_A_PUT[where](db, model, wrong), model)  # type: ignore[misc]
    assert not sent


@pytest.mark.parametrize("where", IN_A_TRANSACTION)
@pytest.mark.parametrize("model", [Order, Kept])
async def test_conditions_of_a_transaction(db: Any, sent: list[Any], where: str, model: type) -> None:
    steps = db.transaction()
    for wrong in OF_CUSTOMERS:
        await refused(lambda wrong=wrong: IN_A_TRANSACTION[where](steps, model, wrong), model)  # type: ignore[misc]
    assert not sent


@pytest.mark.parametrize("wrong", CHANGES)
@pytest.mark.parametrize("model", [Order, Kept])
async def test_changes(db: Any, sent: list[Any], wrong: Any, model: Any) -> None:
    await refused(lambda: db.update(model, "a", [put(model.total).to(5), wrong]), model)
    await refused(lambda: db.update(model, model(id="a"), [wrong]), model)
    await refused(lambda: db.transaction().update(model, "a", [wrong]), model)
    assert not sent


async def test_selected_fields(db: Any, sent: list[Any]) -> None:
    for field in (Customer.name, Customer.points):
        await refused(lambda field=field: db.query(Order).select(Order.total, field), Order)  # type: ignore[misc]
        await refused(lambda field=field: db.scan(Order).select(Order.total, field), Order)  # type: ignore[misc]
    assert not sent


@pytest.mark.parametrize("where", IN_AN_API)
@pytest.mark.parametrize("kept", [False, True])
async def test_conditions_of_a_domains_writes(face: Any, tables: Any, where: str, kept: bool) -> None:
    """The table is there, so that what was sent would have done something."""
    (name,) = tables(Kept if kept else Order)
    api, db = face(KeptWriteApi if kept else OrderWriteApi), face(DynamoDB)
    await api.create(OrderUpsert(id="a", total=3))
    for wrong in OF_CUSTOMERS:
        await refused(lambda wrong=wrong: IN_AN_API[where](api, wrong), Kept if kept else Order)  # type: ignore[misc]
    rows = await db.execute_statement(f'SELECT * FROM "{name}"')
    assert [(row["id"], row["total"]) for row in rows] == [("a", 3)]


@pytest.mark.parametrize("where", IN_A_LISTING)
async def test_conditions_of_a_domains_reads(face: Any, where: str) -> None:
    """There is no table: whatever was sent would be another error."""
    for wrong in OF_CUSTOMERS:
        await refused(lambda wrong=wrong: IN_A_LISTING[where](face(OrderReadApi), wrong), Order)  # type: ignore[misc]
        call = face(OrderRepository).query_by_pk
        await refused(lambda wrong=wrong, call=call: call("a", filters=wrong), Order)  # type: ignore[misc]


async def test_fields_of_the_model_and_its_bases_and_paths_of_text_are_taken(face: Any, tables: Any) -> None:
    tables(Order)
    db, named = face(DynamoDB), Compare(Path(("name",)), "=", "x")
    await db.put(Order(id="a", name="x", total=1))
    await db.put(Order(id="a", name="x", total=3), condition=(Order.total == 1) & (Named.name == "x"))
    await db.update(Order, "a", [put(Named.name).to("y")], condition=named)
    assert (await db.query(Order).where("id", "=", "a").where(Named.name == "y").first()).total == 3
    assert [
        order.name for order in await db.scan(Order, where=Named.name != "x").select(Named.name).all()
    ] == ["y"]
    listed, _ = await face(OrderReadApi).query(
        {"status": "open"}, "ByStatus", sort=Order.total > 2, filters=Named.name == "y"
    )
    assert [order.total for order in listed] == [3]
