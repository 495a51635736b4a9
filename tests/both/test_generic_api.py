"""A user's own domain on the generic APIs: a model, a view, a DTO and about ten lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from boto3.dynamodb.conditions import Attr, Key
from pydantic import Field

from dynamodb_wrapper import (
    GSI,
    LSI,
    AsyncDynamoDB,
    AsyncReadApi,
    AsyncWriteApi,
    BulkWriteError,
    Commands,
    ConflictError,
    Dto,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    Flow,
    ItemNotFoundError,
    Queries,
    ReadApi,
    TableNotFoundError,
    ValidationError,
    View,
    WriteApi,
    method,
)
from dynamodb_wrapper.engine.events import CallStarted
from dynamodb_wrapper.models.base import Instant
from dynamodb_wrapper.models.rules import Rule
from dynamodb_wrapper.query.keys import sort_condition
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.wire.sharing import shared_asyncio, shared_blocking


class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"


class Order(DynamoDBModel):
    class Meta:
        table_name = "orders"
        partition_key = "customer"
        sort_key = "number"
        gsis: ClassVar = [GSI("ByStatus", "status", "due"), GSI("ByPriority", "urgent")]
        lsis: ClassVar = [LSI("ByDue", "due")]

    customer: str
    number: int
    status: Status = Status.OPEN
    due: Instant | None = None
    total: Decimal = Decimal(0)
    urgent: bool = False
    lines: list[dict[str, Any]] = Field(default_factory=list)
    codes: set[str] = Field(default_factory=set)
    note: str | None = None
    created_at: Instant = Field(default_factory=utcnow)
    updated_at: Instant = Field(default_factory=utcnow)


class OrderView(View):
    customer: str
    number: int
    status: Status | None = None
    due: Instant | None = None
    total: Decimal | None = None
    urgent: bool | None = None
    note: str | None = None


class NewOrder(Dto):
    customer: Annotated[str, Field(min_length=1)]
    number: Annotated[int, Field(ge=1)]
    status: Status = Status.OPEN
    due: Instant | None = None
    total: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    urgent: bool = False
    note: str | None = None


class OrderReadApi(ReadApi[Order, OrderView]):
    model = Order
    view = OrderView


class AsyncOrderReadApi(AsyncReadApi[Order, OrderView]):
    model = Order
    view = OrderView


class OrderWriteApi(WriteApi[Order, NewOrder]):
    model = Order
    dto = NewOrder


class AsyncOrderWriteApi(AsyncWriteApi[Order, NewOrder]):
    model = Order
    dto = NewOrder


class DeskQueries(Queries[Order, OrderView]):
    model, view = Order, OrderView

    @method
    def newest(self, *customers: str) -> Flow[list[OrderView]]:
        """The newest order of each customer who has one."""
        newest: list[OrderView] = []
        for customer in customers:
            query = DeskQueries.query.build(self, {"customer": customer}, limit=1, ascending=False)
            found, _ = yield from query
            newest += found
        return newest


class DeskReadApi(DeskQueries, ReadApi[Order, OrderView]):
    """Blocking."""


class AsyncDeskReadApi(DeskQueries, AsyncReadApi[Order, OrderView]):
    """Awaiting."""


class DeskCommands(Commands[Order, NewOrder]):
    model, dto = Order, NewOrder

    @method
    def pay(self, customer: str, number: int) -> Flow[Order]:
        """Set an open order to paid; a ConflictError where it is paid already."""
        key = {"customer": customer, "number": number}
        return DeskCommands.update.build(self, key, {"status": Status.PAID}, Attr("status").eq("open"))


class DeskWriteApi(DeskCommands, WriteApi[Order, NewOrder]):
    """Blocking."""


class AsyncDeskWriteApi(DeskCommands, AsyncWriteApi[Order, NewOrder]):
    """Awaiting."""


DUE = datetime(2026, 2, 1, 12, tzinfo=UTC)


def order(number: int, customer: str = "ann", **values: Any) -> NewOrder:
    return NewOrder(customer=customer, number=number, **values)


def key(number: int, customer: str = "ann") -> dict[str, Any]:
    return {"customer": customer, "number": number}


def numbers(items: list[Any]) -> list[int]:
    return [item.number for item in items]


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(Order)[0])


@pytest.fixture
def write(face: Any, table: Any) -> Any:
    return face(OrderWriteApi)


@pytest.fixture
def read(face: Any, table: Any) -> Any:
    return face(OrderReadApi)


@pytest.fixture
async def orders(write: Any) -> None:
    """Nine orders of ann's, one a day; every third is urgent and paid. One of bob's that has no due date."""
    await write.upsert_many(
        [
            order(
                number,
                due=DUE + timedelta(days=10 - number),
                total=Decimal(number) / 4,
                urgent=number % 3 == 0,
                status="paid" if number % 3 == 0 else "open",
            )
            for number in range(1, 10)
        ]
        + [order(1, "bob")]
    )


async def test_what_was_created_is_read(read: Any, write: Any, table: Any) -> None:
    created = await write.create(order(1, total=Decimal("12.50"), due=DUE))
    assert isinstance(created, Order)
    seen = await read.get(key(1), consistent_read=True)
    assert isinstance(seen, OrderView)
    assert (seen.total, seen.due, seen.status, seen.urgent) == (Decimal("12.50"), DUE, Status.OPEN, False)
    raw = table.get_item(Key=key(1))["Item"]
    assert (raw["urgent"], raw["due"]) == ("false", "2026-02-01T12:00:00.000000+00:00")
    assert raw["number"] == 1


async def test_a_missing_item_is_an_error_or_none(read: Any) -> None:
    with pytest.raises(ItemNotFoundError, match="ann/7") as caught:
        await read.get(key(7))
    assert caught.value.key == key(7)
    assert await read.find(key(7)) is None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ("ann", {"customer", "number"}),
        ({"customer": "ann"}, {"number"}),
        ({"customer": "ann", "number": 1, "status": "open"}, {"status"}),
        ({"customer": "ann", "number": "first"}, {"number"}),
        ({"customer": "", "number": 1}, {"customer"}),
        ({"customer": "x" * 2049, "number": 1}, {"customer"}),
    ],
)
async def test_what_is_no_key_is_refused(read: Any, write: Any, given: object, fields: set[str]) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: read.get(given),
        lambda: read.find(given),
        lambda: write.update(given, {"note": "x"}),
        lambda: write.delete(given),
    ]
    for call in calls:
        with pytest.raises(ValidationError) as caught:
            await call()
        assert caught.value.errors.keys() == fields


@pytest.mark.usefixtures("orders")
async def test_the_items_of_a_partition_are_queried(read: Any) -> None:
    assert numbers((await read.query({"customer": "ann"}))[0]) == list(range(1, 10))
    last, _ = await read.query({"customer": "ann"}, limit=2, ascending=False, consistent_read=True)
    assert numbers(last) == [9, 8]
    some, _ = await read.query({"customer": "ann"}, sort=sort_condition("number", "between", 3, 5))
    assert numbers(some) == [3, 4, 5]
    [only], _ = await read.query({"customer": "ann"}, filters={"number": 4}, projection=["note"])
    assert only.number == 4
    paid, _ = await read.query({"customer": "ann"}, filters={"status": Status.PAID})
    assert numbers(paid) == [3, 6, 9]


@pytest.mark.usefixtures("orders")
async def test_indexes_are_queried(read: Any) -> None:
    by_status, _ = await read.query({"status": "paid"}, "ByStatus")
    assert numbers(by_status) == [9, 6, 3]
    soon = sort_condition("due", "lt", DUE + timedelta(days=3))
    assert numbers((await read.query({"status": "open"}, "ByStatus", sort=soon))[0]) == [8]
    by_due, _ = await read.query({"customer": "ann"}, "ByDue", limit=3, consistent_read=True)
    assert numbers(by_due) == [9, 8, 7]
    urgent, _ = await read.query({"urgent": True}, "ByPriority")
    assert sorted(numbers(urgent)) == [3, 6, 9]
    filtered, _ = await read.query({"urgent": False}, "ByPriority", filters={"customer": "bob"})
    assert numbers(filtered) == [1]


@pytest.mark.usefixtures("orders")
async def test_an_item_without_a_key_of_an_index_is_not_in_it(read: Any, write: Any) -> None:
    assert (await read.query({"customer": "bob"}, "ByDue"))[0] == []
    assert await read.count({"customer": "bob"}) == 1
    await write.update(key(1, "bob"), {"due": DUE})
    assert numbers((await read.query({"customer": "bob"}, "ByDue"))[0]) == [1]
    updated = await write.update(key(1, "bob"), {"due": None})
    assert updated.due is None
    assert await read.count({"customer": "bob"}, "ByDue") == 0


@pytest.mark.parametrize(
    ("partition", "index", "field"),
    [
        ({"customer": "ann", "status": "open"}, None, "status"),
        ({"status": "open"}, None, "status"),
        ({"customer": None}, None, "customer"),
        ({}, "ByStatus", "status"),
        ({"status": "open"}, "ByState", "index"),
    ],
)
async def test_a_query_that_no_index_answers_is_refused(
    read: Any, partition: dict[str, Any], index: str | None, field: str
) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: read.query(partition, index),
        lambda: read.count(partition, index),
    ]
    for call in calls:
        with pytest.raises(ValidationError) as caught:
            await call()
        assert field in caught.value.errors


@pytest.mark.usefixtures("orders")
async def test_scans_and_counts(read: Any) -> None:
    listed, next_key = await read.scan()
    assert (len(listed), next_key) == (10, None)
    dear, _ = await read.scan(filters=Attr("total").gte(Decimal(2)) & Attr("urgent").eq(False))
    assert numbers(dear) == [8]
    assert await read.count({"customer": "ann"}, filters={"urgent": True}) == 3
    assert await read.count({"status": "open"}, "ByStatus") == 6


@pytest.mark.usefixtures("orders")
async def test_own_conditions_and_boto3s_say_the_same(read: Any) -> None:
    own, _ = await read.query({"customer": "ann"}, sort=sort_condition("number", "gte", 5))
    with_key, _ = await read.scan(filters=Key("customer").eq("ann") & Key("number").gte(5))
    assert sorted(numbers(with_key)) == numbers(own) == [5, 6, 7, 8, 9]


async def test_datetimes_come_in_the_zone_that_is_asked_for(read: Any, write: Any) -> None:
    await write.create(order(1, due=datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo"))))
    assert (await read.get(key(1))).due.isoformat() == "2026-07-01T00:00:00+00:00"
    assert (
        await read.get(key(1), user_timezone="Europe/Oslo")
    ).due.isoformat() == "2026-07-01T02:00:00+02:00"


async def test_updates_change_what_is_named(read: Any, write: Any, table: Any) -> None:
    created = await write.create(order(1, note="old"))
    updated = await write.update(key(1), {"note": "new", "codes": {"a", "b"}}, Attr("note").eq("old"))
    assert (updated.note, updated.codes) == ("new", {"a", "b"})
    assert updated.created_at == created.created_at < updated.updated_at
    for field, value in (("number", 2), ("colour", "red"), ("total", -1)):
        with pytest.raises(ValidationError) as caught:
            await write.update(key(1), {field: value})
        assert caught.value.errors.keys() == {field}
    with pytest.raises(ItemNotFoundError):
        await write.update(key(2), {"note": "new"})
    with pytest.raises(ConflictError) as conflict:
        await write.update(key(1), {"note": "newer"}, Attr("note").eq("old"))
    assert conflict.value.resource_id == "ann/1"
    assert conflict.value.current_item.note == "new"
    assert len((await read.scan())[0]) == 1


async def test_creates_deletes_and_upserts(read: Any, write: Any) -> None:
    await write.create(order(1))
    with pytest.raises(ConflictError):
        await write.create(order(1))
    stored = await write.upsert(order(1, note="again"))
    assert stored.note == "again"
    assert await write.delete(key(1), Attr("note").eq("again")) is True
    assert await write.delete(key(1)) is False
    assert await read.find(key(1)) is None
    many = await write.upsert_many([order(number, "bob") for number in (3, 1, 2, 3)])
    assert numbers(many) == [3, 1, 2, 3]
    assert await read.count({"customer": "bob"}) == 3


async def test_concurrent_upserts_of_one_item_end_as_one_of_them(read: Any, write: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda n: write.upsert(order(1, note=f"{n}", total=n)), range(8)))
    stored = await asyncio.gather(*started)
    seen = await read.get(key(1))
    assert (seen.note, seen.total) in [(item.note, item.total) for item in stored]
    assert Decimal(seen.note) == seen.total
    assert len({item.created_at for item in stored}) == 1


async def test_what_was_read_cannot_be_saved(read: Any, write: Any) -> None:
    stored = await write.create(order(1, note="x"))
    seen = await read.get(key(1), projection=["total"])
    for wrong in (seen, stored, {"customer": "ann", "number": 1}):
        calls: list[Callable[[], Any]] = [
            partial(write.create, wrong),
            partial(write.upsert, wrong),
            partial(write.upsert_many, [order(2), wrong]),
        ]
        for call in calls:
            with pytest.raises(ValidationError, match="NewOrder"):
                await call()
    assert (await read.get(key(1))).note == "x"
    assert await read.find(key(2)) is None


async def test_many_may_come_from_a_generator(write: Any) -> None:
    assert numbers(await write.upsert_many(order(number) for number in (2, 1))) == [2, 1]


class Guest(DynamoDBModel):
    """A model of a table whose attributes are named otherwise than the fields."""

    class Meta:
        table_name = "guests"
        partition_key = "guestId"
        gsis: ClassVar = [GSI("ByRoom", "roomName", "createdAt")]

    guest_id: str = Field(alias="guestId")
    room: str = Field(alias="roomName")
    first_night: int | None = Field(default=None, alias="from")
    last_night: int | None = Field(default=None, alias="to")
    created_at: Instant = Field(default_factory=utcnow, alias="createdAt")
    updated_at: Instant = Field(default_factory=utcnow, alias="updatedAt")


class GuestView(View):
    guest_id: str = Field(alias="guestId")
    room: str | None = Field(default=None, alias="roomName")
    created_at: Instant | None = Field(default=None, alias="createdAt")


class NewGuest(Dto):
    rules = (
        Rule(("last_night", "first_night"), lambda last, first: "before the first" if last < first else None),
    )

    guest_id: str
    room: str
    first_night: int = 1
    last_night: int = 1


class GuestReadApi(ReadApi[Guest, GuestView]):
    model = Guest
    view = GuestView


class AsyncGuestReadApi(AsyncReadApi[Guest, GuestView]):
    model = Guest
    view = GuestView


class GuestWriteApi(WriteApi[Guest, NewGuest]):
    model = Guest
    dto = NewGuest


class AsyncGuestWriteApi(AsyncWriteApi[Guest, NewGuest]):
    model = Guest
    dto = NewGuest


async def test_attributes_may_be_named_otherwise_than_the_fields(
    face: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]
) -> None:
    table = boto3_table(tables(Guest)[0])
    write, read = face(GuestWriteApi), face(GuestReadApi)
    created = await write.create(NewGuest(guest_id="ann", room="7"))
    stored = await write.upsert(NewGuest(guest_id="ann", room="8"))
    assert stored.created_at == created.created_at < stored.updated_at
    updated = await write.update("ann", {"room": "9", "last_night": 5}, Attr("roomName").eq("8"))
    assert updated.updated_at > stored.updated_at
    with pytest.raises(ValidationError) as caught:
        await write.update("ann", {"first_night": 6})
    assert caught.value.errors.keys() == {"last_night"}
    with pytest.raises(ValidationError) as caught:
        await write.update("ann", {"guest_id": "bob"})
    assert caught.value.errors.keys() == {"guest_id"}
    assert [item.guest_id for item in await write.upsert_many([NewGuest(guest_id="bob", room="9")])] == [
        "bob"
    ]
    item = table.get_item(Key={"guestId": "ann"})["Item"]
    assert item.keys() == {"guestId", "roomName", "from", "to", "createdAt", "updatedAt"}
    assert (item["roomName"], item["to"]) == ("9", 5)
    seen = await read.get("ann", projection=["room"])
    assert (seen.room, seen.created_at) == ("9", None)
    listed, _ = await read.query({"roomName": "9"}, "ByRoom", filters={"to": 5})
    assert [(guest.guest_id, guest.created_at) for guest in listed] == [("ann", created.created_at)]


async def test_a_table_that_there_is_not_is_told(face: Any, config: DynamoDBConfig) -> None:
    nowhere = config.replace(table_prefix="nowhere_")
    with pytest.raises(TableNotFoundError, match="nowhere_orders"):
        await face(OrderReadApi, nowhere).get(key(1))
    with pytest.raises(BulkWriteError) as caught:
        await face(OrderWriteApi, nowhere).upsert_many([order(1), order(2)])
    assert {type(error) for error in caught.value.failed.values()} == {TableNotFoundError}
    assert list(caught.value.failed) == ["ann/1", "ann/2"]


@pytest.mark.usefixtures("table")
def test_blocking_apis_of_equal_config_share_one_connection_pool(config: DynamoDBConfig) -> None:
    own = config.replace(timeout_seconds=29)  # which nobody else has
    with OrderWriteApi(own) as write, OrderReadApi(own.model_copy()) as read:
        write.create(order(1))
        assert read.get(key(1)).number == 1
        shared = shared_blocking(own)
        assert shared.users == 3
        assert not shared.release()
        write.close()
        write.close()
        assert shared.users == 1
        assert read.get(key(1)).number == 1
    assert shared.users == 0


@pytest.mark.usefixtures("table")
async def test_awaiting_apis_of_equal_config_share_one_connection_pool(config: DynamoDBConfig) -> None:
    async with AsyncOrderWriteApi(config) as write, AsyncOrderReadApi(config.model_copy()) as read:
        await write.create(order(1))
        assert (await read.get(key(1))).number == 1
        shared = shared_asyncio(config, asyncio.get_running_loop())
        assert shared.users == 3
        assert not shared.release()
        await write.close()
        await write.close()
        assert shared.users == 1
        assert (await read.get(key(1))).number == 1
    assert shared.users == 0


@pytest.mark.usefixtures("table")
def test_an_api_may_be_given_a_client_and_does_not_close_it(config: DynamoDBConfig) -> None:
    events: list[Any] = []
    with DynamoDB(config, observers=[events.append]) as db:
        with OrderWriteApi(client=db) as write:
            write.create(order(1))
            assert write.config is config
        assert OrderReadApi(client=db).get(key(1)).number == 1
    asked = [event.call.action for event in events if isinstance(event, CallStarted)]
    assert asked == ["PutItem", "GetItem"]


@pytest.mark.usefixtures("table")
async def test_an_awaiting_api_may_be_given_a_client_and_does_not_close_it(config: DynamoDBConfig) -> None:
    async with AsyncDynamoDB(config) as db:
        async with AsyncOrderWriteApi(client=db) as write:
            await write.create(order(1))
        assert (await AsyncOrderReadApi(client=db).get(key(1))).number == 1


async def test_a_closed_api_says_so(read: Any) -> None:
    await read.close()
    with pytest.raises(ValidationError, match="closed"):
        await read.find(key(1))


@pytest.mark.usefixtures("table")
def test_an_awaiting_api_may_be_used_again_in_another_loop(config: DynamoDBConfig) -> None:
    async def once(api: AsyncOrderReadApi) -> OrderView | None:
        return await api.find(key(1))

    api = AsyncOrderReadApi(config)
    assert asyncio.run(once(api)) is None
    assert asyncio.run(once(api)) is None


@pytest.mark.usefixtures("table")
async def test_a_domain_has_methods_of_its_own_on_both_faces(face: Any) -> None:
    write, read = face(DeskWriteApi), face(DeskReadApi)
    await write.upsert_many([order(1), order(2), order(7, customer="bob")])
    assert (await write.pay("ann", 2)).status is Status.PAID
    with pytest.raises(ConflictError) as caught:
        await write.pay("ann", 2)
    assert caught.value.current_item.status is Status.PAID
    newest = await read.newest("ann", "nobody", "bob")
    assert [(found.number, found.status) for found in newest] == [(2, Status.PAID), (7, Status.OPEN)]
