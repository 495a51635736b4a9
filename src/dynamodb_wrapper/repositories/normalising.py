"""Rewriting what older versions stored: each attribute in the form in which it would be stored today.

Knows codecs and conditional updates. Must not know a particular domain, or which forms there have been: what
can be read can be normalised.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Flow, Send
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError
from dynamodb_wrapper.expressions import Assign, Change, Compare, Condition, Missing, Path, Remove, Update
from dynamodb_wrapper.expressions.conditions import all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations import Scan, UpdateItem
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.rewriting import rewrite_pages
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.compiled import attribute_names
from dynamodb_wrapper.wire.values import WireItem, WireValue, decode_value

__all__ = ["Normalised", "normalise_table"]

ATTEMPTS = 5


class Normalised(Struct, frozen=True):
    """What became of the items of a table.

    Parameters:
        read: how many items there are.
        written: how many of them were rewritten.
        left: the keys, as text, of those that were left as they are: they do not fit their model, what would
            have to change is part of the key or of a unique value, or they kept changing.
    """

    read: int
    written: int
    left: tuple[str, ...]


def normalise_table(send: Send, schema: TableSchema[Any], table: str) -> Flow[Normalised]:
    """Rewrite the items of a table that are not stored as they would be today.

    Attributes that the model does not know, and encrypted ones, stay as they are. A missing attribute that is
    a key of an index and has a fixed default gets it, so that an index has the items that reads show with
    that value.

    Parameters:
        table: the table's full name.
    """
    scan = Scan(
        table=table,
        reader=wire_reader,
        key_fields=schema.key_fields,
        filter=of_its_type(schema),
        consistent=True,
    )
    normalise = partial(_normalise, send, schema, table)
    done = yield from rewrite_pages(send, scan, normalise, schema.key_fields)
    return Normalised(done.read, done.written, done.left)


def _normalise(send: Send, schema: TableSchema[Any], table: str, item: WireItem) -> Flow[bool | None]:
    """Whether the item was rewritten; None where it had to be, and was left."""
    key = {name: item[name] for name in schema.key_fields}
    current: WireItem | None = item
    perhaps_written = False
    for _ in range(ATTEMPTS):
        if current is None:
            return perhaps_written
        try:
            changes = changes_to_normal(schema, current)
        except ValidationError:
            return None
        if not changes:
            return perhaps_written
        if not {*schema.key_fields, *schema.unique}.isdisjoint(changes):
            return None
        update = UpdateItem(
            table=table,
            key=key,
            update=Update(tuple(changes.values())),
            reader=wire_reader,
            condition=all_of(*(_as_read(current, name) for name in _looked_at(schema, changes))),
            repeatable=True,
        )
        try:
            yield from update.flow(send)
        except ConditionalCheckFailedError as error:
            current, perhaps_written = error.current_item, error.outcome_unknown
        else:
            return True
    return None


def changes_to_normal(schema: TableSchema[Any], item: WireItem) -> dict[str, Change]:
    """The changes by attribute that make an item what would be stored of it today.

    Raises:
        ValidationError: the item does not fit its model.
    """
    normal = schema.codec.encode(schema.codec.decode(item))
    fixed = _fixed_defaults(schema)
    changes: dict[str, Change] = {}
    for name in sorted(schema.attributes.difference(schema.encrypted)):
        path = Path((name,))
        if name not in item:
            if name in normal and (name in fixed or name in schema.made):
                changes[name] = Assign(path, Wire(normal[name]))
        elif name not in normal:
            if "NULL" in item[name] or name in schema.made:
                changes[name] = Remove(path)
        elif not _same(item[name], normal[name]):
            changes[name] = Assign(path, Wire(normal[name]))
    return changes


def _looked_at(schema: TableSchema[Any], changes: Mapping[str, Change]) -> dict[str, None]:
    """The attributes that are changed, and those that the keys among them are made of."""
    made_of = (name for key in changes if key in schema.made for name in schema.made[key].fields)
    return dict.fromkeys((*changes, *made_of))


def _fixed_defaults(schema: TableSchema[Any]) -> set[str]:
    """The keys of indexes whose default is a value, and not made anew for each instance."""
    attributes = attribute_names(schema.model)
    fields = schema.model.model_fields
    fixed = (name for name, field in fields.items() if field.default_factory is None)
    return {attributes[name] for name in fixed if attributes.get(name) in schema.key_types}


def _same(stored: WireValue, normal: WireValue) -> bool:
    """Whether two attribute values are one and the same for the service, such as the numbers 1.50 and 1.5."""
    return stored == normal or (stored.keys() == normal.keys() and _content(stored) == _content(normal))


def _content(value: WireValue) -> object:
    """The value with what tells kinds of values apart."""
    match value:
        case {"M": dict(parts)}:
            return {name: _content(part) for name, part in parts.items()}
        case {"L": list(parts)}:
            return [_content(part) for part in parts]
        case _:
            return set(value), decode_value(value)


def _as_read(item: WireItem, name: str) -> Condition:
    path = Path((name,))
    return Compare(path, "=", Wire(item[name])) if name in item else Missing(path)
