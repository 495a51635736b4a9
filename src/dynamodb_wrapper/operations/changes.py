"""Changes that callers made of typed fields, checked against the model before they are sent.

Knows a model's description and changes. Must not know how changes were written or when they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Assign, AssignIfMissing, Change, Increment, Path, Remove
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Computed, Operand
from dynamodb_wrapper.operations.bound import refuse_others
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.validation import did_you_mean
from dynamodb_wrapper.wire.plain import is_empty_set, stored_fields
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem

Changes: TypeAlias = Mapping[str, Any] | Sequence[Change]
"""What an update takes: new values by attribute, or changes such as `put(Order.total).to(5)`."""


def checked_changes(schema: TableSchema[Any], given: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with whole attributes' values in wire form; None is taken away where reading restores it.

    Raises:
        ValidationError: something is no change, an attribute cannot be changed, two changes overlap, or a
            value is not one that the model could read again, or too large.
    """
    if isinstance(given, (str, Change)):
        raise ValidationError(f"an update takes a list of changes, or a mapping: write [{given!r}]")
    assigned: WireItem = {}
    changes = [_checked(schema, change, assigned) for change in given]
    paths = sorted((path_of_change(change).steps for change in changes), key=_by_name)
    for one, other in pairwise(paths):
        if other[: len(one)] == one:
            raise ValidationError(f"two changes of {Path(one)} and {Path(other)} overlap: make one of them")
    check_item_size(assigned)
    return tuple(changes)


def check_attribute(schema: TableSchema[Any], name: str) -> None:
    """Raise a `ValidationError` if the model has no such attribute, or it is part of the key."""
    if name in schema.made or name == schema.type_attribute:
        text = "made by Meta and not changed by hand: change the fields that it is made of"
        raise ValidationError(f"{name} is {text}", errors={name: [text]})
    if name in schema.key_arguments:
        raise ValidationError(
            f"{name} is part of the key of {schema.model.__name__} and cannot change: "
            "create a new item and delete the old one",
            errors={name: ["part of the key, cannot change"]},
        )
    if name not in schema.attributes:
        near = did_you_mean(name, schema.attributes)
        raise ValidationError(
            f"{schema.model.__name__} has no attribute {name!r}{near}",
            errors={name: [f"unknown attribute{near}"]},
        )


def is_left_out(schema: TableSchema[Any], name: str, value: object) -> bool:
    """Whether a value is stored as no attribute: None or an empty set, where reading restores it."""
    if value is None:
        return schema.drops_none(name)
    model: type[BaseModel] = schema.model
    return is_empty_set(value) and any(
        field.empty_left_out for field in stored_fields(model) if field.attribute == name
    )


def path_of_change(change: Change) -> Path:
    """The place that a change changes."""
    path: Path = change.path  # type: ignore[attr-defined]  # every kind of change has one
    return path


def _by_name(steps: tuple[str | int, ...]) -> list[str]:
    return [str(step) for step in steps]


def _checked(schema: TableSchema[Any], change: object, assigned: WireItem) -> Change:
    if not isinstance(change, Change):
        raise ValidationError(
            f"an update takes changes such as put(Order.total).to(5), or a mapping, not {change!r}"
        )
    path = path_of_change(change)
    name = path.attribute
    refuse_others(schema, change)
    check_attribute(schema, name)
    if name == schema.version:
        text = "counted up by every write: leave it out"
        raise ValidationError(f"{name} is {text}", errors={name: [text]})
    change = _counted(schema, change)
    if not isinstance(change, (Assign, AssignIfMissing)) or not path.is_whole:
        return change
    if isinstance(change.value, (Wire, Path, Computed)):
        return change
    if isinstance(change, Assign) and is_left_out(schema, name, change.value):
        return Remove(path)
    assigned[name] = schema.codec.encode_attribute(name, change.value, constraints=True)
    return type(change)(path, Wire(assigned[name]))


def _counted(schema: TableSchema[Any], change: Change) -> Change:
    """The same, but without the default of a field that is None where an item lacks it."""
    if isinstance(change, Increment) and _reads_none(schema, change.path):
        return replace(change, start=0)
    if isinstance(change, Assign) and isinstance(change.value, Computed):
        left, right = (
            replace(side, default=None)
            if isinstance(side, Operand) and _reads_none(schema, side.path)
            else side
            for side in (change.value.left, change.value.right)
        )
        return replace(change, value=replace(change.value, left=left, right=right))
    return change


def _reads_none(schema: TableSchema[Any], path: Path) -> bool:
    return path.is_whole and path.attribute in schema.codec.nones
