"""What makes up the key of each table's items.

Knows requests and DescribeTable. Must not know what is kept. A put shows an item and not which of its
attributes are the key; every other request by key shows that, and DescribeTable tells where none was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Send
from dynamodb_wrapper.exceptions import DynamoDBWrapperError

UNKNOWN_SECONDS = 60.0  # after which a table that could not be described is asked for again


class _Element(Struct):
    AttributeName: str


class _Table(Struct):
    KeySchema: list[_Element]


class _Described(Struct):
    Table: _Table


_described = msgspec.json.Decoder(_Described)


class Tables:
    """The key attributes of tables, as far as they are known."""

    def __init__(self) -> None:
        self._names: dict[str, Sequence[str]] = {}
        self._asked: dict[str, float] = {}

    def learn(self, table: str, key: Mapping[str, Any]) -> None:
        """Take note of a key that the service has accepted."""
        if table not in self._names:
            self._names[table] = tuple(key)

    def known(self, table: str) -> Sequence[str] | None:
        """The key attributes of a table, where they are known already."""
        return self._names.get(table)

    def forget(self, table: str) -> None:
        """A table of that name may be made with another key."""
        self._names.pop(table, None)
        self._asked.pop(table, None)

    def find(self, send: Send, tables: Iterable[str]) -> Flow[None]:
        """Ask the service for those that are not known; where it does not say, they stay so."""
        for table in tables:
            asked = self._asked.get(table)
            if table in self._names or (asked is not None and monotonic() < asked + UNKNOWN_SECONDS):
                continue
            self._asked[table] = monotonic()
            try:
                reply = yield from send(Call("DescribeTable", {"TableName": table}, table))
                elements = _described.decode(reply).Table.KeySchema
            except (DynamoDBWrapperError, msgspec.MsgspecError):
                continue
            self._names[table] = tuple(element.AttributeName for element in elements)
