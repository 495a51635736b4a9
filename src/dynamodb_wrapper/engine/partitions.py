"""What a call is about: which side of a table's throughput it uses, which index, and which partition.

Knows the service's requests (API Reference of the actions). Must not know schemas: the name of a table's
partition key is learned from the calls that pass; in a key it stands first, as in every key of this library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.engine.bodies import WRITES
from dynamodb_wrapper.engine.flow import Call

_EQUALITY: Final = re.compile(r"(#?[\w.-]+)\s*=\s*(:\w+)")

Partition: TypeAlias = tuple[str, str, str, str]
"""Table, index ("" for the table itself), and the type and text of the partition key's value."""


def is_write(call: Call) -> bool:
    """Whether a call uses write capacity."""
    return call.action in WRITES or not call.repeatable


class Partitions:
    """Says which partition a call is about, and learns the names of partition keys meanwhile."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, call: Call) -> None:
        """Take note of the name of the table's partition key, if the call shows it."""
        if call.table not in self._names and (name := _named_by(call, call.body)):
            self._names[call.table] = name

    def of(self, call: Call) -> Partition | None:
        """The one partition that a call is about; None where it is about several, or nobody can tell."""
        body: Mapping[str, Any] = call.body
        if len(actions := body.get("TransactItems", ())) == 1:
            (body,) = actions[0].values()
        if (condition := body.get("KeyConditionExpression")) is not None:
            return self._of_query(call.table, body, condition)
        key = body.get("Key") or body.get("Item")
        if not key:
            return None
        return _partition(call.table, "", key.get(self._names.get(call.table) or _named_by(call, body)))

    def _of_query(self, table: str, body: Mapping[str, Any], condition: str) -> Partition | None:
        index, own = body.get("IndexName", ""), self._names.get(table)
        names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
        equal = {names.get(name, name): values.get(value) for name, value in _EQUALITY.findall(condition)}
        if not index and own in equal:
            return _partition(table, "", equal[own])
        return _partition(table, index, next(iter(equal.values()), None))


def _named_by(call: Call, body: Mapping[str, Any]) -> str:
    """The name of the partition key as the call has it; empty where it has none."""
    return call.partition_key or next(iter(body.get("Key", ())), "")


def _partition(table: str, index: str, value: Mapping[str, Any] | None) -> Partition | None:
    if not value:
        return None
    kind, content = next(iter(value.items()))
    return table, index, kind, str(content)
