"""What the generic way does around pydantic's validation of an item, so that it agrees with the compiled way.

Knows shapes and pydantic models; must not know the wire form. Before validation, values take the classes that
the compiled decoder gives them; after it, attributes that a model does not know are kept in the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from pydantic import AliasChoices, BaseModel

from dynamodb_wrapper.wire.plain import StoredField, read_utc, stored_fields
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    ListOf,
    MapOf,
    ModelOf,
    Opaque,
    Scalar,
    Shape,
    field_shapes,
    is_left_out_when_empty,
    is_plain_model,
)

Prepare: TypeAlias = Callable[[Any], Any]


def model_preparer(
    model: type[BaseModel], fields: tuple[FieldShape, ...], nones: Collection[str] = ()
) -> Prepare:
    """What turns the plain values of an item into pydantic's input for this model.

    Parameters:
        nones: the attributes without which an item has None in it.
    """
    prepare = {
        field.stored.attribute: each for field in fields if (each := _preparer(field.shape)) is not None
    }
    absent: dict[str, Any] = {}
    others: dict[str, set[str]] = {}
    for field in fields:
        if field.stored.attribute in nones:
            absent[field.stored.attribute] = None
            others[field.stored.attribute] = _names_of(model, field.stored)
        elif is_left_out_when_empty(field):
            absent[field.stored.attribute] = frozenset()
    accepted = _accepted(model) if model.model_config.get("extra") == "forbid" else None

    def prepared(item: Any) -> Any:
        if item.__class__ is not dict:
            return item
        lacking = absent
        if others:
            lacking = {n: none for n, none in absent.items() if item.keys().isdisjoint(others.get(n, ()))}
        return lacking | {
            name: prepare[name](value) if name in prepare else value
            for name, value in item.items()
            if accepted is None or name in accepted
        }

    return prepared


def keep_unknown(instance: object, item: Any) -> None:
    """Keep in an instance, and in those inside it, what the item has beyond their fields.

    Parameters:
        instance: what pydantic made of the item; anything but models, lists, tuples and dicts is left alone.
        item: the plain values that it was made of.
    """
    if isinstance(instance, BaseModel):
        if item.__class__ is dict:
            _keep_in_model(instance, item)
    elif isinstance(instance, (list, tuple)):
        if item.__class__ is list and len(item) == len(instance):
            for each, value in zip(instance, item, strict=True):
                keep_unknown(each, value)
    elif isinstance(instance, dict) and item.__class__ is dict:
        for name, value in item.items():
            keep_unknown(instance.get(name), value)


def _keep_in_model(instance: BaseModel, item: dict[str, Any]) -> None:
    names = {field.attribute: field.name for field in stored_fields(type(instance))}
    unknown: dict[str, Any] = {}
    for attribute, value in item.items():
        if attribute in names:
            keep_unknown(instance.__dict__.get(names[attribute]), value)
        else:
            unknown[attribute] = value
    if unknown and instance.model_config.get("extra") != "allow":
        object.__setattr__(instance, "__pydantic_extra__", unknown)


def unset_absent(instance: BaseModel, row: Mapping[str, Any], nones: Mapping[str, FieldShape]) -> None:
    """Take fields that were not given out of those that were set.

    Parameters:
        row: what pydantic made the instance of.
        nones: the fields that are None where an item lacks them, by attribute.
    """
    for attribute, field in nones.items():
        name = field.stored.name
        if not field.required and row.get(attribute, row) is None and vars(instance).get(name) is None:
            instance.__pydantic_fields_set__.discard(name)


def take_unknown(instance: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    """Takes attributes that the model does not know out of an instance, as if it had never had them.

    Returns:
        Those that it had.
    """
    extra = instance.__pydantic_extra__
    if not extra:
        return {}
    taken = {name: extra.pop(name) for name in names if name in extra}
    if not extra and instance.model_config.get("extra") != "allow":
        object.__setattr__(instance, "__pydantic_extra__", None)
    return taken


def _accepted(model: type[BaseModel]) -> set[str]:
    return {name for field in stored_fields(model) for name in _names_of(model, field)}


def _names_of(model: type[BaseModel], field: StoredField) -> set[str]:
    """The names under which validation looks for a field."""
    names, alias = {field.attribute}, model.model_fields[field.name].validation_alias
    if isinstance(alias, AliasChoices):
        names.update(choice for choice in alias.choices if isinstance(choice, str))
    if model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"):
        names.add(field.name)
    return names


def _preparer(shape: Shape) -> Prepare | None:
    match shape:
        case Scalar(python=python):
            return _SCALARS.get(python)
        case ListOf(element=element):
            return _list_preparer(_preparer(element))
        case MapOf(element=element):
            return _map_preparer(_preparer(element))
        case ModelOf(model=model, fields=fields):
            return model_preparer(model, fields)
        case Opaque(kinds=(kind,)) if is_plain_model(kind):
            return later_preparer(kind)
        case _:
            return None


def later_preparer(model: type[BaseModel]) -> Prepare:
    """As `model_preparer`, made when it is first used: for a model inside of itself."""
    made: list[Prepare] = []

    def prepared(item: Any) -> Any:
        if not made:
            made.append(model_preparer(model, field_shapes(model)))
        return made[0](item)

    return prepared


def _list_preparer(each: Prepare | None) -> Prepare | None:
    if each is None:
        return None
    return lambda value: list(map(each, value)) if value.__class__ is list else value


def _map_preparer(each: Prepare | None) -> Prepare | None:
    if each is None:
        return None
    return lambda value: {k: each(v) for k, v in value.items()} if value.__class__ is dict else value


def _moment(value: Any) -> Any:
    if value.__class__ is not str:
        return value
    try:
        return read_utc(value)
    except (ValueError, OverflowError):
        return value  # pydantic says what is wrong with it


def _float(value: Any) -> Any:
    return float(value) if value.__class__ in (int, Decimal) else value


def _decimal(value: Any) -> Any:
    return Decimal(value) if value.__class__ is int else value


_SCALARS: dict[type, Prepare] = {datetime: _moment, float: _float, Decimal: _decimal}
