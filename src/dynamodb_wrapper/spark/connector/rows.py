"""Rows that Spark hands over, as dicts of Python values by attribute.

Knows Arrow types and what Spark makes of values. Must not know models or tables. What is null is left out, at
the top and in structs; elements of lists and entries of maps keep their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa

from dynamodb_wrapper.spark.connector.schemas import is_json

Row: TypeAlias = dict[str, Any]
_Convert: TypeAlias = Callable[[Any], Any]


class RowMaker:
    """Makes rows of record batches, and of Spark's own rows.

    Parameters:
        schema: the pyarrow schema; its metadata says which columns hold JSON text.
        sets: the columns whose lists become sets.
    """

    def __init__(self, schema: Any, sets: Collection[str] = ()) -> None:
        self._columns = [(field.name, _converter(field, as_set=field.name in sets)) for field in schema]

    def of_batch(self, batch: Any) -> Iterator[Row]:
        """The rows of a record batch."""
        columns = [
            _all(column.to_pylist(), convert)
            for column, (_, convert) in zip(batch.columns, self._columns, strict=True)
        ]
        names = [name for name, _ in self._columns]
        for values in zip(*columns, strict=True):
            yield {name: value for name, value in zip(names, values, strict=True) if value is not None}

    def of_rows(self, rows: Iterable[Any]) -> Iterator[Row]:
        """The same of `pyspark.sql.Row`s; their datetimes are in the process's own zone."""
        for row in rows:
            given = row.asDict(recursive=True)
            converted = (
                (name, given[name] if convert is None or given[name] is None else convert(given[name]))
                for name, convert in self._columns
            )
            yield {name: value for name, value in converted if value is not None}


def _all(values: list[Any], convert: _Convert | None) -> list[Any]:
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _converter(field: Any, *, as_set: bool = False) -> _Convert | None:
    """What makes a value of a column one to store; None where it is one already."""
    kind, types = field.type, pa.types
    if is_json(field):
        return _read_json
    if types.is_timestamp(kind):
        return _in_utc if kind.tz is not None else None
    if types.is_struct(kind):
        return _of_struct([(each.name, _converter(each)) for each in kind])
    if types.is_map(kind):
        inner = _converter(kind.item_field)
        return lambda entries: {name: _one(value, inner) for name, value in dict(entries).items()}
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _converter(kind.value_field)
        if as_set:
            return lambda values: {_one(value, inner) for value in values}
        return None if inner is None else lambda values: [_one(value, inner) for value in values]
    if types.is_binary(kind) or types.is_large_binary(kind):
        return bytes
    return None


def _of_struct(fields: list[tuple[str, _Convert | None]]) -> _Convert:
    def convert(value: Any) -> Any:
        found = ((name, _one(value[name], inner)) for name, inner in fields)
        return {name: each for name, each in found if each is not None}

    return convert


def _one(value: Any, convert: _Convert | None) -> Any:
    return value if value is None or convert is None else convert(value)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _read_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
