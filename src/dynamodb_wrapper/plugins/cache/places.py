"""Where something stands in the cache, and what a store says of it.

Knows the members of requests. Must not know stores. A place is a table and a hash of a key or of a search, so
that neither a log nor the key space of Redis shows what items hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import InvalidOperation
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.bodies import resource
from dynamodb_wrapper.operations.marks import plain_number

PROJECTION = ("ProjectionExpression", "ExpressionAttributeNames", "AttributesToGet")
CAPACITY = "ReturnConsumedCapacity"
QUERIES = "query:"


class Place(Struct, frozen=True, gc=False):
    """One item, or one page of a search.

    Parameters:
        scope: what it goes with: the table's name, with "query:" before it for a page.
        digest: 16 bytes that no other item or page has.
    """

    scope: str
    digest: bytes


class Kept(Struct, frozen=True):
    """What Redis keeps of a place, and for how many seconds more."""

    value: bytes
    seconds: float


class Miss(Struct, frozen=True):
    """Nothing is kept; a lease to fill it, empty where it may not be; whether to read consistently."""

    lease: bytes
    is_recent: bool


class Begun(Struct, frozen=True):
    """A write that was told to Redis; `held` if Redis keeps nothing of the place until it ends."""

    place: Place
    token: str
    held: bool = False


def table_name(given: str) -> str:
    """The table's name, also where its ARN was given."""
    return resource(given)[0]


def item_place(table: str, key: Mapping[str, Any]) -> Place:
    """The place of an item: the same for equal keys, however a number in them is written.

    Parameters:
        key: in wire form; values may be encoded already (`msgspec.Raw`).
    """
    text = msgspec.json.encode(key, order="sorted")
    if b'"N"' in text:
        text = msgspec.json.encode(
            {name: _plain(value) for name, value in msgspec.json.decode(text).items()}, order="sorted"
        )
    return Place(table, _digest(table.encode(), text))


def query_place(action: str, table: str, body: Mapping[str, Any]) -> Place:
    """The place of a page: of the whole request, but for whether it asks what it cost."""
    asked = {name: value for name, value in body.items() if name != CAPACITY}
    text = msgspec.json.encode(asked, order="sorted")
    return Place(QUERIES + table, _digest(table.encode(), action.encode(), text))


def variant_of(request: Mapping[str, Any], schema_version: str) -> bytes:
    """Which form of an item a request asks for: empty for the whole item of the first schema.

    Parameters:
        request: of GetItem, or of one table in BatchGetItem.
    """
    projection = [request[name] for name in PROJECTION if name in request]
    if not (projection or schema_version):
        return b""
    return _digest(msgspec.json.encode([schema_version, projection], order="sorted"))


def _plain(value: Any) -> Any:
    number = value.get("N") if isinstance(value, dict) else None
    if not isinstance(number, str):
        return value
    try:
        return {"N": plain_number(number)}
    except InvalidOperation:  # the service will say so
        return value


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"\0".join(parts), digest_size=16).digest()
