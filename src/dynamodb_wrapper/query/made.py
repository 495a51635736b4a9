"""Conditions on keys that templates make of fields: what the conditions on those fields say of the key.

Knows templates and conditions in normal form. Must not choose indexes. Whatever is said of a key here follows
from the conditions on its fields, so that these may be judged besides; where every field of a key has a value
they need not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import BeginsWith, Between, Compare, Condition, In, Path
from dynamodb_wrapper.expressions.conditions import StoredBool
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.query.judging import operand, part
from dynamodb_wrapper.query.normal import NEVER
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.schema.templates import Slot, Template
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireValue

_LAST: Final = chr(0x10FFFF)


def of_its_type(schema: TableSchema[Any]) -> Condition | None:
    """The condition that an item is of the model; None for a model with a table of its own."""
    if schema.type_attribute is None:
        return None
    path = Path((schema.type_attribute,))
    names = tuple(Wire({"S": name}) for name in schema.type_names)
    return Compare(path, "=", names[0]) if len(names) == 1 else In(path, names)


def own_items(schema: TableSchema[Any], index: Index) -> Condition | None:
    """The filter that leaves out the items of other models; None where no others are in the index.

    Raises:
        ValidationError: the index does not have the attribute that tells them apart.
    """
    name = schema.type_attribute
    if name is None or name in index.keys:
        return None
    if index.projection != "ALL" and name not in index.projection:
        raise ValidationError(
            f"index {index.name} lacks {name}, which tells items of {schema.model.__name__} from others: "
            f"project it (projection=[..., {name!r}]), or ask with db.query, which fetches whole items",
            errors={"index": [f"without {name}"]},
        )
    return of_its_type(schema)


def own_range(schema: TableSchema[Any], index: Index) -> Condition | None:
    """What the sort key of every item of the model has in common; None where that is nothing."""
    template = schema.templates.get(index.sort[0]) if index.sort else None
    return None if template is None else on_key(schema, template, ())


def in_keys(schema: TableSchema[Any], index: Index, partition: Mapping[str, object]) -> Mapping[str, object]:
    """The values of an index's partition attributes; one that is made may be given by its fields.

    Raises:
        ValidationError: a value cannot stand in the key.
    """
    template = schema.templates.get(index.partition[0])
    if template is None or set(partition) != set(template.fields):
        return partition
    try:
        item = {name: schema.codec.encode_attribute(name, partition[name]) for name in template.fields}
        key = template.render(item)
    except Refused as refused:
        raise ValidationError(
            f"a query of {schema.model.__name__} cannot be for {refused.path()} = "
            f"{partition[refused.path()]!r}: {refused.text}",
            errors={refused.path(): [refused.text]},
        ) from refused
    return {template.attribute: None if key is None else key["S"]}


def value_of(given: Condition, name: str) -> object | None:
    """What a part says the attribute is, within a list, or None if it says no such thing."""
    if isinstance(given, Compare) and given.comparator == "=" and given.path.steps == (name,):
        return None if isinstance(given.value, Path) else [given.value]
    if isinstance(given, StoredBool) and given.path.steps == (name,):
        return [given.value]
    return None


def on_key(schema: TableSchema[Any], template: Template, parts: Iterable[Condition]) -> Condition | None:
    """What parts say of the key; `NEVER` where no item can have it, None where they say nothing."""
    given, text = list(parts), ""
    for at, piece in enumerate(template.parts):
        if isinstance(piece, str):
            text += piece
            continue
        valued = next((each for each in given if value_of(each, piece.attribute) is not None), None)
        if valued is None:
            ends = at == len(template.parts) - 1 and not template.is_prefix
            return _from_there(schema, Path((template.attribute,)), piece, given, text, ends=ends)
        try:
            text += piece.text(wire_of(schema, valued, piece.attribute))
        except Refused:
            return NEVER
    path = Path((template.attribute,))
    return BeginsWith(path, text) if template.is_prefix else Compare(path, "=", Wire({"S": text}))


def wire_of(schema: TableSchema[Any], valued: Any, name: str) -> WireValue:
    """The value that a part says the attribute is, in wire form."""
    value = valued.value
    return value.value if isinstance(value, Wire) else schema.codec.encode_attribute(name, value)


def _from_there(
    schema: TableSchema[Any],
    path: Path,
    slot: Slot,
    parts: Iterable[Condition],
    text: str,
    *,
    ends: bool,
) -> Condition | None:
    """What is said of a key by the text it begins with and a range of the field behind it.

    Parameters:
        ends: whether the key ends with the field.
    """
    given = [each for each in parts if getattr(each, "path", None) == Path((slot.attribute,))]
    for each in given:
        if isinstance(each, BeginsWith) and slot.decimals is None and not isinstance(each.prefix, Path):
            prefix: Any = part(each.path, each.prefix)
            return BeginsWith(path, text + prefix["S"]) if "S" in prefix else NEVER
    low, high = text, text + _LAST
    if slot.fixed or (ends and slot.decimals is None):
        for comparator, edge in _edges(schema, slot, given):
            if comparator in (">", ">="):
                low = max(low, text + edge)
            else:
                high = min(high, text + edge + ("" if ends else _LAST))
    if (low, high) == (text, text + _LAST):
        return BeginsWith(path, text) if text else None
    if low > high:
        return NEVER
    if high == text + _LAST and not slot.fixed:
        return Compare(path, ">=", Wire({"S": low}))  # no text is the last that a field can have
    return Between(path, Wire({"S": low}), Wire({"S": high}))


def _edges(schema: TableSchema[Any], slot: Slot, parts: Iterable[Condition]) -> Iterator[tuple[str, str]]:
    """What the bounds of a field are in a key; one that no key can have is passed over."""
    for each in parts:
        for comparator, bound in _bounds(each):
            value: Any = operand(Path((slot.attribute,)), bound, schema.codec.encode_attribute)
            try:
                yield comparator, slot.text(value)
            except Refused:
                continue


def _bounds(each: Condition) -> list[tuple[str, object]]:
    if isinstance(each, Between):
        found: list[tuple[str, object]] = [(">=", each.low), ("<=", each.high)]
    elif isinstance(each, Compare) and each.comparator in ("<", "<=", ">", ">="):
        found = [(each.comparator, each.value)]
    else:
        found = []
    return [(comparator, bound) for comparator, bound in found if not isinstance(bound, Path)]
