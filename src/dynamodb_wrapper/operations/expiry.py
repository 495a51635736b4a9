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

from dynamodb_wrapper.expressions import Between, Condition, Not, Path
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.wire.plain import stored_fields

M = TypeVar("M", bound=BaseModel)
FIVE_YEARS_SECONDS = 5 * 365 * 86_400


def not_expired(schema: TableSchema[Any], now: float | None = None) -> Condition | None:
    """The condition that an item is not expired; None for a model without `Meta.ttl`.

    Parameters:
        now: seconds since 1970; the time of this machine where none is given.
    """
    if schema.ttl is None:
        return None
    last = int(time.time() if now is None else now)
    first, end = ({"N": str(moment)} for moment in (last - FIVE_YEARS_SECONDS, last))
    return Not(Between(Path((schema.ttl,)), Wire(first), Wire(end)))


def is_expired(item: BaseModel, now: float | None = None) -> bool:
    """Whether an item that was read is expired; `now` as for `not_expired`."""
    schema = schema_of(type(item))
    if schema.ttl is None:
        return False
    ends = _seconds(item.__dict__.get(_field(type(item), schema.ttl)))
    last = time.time() if now is None else now
    return ends is not None and last - FIVE_YEARS_SECONDS <= ends <= last


def unexpired(item: M | None) -> M | None:
    """The item, or None where it is expired."""
    return None if item is None or is_expired(item) else item


def all_unexpired(items: Iterable[M | None]) -> list[M | None]:
    """The items in their order, None for each that is expired."""
    return [unexpired(item) for item in items]


def _field(model: type[BaseModel], attribute: str) -> str:
    names: Mapping[str, str] = {field.attribute: field.name for field in stored_fields(model)}
    return names[attribute]


def _seconds(value: object) -> float | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, int | float | Decimal):
        return float(value)
    return None
