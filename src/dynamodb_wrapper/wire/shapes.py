"""Which wire form a model's fields have, as far as their annotations tell.

Knows annotations and pydantic's field descriptions. Must not know how a form is read or written: `encoder`
and `decoder` compile the shapes that are described here. What has no shape of its own is `Opaque`: the
generic codec handles it by its value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    FutureDatetime,
    PastDatetime,
)
from pydantic.fields import FieldInfo

from dynamodb_wrapper.wire.plain import StoredField, is_root_model, stored_fields


class Scalar(Struct, frozen=True):
    """One text, number, bool or binary; `python` is the class of the value, or of the enum's members."""

    python: type
    null: bool = False


class ListOf(Struct, frozen=True):
    """A list of one shape."""

    element: Shape
    null: bool = False


class MapOf(Struct, frozen=True):
    """A dict with text keys and values of one shape."""

    element: Shape
    null: bool = False


class ModelOf(Struct, frozen=True):
    """A nested model, stored as a map."""

    model: type[BaseModel]
    fields: tuple[FieldShape, ...]
    null: bool = False


class Opaque(Struct, frozen=True):
    """Anything else; `kinds` are the classes that its values can have, where that is known."""

    kinds: tuple[type, ...] = ()
    holds_models: bool = False
    null: bool = False


class FieldShape(Struct, frozen=True):
    """A field of a model, whether an item must have it, and its shape."""

    stored: StoredField
    required: bool
    shape: Shape


Shape: TypeAlias = Scalar | ListOf | MapOf | ModelOf | Opaque

_SCALARS = (str, int, float, Decimal, bool, bytes, datetime, date, UUID)
_MOMENTS: tuple[Any, ...] = (AwareDatetime, PastDatetime, FutureDatetime)


def field_shapes(model: type[BaseModel], above: tuple[type, ...] = ()) -> tuple[FieldShape, ...]:
    """The fields of a complete model with their shapes; `above` are the models that it is nested in."""
    fields = model.model_fields
    own = _fields_with_own_validation(model)
    if model.__pydantic_decorators__.model_serializers:
        own.add("*")
    return tuple(
        FieldShape(
            stored,
            fields[stored.name].is_required(),
            Opaque(holds_models=_holds_models(fields[stored.name].annotation))
            if stored.dumped or own & {stored.name, "*"}
            else field_shape(fields[stored.name], (*above, model)),
        )
        for stored in stored_fields(model)
    )


def field_shape(field: FieldInfo, above: tuple[type, ...] = ()) -> Shape:
    """The shape of one field."""
    return _with_metadata(field.annotation, field.metadata, above)


def annotated_shape(annotation: Any) -> Shape:
    """The shape of what an annotation says."""
    return _shape(annotation, ())


def is_plain_model(annotation: Any) -> bool:
    """Whether the class is a model whose fields are all there is to store."""
    return (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and not is_root_model(annotation)
        and not annotation.__pydantic_decorators__.model_serializers
    )


def _fields_with_own_validation(model: type[BaseModel]) -> set[str]:
    validators = model.__pydantic_decorators__.field_validators.values()
    return {name for each in validators if each.info.mode in ("plain", "wrap") for name in each.info.fields}


def _with_metadata(annotation: Any, metadata: Any, above: tuple[type, ...]) -> Shape:
    if not all(map(_keeps_the_type, metadata)):
        return Opaque(holds_models=_holds_models(annotation))
    return _shape(annotation, above)


def _keeps_the_type(metadata: Any) -> bool:
    if metadata in _MOMENTS or isinstance(metadata, (AfterValidator, BeforeValidator)):
        return True
    return not hasattr(metadata, "__get_pydantic_core_schema__")


def _shape(annotation: Any, above: tuple[type, ...]) -> Shape:
    if annotation in _SCALARS:
        return Scalar(annotation)
    if annotation in _MOMENTS:
        return Scalar(datetime)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum_shape(annotation)
    if is_plain_model(annotation) and annotation not in above:
        fields = field_shapes(annotation, above)
        return ModelOf(annotation, fields) if can_be_compiled(fields) else Opaque((annotation,), True)
    if isinstance(annotation, NewType):
        return _shape(annotation.__supertype__, above)
    if hasattr(annotation, "__value__") and not get_args(annotation):  # a `type` statement's alias
        return _shape(annotation.__value__, above)
    return _generic_shape(annotation, above)


