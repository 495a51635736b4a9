"""What the generic codec makes of objects that are not DynamoDB's own types: one step towards those types.

Knows pydantic models, dataclasses, enums, datetimes and the like, and under which attribute name a field
is stored. Must not know the wire form. What is stored is what pydantic's own round-trip dump would give: a
field's serializer is obeyed and a field with `exclude=True` is left out; a type that DynamoDB lacks is stored
as the text that pydantic has for it in JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from numbers import Integral
from pathlib import PurePath
from typing import Any, get_origin
from weakref import WeakKeyDictionary

from msgspec import Struct
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    Json,
    PlainSerializer,
    SecretBytes,
    SecretStr,
    WrapSerializer,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from dynamodb_wrapper.validation import NAIVE_DATETIME
from dynamodb_wrapper.wire.refusal import Refused

_JSON: Any = Json  # to a type checker it is only an annotation


class StoredField(Struct, frozen=True):
    """How one field of a model is stored.

    Parameters:
        name: the field's name.
        attribute: the name of the attribute in the table.
        none_left_out: whether None needs no attribute, because it is the default as well.
        excluded: whether the field is read only (`exclude=True`).
        dumped: whether the field has a serializer of its own.
        one_way: whether pydantic would not find the value again under that name (`AliasPath`).
        empty_left_out: whether an empty set needs no attribute, because it is the default as well. DynamoDB
            has no empty set, and adds elements to a set or to nothing only.
        empty_where_absent: whether an empty set is read where there is no attribute: DynamoDB takes a set
            away with its last element.
    """

    name: str
    attribute: str
    none_left_out: bool
    excluded: bool
    dumped: bool
    one_way: bool
    empty_left_out: bool
    empty_where_absent: bool


def stored_fields(model: type[BaseModel]) -> tuple[StoredField, ...]:
    """The fields of a model, in their order."""
    fields = _known.get(model)
    if fields is None:
        fields = _known[model] = _stored_fields(model)
    return fields


_known: WeakKeyDictionary[type[BaseModel], tuple[StoredField, ...]] = WeakKeyDictionary()


def _stored_fields(model: type[BaseModel]) -> tuple[StoredField, ...]:
    serializers = model.__pydantic_decorators__.field_serializers.values()
    serialized = {name for serializer in serializers for name in serializer.info.fields}
    return tuple(
        StoredField(
            name=name,
            attribute=attribute_name(name, field),
            none_left_out=not field.is_required() and field.default is None and field.default_factory is None,
            excluded=field.exclude is True,
            dumped=bool(serialized & {name, "*"}) or any(map(_serializes, field.metadata)),
            one_way=attribute_name(name, field) == name and isinstance(field.validation_alias, AliasPath),
            empty_left_out=_is_empty_by_default(field),
            empty_where_absent=_is_empty_by_default(field) or _must_be_a_set(field),
        )
        for name, field in model.model_fields.items()
    )


def _is_empty_by_default(field: FieldInfo) -> bool:
    return is_empty_set(field.default) or field.default_factory in (set, frozenset)


def _must_be_a_set(field: FieldInfo) -> bool:
    return field.is_required() and (get_origin(field.annotation) or field.annotation) in (set, frozenset)


def is_empty_set(value: object) -> bool:
    """Whether it is a set without elements."""
    return isinstance(value, (set, frozenset)) and not value


def is_root_model(model: type[BaseModel]) -> bool:
    """Whether it is one of pydantic's `RootModel`, whose import would build a model and load all plugins."""
    return model.__pydantic_root_model__


