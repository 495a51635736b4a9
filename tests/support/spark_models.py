"""Models of the tests of Spark, where executors can import them too."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from dynamodb_wrapper import GSI, DynamoDBModel


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    count: int = 1
    note: str | None = None


class Everything(BaseModel):
    """An attribute of every kind."""

    pk: str
    sk: int
    text: str | None = None
    whole: int | None = None
    real: float | None = None
    exact: Annotated[Decimal, Field(max_digits=38, decimal_places=6)] | None = None
    wide: Decimal | None = None
    flag: bool | None = None
    raw: bytes | None = None
    at: datetime | None = None
    day: date | None = None
    colour: Colour | None = None
    tags: set[str] | None = None
    codes: set[int] | None = None
    blobs: set[bytes] | None = None
    line: Line | None = None
    lines: list[Line] = []
    prices: dict[str, Decimal] = {}
    anything: Any = None

    class Meta:
        table_name = "everything"
        partition_key = "pk"
        sort_key = "sk"


class Order(BaseModel):
    """Enough keys and indexes for every kind of plan."""

    customer: str
    number: int
    status: str = "open"
    total: Decimal = Decimal(0)
    weight: float | None = None
    placed: datetime | None = None
    urgent: bool = False
    expires: int | None = None

    class Meta:
        table_name = "orders"
        partition_key = "customer"
        sort_key = "number"
        ttl = "expires"
        gsis = (GSI("ByStatus", "status", "total"), GSI("ByNumber", "status", "number", "KEYS_ONLY"))


class Account(BaseModel):
    """With an optimistic lock."""

    name: str
    balance: int = 0
    note: str | None = None
    version: int = 0

    class Meta:
        table_name = "accounts"
        partition_key = "name"
        version = "version"


class Visit(BaseModel):
    """With values that the model fills in itself, anew each time or not."""

    page: str
    seconds: int
    seen: datetime = Field(default_factory=lambda: datetime.now(UTC))
    tags: list[str] = Field(default_factory=list)

    class Meta:
        table_name = "visits"
        partition_key = "page"


class Parcel(BaseModel):
    """Of a single table: keys made of fields, a type, and a time to live."""

    customer: str
    number: int
    tags: set[str] | None = None
    until: datetime | None = None

    class Meta:
        table_name = "parcels"
        partition_key = "pk"
        sort_key = "sk"
        templates: ClassVar = {"pk": "CUSTOMER#{customer}", "sk": "PARCEL#{number:06d}"}
        ttl = "until"


class Day(DynamoDBModel):
    """The flights of a day from an airport."""

    origin: str
    day: int
    flights: int

    class Meta:
        table_name = "days"
        partition_key = "origin"
        sort_key = "day"
