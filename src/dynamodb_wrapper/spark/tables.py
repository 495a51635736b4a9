"""How Spark reads and writes the tables that are described by stored table configurations.

Knows formats, options and modes. Must not know sessions, runs or checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataFormat, TableConfig
from dynamodb_wrapper.models.rules import STORAGE_LEVELS
from dynamodb_wrapper.spark.sessions import as_text
from dynamodb_wrapper.validation import did_you_mean

if TYPE_CHECKING:
    from pyspark import StorageLevel
    from pyspark.sql import DataFrame, SparkSession

DYNAMODB = "dynamodb"
DEFAULT_LEVEL = "MEMORY_AND_DISK"
MODES = ("append", "overwrite", "ignore", "error", "errorifexists")
_NO_OPTIONS = frozenset({"service", "format"})
_MEANS_DYNAMODB = re.compile(r"((aws|amazon)\W*)?(dyna?m[o_-]*db|dynamo|ddb)", re.IGNORECASE)
_json = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What `spark.read.format().schema().options().load()` takes."""

    format: str
    options: Mapping[str, str]
    path: str | None
    schema: str | None = None

    def load(self, session: SparkSession) -> DataFrame:
        """The table as a DataFrame; nothing is read yet."""
        reader = session.read.format(self.format).options(**self.options)
        if self.schema is not None:
            reader = reader.schema(self.schema)
        return reader.load(self.path) if self.path is not None else reader.load()


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What `df.write.format().mode().partitionBy().options().save()` takes."""

    format: str
    options: Mapping[str, str]
    path: str | None
    mode: str = "append"
    partition_by: tuple[str, ...] = field(default=())

    def save(self, df: DataFrame) -> None:
        """Write the DataFrame."""
        writer = df.write.format(self.format).mode(self.mode).options(**self.options)
        if self.partition_by and self.format != DYNAMODB:
            writer = writer.partitionBy(*self.partition_by)
        writer.save(self.path) if self.path is not None else writer.save()


def read_options(table: TableConfig) -> ReadOptions:
    """How the table is read.

    The format is `data_format`, or what `connection_config` says: `{"service": "dynamodb", "table": ...}`, or
    `{"format": "jdbc", ...}` with that format's options. `read_options` win over those. Lists and objects
    become JSON; an option that is None is not given.

    Raises:
        ValidationError: `connection_config` or the schema is not understood.
    """
    source, options = _source(table)
    options |= _texts(table.read_options)
    return ReadOptions(source, options, _path(table, source), schema_text(table))


def write_options(table: TableConfig) -> WriteOptions:
    """How the table is written; `write_options["mode"]` is the mode, "append" where it is left out.

    Raises:
        ValidationError: there is no such mode, or `connection_config` is not understood.
    """
    source, options = _source(table)
    options |= _texts(table.write_options)
    mode = options.pop("mode", "append").lower()
    if mode not in MODES:
        text = f"one of {', '.join(MODES)}"
        raise ValidationError(
            f"table {table.table_id} has the mode {mode!r} in its write_options: use {text}",
            errors={"write_options.mode": [text]},
        )
    return WriteOptions(source, options, _path(table, source), mode, tuple(table.partition_columns))


def schema_text(table: TableConfig) -> str | None:
    """The schema as Spark's DDL, from `schema_definition`: a text, or fields with names and types."""
    defined = table.schema_definition
    if isinstance(ddl := defined.get("ddl"), str):
        return ddl
    fields = defined.get("fields")
    if not isinstance(fields, list) or not fields:
        return None
    try:
        return ", ".join(f"`{one['name']}` {SQL_TYPES.get(one['type'], one['type'])}" for one in fields)
    except (KeyError, TypeError):
        text = 'give {"ddl": "id STRING, n INT"} or {"fields": [{"name": ..., "type": ...}]}'
        raise ValidationError(
            f"the schema of table {table.table_id} cannot be read: {text}",
            errors={"schema_definition": [text]},
        ) from None


SQL_TYPES = {
    "str": "STRING",
    "int": "BIGINT",
    "float": "DOUBLE",
    "Decimal": "DECIMAL(38,18)",
    "bool": "BOOLEAN",
    "bytes": "BINARY",
    "datetime": "TIMESTAMP",
    "int | None": "BIGINT",
    "str | None": "STRING",
    "Decimal | None": "DECIMAL(38,18)",
}
"""Types as Python programs name them; others are Spark's own."""


def storage_level(table: TableConfig) -> StorageLevel:
    """The level at which a table is cached, `MEMORY_AND_DISK` where `cache_level` says none.

    The four levels of the JVM with `_SER` are those without it here, as they were in PySpark 2: all of
    PySpark's levels serialize, unless they say `DESER`
    (https://spark.apache.org/docs/latest/rdd-programming-guide.html#rdd-persistence).

    Raises:
        ValidationError: there is no such level.
    """
    from pyspark import StorageLevel

    level = (table.cache_level or DEFAULT_LEVEL).strip().upper()
    if level not in STORAGE_LEVELS:
        text = f"one of {', '.join(STORAGE_LEVELS)}{did_you_mean(level, STORAGE_LEVELS)}"
        raise ValidationError(
            f"table {table.table_id} has the cache_level {table.cache_level!r}: use {text}",
            errors={"cache_level": [text]},
        )
    found: StorageLevel = getattr(StorageLevel, level.replace("_SER", ""))
    return found


def _source(table: TableConfig) -> tuple[str, dict[str, str]]:
    """The name of the data source, and the options that say where the data are."""
    connection = table.connection_config
    service, named = str(connection.get("service") or ""), connection.get("format")
    options = _texts({name: value for name, value in connection.items() if name not in _NO_OPTIONS})
    if DYNAMODB in (service.casefold(), str(named).casefold()):
        return DYNAMODB, {"table": table.table_name, **options}
    kind = str(connection.get("type") or "")
    for entry, text in {"service": service, "type": kind}.items():
        if _MEANS_DYNAMODB.fullmatch(text):  # else what is in other places would be read as files
            mend = f'write {{"service": "{DYNAMODB}"}} for a table of DynamoDB'
            raise ValidationError(
                f"table {table.table_id} has the {entry} {text!r} in its connection_config: {mend}",
                errors={f"connection_config.{entry}": [mend]},
            )
    return (str(named) if named else DataFormat(table.data_format).value), options


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Options as Spark takes them."""
    return {name: _text(value) for name, value in given.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return _json.encode(value).decode()
    return f"{value:f}" if isinstance(value, Decimal) else as_text(value)


def _path(table: TableConfig, source: str) -> str | None:
    return None if source in (DYNAMODB, "jdbc") else table.location