def attribute_name(name: str, field: FieldInfo) -> str:
    """The attribute that a field is stored as: its alias if it has one, else its name."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else field.alias or name


def _serializes(metadata: Any) -> bool:
    return metadata is _JSON or isinstance(metadata, (PlainSerializer, WrapSerializer, _JSON))


def model_values(instance: BaseModel) -> dict[str, Any]:
    """The values of an instance by attribute, still as Python objects."""
    model = type(instance)
    if model.__pydantic_decorators__.model_serializers:
        return _dumped(instance, None)
    values: dict[str, Any] = {}
    state = instance.__dict__
    for field in stored_fields(model):
        if field.excluded:
            continue
        if field.one_way:
            text = "this field is read from inside another attribute (AliasPath): give it an alias of its own"
            raise Refused(text).inside(field.attribute)
        if field.name not in state:
            raise Refused("this field was never given a value").inside(field.attribute)
        value = state[field.name]
        if field.dumped:
            value = dumped_field(instance, field.name)
        if (value is None and field.none_left_out) or (field.empty_left_out and is_empty_set(value)):
            continue
        values[field.attribute] = value
    if instance.__pydantic_extra__:
        values.update(instance.__pydantic_extra__)
    return values


def dumped_field(instance: BaseModel, name: str) -> Any:
    """What a field's own serializer makes of its value."""
    return _dumped(instance, {name}).get(name)


def _dumped(instance: BaseModel, include: set[str] | None) -> dict[str, Any]:
    dumped = instance.model_dump(include=include, round_trip=True, by_alias=include is None, warnings=False)
    if not isinstance(dumped, dict):
        raise Refused(f"the serializer of {type(instance).__name__} does not give a dict")
    return dumped


def utc_text(moment: datetime) -> str:
    """A point in time as it is stored: UTC, fixed width, so that texts sort as the times do."""
    if moment.tzinfo is not UTC:
        try:
            offset = moment.utcoffset()
        except ValueError as error:  # as that of pandas.NaT, which is a datetime to isinstance
            raise Refused(f"{moment!r} is no point in time: give None where there is none") from error
        if offset is None:
            raise Refused(NAIVE_DATETIME)
        try:
            moment = moment.astimezone(UTC)
        except OverflowError as error:
            raise Refused("in UTC this datetime is outside the years 1 to 9999") from error
    return moment.isoformat(timespec="microseconds")


def read_utc(text: str) -> datetime:
    """The point in time that a stored text means; one without offset is UTC, because storage always is.

    Raises:
        ValueError: the text is no ISO 8601 datetime.
        OverflowError: in UTC it is outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else as_utc(moment)


def as_utc(moment: datetime) -> datetime:
    """The same point in time in UTC; one without offset is UTC already.

    Raises:
        OverflowError: in UTC it is outside the years 1 to 9999.
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def simplify(value: object) -> object:
    """The same value one step nearer to str, int, float, Decimal, bool, bytes, None, list, dict or set.

    Raises:
        Refused: DynamoDB has no type for it, nor has JSON.
    """
    for kind, step in _STEPS:
        if isinstance(value, kind):
            return step(value)
    binary = getattr(value, "value", None)  # boto3's Binary
    if isinstance(binary, (bytes, bytearray)):
        return bytes(binary)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dataclass_values(value)
    try:
        simple = to_jsonable_python(value)
    except (PydanticSerializationError, ValueError, TypeError) as error:
        raise Refused(f"DynamoDB has no type for {_class_name(value)}") from error
    if simple is value or type(simple) is type(value):
        raise Refused(f"DynamoDB has no type for {_class_name(value)}")
    return simple


def _dataclass_values(instance: Any) -> dict[str, Any]:
    described = getattr(instance, "__pydantic_fields__", {})
    return {
        attribute_name(field.name, described[field.name]) if field.name in described else field.name: value
        for field in dataclasses.fields(instance)
        if (value := getattr(instance, field.name)) is not None or field.default is not None
    }


def _model_content(instance: BaseModel) -> object:
    return vars(instance)["root"] if is_root_model(type(instance)) else model_values(instance)


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


# In this order: an enum may also be a str or an int, and a str is also a sequence.
_STEPS: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (Enum, lambda value: value.value),
    (str, str.__str__),
    (datetime, utc_text),
    (BaseModel, _model_content),
    (float, float.__float__),
    (Integral, int),
    (Decimal, Decimal),
    (bytes, bytes),
    (bytearray, bytes),
    (memoryview, bytes),
    (SecretStr, SecretStr.get_secret_value),
    (SecretBytes, SecretBytes.get_secret_value),
    (PurePath, str),
    (Mapping, dict),
    (Set, set),
    (Sequence, list),
)
