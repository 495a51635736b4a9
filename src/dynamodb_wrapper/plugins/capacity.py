"""What a reply tells of itself: the capacity that a call consumed, and how many items it carried.

Knows the service's `ReturnConsumedCapacity` and the members of its replies. Must not know who counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.bodies import ITEM_ACTIONS, READS, STATEMENTS, WRITES, only_reads, statements
from dynamodb_wrapper.engine.flow import Call, Reply

_OPTION: Final = "ReturnConsumedCapacity"
_MEMBER: Final = "ConsumedCapacity"
_UNASKED: Final = (None, "NONE")


class Units(Struct, frozen=True):
    """What a call consumed of a table, or of one of its indexes.

    Parameters:
        index: its name, "" for the table itself.
    """

    table: str
    index: str
    read: float = 0.0
    write: float = 0.0


class _Capacity(Struct):
    CapacityUnits: float = 0.0
    ReadCapacityUnits: float | None = None
    WriteCapacityUnits: float | None = None


class _Consumed(_Capacity):
    TableName: str = ""
    Table: _Capacity | None = None
    LocalSecondaryIndexes: dict[str, _Capacity] | None = None
    GlobalSecondaryIndexes: dict[str, _Capacity] | None = None


_members = msgspec.json.Decoder(dict[str, Raw])
_one = msgspec.json.Decoder(_Consumed)
_many = msgspec.json.Decoder(list[_Consumed])
_lists = msgspec.json.Decoder(dict[str, list[Raw]])
_list = msgspec.json.Decoder(list[Raw])
_number = msgspec.json.Decoder(int)
_encode = msgspec.json.Encoder().encode


def asking(call: Call) -> Call:
    """The same call, asking for what it consumes of the table and each index, unless it asks already."""
    if call.action not in ITEM_ACTIONS or call.body.get(_OPTION) not in _UNASKED:
        return call
    return replace(call, body=call.body | {_OPTION: "INDEXES"})


class Contents:
    """The members of a reply to a call, none of them decoded before it is asked for."""

    def __init__(self, call: Call, reply: Reply) -> None:
        self._call = call
        self._reply = reply
        self._members: dict[str, Raw] = _members.decode(reply) if call.action in ITEM_ACTIONS else {}

    def unasked(self) -> Reply:
        """The reply as one has it who did not ask for the consumed capacity."""
        if _MEMBER not in self._members:
            return self._reply
        return _encode({name: raw for name, raw in self._members.items() if name != _MEMBER})

    def totals(self) -> Iterator[tuple[str, float]]:
        """Each table and the units consumed of it and its indexes together, where the reply tells."""
        for consumed in self._consumed():
            yield consumed.TableName or self._call.table, consumed.CapacityUnits

    def units(self) -> Iterator[Units]:
        """What was consumed of each table and index, where the reply tells."""
        for consumed in self._consumed():
            yield from self._of(consumed)

    def _consumed(self) -> Sequence[_Consumed]:
        raw = self._members.get(_MEMBER)
        if raw is None:
            return ()
        return _many.decode(raw) if bytes(raw)[:1] == b"[" else (_one.decode(raw),)

    def _of(self, consumed: _Consumed) -> Iterator[Units]:
        table = consumed.TableName
        if consumed.Table is None:  # only the sum was asked for
            yield self._units(table, self._call.body.get("IndexName", ""), consumed)
            return
        yield self._units(table, "", consumed.Table)
        for indexes in (consumed.LocalSecondaryIndexes, consumed.GlobalSecondaryIndexes):
            for index, capacity in (indexes or {}).items():
                yield self._units(table, index, capacity)

    def _units(self, table: str, index: str, capacity: _Capacity) -> Units:
        if capacity.ReadCapacityUnits is None and capacity.WriteCapacityUnits is None:
            if _reads(self._call):
                return Units(table, index, read=capacity.CapacityUnits)
            return Units(table, index, write=capacity.CapacityUnits)
        return Units(table, index, capacity.ReadCapacityUnits or 0.0, capacity.WriteCapacityUnits or 0.0)

    def items(self) -> Iterator[tuple[str, int]]:
        """How many items were read or written, each number with its table."""
        action, table, members = self._call.action, self._call.table, self._members
        if action in ("PutItem", "UpdateItem", "DeleteItem"):
            yield table, 1
        elif action == "GetItem":
            yield table, int("Item" in members)
        elif (count := members.get("Count")) is not None:
            yield table, _number.decode(count)
        elif action == "BatchGetItem":
            for name, items in _lists.decode(members.get("Responses", b"{}")).items():
                yield name, len(items)
        elif action == "BatchWriteItem":
            left = _lists.decode(members.get("UnprocessedItems", b"{}"))
            for name, requests in self._call.body["RequestItems"].items():
                yield name, len(requests) - len(left.get(name, ()))
        elif action in ("TransactWriteItems", "TransactGetItems"):
            yield from _tables(self._call.body["TransactItems"])
        elif action in STATEMENTS:
            yield table, len(_list.decode(members.get("Items", members.get("Responses", b"[]"))))


def _reads(call: Call) -> bool:
    if call.action in READS:
        return True
    if call.action in WRITES:
        return False
    return all(map(only_reads, statements(call.body)))


def _tables(actions: list[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    for action in actions:
        for member in action.values():
            yield member["TableName"], 1
