"""Several models in one table, on real engines: one scenario, both faces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import (
    ConflictError,
    ItemNotFoundError,
    NotUniqueError,
    TransactionCanceledError,
    ValidationError,
)
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.expressions.assignments import add, put
from dynamodb_wrapper.expressions.functions import between, in_
from dynamodb_wrapper.handlers.reading import AsyncReadApi, ReadApi
from dynamodb_wrapper.models import DynamoDBModel, Instant, View
from dynamodb_wrapper.repositories import AsyncBaseDynamoRepository, BaseDynamoRepository
from dynamodb_wrapper.schema import GSI


class ShopTable:
    table_name = "shop"
    partition_key = "pk"
    sort_key = "sk"
    gsis: ClassVar = [GSI("ByStatus", "gsi1pk", "gsi1sk"), GSI("ByEmail", "email", projection="KEYS_ONLY")]


class Customer(DynamoDBModel):
    customer_id: str
    name: str = ""
    email: str | None = None
    revision: int = 0

    class Meta(ShopTable):
        templates: ClassVar = {"pk": "CUSTOMER#{customer_id}", "sk": "PROFILE"}
        version = "revision"
        unique: ClassVar = ["email"]


class Order(DynamoDBModel):
    customer_id: str
    number: int
    total: Decimal = Decimal(0)
    status: str | None = None
    placed: Instant = datetime(2026, 1, 1, tzinfo=UTC)
    email: str | None = None

    class Meta(ShopTable):
        templates: ClassVar = {
            "pk": "CUSTOMER#{customer_id}",
            "sk": "ORDER#{number:06d}",
            "gsi1pk": "STATUS#{status}",
            "gsi1sk": "{placed}#{total:010.2f}",
        }


class Line(DynamoDBModel):
    customer_id: str
    number: int
    line: int
    sku: str

    class Meta(ShopTable):
        templates: ClassVar = {"pk": "CUSTOMER#{customer_id}", "sk": "ORDER#{number:06d}#LINE#{line:03d}"}


class OrderView(View):
    number: int
    total: Decimal | None = None


class OrderReadApi(ReadApi[Order, OrderView]):
    model, view = Order, OrderView


class AsyncOrderReadApi(AsyncReadApi[Order, OrderView]):
    model, view = Order, OrderView


class OrderRepository(BaseDynamoRepository[Order]):
    model_class = Order


class AsyncOrderRepository(AsyncBaseDynamoRepository[Order]):
    model_class = Order


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Customer)
    return face(DynamoDB)


@pytest.fixture
async def shop(db: Any) -> Any:
    await db.batch_write(Order, puts=ORDERS)
    await db.batch_write(Line, puts=LINES)
    for customer in CUSTOMERS:
        await db.put(customer.model_copy(update={"revision": 0}))
    return db


DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = [
    Customer(customer_id=name, name=name.upper(), email=f"{name}@x.org", revision=1) for name in ("c1", "c2")
]
ORDERS = [
    Order(
        customer_id=f"c{number % 2 + 1}",
        number=number,
        total=Decimal(number * 10),
        status=None if number % 5 == 0 else "open" if number % 3 else "paid",
        placed=START + number * DAY,
    )
    for number in range(1, 13)
]
LINES = [
    Line(customer_id=order.customer_id, number=order.number, line=line, sku=f"s{line}")
    for order in ORDERS
    for line in (1, 2)
]


class TestStored:
    async def test_templates_make_the_keys_and_the_type_is_there(
        self, db: Any, boto3_table: Any, config: Any
    ) -> None:
        order = ORDERS[0].model_copy()
        await db.put(order)
        stored = boto3_table(config.get_table_name("shop")).scan()["Items"]
        assert stored == [
            {
                "pk": "CUSTOMER#c2",
                "sk": "ORDER#000001",
                "gsi1pk": "STATUS#open",
                "gsi1sk": "2026-01-02T00:00:00.000000+00:00#0000010.00",
                "type": "Order",
                "customer_id": "c2",
                "number": 1,
                "total": 10,
                "status": "open",
                "placed": "2026-01-02T00:00:00.000000+00:00",
            }
        ]
        assert await db.get(Order, {"customer_id": "c2", "number": 1}) == order

    async def test_keys_are_the_models_own_fields(self, shop: Any) -> None:
        assert (await shop.get(Customer, "c1")).name == "C1"
        assert (await shop.get(Customer, {"customer_id": "c1"}, consistent=True)).name == "C1"
        key = {"customer_id": "c2", "number": 1, "line": 2}
        assert await shop.get(Line, key) == LINES[1]
        keys = [{"customer_id": "c2", "number": number} for number in (3, 99, 1, 3)]
        assert await shop.batch_get(Order, keys) == [ORDERS[2], None, ORDERS[0], ORDERS[2]]
        both = [(Customer, "c2"), (Order, keys[0]), (Customer, "none"), (Line, key)]
        wanted = [CUSTOMERS[1], ORDERS[2], None, LINES[1]]
        assert await shop.batch_get(both) == wanted
        assert await shop.transact_get(both) == wanted
        wrong, why = (
            {"pk": "CUSTOMER#c1"},
            r"the key of Order in table \w+_shop is customer_id \+ number; got pk",
        )
        asks: list[Callable[[], Any]] = [
            lambda: shop.get(Order, wrong),
            lambda: shop.batch_get(Order, [wrong]),
            lambda: shop.transact_get([(Order, wrong)]),
            lambda: shop.delete(Order, wrong),
            lambda: shop.update(Order, wrong, {"status": "x"}),
            lambda: shop.batch_write(Order, deletes=[wrong]),
            lambda: shop.update(Customer, {**wrong}, {"name": "x"}),
        ]
        for ask in asks[:-1]:
            with pytest.raises(ValidationError, match=why):
                await ask()
        with pytest.raises(
            ValidationError, match=r"the key of Customer in table \w+_shop is customer_id; got pk"
        ):
            await asks[-1]()

    async def test_what_the_model_does_not_know_survives(
        self, db: Any, boto3_table: Any, config: Any
    ) -> None:
        table = boto3_table(config.get_table_name("shop"))
        await db.put(ORDERS[0])
        key = {"pk": "CUSTOMER#c2", "sk": "ORDER#000001"}
        table.update_item(Key=key, UpdateExpression="SET note = :n", ExpressionAttributeValues={":n": "x"})
        order = await db.get(Order, {"customer_id": "c2", "number": 1})
        assert order.model_extra == {"note": "x"}
        await db.put(order)
        stored = table.get_item(Key=key)["Item"]
        assert (stored["note"], stored["type"]) == ("x", "Order")

    @pytest.mark.parametrize("name", ["a#b", "#"])
    async def test_a_value_cannot_reach_into_other_keys(self, name: str, db: Any) -> None:
        with pytest.raises(ValidationError, match="must not contain '#'") as caught:
            await db.put(Customer(customer_id=name))
        assert list(caught.value.errors) == ["customer_id"]
        with pytest.raises(ValidationError, match="must not contain '#'"):
            await db.get(Customer, name)

    @pytest.mark.parametrize(
        ("number", "why"),
        [(-1, "is negative"), (1_000_000, "is too large: the 6 characters in its key hold at most 999999$")],
    )
    async def test_a_number_that_would_not_sort_is_refused(self, number: int, why: str, db: Any) -> None:
        with pytest.raises(ValidationError, match=why):
            await db.put(Order(customer_id="c", number=number))

    async def test_an_item_of_another_model_is_not_read_as_this_one(
        self, db: Any, boto3_table: Any, config: Any
    ) -> None:
        boto3_table(config.get_table_name("shop")).put_item(
            Item={"pk": "CUSTOMER#c1", "sk": "PROFILE", "customer_id": "c1", "type": "Supplier"}
        )
        with pytest.raises(ValidationError, match="has 'Supplier' as its type, so that it is no Customer"):
            await db.get(Customer, "c1")


class TestUpdates:
    KEY: ClassVar = {"customer_id": "c2", "number": 1}

    async def test_keys_of_indexes_follow_their_fields(self, shop: Any) -> None:
        after = await shop.update(Order, self.KEY, {"status": "sent"})
        assert after.status == "sent"
        assert await shop.query(Order).where(Order.status == "sent").all() == [after]
        gone = await shop.update(Order, self.KEY, [put(Order.status).to(None)])
        assert gone.status is None
        assert await shop.query(Order).where(Order.status == "sent").all() == []

    async def test_a_key_of_several_fields_needs_them_all_or_the_item(self, shop: Any) -> None:
        with pytest.raises(
            ValidationError, match=r"gsi1sk of Order is made of placed and total.* needs placed too"
        ):
            await shop.update(Order, self.KEY, {"total": Decimal(5)})
        both = await shop.update(Order, self.KEY, {"total": Decimal(5), "placed": START})
        assert await self._found(shop, START) == [both]
        stale = both.model_copy()
        after = await shop.update(Order, both, {"total": Decimal(7)})
        assert await self._found(shop, START) == [after]
        await shop.update(Order, self.KEY, {"total": Decimal(8), "placed": START + DAY / 2})
        with pytest.raises(ConflictError):
            await shop.update(Order, stale, {"total": Decimal(9)})
        await shop.transaction().update(Order, self.KEY, {"total": Decimal(1), "placed": START}).execute()
        assert [order.total for order in await self._found(shop, START)] == [1]

    async def test_an_item_stored_before_a_field_was_added_can_be_changed(
        self, shop: Any, boto3_table: Any, config: Any
    ) -> None:
        table = boto3_table(config.get_table_name("shop"))
        key = {"pk": "CUSTOMER#c2", "sk": "ORDER#000001"}
        table.update_item(Key=key, UpdateExpression="REMOVE placed")
        order = await shop.get(Order, self.KEY)
        assert order.placed == START  # the default
        await shop.update(Order, order, {"total": Decimal(5)})
        assert (
            table.get_item(Key=key)["Item"]["gsi1sk"] == f"{START.isoformat()[:19]}.000000+00:00#0000005.00"
        )
        table.update_item(
            Key=key, UpdateExpression="SET placed = :now", ExpressionAttributeValues={":now": "2026-02-01"}
        )
        with pytest.raises(ConflictError):
            await shop.update(Order, order, {"total": Decimal(6)})

    async def _found(self, shop: Any, placed: datetime) -> Any:
        return await shop.query(Order).where(Order.status == "open", Order.placed == placed).all()

    async def test_what_makes_the_primary_key_does_not_change(self, shop: Any) -> None:
        for changes in ({"number": 2}, [put(Order.number).to(2)]):
            with pytest.raises(ValidationError, match="number is part of the key of Order and cannot change"):
                await shop.update(Order, self.KEY, changes)
        for name in ("pk", "gsi1sk", "type"):
            with pytest.raises(ValidationError, match="made by Meta and not changed by hand"):
                await shop.update(Order, self.KEY, {name: "x"})
        with pytest.raises(ValidationError, match="do not let it be computed"):
            await shop.update(Order, self.KEY, [add(Order.total, 1)])

    async def test_a_missing_one_is_not_made(self, shop: Any) -> None:
        with pytest.raises(ItemNotFoundError):
            await shop.update(Order, {"customer_id": "c1", "number": 99}, {"status": "x"})

    async def test_deletes_and_transactions_take_fields(self, shop: Any) -> None:
        assert await shop.delete(Order, self.KEY) is True
        assert await shop.delete(Order, self.KEY) is False
        order = ORDERS[2].model_copy(update={"status": "sent"})
        await (
            shop.transaction()
            .put(order)
            .delete(Line, {**self.KEY, "line": 1})
            .check(Customer, "c2", Customer.name == "C2")
            .execute()
        )
        assert await shop.get(Line, {**self.KEY, "line": 1}) is None
        assert await shop.get(Order, {"customer_id": "c2", "number": 3}) == order

    async def test_versions_and_unique_values_work_too(self, shop: Any) -> None:
        customer = await shop.get(Customer, "c1")
        stale = customer.model_copy()
        customer.name = "New"
        await shop.put(customer)
        with pytest.raises(ConflictError, match="its revision is"):
            await shop.put(stale)
        with pytest.raises(NotUniqueError):
            await shop.update(Customer, "c1", {"email": "c2@x.org"})
        with pytest.raises(TransactionCanceledError):
            await shop.transaction().put(Customer(customer_id="c3", email="c1@x.org")).execute()


class TestQueries:
    async def test_one_model_is_found_by_its_fields(self, shop: Any) -> None:
        query = shop.query(Order).where(Order.customer_id == "c1")
        explained = query.explain()
        assert explained.keys == ("pk = 'CUSTOMER#c1' AND begins_with(sk, 'ORDER#')",)
        assert (explained.operation, explained.filter, explained.hides) == (
            "query",
            None,
            "items of other models",
        )
        wanted = [order for order in ORDERS if order.customer_id == "c1"]
        assert await query.all() == wanted
        assert await query.count() == len(wanted)
        assert [order async for order in query.order(ascending=False)] == wanted[::-1]
        page = await query.paginate(2).execute()
        more = await query.paginate(20, page.next_key).execute()
        assert [*page.items, *more.items] == wanted

    @pytest.mark.parametrize(
        ("condition", "key", "wanted"),
        [
            (Order.number == 4, "pk = 'CUSTOMER#c1' AND sk = 'ORDER#000004'", [4]),
            (Order.number > 4, "sk BETWEEN 'ORDER#000004' AND", [6, 8, 10, 12]),
            (Order.number <= 4, "sk BETWEEN 'ORDER#' AND 'ORDER#000004'", [2, 4]),
            (between(Order.number, 4, 8), "sk BETWEEN 'ORDER#000004' AND 'ORDER#000008'", [4, 6, 8]),
            (in_(Order.number, [4, 5, 6]), "pk = 'CUSTOMER#c1' AND sk = 'ORDER#000004'", [4, 6]),
            (Order.total > 50, "begins_with(sk, 'ORDER#')", [6, 8, 10, 12]),
            (Order.number == -4, None, []),
        ],
    )
    async def test_the_sort_key_is_narrowed(self, condition: Any, key: Any, wanted: Any, shop: Any) -> None:
        query = shop.query(Order).where(Order.customer_id == "c1", condition)
        if key is None:
            assert query.explain().operation == "nothing"
        else:
            assert key in query.explain().keys[0]
        assert [order.number for order in await query.all()] == wanted

    async def test_an_index_is_found_by_the_fields_of_its_templates(self, shop: Any) -> None:
        query = shop.query(Order).where(Order.status == "open", Order.placed >= START + 6 * DAY)
        explained = query.explain()
        assert explained.index == "ByStatus"
        assert explained.keys[0].startswith("gsi1pk = 'STATUS#open' AND gsi1sk BETWEEN '2026-01-07T")
        wanted = [order for order in ORDERS if order.status == "open" and order.number >= 6]
        assert await query.all() == wanted
        with pytest.raises(ValidationError, match="ByStatus: status"):
            shop.query(Order).where(Order.total > 3).explain().operation  # noqa: B018

    async def test_an_index_by_a_field_gives_the_models_items_only(self, shop: Any) -> None:
        await shop.put(Order(customer_id="c1", number=50, email="c1@x.org"))
        assert [
            type(item) for item in await shop.query(Customer).where(Customer.email == "c1@x.org").all()
        ] == [Customer]

    async def test_views_and_selections(self, shop: Any) -> None:
        query = shop.query(Order).where(Order.customer_id == "c1", Order.number == 2)
        assert await query.as_(OrderView).all() == [OrderView(number=2, total=Decimal(20))]
        (selected,) = await query.select("total").all()
        assert selected.total == 20

    async def test_a_scan_gives_the_models_items_only(self, shop: Any) -> None:
        orders = await shop.query(Order).allow_scan().all()
        assert sorted(order.number for order in orders) == list(range(1, 13))


class TestTogether:
    async def test_each_item_is_of_its_class(self, shop: Any) -> None:
        query = shop.query(Customer, Order, Line).where(Customer.customer_id == "c1")
        explained = query.explain()
        assert (explained.operation, explained.keys) == ("query", ("pk = 'CUSTOMER#c1'",))
        wanted = _in_key_order("c1")
        assert await query.all() == wanted
        assert [item async for item in query.order(ascending=False)] == wanted[::-1]
        assert await query.count() == len(wanted)
        page = await query.paginate(4).execute()
        rest = await query.paginate(100, page.next_key).execute()
        assert [*page.items, *rest.items] == wanted

    async def test_models_that_are_not_named_are_left_out(self, shop: Any) -> None:
        found = await shop.query(Customer, Order).where("customer_id", "=", "c1").all()
        assert found == [item for item in _in_key_order("c1") if not isinstance(item, Line)]

    async def test_what_the_keys_have_in_common_narrows_the_range(self, shop: Any) -> None:
        query = shop.query(Order, Line).where(Order.customer_id == "c2", Order.number == 3)
        assert query.explain().keys == ("pk = 'CUSTOMER#c2' AND begins_with(sk, 'ORDER#000003')",)
        assert await query.all() == [ORDERS[2], *(line for line in LINES if line.number == 3)]

    async def test_a_condition_on_a_field_of_one_leaves_the_others_out(self, shop: Any) -> None:
        query = shop.query(Customer, Order).where(Order.customer_id == "c1", Order.total > 50)
        assert {type(item) for item in await query.all()} == {Order}

    async def test_fields_of_all_can_be_selected(self, shop: Any) -> None:
        query = shop.query(Order, Line).where(Order.customer_id == "c2", Order.number == 3)
        assert [(item.total, item.sku) for item in await query.select("total", "sku").all()] == [
            (Decimal(30), None),
            (None, "s1"),
            (None, "s2"),
        ]


def _in_key_order(customer: str) -> list[Any]:
    orders = [
        item
        for order in ORDERS
        if order.customer_id == customer
        for item in (order, *(line for line in LINES if line.number == order.number))
    ]
    return [*orders, *(each for each in CUSTOMERS if each.customer_id == customer)]


OF_C1 = [order for order in ORDERS if order.customer_id == "c1"]


@pytest.mark.usefixtures("shop")
class TestReadApi:
    async def test_one_item_by_its_fields(self, face: Any) -> None:
        api = face(OrderReadApi)
        key = {"customer_id": "c2", "number": 1}
        assert (await api.get(key)).total == 10
        assert (await api.get(key, ["number"])).model_fields_set == {"number"}
        assert await api.find({"customer_id": "c1", "number": 1}) is None

    @pytest.mark.parametrize("partition", [{"customer_id": "c1"}, {"pk": "CUSTOMER#c1"}])
    async def test_a_partition_by_its_fields_or_its_key_gives_the_models_items_only(
        self, partition: dict[str, str], face: Any
    ) -> None:
        api = face(OrderReadApi)
        numbers = [order.number for order in OF_C1]
        found, end = await api.query(partition)
        assert ([item.number for item in found], end) == (numbers, None)
        assert await api.count(partition) == len(numbers)
        pages, last_key = [], None
        while True:
            page, last_key = await api.query(partition, limit=2, last_key=last_key, ascending=False)
            pages.append([item.number for item in page])
            if last_key is None:
                break
        assert [number for page in pages for number in page] == numbers[::-1]
        assert [len(page) for page in pages] == [2, 2, 2]
        found, _ = await api.query(partition, filters={"total": Decimal(40)})
        assert [item.number for item in found] == [4]
        found, _ = await api.query(partition, sort=Compare(Path(("sk",)), ">=", "ORDER#000008#"))
        assert [item.number for item in found] == [10, 12]

    async def test_an_index_by_its_fields(self, face: Any) -> None:
        found, _ = await face(OrderReadApi).query({"status": "paid"}, "ByStatus")
        assert [item.number for item in found] == [3, 6, 9, 12]

    async def test_a_scan(self, face: Any) -> None:
        found, _ = await face(OrderReadApi).scan(limit=None)
        assert sorted(item.number for item in found) == list(range(1, 13))
        found, _ = await face(OrderReadApi).scan(filters={"customer_id": "c2"})
        assert sorted(item.number for item in found) == [1, 3, 5, 7, 9, 11]

    async def test_a_value_that_no_key_has_is_refused(self, face: Any) -> None:
        with pytest.raises(ValidationError, match="must not contain '#'"):
            await face(OrderReadApi).query({"customer_id": "c#1"})

    async def test_an_index_that_cannot_tell_the_models_apart_is_refused(self, face: Any) -> None:
        with pytest.raises(ValidationError, match="lacks type, which tells items of Order from others"):
            await face(OrderReadApi).query({"email": "c1@x.org"}, "ByEmail")

    async def test_a_repository(self, face: Any) -> None:
        orders = face(OrderRepository)
        assert sorted(order.number for order in await orders.list_all()) == list(range(1, 13))
        assert await orders.query_by_pk("c1") == OF_C1
        assert await orders.query_by_pk({"customer_id": "c1"}, filters={"number": 4}) == [ORDERS[3]]
        assert [order.number for order in await orders.query_by_pk("paid", index="ByStatus")] == [3, 6, 9, 12]
        assert (await orders.normalise_all()).left == ()
