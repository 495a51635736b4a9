"""Unique attributes: the guard items that keep two items of a model from having one value.

DynamoDB knows uniqueness of keys only. For every value of an attribute in `Meta.unique` a guard stands in a
table of its own, `<table>_unique`, whose key is that value; it is written and removed in the transaction that
writes or removes the item. So guards never appear among the items of a scan, a stream or an export.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AnyOf, Compare, Condition, Missing, Path, all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.marks import mark, plain_number
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.transactions import TransactAction
from dynamodb_wrapper.schema import GUARD, TableSchema
from dynamodb_wrapper.wire.plaintext import MARK
from dynamodb_wrapper.wire.values import WireItem, WireValue

GuardPlace: TypeAlias = tuple[str, str]
_OWNER: Final = Path(("owner",))
_LONGEST_SHOWN = 1024
_KINDS = ("S", "N", "B", "BOOL")


class Guard(Struct, frozen=True):
    """That one value of an attribute belongs to one item.

    Parameters:
        table: the guards' table.
        attribute: the one that is unique.
        value: its value, in wire form.
        owner: the key of the item, in wire form.
        scope: of models that share a table, whose attribute it is.
    """

    table: str
    attribute: str
    value: WireValue
    owner: WireItem
    scope: str = ""

    @property
    def name(self) -> str:
        """The guard's key: the attribute and the value, or a digest of one too long for a key."""
        kind, content = next(iter(self.value.items()))
        if kind not in _KINDS:
            text = "only text, numbers, bytes and booleans can be unique"
            raise ValidationError(f"{self.attribute}: {text}", errors={self.attribute: [text]})
        text = plain_number(content) if kind == "N" else str(content)
        if len(text.encode()) > _LONGEST_SHOWN:
            kind, text = f"{kind}-sha256", sha256(text.encode()).hexdigest()
        within = f"{self.scope}#" if self.scope else ""
        return f"{within}{self.attribute}#{kind}#{text}"

    @property
    def place(self) -> GuardPlace:
        """Where the guard stands: its table and its key."""
        return self.table, self.name

    def claim(self, held_by: WireItem | None = None) -> TransactAction:
        """The action that takes the value; it fails where another item has it.

        Parameters:
            held_by: the key of the item that gives the value up in the same transaction, or does not have it
                any more.
        """
        return TransactAction(
            table=self.table,
            reader=plain,
            item={GUARD: {"S": self.name}, "owner": {"M": self.owner}},
            condition=self._free_or_held_by(self.owner, held_by or self.owner),
        )

    def release(self) -> TransactAction:
        """The action that gives the value up, where it was this item's."""
        held = self._free_or_held_by(self.owner)
        return TransactAction(table=self.table, reader=plain, key={GUARD: {"S": self.name}}, condition=held)

    def _free_or_held_by(self, *keys: WireItem) -> Condition:
        owners = {mark(key): key for key in keys}.values()
        held = (Compare(_OWNER, "=", Wire({"M": key})) for key in owners)
        return AnyOf((Missing(Path((GUARD,))), *held))


def unique_values(schema: TableSchema[Any], item: Mapping[str, WireValue] | None) -> dict[str, WireValue]:
    """The values of an item that are to be unique; an attribute that it lacks or that is NULL has none."""
    if item is None:
        return {}
    values = {name: item[name].get(MARK, item[name]) for name in schema.unique if name in item}
    return {name: value for name, value in values.items() if "NULL" not in value}


def guards(schema: TableSchema[Any], table: str, key: WireItem, item: WireItem | None) -> dict[str, Guard]:
    """The guards of an item by their names.

    Parameters:
        table: the table of the items.
    """
    made = (
        Guard(schema.guard_table(table), name, value, key, schema.type_name)
        for name, value in unique_values(schema, item).items()
    )
    return {guard.name: guard for guard in made}


def still_has(schema: TableSchema[Any], item: WireItem | None) -> Condition | None:
    """The stored item has the unique values that `item` has: it was not changed there since it was read."""
    if item is None:
        return Missing(Path((schema.partition_key,)))
    return all_of(*as_read(item, schema.unique))


def as_read(item: WireItem | None, attributes: Iterable[str]) -> list[Condition]:
    """The stored item has those attributes as `item` has them."""
    had = ((Path((name,)), (item or {}).get(name)) for name in attributes)
    return [Missing(path) if value is None else Compare(path, "=", Wire(value)) for path, value in had]
