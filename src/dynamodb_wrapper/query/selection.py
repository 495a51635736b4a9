"""What the items of a query become: the model, a view, or the few fields that were selected.

Knows models and their codecs. Must not know plans.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, create_model

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.expressions import Path
from dynamodb_wrapper.expressions.fields import TypedField
from dynamodb_wrapper.expressions.fields import path_of as typed_path
from dynamodb_wrapper.operations.bound import refuse_others
from dynamodb_wrapper.query.spoken import path_of
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.validation import did_you_mean
from dynamodb_wrapper.wire.compiled import Codec, attribute_names

V = TypeVar("V", bound=BaseModel)


class Shape(Struct, frozen=True):
    """What items become.

    Parameters:
        reader: turns replies into them.
        attributes: those that have to be read; None for all there are.
    """

    reader: Codec[Any]
    attributes: tuple[str, ...] | None


class Selected(BaseModel):
    """Some fields of a model, read only: a field that was not selected is an AttributeError."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    __dynamodb_view__: ClassVar[bool] = True  # see `View`


@lru_cache(maxsize=1024)
def shape_of(
    model: type[BaseModel], selected: tuple[str, ...] | None = None, view: type[BaseModel] | None = None
) -> Shape:
    """What the items of a model's table become.

    Parameters:
        selected: the fields to read, of the view if there is one; all of them where it is None.
        view: the class of the items; where it is None, the model itself, or a class of the selected fields.

    Raises:
        ValidationError: a selected field is not one of the class.
        MetaError: the view is no `View`.
    """
    schema = schema_of(model)
    if view is None and selected is None:
        return Shape(schema.codec, None)
    if view is not None:
        codec = view_codec(model, view)
        return Shape(codec, attributes_to_read(view, _known(view, selected)))
    fields = _known(model, selected)
    shown = selection(model, fields)
    return Shape(schema.view_codec(shown), attributes_to_read(shown, fields))


@lru_cache(maxsize=512)
def view_codec(model: type[BaseModel], view: type[V]) -> Codec[V]:
    """The codec that reads a view of a model's table.

    Raises:
        MetaError: it is no view: an instance of which only a part was read must not be one that can be saved.
    """
    if not getattr(view, "__dynamodb_view__", False):
        raise MetaError(
            f"{view.__name__} is not a View, so that a partly read one could be saved over the whole item: "
            "derive what items are read into from dynamodb_wrapper.View"
        )
    return schema_of(model).view_codec(view)


def attributes_to_read(shown: type[BaseModel], fields: Iterable[str]) -> tuple[str, ...]:
    """The attributes of those fields of a class, and of what the class requires."""
    stored = attribute_names(shown)
    required = (name for name, info in shown.model_fields.items() if info.is_required())
    return tuple(dict.fromkeys(stored[name] for name in (*fields, *required)))


@lru_cache(maxsize=1024)
def selection(model: type[BaseModel], fields: tuple[str, ...]) -> type[BaseModel]:
    """A class of some of a model's fields, each as the model has it."""
    chosen: dict[str, Any] = {
        name: (info.annotation, copy(info)) for name, info in model.model_fields.items() if name in fields
    }
    return create_model(
        f"{model.__name__}Selection", __base__=Selected, __module__=model.__module__, **chosen
    )


def field_name(model: type[BaseModel], field: object) -> str:
    """The name of a field that was given by its name, as the field of the class, or as a path.

    Raises:
        ValidationError: it is neither, a place inside a field, or a field of another model.
    """
    if isinstance(field, TypedField):
        field = typed_path(field)
        refuse_others(schema_of(model), field)
    if not isinstance(field, (str, Path)):
        raise ValidationError(
            f"select takes names of fields, not {type(field).__name__}",
            errors={"select": ["names of fields"]},
        )
    path = path_of(schema_of(model), field) if isinstance(field, Path) else Path.of(field)
    if not path.is_whole:
        raise ValidationError(
            f"{path} is a place inside {path.attribute}: select {path.attribute}",
            errors={"select": ["whole fields only"]},
        )
    by_attribute = {attribute: name for name, attribute in attribute_names(model).items()}
    return by_attribute.get(path.attribute, path.attribute)


def _known(model: type[BaseModel], selected: tuple[str, ...] | None) -> tuple[str, ...]:
    known = model.model_fields
    if selected is None:
        return tuple(known)
    unknown = [name for name in selected if name not in known]
    if unknown or not selected:
        raise ValidationError(
            f"select names {', '.join(unknown) or 'nothing'}; {model.__name__} has {', '.join(known)}"
            f"{did_you_mean(unknown[0], known) if unknown else ''}",
            errors={name: ["not a field of the model"] for name in unknown} or {"select": ["name a field"]},
        )
    return selected
