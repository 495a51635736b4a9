"""Queries as their users write them, on both faces and both engines."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.exceptions import ItemNotFoundError, ValidationError
from dynamodb_wrapper.expressions import AnyOf, Compare, Path
from dynamodb_wrapper.expressions.conditions import Expression
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.schema import GSI, LSI


class Product(DynamoDBModel):
    id: str
    name: str
    category: str
    price: Decimal
    brand: str | None = None
    active: bool = True
    added: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    class Meta:
        table_name = "products"
        partition_key = "id"
        gsis: ClassVar = [
            GSI("ByCategory", "category", "price"),
            GSI("ByBrand", "brand", "price", "KEYS_ONLY"),
            GSI("ByActive", "active", "added", ["name"]),
        ]


class Entry(DynamoDBModel):
    feed: str
    at: int
    score: int | None = None
    text: str = ""

    class Meta:
        table_name = "entries"
        partition_key = "feed"
        sort_key = "at"
        lsis: ClassVar = [LSI("ByScore", "score", "KEYS_ONLY")]


class Label(View):
    id: str
    name: str | None = None
    price: Decimal | None = None


CATEGORY, BRAND, AT = Path(("category",)), Path(("brand",)), Path(("at",))
COUNT = 60


def product(number: int) -> Product:
    return Product(
        id=f"p{number:02}",
        name=f"Product {number}",
        category=("electronics", "books", "toys")[number % 3],
        price=Decimal(number * 25),
        brand=None if number % 4 else f"brand{number % 8}",
        active=number % 5 > 0,
        added=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
    )


PRODUCTS = [product(number) for number in range(COUNT)]
ENTRIES = [
    Entry(feed=feed, at=at, score=at * 7 % 5 or None, text="x" * 10) for feed in "abc" for at in range(30)
]


@pytest.fixture
def db(face: Any, tables: Callable[..., Any]) -> Any:
    tables(Product, Entry)
    with DynamoDB(face.config) as writer:
        writer.batch_write(Product, puts=PRODUCTS)
        writer.batch_write(Entry, puts=ENTRIES)
    return face(DynamoDB)


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


async def test_the_contract_snippet_finds_pages_of_selected_fields(db: Any) -> None:
    query = (
        db.query(Product)
        .where("category", "=", "electronics")
        .where(Product.price < 1000)
        .select("id", "name", "price")
        .paginate(10)
    )
    page = await query.execute()
    assert page.count == len(page) == 10
    assert [item.price for item in page] == [Decimal(75 * n) for n in range(10)]
    assert page.items[1].name == "Product 3"
    with pytest.raises(AttributeError):
        _ = page.items[1].brand
    rest = await query.paginate(10, page.next_key).execute()
    assert (rest.count, rest.next_key) == (4, None)
    assert await query.count() == 14


async def test_boto3_conditions_are_planned_as_well(db: Any) -> None:
    query = db.query(Product).where(Key("category").eq("books") & Attr("price").between(100, 400))
    assert [item.price for item in await query.all()] == [100, 175, 250, 325, 400]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("brand", "=", "brand0"), lambda p: p.brand == "brand0"),
        (("brand", "!=", "brand0"), lambda p: p.brand != "brand0"),
        (("brand", "=", None), lambda p: p.brand is None),
        (("brand", "!=", None), lambda p: p.brand is not None),
        (("active", "=", False), lambda p: not p.active),
        (("active", "!=", False), lambda p: p.active),
        (("price", "<", 100), lambda p: p.price < 100),
        (("price", "<=", 100), lambda p: p.price <= 100),
        (("price", ">", 1400), lambda p: p.price > 1400),
        (("price", ">=", 1400), lambda p: p.price >= 1400),
        (("price", "between", 100, 200), lambda p: 100 <= p.price <= 200),
        (("price", "between", (100, 200)), lambda p: 100 <= p.price <= 200),
        (("name", "begins_with", "Product 1"), lambda p: p.name.startswith("Product 1")),
        (("name", "contains", "9"), lambda p: "9" in p.name),
        (("id", "in", ["p05", "p01", "none"]), lambda p: p.id in ("p01", "p05")),
        (("id", "in", "p05", "p01"), lambda p: p.id in ("p01", "p05")),
        (("brand", "in", ["brand0", None]), lambda p: p.brand in ("brand0", None)),
        (("id", "in", []), lambda p: False),
        (("brand", "exists"), lambda p: p.brand is not None),
        (("brand", "missing"), lambda p: p.brand is None),
    ],
)
async def test_conditions_in_words(db: Any, condition: Any, expected: Callable[[Product], bool]) -> None:
    found = await db.query(Product).where(*condition).allow_scan().all()
    assert sorted(ids(found)) == [item.id for item in PRODUCTS if expected(item)]


async def test_first_one_and_all(db: Any) -> None:
    books = db.query(Product).where("category", "=", "books")
    assert (await books.first()).id == "p01"
    assert (await books.order(ascending=False).first()).id == "p58"
    assert ids(await books.limit(3).all()) == ["p01", "p04", "p07"]
    assert (await db.query(Product).where("id", "=", "p07").one()) == PRODUCTS[7]
    nothing = db.query(Product).where("category", "=", "none")
    assert (await nothing.first(), await nothing.all(), await nothing.count()) == (None, [], 0)
    with pytest.raises(ItemNotFoundError, match="no Product in table"):
        await nothing.one()
    with pytest.raises(ValidationError, match="more than one Product"):
        await books.one()


async def test_an_or_over_partition_keys_comes_merged_by_the_sort_key(db: Any) -> None:
    either = db.query(Product).where("category", "in", ["toys", "books"]).where("price", ">", 500)
    expected = [item.id for item in PRODUCTS if item.category != "electronics" and item.price > 500]
    assert ids(await either.all()) == expected
    assert ids(await either.order(ascending=False).all()) == expected[::-1]
    assert ids([item async for item in either]) == expected
    joined = db.query(Product).where(Compare(CATEGORY, "=", "toys") | Compare(CATEGORY, "=", "books"))
    assert ids(await joined.where("price", ">", 500).all()) == expected


async def test_a_merged_answer_is_in_order_however_its_parts_lie(db: Any, face: Any) -> None:
    with DynamoDB(face.config) as writer:
        writer.batch_write(Entry, puts=[Entry(feed="late", at=at) for at in range(25, 60)])
    query = db.query(Entry).where("feed", "in", ["late", "a", "none", "no other"])
    expected = sorted([*range(30), *range(25, 60)])
    assert [entry.at async for entry in query] == expected
    for ascending in (True, False):
        found, key = [], None
        while True:
            page = await query.order(ascending).paginate(7, key).execute()
            found += [entry.at for entry in page]
            if (key := page.next_key) is None:
                break
        assert found == (expected if ascending else expected[::-1])


async def test_alternatives_of_different_indexes_come_once_each(db: Any) -> None:
    either = db.query(Product).where(Compare(CATEGORY, "=", "toys") | Compare(BRAND, "=", "brand0"))
    expected = [item.id for item in PRODUCTS if item.category == "toys" or item.brand == "brand0"]
    assert sorted(ids(await either.all())) == expected
    assert await either.count() == len(expected)
    with pytest.raises(ValidationError, match="no order in common"):
        await either.order().all()


async def test_a_single_item_beside_a_query_is_passed_once_in_each_direction(db: Any) -> None:
    either = Compare(CATEGORY, "=", "toys") | Compare(Path(("id",)), "=", "p00")
    query = db.query(Product).where(either)
    last = await query.paginate(20, (await query.paginate(20).execute()).next_key).execute()
    assert ids(last) == ["p00"]
    assert ids(await query.paginate(2, last.previous_key).execute()) == ["p56", "p59"]


async def test_any_number_of_keys_is_got_in_the_order_given_and_paged(db: Any) -> None:
    wanted = [f"p{number:02}" for number in range(250, -1, -1)]
    query = db.query(Product).where("id", "in", wanted)
    assert ids(await query.all()) == [f"p{n:02}" for n in range(59, -1, -1)]
    page = await query.paginate(7).execute()
    second = await query.paginate(7, page.next_key).execute()
    assert ids(second) == [f"p{n:02}" for n in range(52, 45, -1)]
    assert ids(await query.paginate(7, second.previous_key).execute()) == ids(page)


async def test_an_index_without_all_attributes_gives_whole_items(db: Any) -> None:
    branded = db.query(Product).where("brand", "=", "brand4").where("name", "contains", "2")
    expected = [item for item in PRODUCTS if item.brand == "brand4" and "2" in item.name]
    assert await branded.all() == expected
    assert await branded.count() == len(expected)
    assert ids(await branded.select("id").all()) == ids(expected)
    fed = db.query(Entry).where("feed", "=", "b").index("ByScore")
    assert [item.score for item in await fed.all()] == sorted(
        item.score for item in ENTRIES if item.feed == "b" and item.score is not None
    )
    assert {item.text for item in await fed.consistent().all()} == {"x" * 10}


async def test_a_local_index_is_read_consistently_and_alone_where_it_has_what_is_asked(db: Any) -> None:
    query = db.query(Entry).where("feed", "=", "b").where("score", ">=", 0).consistent()
    explained = query.select("at", "score").explain()
    assert (explained.index, explained.fetched) == ("ByScore", False)
    query = query.index("ByScore")
    assert query.explain().fetched is True
    expected = sorted(
        (item.score, item.at) for item in ENTRIES if item.feed == "b" and item.score is not None
    )
    found = await query.select("at", "score").all()
    assert [item.score for item in found] == [score for score, _ in expected]
    assert sorted((item.score, item.at) for item in found) == expected
    assert sorted((item.score, item.at) for item in await query.all()) == expected
    assert [item.score for item in await query.order(ascending=False).limit(3).all()] == [
        score for score, _ in expected[:-4:-1]
    ]


async def test_half_open_ranges_and_other_conditions_on_keys_are_exact(db: Any) -> None:
    feed = db.query(Entry).where("feed", "=", "a")
    assert [item.at for item in await feed.where("at", ">=", 5).where("at", "<", 9).all()] == [5, 6, 7, 8]
    assert [item.at for item in await feed.where("at", "!=", 5).limit(7).all()] == [0, 1, 2, 3, 4, 6, 7]
    assert [item.at for item in await feed.where("at", "in", [9, 3, 3]).all()] == [3, 9]
    assert await feed.where("at", ">", 9).where("at", "<", 9).all() == []
    odd = feed.where(AnyOf((Compare(AT, "<", 2), Compare(Path(("score",)), "=", 4))))
    assert [item.at for item in await odd.all()] == [
        item.at for item in ENTRIES if item.feed == "a" and (item.at < 2 or item.score == 4)
    ]


async def test_text_expressions_filter_on_the_server(db: Any) -> None:
    given = Expression("#n = :n OR price > :p", {"#n": "name"}, {":n": "Product 3", ":p": 1400})
    found = await db.query(Product).where("id", "in", ["p03", "p04", "p57", "p58"]).where(given).all()
    assert ids(found) == ["p03", "p57", "p58"]


async def test_a_scan_must_be_allowed_and_has_no_order(db: Any) -> None:
    query = db.query(Product).where("name", "=", "Product 7")
    with pytest.raises(ValidationError, match="allow_scan") as caught:
        await query.all()
    assert '            GSI("ByName", "name"),' in caught.value.message.splitlines()
    assert ids(await query.allow_scan().all()) == ["p07"]
    with pytest.raises(ValidationError, match="a scan has no order"):
        await query.allow_scan().order().all()
    page = await db.query(Product).allow_scan().paginate(50).execute()
    last = await db.query(Product).allow_scan().paginate(50, page.next_key).execute()
    assert sorted(ids(page) + ids(last)) == ids(PRODUCTS)
    assert last.previous_key is None


async def test_views_and_selections_read_only_what_they_have(db: Any) -> None:
    cheap = db.query(Product).where("category", "=", "books").where("price", "<", 100)
    assert await cheap.as_(Label).all() == [Label(id="p01", name="Product 1", price=Decimal(25))]
    (label,) = await cheap.select("name").as_(Label).all()
    assert label.model_fields_set >= {"id", "name"}
    (chosen,) = await cheap.select(Product.name, Path(("active",))).all()
    assert (chosen.name, chosen.active) == ("Product 1", True)
    with pytest.raises(ValidationError, match="did you mean 'name'"):
        await cheap.select("nmae").all()
    with pytest.raises(ValidationError, match="place inside"):
        await cheap.select("name.first").all()


async def test_pages_go_forward_and_back_in_the_middle_of_anything(db: Any) -> None:
    query = db.query(Product).where("category", "in", ["toys", "books"]).where("active", "=", True)
    whole = ids(await query.all())
    first = await query.paginate(5).execute()
    second = await query.paginate(5, first.next_key).execute()
    third = await query.paginate(3, second.next_key).execute()
    assert first.previous_key is None
    assert ids(first) + ids(second) + ids(third) == whole[:13]
    assert ids(await query.paginate(4, third.previous_key).execute()) == whole[6:10]
    again = await query.paginate(5, second.previous_key).execute()
    assert (ids(again), again.previous_key) == (whole[:5], None)
    assert ids(await query.paginate(5, again.next_key).execute()) == ids(second)


async def test_a_limit_holds_across_pages(db: Any) -> None:
    query = db.query(Product).where("category", "=", "toys").limit(7)
    first = await query.paginate(4).execute()
    second = await query.paginate(4, first.next_key).execute()
    assert (first.count, second.count, second.next_key) == (4, 3, None)
    assert ids(await query.paginate(4, second.previous_key).execute()) == ids(first)
    assert await query.count() == len([item async for item in query]) == len(await query.all()) == 7


async def test_a_key_belongs_to_one_query_direction_and_limit(db: Any) -> None:
    query = db.query(Product).where("category", "=", "toys")
    key = (await query.paginate(4).execute()).next_key
    others = [
        query.order(ascending=False),
        query.limit(9),
        query.where("price", ">", 1),
        query.where("active", "=", True),
        query.index("ByCategory").where("name", "exists"),
        db.query(Product).where("category", "=", "books"),
        db.query(Product).where("brand", "=", "toys"),
        db.query(Product).allow_scan(),
    ]
    for other in others:
        with pytest.raises(ValidationError, match="another query"):
            await other.paginate(4, key).execute()
    assert ids(await query.order().select("id").paginate(9, key).execute())[0] == "p14"


async def test_a_key_may_expire(db: Any) -> None:
    query = db.query(Product).where("category", "=", "toys")
    page = await query.paginate(4, lifetime=timedelta(milliseconds=1)).execute()
    await asyncio.sleep(0.01)
    with pytest.raises(ValidationError, match="expired"):
        await query.paginate(4, page.next_key).execute()
    page = await query.paginate(4, lifetime=timedelta(minutes=5)).execute()
    assert (await query.paginate(4, page.next_key).execute()).count == 4


async def test_the_cost_is_told(db: Any) -> None:
    query = db.query(Product).where("category", "=", "toys").where("name", "contains", "5")
    assert query.last_cost.requests == 0
    found = await query.all()
    assert len(found) == 6
    cost = query.last_cost
    assert (cost.requests, cost.scanned) == (1, 20)
    assert cost.read_units is not None
    assert cost.read_units >= 0.5
    page = await query.consistent(False).paginate(2).execute()
    assert page.cost.read_units is not None


async def test_an_index_that_is_named_is_used_or_refused(db: Any) -> None:
    query = db.query(Product).where("brand", "exists")
    assert ids(await query.index("ByBrand").allow_scan().select("id").all()) != []
    with pytest.raises(ValidationError, match="no index 'ByBrnad'"):
        await query.index("ByBrnad").all()
    with pytest.raises(ValidationError, match="consistent read"):
        await query.index("ByBrand").consistent().all()


async def test_a_sparse_index_is_not_chosen_for_items_that_it_may_lack(db: Any) -> None:
    cheap = db.query(Product).where(Compare(BRAND, "<>", "brand0")).where("category", "=", "books")
    expected = [item.id for item in PRODUCTS if item.brand != "brand0" and item.category == "books"]
    assert ids(await cheap.all()) == expected


async def test_steps_do_not_change_the_query_they_start_from(db: Any) -> None:
    start = db.query(Product).where("category", "=", "toys")
    _ = start.where("price", "<", 100).limit(1).order(ascending=False)
    assert await start.count() == 20


class Row(DynamoDBModel):
    group: str
    number: int
    filler: str

    class Meta:
        table_name = "rows"
        partition_key = "group"
        sort_key = "number"


def alive() -> int:
    return sum(type(item) is Row for item in gc.get_objects())


async def test_iterating_ten_thousand_items_holds_at_most_three_pages(face: Any, tables: Any) -> None:
    tables(Row)
    with DynamoDB(face.config) as writer:
        writer.batch_write(Row, puts=[Row(group="g", number=n, filler="x" * 900) for n in range(10_000)])
    gc.collect()
    query = face(DynamoDB).query(Row).where("group", "=", "g")
    if face.name == "sync":
        query = DynamoDB(face.config).query(Row).where("group", "=", "g")
    seen, most = 0, 0

    def look(item: Row) -> None:
        nonlocal seen, most
        assert item.number == seen
        seen += 1
        if seen % 250 == 0:
            most = max(most, alive())

    if face.name == "sync":
        for item in query:
            look(item)
    else:
        async for item in query:
            look(item)
    pages = query.last_cost.requests
    assert seen == 10_000
    assert pages >= 9
    assert most <= 2 * 1_200  # a page of 1 MB holds about 1,100: one is in use, one is ahead


async def test_leaving_an_iteration_early_is_allowed(db: Any) -> None:
    async for item in db.query(Entry).where("feed", "in", ["a", "b"]):
        assert item.at == 0
        break


def test_both_faces_have_the_same_steps() -> None:
    from dynamodb_wrapper.query.awaiting import AsyncQueryBuilder
    from dynamodb_wrapper.query.blocking import QueryBuilder

    def public(of: type) -> set[str]:
        return {name for name in dir(of) if not name.startswith("_")}

    assert public(QueryBuilder) == public(AsyncQueryBuilder)
    assert AsyncDynamoDB.query.__doc__ == DynamoDB.query.__doc__
