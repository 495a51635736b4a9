"""Items in wire form: whole ones, some attributes of those on a page, and how many there are.

Knows the shape of replies. Must not know what the items are for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from dynamodb_wrapper.engine.flow import Reply
from dynamodb_wrapper.wire.values import ItemPage, WireItem, WireValue

T = TypeVar("T")


class _Page(msgspec.Struct, Generic[T]):
    Items: list[T] = []
    LastEvaluatedKey: WireItem | None = None
    Count: int = 0


_entries = msgspec.json.Decoder(_Page[dict[str, msgspec.Raw]])
_items = msgspec.json.Decoder(_Page[WireItem])
_counts = msgspec.json.Decoder(_Page[msgspec.Raw])


def entries_of(reply: Reply, fields: Sequence[str]) -> list[WireItem]:
    """Those attributes of each item of a page, in wire form."""
    return [
        {name: msgspec.json.decode(item[name]) for name in fields if name in item}
        for item in _entries.decode(reply).Items
    ]


class WireReader:
    """Reads items as they come."""

    def read_item(self, reply: Reply, member: str = "Item", *, table: str = "") -> WireItem | None:
        """See `Reader.read_item`."""
        item: WireItem | None = msgspec.json.decode(reply).get(member)
        return item

    def read_page(self, reply: Reply, *, table: str = "") -> ItemPage[WireItem]:
        """See `Reader.read_page`."""
        page = _items.decode(reply)
        return ItemPage(page.Items, page.LastEvaluatedKey or None, page.Count)

    def decode(self, item: Mapping[str, WireValue], *, table: str = "") -> WireItem:
        """See `Reader.decode`."""
        return dict(item)


class CountingReader:
    """Reads items as True, for those who only count them."""

    def read_item(self, reply: Reply, member: str = "Item", *, table: str = "") -> bool | None:
        """See `Reader.read_item`."""
        return None if wire_reader.read_item(reply, member) is None else True

    def read_page(self, reply: Reply, *, table: str = "") -> ItemPage[bool]:
        """See `Reader.read_page`."""
        page = _counts.decode(reply)
        count = page.Count or len(page.Items)
        return ItemPage([True] * count, page.LastEvaluatedKey or None, count)

    def decode(self, item: Mapping[str, WireValue], *, table: str = "") -> bool:
        """See `Reader.decode`."""
        return True


wire_reader = WireReader()
counting_reader = CountingReader()
