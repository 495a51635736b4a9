"""dyntastic: pydantic models over boto3's resource."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from dyntastic import A, Dyntastic, transaction

from benchmarks import items


class Rival:
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.flat = _flat_model(endpoint, items.FLAT)
        self.written = _flat_model(endpoint, items.WRITTEN)
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
        item = self._written(1)[0]
        for _ in range(count):
            item.update(A.age.set(40), A.name.set("new"), condition=A.pk.exists())
        return count

    def query_flat_models(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(len(list(self.flat.query(items.FIRST))) for _ in range(count))

    def query_nested_models(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(len(list(self.nested.query(items.FIRST))) for _ in range(count))

    def batch_write(self, count: int) -> int:
        """Put many items."""
        with self.written.batch_writer():
            for item in self._written(count):
                item.save()
        return count

    def batch_get(self, count: int) -> int:
        """Read by key, 100 a call, which is the most it takes."""
        keys = list(items.some_keys(count))
        return sum(len(self.flat.batch_get(keys[at : at + 100])) for at in range(0, count, 100))

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        for _ in range(count):
            with transaction():
                for item in self._written(items.TRANSACTION):
                    item.save()
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        return sum(1 for _ in _flat_model(self._endpoint, items.MANY).scan())

    def models_20(self, count: int) -> int:
        """Get an item through each of 20 models."""
        models = [_flat_model(self._endpoint, items.FLAT) for _ in range(20)]
        for model, (pk, sk) in zip(models, items.some_keys(20), strict=True):
            model.get(pk, sk)
        return 20

    @cache  # noqa: B019 - one object for the life of the process
    def _written(self, count: int) -> list[Any]:
        return [self.written(**items.flat(number)) for number in range(count)]


def _flat_model(endpoint: str, table: str) -> Any:
    class Flat(Dyntastic):
        __table_name__ = table
        __hash_key__ = "pk"
        __range_key__ = "sk"
        __table_region__ = items.REGION
        __table_host__ = endpoint

        pk: str
        sk: str
        name: str
        email: str
        age: int
        score: int
        balance: Decimal
        active: bool
        note: str | None = None
        created_at: datetime

    return Flat


def _nested_model(endpoint: str) -> Any:
    class Nested(Dyntastic):
        __table_name__ = items.NESTED
        __hash_key__ = "pk"
        __range_key__ = "sk"
        __table_region__ = items.REGION
        __table_host__ = endpoint

        pk: str
        sk: str
        name: str
        version: int
        enabled: bool
        status: str
        tags: list[str]
        config: dict[str, Any]
        created_at: datetime
        updated_at: datetime

    return Nested
