"""The Arrow schema of a model: one column for each attribute, named as the attribute is.

Knows a model's fields and Arrow types. Must not know Meta, replies or clients.

| field | column |
|---|---|
| str, UUID, enum of texts | string |
| int, enum of ints | int64 |
| float | float64 |
| Decimal with `decimal_places` | decimal128(`max_digits` or 38, `decimal_places`) |
| Decimal without | string: its scale is open, and a decimal128 would refuse or round what it does not have |
| bool, bytes, date | bool, binary, date32 |
| datetime | timestamp[us, UTC] |
| list and set of one of these | list |
| dict with text keys | map |
| nested model | struct |
| anything else | string of JSON, with the metadata `JSON_TEXT` |

Columns are nullable but for the keys; elements always are.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT
from dynamodb_wrapper.wire.arrow_needed import pa
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    ListOf,
    MapOf,
    ModelOf,
    Opaque,
    Scalar,
    Shape,
    annotated_shape,
    field_shapes,
)

_TYPES: dict[type, Any] = {
    str: pa.string(),
    UUID: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", "UTC"),
    date: pa.date32(),
    Decimal: pa.string(),
}


def arrow_schema(model: type[BaseModel], keys: Collection[str] = ()) -> Any:
    """The pyarrow schema that a model's items have.

    Parameters:
        model: a model or a view.
        keys: the attributes that every item has.

    Returns:
        A `pyarrow.Schema`; change a column with its `set` where another type is wanted.
    """
    if not model.__pydantic_complete__:
        model.model_rebuild()
    return pa.schema(
        [
            _field(field, model.model_fields[field.stored.name], field.stored.attribute not in keys)
            for field in field_shapes(model)
        ]
    )


def _field(field: FieldShape, info: FieldInfo, nullable: bool = True) -> Any:
    name, element = field.stored.attribute, _set_element(info.annotation)
    if element is not None and isinstance(field.shape, Opaque) and not field.stored.dumped:
        return pa.field(name, pa.list_(_inner("element", annotated_shape(element))), nullable)
    if isinstance(field.shape, Scalar) and field.shape.python is Decimal:
        return pa.field(name, _decimal([*info.metadata, *_metadata(info.annotation)]), nullable)
    column = _inner(name, field.shape)
    return column if nullable else column.with_nullable(False)


def _inner(name: str, shape: Shape) -> Any:
    match shape:
        case Scalar(python=python) if issubclass(python, Enum):
            return pa.field(name, _TYPES[type(next(iter(python)).value)])
        case Scalar(python=python):
            return pa.field(name, _TYPES[python])
        case ListOf(element=element):
            return pa.field(name, pa.list_(_inner("element", element)))
        case MapOf(element=element):
            return pa.field(name, pa.map_(pa.string(), _inner("value", element)))
        case ModelOf(model=model, fields=fields) if fields:
            return pa.field(
                name, pa.struct([_field(field, model.model_fields[field.stored.name]) for field in fields])
            )
        case _:
            return pa.field(name, pa.string(), metadata=JSON_TEXT)


def _decimal(metadata: Collection[Any]) -> Any:
    places = _told(metadata, "decimal_places")
    return pa.string() if places is None else pa.decimal128(_told(metadata, "max_digits") or 38, places)


def _told(metadata: Collection[Any], what: str) -> int | None:
    parts = [part for each in metadata for part in (each, *getattr(each, "metadata", ()))]
    return next((told for part in parts if (told := getattr(part, what, None)) is not None), None)


def _set_element(annotation: Any) -> Any:
    """What a set holds, or None if the annotation is no set."""
    bare, _ = _bare(annotation)
    return get_args(bare)[0] if get_origin(bare) in (set, frozenset) else None


def _metadata(annotation: Any) -> list[Any]:
    return _bare(annotation)[1]


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """An annotation without `Annotated` and `| None` around it, and what was told there."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bare, told = _bare(arguments[0])
        return bare, [*arguments[1:], *told]
    if origin in (Union, UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1:
            return _bare(rest[0])
    return annotation, []
