"""Rows that Spark hands over, as dicts of Python values by attribute.

Knows Arrow types and what Spark makes of values. Must not know models or tables. What is null is left out, at
the top and in structs; elements of lists and entries of maps keep their place. A type that no value of can be
stored is refused before there are rows; a single value that cannot be read makes its row an `UnreadRow`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeAlias

import pyarrow as pa

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.connector.schemas import is_json, is_set, marked

Row: TypeAlias = dict[str, Any]
_Convert: TypeAlias = Callable[[Any], Any]
_UNREAD: Final = (ValueError, OverflowError, TypeError)
_STORED: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_timestamp,
    pa.types.is_date,
)


class UnreadRow(dict[str, Any]):
    """A row with values that are none; it has the others, so that its key can be told.

    Parameters:
        error: which they are.
    """

    error: ValidationError


class RowMaker:
    """Makes rows of record batches, and of Spark's own rows.

    Parameters:
        schema: the pyarrow schema; its metadata says which columns hold JSON text, and which lists are sets.
        sets: further columns whose lists become sets, also places in structs: `address.codes`.

    Raises:
        ValidationError: there are columns of which nothing can be stored.
    """

    def __init__(self, schema: Any, sets: Collection[str] = ()) -> None:
        errors = {field.name: text for field in schema if (text := _refused(field))}
        for place in sets:
            try:
                schema = _with_sets(schema, place)
            except ValueError as error:
                errors[place] = str(error)
        self._columns = [(field.name, _converter(field)) for field in schema]
        if errors:
            told = "; ".join(f"{name} is {text}" for name, text in errors.items())
            raise ValidationError(
                f"columns that cannot be stored: {told}",
                errors={name: [text] for name, text in errors.items()},
            )

    def of_batch(self, batch: Any) -> Iterator[Row]:
        """The rows of a record batch."""
        try:
            columns = [
                _all(column.to_pylist(), convert)
                for column, (_, convert) in zip(batch.columns, self._columns, strict=True)
            ]
        except _UNREAD:  # in one row at least: the halves tell in which
            half = batch.num_rows // 2
            if half:
                yield from self.of_batch(batch.slice(0, half))
                yield from self.of_batch(batch.slice(half))
            else:
                yield self._one_by_one(column[0].as_py for column in batch.columns)
            return
        names = [name for name, _ in self._columns]
        for values in zip(*columns, strict=True):
            yield {name: value for name, value in zip(names, values, strict=True) if value is not None}

    def of_rows(self, rows: Iterable[Any]) -> Iterator[Row]:
        """The same of `pyspark.sql.Row`s; their datetimes are in the process's own zone."""
        for row in rows:
            given = row.asDict(recursive=True)
            yield self._one_by_one(partial(given.get, name) for name, _ in self._columns)

    def _one_by_one(self, reads: Iterable[Callable[[], Any]]) -> Row:
        row, errors = Row(), dict[str, list[str]]()
        for (name, convert), read in zip(self._columns, reads, strict=True):
            try:
                value = _one(read(), convert)
            except _UNREAD as error:
                errors[name] = [f"{type(error).__name__}: {error}"]
            else:
                if value is not None:
                    row[name] = value
        if not errors:
            return row
        unread = UnreadRow(row)
        told = "; ".join(f"{name}: {text}" for name, (text,) in errors.items())
        unread.error = ValidationError(f"values that cannot be read: {told}", errors=errors)
        return unread


def _refused(field: Any) -> str:
    """Why no value of a column can be stored; empty where one can."""
    kind, types = field.type, pa.types
    if types.is_timestamp(kind) and kind.tz is None:
        return "a time without a zone, which would be a guess: cast it to timestamp"
    if types.is_map(kind) and not (types.is_string(kind.key_type) or types.is_large_string(kind.key_type)):
        return f"a map with keys of {kind.key_type}, and DynamoDB has keys of text: cast them to string"
    if not (types.is_nested(kind) or types.is_null(kind) or any(test(kind) for test in _STORED)):
        return f"{kind}, which DynamoDB has nothing for: cast it to string"
    inner = (kind.field(at) for at in range(kind.num_fields))
    return next((text for each in inner if (text := _refused(each))), "")


def _with_sets(schema: Any, place: str) -> Any:
    """A schema, or the type of a struct, with the mark of sets at a place."""
    for at, field in enumerate(schema):
        name, inside = field.name, field.type
        if name == place:
            changed = marked(field)
            if not _holds_sets(changed):
                text = "and a set holds texts, numbers or binaries: give a column of such lists"
                raise ValueError(f"{inside}, {text}")
        elif place.startswith(f"{name}.") and pa.types.is_struct(inside):
            changed = field.with_type(_with_sets(inside, place.removeprefix(f"{name}.")))
        else:
            continue
        fields = [*schema]
        fields[at] = changed
        return pa.struct(fields) if isinstance(schema, pa.DataType) else pa.schema(fields)
    raise ValueError("to be a set and is no column")


def _holds_sets(field: Any) -> bool:
    kind, types = field.type, pa.types
    if types.is_map(kind):
        return _holds_sets(kind.item_field)
    is_list = types.is_list(kind)
    return is_list and (_holds_sets(kind.value_field) or (is_set(field) and _is_of_sets(kind.value_field)))


def _is_of_sets(element: Any) -> bool:
    kind, types = element.type, pa.types
    if types.is_nested(kind) or types.is_boolean(kind) or is_json(element):
        return False
    return any(test(kind) for test in _STORED)


def _all(values: list[Any], convert: _Convert | None) -> list[Any]:
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _converter(field: Any) -> _Convert | None:
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
        if is_set(field) and _is_of_sets(kind.value_field):
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
