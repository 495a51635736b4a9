"""Expiry: which items are past their time (`Meta.ttl`) although the service has not deleted them yet.

DynamoDB deletes expired items within days and reads give them until then. It never deletes an item whose time
lies more than five years back, nor one whose attribute is no number (Developer Guide, "Using time to live"),
so that these are not expired here either. Must not know calls.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.expressions import AnyOf, Between, Condition, Missing, Not, Path
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.wire.plain import stored_fields
from dynamodb_wrapper.wire.values import WireItem

M = TypeVar("M", bound=BaseModel)
FIVE_YEARS_SECONDS = 5 * 365 * 86_400


def not_expired(schema: TableSchema[Any], now: float | None = None) -> Condition | None:
    """The condition that an item is not expired; None for a model without `Meta.ttl`.

    Parameters:
        now: seconds since 1970; the time of this machine where none is given.
    """
    over = expired(schema, now)
    return None if over is None else Not(over)


def expired(schema: TableSchema[Any], now: float | None = None) -> Condition | None:
    """The condition that an item is expired; parameters as for `not_expired`."""
    if schema.ttl is None:
        return None
    last = int(time.time() if now is None else now)
    first, end = ({"N": str(moment)} for moment in (last - FIVE_YEARS_SECONDS, last))
    return Between(Path((schema.ttl,)), Wire(first), Wire(end))


def missing(schema: TableSchema[Any]) -> Condition:
    """The condition that there is no item; one that is expired is none."""
    absent, over = Missing(Path((schema.partition_key,))), expired(schema)
    return absent if over is None else AnyOf((absent, over))


def is_over(schema: TableSchema[Any], item: WireItem | None, now: float | None = None) -> bool:
    """Whether an item in wire form is expired; `now` as for `not_expired`."""
    stored = (item or {}).get(schema.ttl or "", {}).get("N")
    return stored is not None and _is_past(float(stored), now)


def is_expired(item: BaseModel, now: float | None = None) -> bool:
    """Whether an item that was read is expired; `now` as for `not_expired`."""
    schema = schema_of(type(item))
    if schema.ttl is None:
        return False
    ends = _seconds(item.__dict__.get(_field(type(item), schema.ttl)))
    return ends is not None and _is_past(ends, now)


def unexpired(item: M | None) -> M | None:
    """The item, or None where it is expired."""
    return None if item is None or is_expired(item) else item


def all_unexpired(items: Iterable[M | None]) -> list[M | None]:
    """The items in their order, None for each that is expired."""
    return [unexpired(item) for item in items]


def _is_past(ends: float, now: float | None) -> bool:
    last = time.time() if now is None else now
    return last - FIVE_YEARS_SECONDS <= ends <= last


def _field(model: type[BaseModel], attribute: str) -> str:
    names: Mapping[str, str] = {field.attribute: field.name for field in stored_fields(model)}
    return names[attribute]


def _seconds(value: object) -> float | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, int | float | Decimal):
        return float(value)
    return None
