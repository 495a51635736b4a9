"""How Spark reads and writes the tables that are described by stored table configurations.

Knows formats, options and modes. Must not know sessions, runs or checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataFormat, TableConfig
from dynamodb_wrapper.spark.sessions import as_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MODES = ("append", "overwrite", "ignore", "error", "errorifexists")
_NO_OPTIONS = frozenset({"service", "format"})


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
        if self.partition_by and self.format != "dynamodb":
            writer = writer.partitionBy(*self.partition_by)
        writer.save(self.path) if self.path is not None else writer.save()


def read_options(table: TableConfig) -> ReadOptions:
    """How the table is read.

    The format is `data_format`, or what `connection_config` says: `{"service": "dynamodb", "table": ...}`, or
    `{"format": "jdbc", ...}` with that format's options. `read_options` win over those.
    """
    source, options = _source(table)
    options |= {name: as_text(value) for name, value in table.read_options.items()}
    return ReadOptions(source, options, _path(table, source), schema_text(table))


def write_options(table: TableConfig) -> WriteOptions:
    """How the table is written; `write_options["mode"]` is the mode, "append" where it is left out.

    Raises:
        ValidationError: there is no such mode.
    """
    source, options = _source(table)
    options |= {name: as_text(value) for name, value in table.write_options.items()}
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


def _source(table: TableConfig) -> tuple[str, dict[str, str]]:
    """The name of the data source, and the options that say where the data are."""
    connection = table.connection_config
    options = {name: as_text(value) for name, value in connection.items() if name not in _NO_OPTIONS}
    if connection.get("service") == "dynamodb":
        return "dynamodb", {"table": table.table_name, **options}
    if "format" in connection:
        return str(connection["format"]), options
    return DataFormat(table.data_format).value, options


def _path(table: TableConfig, source: str) -> str | None:
    return None if source in ("dynamodb", "jdbc") else table.location
