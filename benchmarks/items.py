"""The items that every library reads and writes, and the tables they lie in.

Knows plain Python values and DynamoDB's wire form. Must not import a library, nor anything slow: it is part
of every cold start that is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

FLAT: Final = "flat"
"""Table of FLAT items: ten scalars each, 1,000 under one partition key; nobody writes to it."""
NESTED: Final = "nested"
"""Table of 1,000 NESTED items under one partition key: six scalars, two times, a list and a map of maps."""
WRITTEN: Final = "written"
"""Table of FLAT items that is written to."""
MANY: Final = "many"
"""Table of FLAT items for streaming; only as large as the case wants it."""
TABLES: Final = (FLAT, NESTED, WRITTEN, MANY)

PAGE: Final = 1000
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "benchmark"
SECRET_KEY: Final = "benchmark"
PROJECTION: Final = ("pk", "sk", "name", "balance", "created_at")
TRANSACTION: Final = 25
SEGMENTS: Final = 4
PROCESSES: Final = 2


def partition(number: int) -> str:
    """The partition key of the items that begin at 1,000 times `number`."""
    return f"p{number:05}"


FIRST: Final = partition(0)


def key(number: int) -> tuple[str, str]:
    """The key of an item by its number."""
    return partition(number // PAGE), f"{number % PAGE:04}"


def flat(number: int) -> dict[str, Any]:
    """A FLAT item as Python values: Decimal, bool, nullable and time among its ten scalars."""
    pk, sk = key(number)
    return {
        "pk": pk,
        "sk": sk,
        "name": f"name of item {number}",
        "email": f"user{number}@example.com",
        "age": 18 + number % 70,
        "score": number * 7919,
        "balance": Decimal(number * 7919 % 1_000_000 + 1) / 100,
        "active": number % 3 != 0,
        "note": None if number % 2 else f"a note on item {number}",
        "created_at": datetime(
            2026, 1, 1 + number % 28, number % 24, 0, 30, 1 + number % 999_999, tzinfo=UTC
        ),
    }


def nested(number: int) -> dict[str, Any]:
    """A NESTED item as Python values."""
    pk, sk = key(number)
    return {
        "pk": pk,
        "sk": sk,
        "name": f"pipeline {number}",
        "version": number % 9,
        "enabled": number % 3 != 0,
        "status": "running",
        "tags": ["a", "b", f"tag {number}"],
        "config": {
            "retries": 3,
            "path": f"bucket/{number}",
            "nested": {"limits": [1, 2, number], "on": True},
        },
        "created_at": datetime(2026, 1, 1 + number % 28, 12, 0, 0, 1 + number, tzinfo=UTC),
        "updated_at": datetime(2026, 2, 1 + number % 28, 12, 0, 0, 1 + number, tzinfo=UTC),
    }


def stored(item: dict[str, Any]) -> dict[str, Any]:
    """An item with its times as the strings they are stored as, for libraries that have no type for them."""
    return {name: _stored(value) for name, value in item.items()}


@cache
def stored_flats(count: int) -> list[dict[str, Any]]:
    """The first FLAT items as they are stored, made once."""
    return [stored(flat(number)) for number in range(count)]


def _stored(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def wire(value: Any) -> dict[str, Any]:
    """A Python value as the service has it."""
    value = _stored(value)
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (int, Decimal)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [wire(part) for part in value]}
    return {"M": {name: wire(part) for name, part in value.items()}}


def wire_items(make: Any, count: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """Items by number in the service's form."""
    for number in range(start, start + count):
        yield {name: wire(value) for name, value in make(number).items()}


def some_keys(count: int) -> Iterator[tuple[str, str]]:
    """`count` keys of the first 1,000 items, over and over."""
    keys = [key(number) for number in range(PAGE)]
    for _ in range(count // PAGE):
        yield from keys
    yield from keys[: count % PAGE]
