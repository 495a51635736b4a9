"""Shards of an index key: one value spread over several, so that no one partition takes all its writes.

Knows how an item's shard is found and what is stored for it. Must not know Meta, nor queries. A physical
partition takes 1,000 write units a second (Developer Guide, "Best practices for designing and using partition
keys"), and so does all of an index that has one partition key value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from decimal import Context, Decimal
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Struct

from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.sizes import PARTITION_KEY_LIMIT
from dynamodb_wrapper.wire.values import WireValue

FEWEST_SHARDS: Final = 2
MOST_SHARDS: Final = 200
"""200 shards take 200,000 writes a second, five times what a table gets without asking (40,000 write units,
"Quotas in Amazon DynamoDB"), while each listing needs at least one request for every shard."""
SEPARATOR: Final = "#"
LONGEST_SHARDED: Final = PARTITION_KEY_LIMIT - len(f"{SEPARATOR}{MOST_SHARDS - 1}")
"""The most bytes of a value that is spread, so that it is a key with its shard behind it."""
_EXACT = Context(prec=40)
_encode = msgspec.json.Encoder(order="sorted").encode


class Shards(Struct, frozen=True):
    """How the partition key of an index is spread.

    Parameters:
        field: the attribute that Meta names as the partition key.
        count: over how many shards its values are spread.
    """

    field: str
    count: int

    @property
    def attribute(self) -> str:
        """The attribute that is the partition key of the index in its place, such as `is_active#8`."""
        return f"{self.field}{SEPARATOR}{self.count}"

    def keys(self, value: WireValue) -> tuple[WireValue, ...]:
        """The keys that items with a value of the field have, one for each shard."""
        text = _text(value)
        return tuple({"S": f"{text}{SEPARATOR}{shard}"} for shard in range(self.count))


class ShardKey(Struct, frozen=True):
    """How the sharded key of an item is made; used as a `Template` is.

    Parameters:
        shards: how the index is spread.
        primary: the attributes of the table's primary key, of which the shard is a hash: it never changes.
    """

    shards: Shards
    primary: tuple[str, ...]

    @property
    def attribute(self) -> str:
        """The attribute that is made."""
        return self.shards.attribute

    @property
    def fields(self) -> tuple[str, ...]:
        """The attributes of which it is made."""
        return tuple(dict.fromkeys((self.shards.field, *self.primary)))

    def render(self, item: Mapping[str, WireValue]) -> WireValue | None:
        """The sharded key of an item in wire form; None where it has no value for the field.

        Raises:
            Refused: the value cannot stand in a key.
        """
        value = item.get(self.shards.field)
        if value is None or "NULL" in value:
            return None
        if not value.keys() <= {"S", "N", "BOOL"}:
            raise Refused("only a text, a number or a bool can be spread over shards").inside(
                self.shards.field
            )
        text = _text(value)
        if not 0 < len(text.encode()) <= LONGEST_SHARDED:
            raise Refused(f"a key that is spread over shards has 1 to {LONGEST_SHARDED} bytes").inside(
                self.shards.field
            )
        return {"S": f"{text}{SEPARATOR}{self.shard_of(item)}"}

    def shard_of(self, item: Mapping[str, WireValue]) -> int:
        """The shard of an item: the same for ever, in every process."""
        parts = [(next(iter(item[name])), _text(item[name])) for name in self.primary]
        digest = hashlib.blake2b(_encode(parts), digest_size=8).digest()
        return int.from_bytes(digest) % self.shards.count


def shards_of(
    count: object,
    index: str,
    partition: tuple[str, ...],
    key_type: str,
    *,
    table_key: str,
    made: Collection[str],
    taken: Collection[str],
    fail: Callable[[str], NoReturn],
) -> Shards | None:
    """The shards that an index of a Meta asks for; None where it asks for none.

    Parameters:
        count: what stands in Meta.
        partition: the index's partition attributes.
        key_type: the key type of the first of them.
        table_key: the partition attribute of the table.
        made: the keys that templates make.
        taken: the names of all attributes.
        fail: told what is wrong and how to mend it; raises.
    """
    if count is None:
        return None
    if type(count) is not int or not FEWEST_SHARDS <= count <= MOST_SHARDS:
        fail(f"shards of {index} is {count!r}: make it a whole number from {FEWEST_SHARDS} to {MOST_SHARDS}")
    if len(partition) != 1:
        fail(
            f"{index} has shards and a partition key of several attributes, {', '.join(partition)}: spread "
            "one attribute only, or none"
        )
    field = partition[0]
    if field == table_key:
        fail(
            f"{index} has shards of {field}, which is the table's own partition key: the table is not spread "
            "by that, so take shards out"
        )
    if field in made:
        fail(f"{index} has shards of {field}, which a template makes: name a field as its partition_key")
    if key_type == "B":
        fail(f"{index} has shards of {field}, which holds bytes: spread a text, a number or a bool")
    shards = Shards(field, count)
    if shards.attribute in taken:
        fail(f"{index} needs an attribute {shards.attribute!r}, which is a field: give that another alias")
    return shards


def _text(value: Mapping[str, Any]) -> str:
    """The same text for equal values of a type."""
    ((tag, content),) = value.items()
    if tag == "N":
        return format(Decimal(content).normalize(_EXACT) or Decimal(0), "f")
    if tag == "BOOL":
        return "true" if content else "false"
    return content if isinstance(content, str) else content.hex()
