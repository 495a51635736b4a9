"""The general client: any model, queries that plan and explain themselves, and a transaction.

Run `python examples/products.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from typing import ClassVar

from dynamodb_wrapper import GSI, AsyncDynamoDB, DynamoDB, DynamoDBConfig, DynamoDBModel, View
from dynamodb_wrapper.exceptions import TransactionCanceledError, ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.plugins import RetryPlugin, RetryPolicy


class Product(DynamoDBModel):
    """What is stored; the planner reads its Meta."""

    id: str
    name: str
    category: str
    price: Decimal
    stock: int = 0

    class Meta:
        """By id; the index lists a category by price."""

        table_name = "products"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByCategory", "category", "price")]


class Label(View):
    """What a price label needs."""

    id: str
    name: str | None = None
    price: Decimal | None = None


def fill(db: DynamoDB) -> None:
    """Make the table from the model's Meta and put 60 products into it."""
    db.delete_table(Product)
    db.create_table(Product)
    products = [
        Product(
            id=f"p{number:02}",
            name=f"Product {number}",
            category=("electronics", "books")[number % 2],
            price=Decimal(number * 40),
            stock=number % 3,
        )
        for number in range(60)
    ]
    db.batch_write(Product, puts=products)


def items(db: DynamoDB) -> None:
    """One item, and several by their keys."""
    db.put(Product(id="draft", name="Draft", category="books", price=Decimal(1)))
    draft = db.update(Product, "draft", {"price": Decimal(2)})
    print("one item:", draft.price, db.get(Product, "draft") == draft, db.delete(Product, "draft"))
    found = db.batch_get(Product, ["p07", "draft", "p03"])
    print("by their keys:", ", ".join(product.name if product else "none" for product in found))


def pages(db: DynamoDB) -> None:
    """Ask for pages, in both directions."""
    page = (
        db.query(Product)
        .where("category", "=", "electronics")
        .where(Product.price < 1000)
        .select("id", "name", "price")
        .paginate(20)
        .execute()
    )
    print(f"a page, {page.count} products: {page.items[0].name} to {page.items[-1].name}")
    cheap = db.query(Product).where(Product.category == "electronics", Product.price < 1000)
    print(cheap.explain())
    first = cheap.paginate(8).execute()
    second = cheap.paginate(8, first.next_key).execute()
    print(f"pages of 8: {first.count} and {second.count}, and there is {second.next_key or 'nothing'} after")
    print("back again:", cheap.paginate(8, second.previous_key).execute().items == first.items)


def answers(db: DynamoDB) -> None:
    """The other ways to have the answer."""
    books = db.query(Product).where("category", "=", "books")
    dearest = books.order(ascending=False).first()
    print(f"the dearest book: {dearest.name if dearest else None}")
    print(f"{books.count()} books; {len(books.where('stock', '>', 0).all())} of them in stock")
    print("labels:", ", ".join(f"{label.name} {label.price}" for label in books.as_(Label).limit(2)))
    both = db.query(Product).where("category", "in", ["books", "electronics"]).where(Product.price >= 2240)
    print("of both categories by price:", ", ".join(product.id for product in both))
    print(f"which cost {both.last_cost.requests} requests for {both.last_cost.scanned} items")
    try:
        db.query(Product).where("stock", "=", 2).all()
    except ValidationError as error:
        print("refused; an index would help:", error.context["meta"].split("\n")[-2].strip())


def transaction(db: DynamoDB) -> None:
    """All of it or nothing."""
    item = Product(id="new", name="New", category="books", price=Decimal(1))
    db.transaction().put(item).update(Product, "p01", {"stock": 9}).delete(Product, "p03").check(
        Product, "p05", Product.stock > 0
    ).execute()
    print("all of it:", db.get(Product, "new") is not None, db.get(Product, "p03") is None)
    try:
        db.transaction().delete(Product, "new").check(Product, "p06", Product.stock > 0).execute()
    except TransactionCanceledError as error:
        print("nothing of it:", db.get(Product, "new") is not None, [reason.code for reason in error.reasons])


async def awaited(config: DynamoDBConfig) -> None:
    """The same steps on the awaiting client; iterating reads one page ahead."""
    async with AsyncDynamoDB(config) as db:
        query = db.query(Product).where("category", "=", "electronics").where(Product.price > 2000)
        print("awaited:", [product.id async for product in query], await query.count())


def main() -> None:
    """Show the client on an engine."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="shop_")
        with DynamoDB(config).use(RetryPlugin(RetryPolicy(attempts=5))) as db:
            fill(db)
            items(db)
            pages(db)
            answers(db)
            transaction(db)
        asyncio.run(awaited(config))


if __name__ == "__main__":
    main()
