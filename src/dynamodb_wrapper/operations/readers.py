"""What replies become: plain values, or a model's instances by its codec.

Knows the members of replies. Must not know requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypedDict, TypeVar

import msgspec

from dynamodb_wrapper.engine.flow import Reply
from dynamodb_wrapper.wire import values
from dynamodb_wrapper.wire.values import WireItem, WireValue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ReadPage(Protocol[T_co]):
    """A page as a reader gives it."""

    @property
    def items(self) -> Sequence[T_co]:
        """The items of the page."""
        ...

    @property
    def last_evaluated_key(self) -> WireItem | None:
        """The start of the next page in wire form, or None at the end."""
        ...

    @property
    def count(self) -> int:
        """How many items the page has, also where only the count was asked for."""
        ...


class Reader(Protocol[T_co]):
    """Turns replies into items; a model's `Codec` is one."""

    def read_item(self, reply: Reply, member: str = "Item", *, table: str = "") -> T_co | None:
        """The item in that member of the reply, or None."""
        ...

    def read_page(self, reply: Reply, *, table: str = "") -> ReadPage[T_co]:
        """The items of a Query or Scan reply."""
        ...

    def decode(self, item: Mapping[str, WireValue], *, table: str = "") -> T_co:
        """One item in wire form."""
        ...


class PlainReader:
    """Reads items as dicts of Python values."""

    def read_item(self, reply: Reply, member: str = "Item", *, table: str = "") -> dict[str, Any] | None:
        """See `Reader.read_item`."""
        return values.read_item(reply, member)

    def read_page(self, reply: Reply, *, table: str = "") -> ReadPage[dict[str, Any]]:
        """See `Reader.read_page`."""
        return values.read_page(reply)

    def decode(self, item: Mapping[str, WireValue], *, table: str = "") -> dict[str, Any]:
        """See `Reader.decode`."""
        return values.decode_item(item)


plain = PlainReader()


def read_list(reader: Reader[T], items: bytes, *, table: str = "") -> Sequence[T]:
    """The items in a JSON list of them, as the reply of a batch has them, read as those of one page."""
    return reader.read_page(b'{"Items":%b}' % items, table=table).items


def keys_in(items: bytes, key_fields: Sequence[str]) -> list[WireItem]:
    """The key attributes of each item in a JSON list, in wire form."""
    keys: list[WireItem] = _key_lists(tuple(key_fields)).decode(items)
    return keys


@lru_cache(maxsize=256)
def _key_lists(key_fields: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Reads lists of items, their key attributes only."""
    key: Any = TypedDict("Key", dict.fromkeys(key_fields, dict[str, str]))  # type: ignore[misc]
    return msgspec.json.Decoder(list[key])


class _RawPage(msgspec.Struct):
    Items: list[dict[str, msgspec.Raw]] = []


_raw_pages = msgspec.json.Decoder(_RawPage)


def key_at(reply: Reply, position: int, key_fields: Sequence[str]) -> WireItem:
    """The key attributes of one item of a page, in wire form."""
    item = _raw_pages.decode(reply).Items[position]
    return {name: msgspec.json.decode(item[name]) for name in key_fields}
