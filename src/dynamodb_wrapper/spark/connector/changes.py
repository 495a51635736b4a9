"""The columns of changes, as DynamoDB Streams tells them.

Knows records of a stream and Spark's types. Must not know shards or calls.

| column | what it holds |
|---|---|
| event | INSERT, MODIFY or REMOVE |
| sequence | the record's number in its shard; it grows with each change of an item |
| shard | where the record stood |
| at | when the change was made, to the second |
| keys | the item's primary key |
| new, old | the item after and before the change, where the stream keeps them |

keys, new and old are structs where a model or a schema tells their form, else JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel
from pyspark.sql.types import DataType, StringType, StructField, StructType, TimestampType

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of, spark_schema
from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT

COLUMNS: Final = ("event", "sequence", "shard", "at", "keys", "new", "old")
_ITEMS: Final = {"keys": "Keys", "new": "NewImage", "old": "OldImage"}


def change_schema(model: type[BaseModel] | None = None) -> StructType:
    """The schema of changes.

    Parameters:
        model: gives keys, new and old the form of its items; JSON text without one.
    """
    texts = [StructField(name, StringType(), False) for name in COLUMNS[:3]]
    return StructType([*texts, StructField("at", TimestampType()), *_items(model)])


def arrow_of_changes(schema: StructType, model: type[BaseModel] | None) -> Any:
    """The Arrow schema that goes with the columns of changes.

    Raises:
        ValidationError: there are other columns in it.
    """
    if unknown := [field.name for field in schema if field.name not in COLUMNS]:
        text = f"give the option stream = true, or a schema of some of {', '.join(COLUMNS)}"
        raise ValidationError(
            f"a stream has no column {', '.join(unknown)}: {text}", errors={"schema": [text]}
        )
    own = {} if model is None else {"new": model, "old": model, "keys": model}
    import pyarrow

    columns = []
    for field in schema:
        if isinstance(field.dataType, StructType) and field.name in own:
            inner = arrow_of(field.dataType, own[field.name])
            column = arrow_of(StructType([field])).field(0).with_type(pyarrow.struct(list(inner)))
        else:
            column = arrow_of(StructType([_as_json(field)])).field(0)
        columns.append(column)
    return pyarrow.schema(columns)


def item_of(record: Mapping[str, Any], shard: str) -> dict[str, Any]:
    """A record as an item with an attribute for each column, in wire form."""
    told = record["dynamodb"]
    item: dict[str, Any] = {
        "event": {"S": record["eventName"]},
        "sequence": {"S": told["SequenceNumber"]},
        "shard": {"S": shard},
        "at": {"N": str(told["ApproximateCreationDateTime"])},
    }
    return item | {name: {"M": told[member]} for name, member in _ITEMS.items() if member in told}


def page_of(records: list[Mapping[str, Any]], shard: str) -> bytes:
    """Records in the form of a reply, as a reader of columns takes it."""
    return msgspec.json.encode({"Items": [item_of(record, shard) for record in records]})


def _items(model: type[BaseModel] | None) -> list[StructField]:
    if model is None:
        return [StructField(name, StringType(), True, dict(JSON_TEXT)) for name in _ITEMS]
    columns, keys = spark_schema(model).fields, schema_of(model).key_fields
    kinds: dict[str, DataType] = {
        "keys": StructType([field for field in columns if field.name in keys]),
        "new": StructType([StructField(field.name, field.dataType) for field in columns]),
    }
    return [StructField(name, kinds.get(name, kinds["new"])) for name in _ITEMS]


def _as_json(field: StructField) -> StructField:
    if field.name in _ITEMS and isinstance(field.dataType, StringType):
        return StructField(field.name, field.dataType, field.nullable, dict(JSON_TEXT))
    return field
