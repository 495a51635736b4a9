"""A domain of your own: a model, a view, a DTO, and about ten lines for its two APIs.

Run `python examples/own_domain.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from dynamodb_wrapper import GSI, Dto, DynamoDB, DynamoDBConfig, DynamoDBModel, ReadApi, View, WriteApi
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.timezones import utcnow


class Shelf(StrEnum):
    """Where a book stands."""

    FICTION = "fiction"
    SCIENCE = "science"


class Book(DynamoDBModel):
    """What is stored; Meta is all that keys, indexes and the table's creation are made from."""

    isbn: str
    title: str
    shelf: Shelf
    price: Decimal
    tags: set[str] = Field(default_factory=set)
    created_at: datetime = Field(default_factory=utcnow)
    updated_at: datetime = Field(default_factory=utcnow)

    class Meta:
        """By ISBN; the index lists a shelf by price."""

        table_name = "books"
        partition_key = "isbn"
        gsis = (GSI("ShelfIndex", "shelf", "price"),)


class BookView(View):
    """What is read."""

    isbn: str
    title: str | None = None
    price: Decimal | None = None
    updated_at: datetime | None = None


class BookUpsert(Dto):
    """What is written."""

    isbn: str = Field(pattern=r"^[0-9]{13}$")
    title: str = Field(min_length=1)
    shelf: Shelf
    price: Decimal = Field(ge=0)
    tags: set[str] = Field(default_factory=set)


class BookReadApi(ReadApi[Book, BookView]):
    """Reads books; `get`, `find`, `query`, `scan` and `count` are there already."""

    model, view = Book, BookView

    def query_by_shelf(
        self, shelf: Shelf, limit: int = 100, last_key: str | None = None
    ) -> tuple[list[BookView], str | None]:
        """List a shelf, the cheapest book first."""
        return self.query({"shelf": shelf}, "ShelfIndex", limit=limit, last_key=last_key)


class BookWriteApi(WriteApi[Book, BookUpsert]):
    """Writes books; `create`, `update`, `delete`, `upsert` and `upsert_many` are there already."""

    model, dto = Book, BookUpsert


def show(config: DynamoDBConfig) -> None:
    """Write, query by the index, page, and see what is refused."""
    with BookWriteApi(config) as write, BookReadApi(config) as read:
        first = BookUpsert(isbn="9780000000001", title="Time", shelf=Shelf.SCIENCE, price=Decimal("12.50"))
        write.create(first)
        write.upsert_many(
            [
                BookUpsert(
                    isbn=f"978000000000{n}", title=f"Volume {n}", shelf=Shelf.SCIENCE, price=Decimal(n)
                )
                for n in range(2, 7)
            ]
        )
        try:
            write.create(first)
        except ConflictError as error:
            print(f"conflict: {error.resource_id} is {error.current_item.title!r} already")
        try:
            write.update("9780000000001", {"price": Decimal("-1")})
        except ValidationError as error:
            print(f"refused: {error.errors}")
        try:
            write.update("9789999999999", {"title": "None"})
        except ItemNotFoundError as error:
            print(f"not found: {error.key['isbn']}")

        write.update("9780000000001", {"title": "A Brief History", "tags": {"time", "space"}})
        next_key: str | None = None
        while True:
            books, next_key = read.query_by_shelf(Shelf.SCIENCE, limit=4, last_key=next_key)
            print("page:", ", ".join(f"{book.title} {book.price}" for book in books))
            if next_key is None:
                break
        print(f"{read.count({'shelf': Shelf.SCIENCE}, 'ShelfIndex')} books on the shelf")
        print(f"deleted: {write.delete('9780000000001')}, again: {write.delete('9780000000001')}")


def main() -> None:
    """Make the table from the model's Meta and show the domain."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="own_")
        with DynamoDB(config) as db:
            db.delete_table(Book)
            db.create_table(Book)
        show(config)


if __name__ == "__main__":
    main()
