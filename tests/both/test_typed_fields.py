"""Typed fields on real engines: what conditions select, and what updates do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import ConflictError, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions import condition_of
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
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations import All, Scan
from dynamodb_wrapper.schema import schema_of


class State(Enum):
    OPEN = "open"
    PAID = "paid"


class Address(BaseModel):
    city: str
    since: datetime | None = None
    checked: bool = False


class Line(BaseModel):
    sku: str
    qty: int = 1
    state: State = State.OPEN


class Order(DynamoDBModel):
    id: str
    total: Decimal = Decimal(3)
    urgent: bool = False
    address: Address
    lines: list[Line] = Field(default_factory=list)
    tags: set[str] = Field(default_factory=set)
    states: set[State] = Field(default_factory=set)
    prices: dict[str, Decimal] = Field(default_factory=dict)
    note: str | None = None
    count: int = 0
    active: bool = True
    placed: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    class Meta:
        table_name = "orders"
        partition_key = "id"
        gsis = ({"name": "ByActive", "partition_key": "active"},)


MOMENT = datetime(2026, 1, 5, tzinfo=UTC)
OSLO = Address(city="Oslo", since=MOMENT)
ORDERS = [
    Order(id="a", total=Decimal(5), address=OSLO, tags={"x", "y"}, note="first"),
    Order(
        id="ab",
        total=Decimal(50),
        urgent=True,
        address=Address(city="Oslo", checked=True),
        lines=[Line(sku="s", qty=3)],
    ),
    Order(
        id="b",
        total=Decimal(500),
        address=Address(city="Rome"),
        lines=[Line(sku="s"), Line(sku="t", state=State.PAID)],
    ),
    Order(id="c", address=Address(city="Bonn"), states={State.PAID}, prices={"nok": Decimal("9.5")}, count=7),
    Order(id="d", address=Address(city="Bonn"), active=False, placed=MOMENT, tags={"x"}),
]

SELECTED: list[tuple[Any, set[str]]] = [
    (Order.total < 100, {"a", "ab", "c", "d"}),
    (Order.total == Decimal("5.0"), {"a"}),
    (Order.total != 3, {"a", "ab", "b"}),
    (Order.total > Order.count, {"a", "ab", "b", "d"}),
    (Order.address.city == "Oslo", {"a", "ab"}),
    (Order.address.since <= MOMENT, {"a"}),  # type: ignore[operator]
    (Order.address.since == None, {"ab", "b", "c", "d"}),  # noqa: E711
    (Order.address.since != None, {"a"}),  # noqa: E711
    (Order.address.checked == True, {"ab"}),  # noqa: E712
    (~Order.address.checked, {"a", "b", "c", "d"}),
    (Order.urgent, {"ab"}),
    (Order.active == False, {"d"}),  # noqa: E712
    (Order.active, {"a", "ab", "b", "c"}),
    (Order.lines[0].qty > 2, {"ab"}),
    (Order.lines[1].state == State.PAID, {"b"}),
    (Order.prices["nok"] >= Decimal("9.5"), {"c"}),
    (Order.placed > datetime(2026, 1, 5, tzinfo=UTC) - timedelta(days=1), {"d"}),
    (Order.id.startswith("a"), {"a", "ab"}),
    (contains(Order.tags, "y"), {"a"}),
    (contains(Order.states, State.PAID), {"c"}),
    (contains(Order.lines, Line(sku="s")), {"b"}),
    (begins_with(Order.note, "fi"), {"a"}),
    (exists(Order.lines[0]), {"ab", "b"}),
    (missing(Order.note), {"ab", "b", "c", "d"}),
    (between(Order.total, 4, 60), {"a", "ab"}),
    (between(size(Order.lines), 1, 1), {"ab"}),
    (in_(Order.address.city, ["Rome", "Bonn"]), {"b", "c", "d"}),
    (in_(Order.lines[1].state, [State.PAID, State.OPEN]), {"b"}),
    (size(Order.tags) == 2, {"a"}),
    (size(Order.tags) < 2, {"ab", "b", "c", "d"}),
    (size(Order.tags) == 0, {"ab", "b", "c"}),
    (Order.tags == set(), {"ab", "b", "c"}),
    (Order.tags != set(), {"a", "d"}),
    (Order.tags == {"y", "x"}, {"a"}),
    (not_(Order.total < 100), {"b"}),
    (present(Order.note) >= "first", {"a"}),
    ((Order.total < 100) & (Order.address.city == "Oslo") & ~exists(Order.note), {"ab"}),
    ((Order.total > 400) | contains(Order.tags, "x") & Order.active, {"a", "b"}),
]


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Order)
    db = face(DynamoDB)
    for order in ORDERS:
        await db.put(order)
    return db


@pytest.fixture
def select(db: Any, config: Any) -> Callable[[object], Any]:
    schema = schema_of(Order)

    async def found(condition: object) -> set[str]:
        scan = Scan(
            table=config.get_table_name("orders"),
            reader=schema.codec,
            key_fields=schema.key_fields,
            filter=condition_of(condition),
            encode=schema.codec.encode_attribute,
        )
        return {order.id for order in await db.run(All(scan))}

    return found


async def test_every_condition_selects_what_it_says(select: Any) -> None:
    for condition, expected in SELECTED:
        assert await select(condition) == expected, condition


async def test_a_bool_stored_as_text_is_found_too(select: Any, boto3_table: Any, config: Any) -> None:
    table = boto3_table(config.get_table_name("orders"))
    address = {"city": "Old", "checked": "true"}
    table.put_item(Item={"id": "old", "urgent": "true", "address": address})
    assert await select(Order.urgent & Order.address.checked) == {"ab", "old"}


async def test_updates_change_what_they_say(db: Any, boto3_table: Any, config: Any) -> None:
    after = await db.update(
        Order,
        "ab",
        [
            put(Order.total).to(Order.total + 5),
            put(Order.lines[0].state).to(State.PAID),
            add(Order.lines[0].qty, 4),
            put(Order.address.since).to(MOMENT),
            put_if_absent(Order.note).to("new"),
            add(Order.states, {State.OPEN, State.PAID}),
            add(Order.count, 2),
            put(Order.active).to(False),
            put(Order.prices["nok"]).to(Decimal("1.5")),
        ],
    )
    assert (after.total, after.note, after.count, after.active) == (55, "new", 2, False)
    assert after.lines == [Line(sku="s", qty=7, state=State.PAID)]
    assert after.address == Address(city="Oslo", since=MOMENT, checked=True)
    assert (after.states, after.prices) == ({State.OPEN, State.PAID}, {"nok": Decimal("1.5")})
    assert await db.get(Order, "ab") == after
    stored = boto3_table(config.get_table_name("orders")).get_item(Key={"id": "ab"})["Item"]
    assert (stored["active"], stored["lines"][0]["state"]) == ("false", "paid")

    after = await db.update(
        Order,
        "ab",
        [
            append(Order.lines, Line(sku="y"), Line(sku="z")),
            discard(Order.states, State.OPEN),
            remove(Order.note),
            put(Order.total).to(Decimal(100) - Order.count),
        ],
        condition=(Order.total == 55) & exists(Order.note),
    )
    assert [line.sku for line in after.lines] == ["s", "y", "z"]
    assert (after.states, after.note, after.total) == ({State.PAID}, None, 98)
    after = await db.update(Order, "ab", [prepend(Order.lines, Line(sku="p"))])
    after = await db.update(Order, "ab", [remove(Order.lines[1])])
    assert [line.sku for line in after.lines] == ["p", "y", "z"]


async def test_where_nothing_is_stored_a_sum_counts_from_what_reading_gives(
    db: Any, boto3_table: Any, config: Any
) -> None:
    boto3_table(config.get_table_name("orders")).put_item(Item={"id": "bare", "address": {"city": "x"}})
    assert (await db.get(Order, "bare")).total == 3
    assert (await db.update(Order, "bare", [add(Order.total, 2)])).total == 5
    assert (await db.update(Order, "bare", [put(Order.count).to(Order.count + 1)])).count == 1


async def test_a_condition_that_does_not_hold_stops_each_kind_of_write(db: Any) -> None:
    with pytest.raises(ConflictError) as caught:
        await db.update(Order, "a", [add(Order.count, 1)], condition=Order.address.city == "Rome")
    assert caught.value.current_item.count == 0
    with pytest.raises(ConflictError):
        await db.update(Order, "a", {"count": 3}, condition=Order.lines[0].qty > 2)
    assert await db.delete(Order, "d", condition=Order.active == False)  # noqa: E712


async def test_an_instance_s_comparison_is_refused_before_anything_is_sent(db: Any) -> None:
    order = await db.get(Order, "a")
    wrong = order.total < 10
    with pytest.raises(ValidationError, match="a condition was expected, not True"):
        await db.put(order, condition=wrong)
    with pytest.raises(ValidationError, match="a condition was expected, not True"):
        await db.update(Order, "a", {"count": 1}, condition=wrong)
    with pytest.raises(ValidationError, match="a condition was expected, not True"):
        await db.delete(Order, "a", condition=wrong)
    assert await db.get(Order, "a") == order


async def test_a_transaction_takes_conditions_and_changes(db: Any) -> None:
    wrong = db.transaction().update(Order, "a", [add(Order.count, 1)]).check(Order, "b", Order.total < 5)
    with pytest.raises(TransactionCanceledError):
        await wrong.execute()
    right = db.transaction().update(Order, "a", [add(Order.count, 1)]).check(Order, "b", Order.total > 5)
    await right.delete(Order, "c", condition=Order.prices["nok"] > 9).execute()
    assert ((await db.get(Order, "a")).count, await db.get(Order, "c")) == (1, None)


async def test_a_query_takes_conditions(db: Any) -> None:
    found = await db.query(Order).where(Order.address.city == "Oslo").where(Order.urgent).allow_scan().all()
    assert [order.id for order in found] == ["ab"]
    assert (await db.query(Order).where(Order.active == False).first()).id == "d"  # noqa: E712


class Badge(BaseModel):
    scopes: frozenset[str]


class Guest(DynamoDBModel):
    """Its sets must be given; the table takes each away with its last element."""

    id: str
    rooms: set[int]
    badge: Badge
    guides: set[str] | None = None
    label: str = Field(default="", validation_alias="Label")

    class Meta:
        table_name = "guests"
        partition_key = "id"


class TestSetsWithoutDefault:
    @pytest.fixture
    async def guests(self, face: Any, tables: Any) -> Any:
        tables(Guest)
        client = face(DynamoDB)
        await client.put(Guest(id="a", rooms={1}, badge=Badge(scopes=frozenset({"x"}))))
        return client

    async def test_the_last_element_may_go_and_come_again(self, guests: Any) -> None:
        after = await guests.update(
            Guest, "a", [discard(Guest.rooms, 1), discard(Guest.badge.scopes, "x", "y")]
        )
        assert (after.rooms, after.badge.scopes) == (set(), frozenset())
        assert await guests.get(Guest, "a") == after
        assert await guests.query(Guest).where(Guest.rooms == set()).allow_scan().all() == [after]
        after = await guests.update(Guest, "a", [add(Guest.rooms, {7}), add(Guest.badge.scopes, {"z"})])
        assert (after.rooms, after.badge.scopes) == ({7}, frozenset({"z"}))

    async def test_an_empty_one_can_be_stored_and_found(self, guests: Any) -> None:
        empty = Guest(id="b", rooms=set(), badge=Badge(scopes=frozenset()), guides=set())
        await guests.put(empty)
        assert await guests.get(Guest, "b") == empty
        conditions: list[tuple[Any, ...]] = [
            (Guest.rooms == set(),),
            (size(Guest.rooms) == 0,),
            (Guest.badge.scopes == frozenset(),),
            ("rooms", "=", set()),
            (Guest.guides == set(),),
            ("guides", "=", set()),
        ]
        for condition in conditions:
            assert await guests.query(Guest).where(*condition).allow_scan().all() == [empty]
        assert (await guests.update(Guest, "a", {"rooms": set()})).rooms == set()


async def test_a_field_may_have_an_alias_for_validation_alone(face: Any, tables: Any, config: Any) -> None:
    tables(Guest)
    client = face(DynamoDB)
    await client.put(Guest(id="a", rooms={1}, badge=Badge(scopes=frozenset()), Label="x"))
    after = await client.update(Guest, "a", [put(Guest.label).to("y")], condition=Guest.label == "x")
    assert after.label == (await client.update(Guest, "a", {"Label": "y"})).label == "y"
    assert await client.query(Guest).where(Guest.label == "y").allow_scan().count() == 1
