"""Functions over a model's Meta, and the time functions, in one place for users of the library.

Knows models and expressions. Must not know clients: nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Condition, Params, Path, all_of
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.query.filters import filter_of
from dynamodb_wrapper.query.keys import key_condition, sort_condition
from dynamodb_wrapper.schema import Index, TableSchema, schema_of
from dynamodb_wrapper.timezones import ensure_timezone_aware, to_user_timezone, to_utc
from dynamodb_wrapper.wire.values import decode_item, decode_value

__all__ = [
    "build_filter_expression",
    "build_gsi_key_condition",
    "build_model_key",
    "build_model_key_condition",
    "build_projection_expression",
    "ensure_timezone_aware",
    "extract_model_metadata",
    "get_model_gsi_names",
    "get_model_key_fields",
    "to_user_timezone",
    "to_utc",
]


def extract_model_metadata(model_class: type[BaseModel]) -> dict[str, Any]:
    """What a model's Meta says.

    Returns:
        `table_name`, `partition_key`, `sort_key` and `gsis`, a list of dicts as a Meta may have it.

    Raises:
        MetaError: Meta is missing or wrong.
    """
    schema = schema_of(model_class)
    return {
        "table_name": schema.base_name,
        "partition_key": schema.partition_key,
        "sort_key": schema.sort_key,
        "gsis": [_described(index) for index in schema.indexes.values() if not index.local],
    }


def get_model_key_fields(model_class: type[BaseModel]) -> list[str]:
    """The attributes of the primary key, the partition key first."""
    return list(schema_of(model_class).key_fields)


def get_model_gsi_names(model_class: type[BaseModel]) -> list[str]:
    """The names of the global secondary indexes, in the order of Meta."""
    return [name for name, index in schema_of(model_class).indexes.items() if not index.local]


def build_model_key(model_class: type[BaseModel], **keys: object) -> dict[str, Any]:
    """A primary key as boto3's resource takes it, such as `{"pipeline_id": "p1"}`.

    Raises:
        ValidationError: a part of the key is missing, empty, too long or of the wrong type, or something else
            was given.
    """
    return decode_item(wire_key(schema_of(model_class), keys))


def build_model_key_condition(
    model_class: type[BaseModel],
    sort_condition: str = "eq",
    sort_value2: object = None,
    **keys: object,
) -> Condition:
    """The key condition of a query on the table; parameters, result and errors as for an index."""
    schema = schema_of(model_class)
    return _key_condition(schema, schema.primary, sort_condition, sort_value2, keys)


def build_gsi_key_condition(
    model_class: type[BaseModel],
    gsi_name: str,
    sort_condition: str = "eq",
    sort_value2: object = None,
    **keys: object,
) -> Condition:
    """The key condition of a query on an index.

    Parameters:
        sort_condition: eq, lt, lte, gt, gte, between or begins_with (of the stored text, such as "2024-01").
        sort_value2: the upper bound of between.
        keys: the partition key's value, and the sort key's if there is a condition on it. A bool is put as
            the text that keys store it as, a datetime as its text in UTC.

    Returns:
        A condition to pass to a gateway: `query(IndexName=gsi_name, KeyConditionExpression=condition)`.

    Raises:
        ValidationError: the index is unknown, a partition key has no value, a key is not of the index, or
            there is a sort condition without a value.
    """
    schema = schema_of(model_class)
    return _key_condition(schema, schema.index(gsi_name), sort_condition, sort_value2, keys)


def build_projection_expression(fields: Sequence[str]) -> dict[str, Any]:
    """A projection to pass to a gateway or to boto3: `query(..., **build_projection_expression(fields))`.

    Returns:
        `ProjectionExpression` and `ExpressionAttributeNames`; empty where no field is named.

    Raises:
        ValidationError: a field is no attribute path, or one text was given in place of several.
    """
    if isinstance(fields, str):
        raise ValidationError(
            f"fields is the text {fields!r}: give a list of fields, such as [{fields!r}]",
            errors={"fields": ["a list is needed"]},
        )
    params = Params(prefix="p")
    paths = ", ".join(Path.of(field).encode(params) for field in dict.fromkeys(fields))
    return params.into({"ProjectionExpression": paths}) if paths else {}


def build_filter_expression(filters: Mapping[str, object]) -> Condition | None:
    """The filter that every given attribute has the given value, or one of a list of values.

    None as a value means that the attribute is missing or NULL; a bool is found in either stored form.

    Returns:
        A condition to pass to a gateway as `FilterExpression`; None where there is nothing to filter.
    """
    return all_of(*(filter_of(Path.of(name), value) for name, value in filters.items()))


def _key_condition(
    schema: TableSchema[Any],
    index: Index,
    condition: str,
    value2: object,
    keys: Mapping[str, object],
) -> Condition:
    if index.shards is not None:
        raise ValidationError(
            f"the index {index.name} of {schema.model.__name__} is spread over {index.shards.count} shards, "
            "each with a key of its own: query it with db.query or an API, which gather them",
            errors={"gsi_name": ["is spread over shards"]},
        )
    foreign = [name for name in keys if name not in index.keys]
    if foreign:
        where = f"index {index.name}" if index.name else "the table"
        raise ValidationError(
            f"{', '.join(foreign)}: not a key of {where} of {schema.model.__name__}, whose keys are "
            f"{', '.join(index.keys)}",
            errors={name: ["not a key here"] for name in foreign},
        )
    given = [name for name in index.sort if name in keys]
    if gap := [name for name in index.sort[: len(given)] if name not in given]:
        raise ValidationError(
            f"sort keys are given from the left: {', '.join(given)} needs {', '.join(gap)} too",
            errors={name: ["needed by the sort key after it"] for name in gap},
        )
    if not given and (condition != "eq" or value2 is not None):
        raise ValidationError(
            f"{condition} is a condition on the sort key, and there is no value for it: give "
            f"{' or '.join(index.sort) or 'no condition, for there is no sort key'}",
            errors={"sort_condition": ["has no value to compare with"]},
        )
    sorts = [sort_condition(name, "eq", _stored(schema, name, keys[name])) for name in given[:-1]]
    for name in given[-1:]:
        upper = None if value2 is None else _stored(schema, name, value2)
        prefix = condition == "begins_with" and isinstance(keys[name], str)
        value = keys[name] if prefix else _stored(schema, name, keys[name])
        sorts.append(sort_condition(name, condition, value, upper))
    partition = {name: _stored(schema, name, keys[name]) for name in index.partition if name in keys}
    return key_condition(schema, index, partition, all_of(*sorts))


def _stored(schema: TableSchema[Any], name: str, value: object) -> Any:
    return decode_value(schema.codec.encode_attribute(name, value))


def _described(index: Index) -> dict[str, Any]:
    def one_or_list(names: tuple[str, ...]) -> str | list[str] | None:
        return None if not names else names[0] if len(names) == 1 else list(names)

    return {
        "name": index.name,
        "partition_key": one_or_list(index.partition),
        "sort_key": one_or_list(index.sort),
        "projection": index.projection if isinstance(index.projection, str) else list(index.projection),
    } | ({} if index.shards is None else {"shards": index.shards.count})
