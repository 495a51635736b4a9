"""Spark's schemas, and the Arrow schemas that go with them.

Knows Spark's types and Arrow's, and how a column says what its type does not: by the metadata
`{"dynamodb": "json"}` that it holds any value as JSON text, by `{"dynamodb": "set"}` that its innermost lists
are sets. Must not know tables or replies.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from pydantic import BaseModel
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegralType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.wire.arrow_forms import AS_SET, JSON_TEXT, said_of
from dynamodb_wrapper.wire.arrow_schema import arrow_schema

_IN_UTC: Final[dict[str, Any]] = (
    {"timezone": "UTC"} if "timezone" in inspect.signature(to_arrow_schema).parameters else {}
)
_OPAQUE: Final = ("VariantType", "GeometryType", "GeographyType")
_KINDS: Final[tuple[tuple[type[DataType], type], ...]] = (
    (StringType, str),
    (IntegralType, int),
    (FloatType, float),
    (DoubleType, float),
    (DecimalType, Decimal),
    (BooleanType, bool),
    (BinaryType, bytes),
    (TimestampType, datetime),
    (DateType, date),
)


def spark_schema(model: type[BaseModel]) -> StructType:
    """The schema of a model's items: a column for each attribute, as `wire.arrow_schema` has it."""
    columns = arrow_schema(model, schema_of(model).key_fields)
    found: StructType = from_arrow_schema(columns, prefer_timestamp_ntz=False)
    return StructType([_with_metadata(field, column) for field, column in zip(found, columns, strict=True)])


def arrow_of(schema: StructType, model: type[BaseModel] | None = None) -> Any:
    """The Arrow schema that Spark takes batches of, with the metadata of columns of JSON text and of sets.

    Parameters:
        model: tells which columns are of JSON text, besides the schema's own metadata, and knows its sets.

    Raises:
        ValidationError: the schema has no columns, or one that DynamoDB has nothing for.
    """
    if not schema.fields:
        text = "name at least one column"
        raise ValidationError(f"the schema is empty: {text}", errors={"schema": [text]})
    for field in schema:
        if _is_opaque(field.dataType):
            text = f"{field.dataType.simpleString()}, which DynamoDB has nothing for: cast it to string"
            raise ValidationError(f"the column {field.name} is {text}", errors={field.name: [text]})
    known = {} if model is None else {field.name: field for field in arrow_schema(model)}
    target = to_arrow_schema(schema, **_IN_UTC)
    sets = model is None
    columns = (_as_spark_says(column, field, sets) for column, field in zip(target, schema, strict=True))
    return pa.schema([_as_model_says(column, known.get(column.name)) for column in columns])


def kinds_of(schema: StructType, besides: Iterable[str] = ()) -> tuple[tuple[str, Any], ...]:
    """The Python type of each column's values, None for what is nested.

    Parameters:
        besides: columns of which nothing is said.
    """
    return tuple((field.name, None if field.name in besides else _kind(field)) for field in schema)


def is_json(field: Any) -> bool:
    """Whether an Arrow field holds any value as JSON text."""
    return said_of(field) == b"json"


def is_set(field: Any) -> bool:
    """Whether an Arrow field holds lists that are sets."""
    return said_of(field) == b"set"


def marked(column: Any) -> Any:
    """An Arrow field with the mark of sets on its innermost lists; itself where it has no lists."""
    kind, types = column.type, pa.types
    if types.is_list(kind) and not types.is_nested(kind.value_type):
        return column.with_metadata(AS_SET)
    return _with_inner(column, marked)


def _with_inner(column: Any, change: Callable[[Any], Any]) -> Any:
    """An Arrow field whose elements or entries are changed."""
    kind, types = column.type, pa.types
    if types.is_list(kind):
        return column.with_type(pa.list_(change(kind.value_field)))
    if types.is_map(kind):
        return column.with_type(pa.map_(kind.key_field, change(kind.item_field)))
    return column


def _is_opaque(kind: DataType) -> bool:
    """Whether a type is or has one that Arrow gets as a struct of its inner form."""
    if isinstance(kind, StructType):
        return any(_is_opaque(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return _is_opaque(kind.elementType)
    return _is_opaque(kind.valueType) if isinstance(kind, MapType) else type(kind).__name__ in _OPAQUE


def _kind(field: StructField) -> Any:
    if field.metadata.get("dynamodb") == "json":
        return None
    return next((kind for of, kind in _KINDS if isinstance(field.dataType, of)), None)


def _with_metadata(field: StructField, column: Any) -> StructField:
    return StructField(field.name, field.dataType, field.nullable, JSON_TEXT if is_json(column) else None)


def _as_spark_says(column: Any, field: StructField, sets: bool) -> Any:
    """The column with the metadata of its own and of the structs in it."""
    said = field.metadata.get("dynamodb")
    if said == "json":
        return column.with_metadata(JSON_TEXT)
    if said == "set" and sets:
        column = marked(column)
    return _inside(column, field.dataType, sets)


def _inside(column: Any, of: DataType, sets: bool) -> Any:
    if isinstance(of, StructType):
        inner = [_as_spark_says(each, told, sets) for each, told in zip(column.type, of, strict=True)]
        return column.with_type(pa.struct(inner))
    if isinstance(of, ArrayType | MapType):
        element = of.elementType if isinstance(of, ArrayType) else of.valueType
        return _with_inner(column, lambda each: _inside(each, element, sets))
    return column


def _as_model_says(column: Any, known: Any) -> Any:
    """The column with the metadata of the model's, wherever both are of one form."""
    if known is None:
        return column
    if is_json(known) and pa.types.is_string(column.type):
        return column.with_metadata(JSON_TEXT)
    kind, other, types = column.type, known.type, pa.types
    if types.is_struct(kind) and types.is_struct(other):
        names = {field.name: field for field in other}
        return column.with_type(pa.struct([_as_model_says(each, names.get(each.name)) for each in kind]))
    if types.is_list(kind) and types.is_list(other):
        return column.with_type(pa.list_(_as_model_says(kind.value_field, other.value_field)))
    if types.is_map(kind) and types.is_map(other):
        return column.with_type(pa.map_(kind.key_field, _as_model_says(kind.item_field, other.item_field)))
    return column
