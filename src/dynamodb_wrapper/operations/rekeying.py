"""Keys of indexes in an update: checked, and those that are made of fields written anew with the fields.

Knows how keys are made, and changes. Must not know how an update is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AnyOf,
    Assign,
    AssignIfMissing,
    Change,
    Compare,
    Condition,
    Missing,
    Path,
    Remove,
    all_of,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.changes import path_of_change
from dynamodb_wrapper.operations.keys import check_index_keys, wire_key
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.schema.keyed import Made
from dynamodb_wrapper.wire.plain import stored_fields
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireItem, WireValue


class Rekeyed(Struct, frozen=True):
    """Changes with those of the keys.

    Parameters:
        changes: all of them.
        guard: what must hold of the stored item, as the keys were made of it too; None where of nothing.
    """

    changes: tuple[Change, ...]
    guard: Condition | None = None


def rekeyed(schema: TableSchema[Any], key: object, changes: Sequence[Change], table: str = "") -> Rekeyed:
    """The changes, and those of the index keys that are made of what they change.

    Parameters:
        key: the item's key, or the item as it was read.
        changes: with whole attributes' values in wire form.
        table: the table's name, for the error.

    Raises:
        ValidationError: a field is changed in a way that does not tell its new value, or a key is made of
            other fields too and they are not known; or a key of an index is empty or too long.
    """
    made = _rekeyed(schema, key, changes)
    if schema.index_keys:
        values = {path_of_change(change).attribute: _value(change) for change in made.changes}
        given = {name: value for name, value in values.items() if value is not None}
        if given.keys() & schema.index_keys.keys():
            check_index_keys(schema, _known(schema, key)[0], given, table)
    return made


def _value(change: Change) -> WireValue | None:
    """The value that a change gives a whole attribute; None where it does not tell."""
    told = isinstance(change, (Assign, AssignIfMissing)) and path_of_change(change).is_whole
    value = change.value if isinstance(change, (Assign, AssignIfMissing)) else None
    return value.value if told and isinstance(value, Wire) else None


def _rekeyed(schema: TableSchema[Any], key: object, changes: Sequence[Change]) -> Rekeyed:
    made = [how for name, how in schema.made.items() if name not in schema.key_fields]
    changed = {path_of_change(change).attribute: change for change in changes}
    affected = [template for template in made if changed.keys() & set(template.fields)]
    if not affected:
        return Rekeyed(tuple(changes))
    new = {
        name: _assigned(template, changed[name])
        for template in affected
        for name in template.fields
        if name in changed
    }
    known, guarded = _known(schema, key)
    added: list[Change] = []
    guards: dict[str, Condition] = {}
    for template in affected:
        item = {**known, **new}
        for name in template.fields:
            if name in new:
                continue
            if name in guarded:
                guards[name] = _is_still(key, name, known.get(name))
            elif name not in known:
                raise _unknown(schema, template, name, sorted(changed.keys() & set(template.fields)))
        try:
            text = template.render({name: value for name, value in item.items() if value is not None})
        except Refused as refused:
            raise refused.error() from refused
        path = Path((template.attribute,))
        added.append(Remove(path) if text is None else Assign(path, Wire(text)))
    return Rekeyed((*changes, *added), all_of(*guards.values()))


def _known(schema: TableSchema[Any], key: object) -> tuple[Mapping[str, WireValue | None], frozenset[str]]:
    """The values that are known of the item, and which of them may have changed since they were read."""
    if isinstance(key, BaseModel):
        item: WireItem = schema.codec.encode(key)
        return item, schema.attributes.difference(schema.key_arguments, schema.key_fields)
    given = schema.key_of(key)
    known = {name: schema.codec.encode_attribute(name, value) for name, value in given.items()}
    return known | wire_key(schema, key), frozenset()


def _assigned(template: Made, change: Change) -> WireValue | None:
    path = path_of_change(change)
    if isinstance(change, Remove) and path.is_whole:
        return None
    if isinstance(change, Assign) and path.is_whole and isinstance(change.value, Wire):
        return change.value.value
    text = (
        f"a part of the key {template.attribute}: give it a value or take it away, do not let it be computed"
    )
    raise ValidationError(f"{path} is {text}", errors={str(path): [text]})


def _is_still(item: object, name: str, value: WireValue | None) -> Condition:
    """The attribute is as it was read; reading makes a default up where there is none."""
    path = Path((name,))
    if value is None:
        return Missing(path)
    same = Compare(path, "=", Wire(value))
    return same if name in _set_in(item) else AnyOf((Missing(path), same))


def _set_in(item: object) -> set[str]:
    if not isinstance(item, BaseModel):
        return set()
    return {field.attribute for field in stored_fields(type(item)) if field.name in item.model_fields_set}


def _unknown(schema: TableSchema[Any], template: Made, name: str, changed: Sequence[str]) -> ValidationError:
    return ValidationError(
        f"{template.attribute} of {schema.model.__name__} is made of {' and '.join(template.fields)}: an "
        f"update of {', '.join(changed)} needs {name} too, or the item as it was read in place of its key",
        errors={name: [f"needed to make {template.attribute} anew"]},
    )
