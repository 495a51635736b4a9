"""Scans in segments, and answers as Arrow columns, on real engines: one scenario, both faces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import pyarrow as pa
import pytest
from pydantic import Field
from tests.support.faults import FaultServer, refuse, seeded, throttle

from dynamodb_wrapper import GSI, DynamoDBModel, View
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.client.scans import wanted
from dynamodb_wrapper.exceptions import ServiceError, ValidationError


class Sale(DynamoDBModel):
    shop: str
    number: int
    price: Annotated[Decimal, Field(decimal_places=2)]
    tags: set[str] = Field(default_factory=set)
    note: str | None = None
    sold_at: datetime
    text: str = ""

    class Meta:
        table_name = "sales"
        partition_key = "shop"
        sort_key = "number"
        gsis = (GSI("ByNote", "note", projection="KEYS_ONLY"),)


class SaleView(View):
    shop: str
    number: int | None = None
    price: Decimal | None = None


class Session(DynamoDBModel):
    token: str
    ends: datetime

    class Meta:
        table_name = "sessions"
        partition_key = "token"
        ttl = "ends"


class Garden:
    table_name = "garden"
    partition_key = "pk"
    sort_key = "sk"


class Bed(DynamoDBModel):
    garden: str
    bed: int

    class Meta(Garden):
        templates: ClassVar = {"pk": "GARDEN#{garden}", "sk": "BED#{bed:02d}"}


class Plant(DynamoDBModel):
    garden: str
    bed: int
    name: str

    class Meta(Garden):
        templates: ClassVar = {"pk": "GARDEN#{garden}", "sk": "BED#{bed:02d}#PLANT#{name}"}


COUNT = 60


def sale(number: int) -> Sale:
    return Sale(
        shop=f"s{number % 7}",
        number=number,
        price=Decimal(number) / 4,
        tags={f"t{number % 3}"},
        note="noted" if number % 5 == 0 else None,
        sold_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        text="x" * 60_000,
    )


@pytest.fixture
async def sales(face: Any, tables: Any) -> Any:
    """A client, and a table of several pages."""
    tables(Sale)
    db = face(DynamoDB)
    await db.batch_write(Sale, puts=[sale(number) for number in range(COUNT)])
    return db


def scanned(db: Any, model: Any, **options: Any) -> Any:
    """A scan of either face; the methods of both may be awaited."""
    return (db._blocking if hasattr(db, "_blocking") else db).scan(model, **options)


async def all_of(scan: Any) -> list[Any]:
    if hasattr(scan, "__aiter__"):
        return [item async for item in scan]
    return list(scan)


async def given(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


@pytest.mark.parametrize("segments", [1, 3, 20])
async def test_every_item_is_read_once(sales: Any, segments: int) -> None:
    scan = scanned(sales, Sale, segments=segments)
    found = await all_of(scan)
    assert sorted(found, key=lambda each: each.number) == [sale(number) for number in range(COUNT)]
    assert len(await given(scan.all())) == COUNT
    assert await given(scan.count()) == COUNT


async def test_conditions_fields_views_and_indexes(sales: Any) -> None:
    few = scanned(sales, Sale, where=Sale.number < 10, segments=3, consistent=True)
    assert sorted(each.number for each in await all_of(few)) == list(range(10))
    assert await given(few.count()) == 10
    views = await all_of(few.as_(SaleView))
    assert {type(view) for view in views} == {SaleView}
    assert sum(view.price for view in views) == sum(sale(number).price for number in range(10))
    (one, *_) = await all_of(few.select("shop", Sale.price))
    assert type(one).model_fields.keys() == {"shop", "price"}
    noted = await all_of(scanned(sales, Sale, index="ByNote").select("number"))
    assert sorted(each.number for each in noted) == list(range(0, COUNT, 5))


async def test_columns_hold_what_the_items_hold(sales: Any) -> None:
    scan = scanned(sales, Sale, segments=2)
    table = await given(scan.table())
    assert table.schema.field("price").type == pa.decimal128(38, 2)
    assert table.schema.field("sold_at").type == pa.timestamp("us", "UTC")
    rows = sorted(table.to_pylist(), key=lambda row: row["number"])
    assert [row["price"] for row in rows] == [sale(number).price for number in range(COUNT)]
    assert [set(row["tags"]) for row in rows] == [sale(number).tags for number in range(COUNT)]
    assert [row["note"] for row in rows] == [sale(number).note for number in range(COUNT)]
    batches = await all_of(scan.arrow(pa.schema([("number", pa.int32())])))
    assert sum(batch.num_rows for batch in batches) == COUNT
    assert batches[0].schema.names == ["number"]
    narrow = await given(scan.as_(SaleView).table())
    assert narrow.schema.names == ["shop", "number", "price"]


async def test_a_query_is_answered_in_columns(sales: Any) -> None:
    query = sales._blocking.query(Sale) if hasattr(sales, "_blocking") else sales.query(Sale)
    one = query.where("shop", "=", "s1").order(False)
    expected = [number for number in reversed(range(COUNT)) if number % 7 == 1]
    table = await given(one.arrow())
    assert table.column("number").to_pylist() == expected
    assert (await given(one.limit(3).select("number").arrow())).column("number").to_pylist() == expected[:3]
    both = query.where("shop", "in", ["s1", "s2"]).where("number", "<", 9)
    assert sorted((await given(both.arrow())).column("number").to_pylist()) == [1, 2, 8]
    by_key = query.where("shop", "=", "s1").where("number", "=", 8)
    assert (await given(by_key.arrow())).column("price").to_pylist() == [Decimal("2.00")]
    noted = query.index("ByNote").where("note", "=", "noted")
    assert sorted((await given(noted.arrow())).column("number").to_pylist()) == list(range(0, COUNT, 5))
    nothing = await given(query.where("shop", "=", "none").arrow())
    assert nothing.num_rows == 0
    assert "price" in nothing.schema.names


async def test_a_misfit_tells_the_attribute_and_the_key(sales: Any) -> None:
    wrong = scanned(sales, Sale).arrow(pa.schema([("note", pa.int64())]))
    with pytest.raises(ValidationError) as raised:
        await all_of(wrong)
    assert raised.value.context["attribute"] == "note"
    assert raised.value.context["key"].keys() == {"shop", "number"}
    with pytest.raises(ValidationError, match="not null"):
        await all_of(scanned(sales, Sale).arrow(pa.schema([pa.field("note", pa.string(), nullable=False)])))


async def test_expired_items_are_hidden(face: Any, lasting_tables: Any) -> None:
    lasting_tables(Session)
    db = face(DynamoDB)
    now = datetime.now(UTC)
    await db.put(Session(token="old", ends=now - timedelta(days=1)))
    await db.put(Session(token="new", ends=now + timedelta(days=1)))
    assert [each.token for each in await all_of(scanned(db, Session))] == ["new"]
    table = await given(scanned(db, Session).table())
    assert [abs(ends - now) <= timedelta(days=1, seconds=1) for ends in table.column("ends").to_pylist()] == [
        True
    ]


def test_expired_items_can_be_asked_for() -> None:
    hidden = wanted(Session, None, 4, None).scan("sessions")  # an engine may delete such items any time
    assert hidden.filter is not None
    assert wanted(Session, None, 4, None, include_expired=True).scan("sessions").filter is None


async def test_models_that_share_a_table_are_told_apart(face: Any, tables: Any) -> None:
    tables(Bed)
    db = face(DynamoDB)
    await db.batch_write(Bed, puts=[Bed(garden="g", bed=bed) for bed in range(3)])
    await db.batch_write(Plant, puts=[Plant(garden="g", bed=bed, name="rose") for bed in range(2)])
    assert sorted(each.bed for each in await all_of(scanned(db, Bed))) == [0, 1, 2]
    plants = scanned(db, Plant)
    assert {type(plant) for plant in await all_of(plants)} == {Plant}
    assert await given(plants.count()) == 2
    assert (await given(plants.table())).column("name").to_pylist() == ["rose", "rose"]


@pytest.mark.parametrize("segments", [0, -1, True, "4", 1_000_001])
async def test_a_wrong_number_of_segments_is_refused(face: Any, segments: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        scanned(face(DynamoDB), Sale, segments=segments)
    assert raised.value.errors.keys() == {"segments"}


async def test_nothing_is_lost_while_the_service_throttles(face: Any, sales: Any, engine: Any) -> None:
    with FaultServer(seeded(3, {throttle(): 0.4}), upstream=engine.endpoint_url) as server:
        config = face.config.model_copy(update={"endpoint_url": server.url, "retries": 2})
        found = await all_of(scanned(face(DynamoDB, config), Sale, segments=12))
    assert sorted(each.number for each in found) == list(range(COUNT))


async def test_a_segment_that_fails_raises_and_says_which(face: Any, sales: Any, engine: Any) -> None:
    with FaultServer([refuse("SomeNewException")] * 99, upstream=engine.endpoint_url) as server:
        config = face.config.model_copy(update={"endpoint_url": server.url})
        with pytest.raises(ServiceError) as raised:
            await all_of(scanned(face(DynamoDB, config), Sale, segments=3))
    assert raised.value.context["segments"] == 3
    assert raised.value.context["segment"] in range(3)