def _generic_shape(annotation: Any, above: tuple[type, ...]) -> Shape:
    origin = get_origin(annotation) or annotation
    arguments = get_args(annotation)
    if origin is Annotated:
        return _with_metadata(arguments[0], arguments[1:], above)
    if origin in (Union, UnionType):
        return _union_shape(annotation, arguments, above)
    if origin is Literal:
        classes = {type(value) for value in arguments}
        return Scalar(classes.pop()) if classes in ({str}, {int}) else Opaque(tuple(classes))
    if origin is list:
        return ListOf(_shape(arguments[0], above) if arguments else Opaque())
    if origin is dict and (not arguments or arguments[0] is str):
        return MapOf(_shape(arguments[1], above) if arguments else Opaque())
    kinds = (origin,) if origin in (dict, set, frozenset, tuple) else ()
    return Opaque(kinds, _holds_models(annotation))


def _union_shape(annotation: Any, arguments: tuple[Any, ...], above: tuple[type, ...]) -> Shape:
    rest = [argument for argument in arguments if argument is not NoneType]
    if len(rest) == 1:
        return replace(_shape(rest[0], above), null=True)
    choices = [_kinds(_shape(argument, above)) for argument in rest]
    kinds = tuple(kind for choice in choices for kind in choice) if all(choices) else ()
    return Opaque(kinds, _holds_models(annotation), null=len(rest) < len(arguments))


def _kinds(shape: Shape) -> tuple[type, ...]:
    match shape:
        case Scalar(python=python):
            return (python,)
        case ListOf():
            return (list,)
        case MapOf():
            return (dict,)
        case ModelOf(model=model):
            return (model,)
        case Opaque(kinds=kinds):
            return kinds


def _enum_shape(annotation: type[Enum]) -> Shape:
    contents = {type(member.value) for member in annotation}
    return Scalar(annotation) if contents in ({str}, {int}) else Opaque((annotation,))


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    value = getattr(annotation, "__value__", None)
    return any(map(_holds_models, get_args(annotation))) or (value is not None and _holds_models(value))


def none_where_absent(key: FieldShape, takes_none: Callable[[FieldShape], bool]) -> bool:
    """Whether an item without this key of an index has None in it, which is left out where it is stored.

    Parameters:
        takes_none: asks the model whether the field may be None.
    """
    stored = key.stored
    if stored.none_left_out or stored.excluded or stored.one_way:
        return False
    may_be_none = key.shape.null or key.shape == Opaque()
    return may_be_none and (key.required or takes_none(key))


def is_left_out_when_empty(field: FieldShape) -> bool:
    """Whether an item without this attribute has an empty set in it, although the field must be given one."""
    return field.required and field.stored.empty_where_absent and not field.stored.dumped


def reads_beyond_its_fields(model: type[BaseModel]) -> bool:
    """Whether validation can use attributes other than those that the fields are stored as."""
    config = model.model_config
    validators = model.__pydantic_decorators__.model_validators.values()
    return (
        config.get("extra") == "allow"
        or any(each.info.mode in ("before", "wrap") for each in validators)
        or any(
            isinstance(field.validation_alias, (AliasChoices, AliasPath))
            for field in model.model_fields.values()
        )
        or bool(config.get("populate_by_name") or config.get("validate_by_name"))
    )


def can_be_compiled(fields: tuple[FieldShape, ...]) -> bool:
    """Whether every attribute can be a member of a msgspec struct."""
    return all(
        text.isprintable() and '"' not in text and "\\" not in text
        for text in (field.stored.attribute for field in fields)
    )


def tag_of(scalar: Scalar) -> str:
    """The wire type of a scalar: "S", "N", "BOOL" or "B"."""
    python = scalar.python
    if issubclass(python, Enum):
        python = type(next(iter(python)).value)
    if python is bool:
        return "BOOL"
    if python is bytes:
        return "B"
    return "N" if python in (int, float, Decimal) else "S"


def may_be_bool(shape: Shape) -> bool:
    """Whether a value of this shape can be stored as BOOL."""
    kinds = _kinds(shape)
    return not kinds or bool in kinds


def holds_opaque_models(fields: tuple[FieldShape, ...]) -> bool:
    """Whether a model may hang where no shape tells of it, as in a union."""
    return any(_opaque_models(field.shape) for field in fields)


def _opaque_models(shape: Shape) -> bool:
    match shape:
        case Opaque(holds_models=holds):
            return holds
        case ListOf(element=element) | MapOf(element=element):
            return _opaque_models(element)
        case ModelOf(fields=fields):
            return holds_opaque_models(fields)
        case _:
            return False
