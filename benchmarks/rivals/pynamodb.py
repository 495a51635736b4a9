"""PynamoDB: models with attributes of its own.

It reads times only with the offset `+0000`, and numbers as floats, so times and decimals here have small
attribute classes, as its documentation shows for formats of one's own.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import NUMBER, STRING
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from benchmarks import items


class IsoAttribute(Attribute[datetime]):
    """A time as ISO 8601."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """As it is stored."""
        return value.isoformat(timespec="microseconds")

    def deserialize(self, value: str) -> datetime:
        """As it is read."""
        return datetime.fromisoformat(value)


class DecimalAttribute(Attribute[Decimal]):
    """An exact number."""

    attr_type = NUMBER

    def serialize(self, value: Decimal) -> str:
        """As it is stored."""
        return str(value)

    def deserialize(self, value: str) -> Decimal:
        """As it is read."""
        return Decimal(value)


class Rival:
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.flat = flat_model(endpoint, items.FLAT)
        self.written = flat_model(endpoint, items.WRITTEN)
        self.nested = _nested_model(endpoint)

    def close(self) -> None:
        """Nothing to end."""

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        for pk, sk in items.some_keys(count):
            self.flat.get(pk, sk)
        return count

    def put(self, count: int) -> int:
        """Put one item over and over."""
        item = self._written(1)[0]
        for _ in range(count):
            item.save()
        return count

    def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        model = self.written
        for pk, sk in items.some_keys(count):
            model(pk, sk).update(
                actions=[model.age.set(40), model.name.set("new")], condition=model.pk.exists()
            )
        return count

    def query_flat_models(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(len(list(self.flat.query(items.FIRST))) for _ in range(count))

    def query_nested_models(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(len(list(self.nested.query(items.FIRST))) for _ in range(count))

    def query_projected_models(self, count: int) -> int:
        """Query five attributes of 1,000 FLAT items."""
        names = list(items.PROJECTION)
        return sum(len(list(self.flat.query(items.FIRST, attributes_to_get=names))) for _ in range(count))

    def batch_write(self, count: int) -> int:
        """Put many items."""
        with self.written.batch_write() as batch:
            for item in self._written(count):
                batch.save(item)
        return count

    def batch_get(self, count: int) -> int:
        """Read by key."""
        return len(list(self.flat.batch_get(list(items.some_keys(count)))))

    def scan_threads(self, count: int) -> int:
        """Scan the table in segments, a thread for each."""
        from concurrent.futures import ThreadPoolExecutor

        def read(segment: int) -> list[Any]:
            return list(self.flat.scan(segment=segment, total_segments=items.SEGMENTS))

        with ThreadPoolExecutor(items.SEGMENTS) as pool:
            return sum(len(part) for part in pool.map(read, range(items.SEGMENTS)))

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        connection = Connection(region=items.REGION, host=self._endpoint)
        for _ in range(count):
            with TransactWrite(connection=connection) as transaction:
                for item in self._written(items.TRANSACTION):
                    transaction.save(item)
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        return sum(1 for _ in flat_model(self._endpoint, items.MANY).scan())

    def models_20(self, count: int) -> int:
        """Get an item through each of 20 models."""
        models = [flat_model(self._endpoint, items.FLAT) for _ in range(20)]
        for model, (pk, sk) in zip(models, items.some_keys(20), strict=True):
            model.get(pk, sk)
        return 20

    @cache  # noqa: B019 - one object for the life of the process
    def _written(self, count: int) -> list[Any]:
        return [self.written(**items.flat(number)) for number in range(count)]


def flat_model(endpoint: str, table: str) -> Any:
    """The model of FLAT items in that table."""

    class Flat(Model):
        class Meta:
            table_name = table
            region = items.REGION
            host = endpoint

        pk = UnicodeAttribute(hash_key=True)
        sk = UnicodeAttribute(range_key=True)
        name = UnicodeAttribute()
        email = UnicodeAttribute()
        age = NumberAttribute()
        score = NumberAttribute()
        balance = DecimalAttribute()
        active = BooleanAttribute()
        note = UnicodeAttribute(null=True)
        created_at = IsoAttribute()

    return Flat


def _nested_model(endpoint: str) -> Any:
    class Nested(Model):
        class Meta:
            table_name = items.NESTED
            region = items.REGION
            host = endpoint

        pk = UnicodeAttribute(hash_key=True)
        sk = UnicodeAttribute(range_key=True)
        name = UnicodeAttribute()
        version = NumberAttribute()
        enabled = BooleanAttribute()
        status = UnicodeAttribute()
        tags = ListAttribute(of=UnicodeAttribute)
        config = MapAttribute()
        created_at = IsoAttribute()
        updated_at = IsoAttribute()

    return Nested
