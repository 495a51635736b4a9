"""Writing the rows of one task: each settled, as written, as written before, or as rejected.

Knows models, operations and what makes a write safe to repeat: Spark runs a task again that failed, and an
answer may be lost. Must not know Spark. A put and a delete end the same when they are made twice. An insert
that meets the very item, and a write with a version that meets what it would have made, were made before:
they count as repeated and not as rejected.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from itertools import islice
from time import monotonic
from typing import Any, Final, TypeAlias, get_origin

from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Flow, Sleep, Together
from dynamodb_wrapper.exceptions import (
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    NotUniqueError,
    ProvisionedThroughputExceededError,
    ValidationError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.expressions import Compare, Condition, Missing, Path
from dynamodb_wrapper.operations.applying import delete_alone, put_alone, update_alone
from dynamodb_wrapper.operations.batches import MOST_WRITES
from dynamodb_wrapper.operations.bulk import Entry, delete_entry, put_entry, write
from dynamodb_wrapper.operations.draining import (
    BASE_SECONDS,
    BATCHES_PER_LANE,
    LONGEST_WAIT_SECONDS,
    MOST_ROUNDS,
    WIDEST,
)
from dynamodb_wrapper.operations.intents import Create, UpdateExisting, changes_of
from dynamodb_wrapper.operations.writes import DeleteItem, PutItem
from dynamodb_wrapper.spark.connector.counts import Calls, Counts
from dynamodb_wrapper.spark.connector.rows import Row, UnreadRow
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.validation import from_pydantic
from dynamodb_wrapper.wire.plain import stored_fields
from dynamodb_wrapper.wire.values import decode_item

ROWS_AT_ONCE: Final = WIDEST * BATCHES_PER_LANE * MOST_WRITES
Settled: TypeAlias = bool | DynamoDBWrapperError
"""True for a row that was written, False for one that was written before, or why it was rejected."""
_EMPTY = (dict, frozenset, list, set, tuple)
_REJECTS = (ValidationError, ConflictError, ItemNotFoundError)
_AGAIN = (WriteOutcomeUnknownError, ProvisionedThroughputExceededError)


class RowWriter:
    """Writes rows into a table, as the options say.

    Parameters:
        source: the table, its options and columns.
        db: a client.

    Raises:
        ValidationError: the columns are not those that the table and the operation need.
    """

    def __init__(self, source: Source, db: DynamoDB) -> None:
        self._options, self._table, self._db = source.options, source.table, db
        self._model, self._schema = source.model, source.schema
        self._columns = check_columns(source)
        self._guarded = self._schema.version is not None and self._schema.version in self._columns

    def write(self, rows: Iterable[Row]) -> Counts:
        """Write all rows.

        Raises:
            DynamoDBWrapperError: a row was rejected and `onReject` is "fail"; or what went wrong with all of
                them, such as a table that stays throttled.
        """
        counts = Counts()
        left = iter(rows)
        while some := list(islice(left, ROWS_AT_ONCE)):
            for row, settled in zip(some, self._db.drive(self._settled(some)), strict=True):
                self._count(counts, row, settled)
        return counts

    def _count(self, counts: Counts, row: Row, settled: Settled) -> None:
        if isinstance(settled, bool):
            counts.written += settled
            counts.repeated += not settled
            return
        key = {name: row.get(name) for name in self._schema.key_arguments}
        if self._options.on_reject == "fail":
            settled.add_note(
                f"the row with the key {key} was rejected; with the option onReject = count such rows are "
                "counted, and the others written"
            )
            raise settled
        counts.reject(settled, key)

    def _settled(self, rows: list[Row]) -> Flow[list[Settled]]:
        plain = not self._schema.keeps_more and self._options.operation in ("put", "delete")
        if plain:
            return (yield from self._in_batches(rows))
        places: dict[str, list[int]] = {}
        for at, row in enumerate(rows):
            places.setdefault(repr([row.get(name) for name in self._schema.key_arguments]), []).append(at)
        settled: list[Any] = [None] * len(rows)
        found = yield Together(
            [self._in_order([rows[at] for at in some]) for some in places.values()], limit=WIDEST
        )
        for some, outcomes in zip(places.values(), found, strict=True):
            for at, outcome in zip(some, outcomes, strict=True):
                settled[at] = outcome
        return settled

    def _in_order(self, rows: list[Row]) -> Flow[list[Settled]]:
        """The rows of one key, one after the other."""
        settled: list[Settled] = []
        for row in rows:
            settled.append(row.error if isinstance(row, UnreadRow) else (yield from self._alone(row)))
        return settled

    def _in_batches(self, rows: list[Row]) -> Flow[list[Settled]]:
        made = [self._entry(row) for row in rows]
        entries = [entry for entry in made if isinstance(entry, Entry)]
        outcomes = iter((yield from write(self._db.send, entries)))
        settled: list[Settled] = []
        for entry in made:
            if not isinstance(entry, Entry):
                settled.append(entry)
            elif (error := next(outcomes).error) is None:
                settled.append(True)
            elif isinstance(error, _REJECTS):  # of one row in the batch: which, only each alone can tell
                settled.append((yield from self._entry_alone(entry)))
            else:
                raise error
        return settled

    def _entry(self, row: Row) -> Entry | DynamoDBWrapperError:
        if isinstance(row, UnreadRow):
            return row.error
        try:
            if self._options.operation == "put":
                return put_entry(self._table, self._schema, self._instance(row))
            return delete_entry(self._table, self._schema, self._key(row))
        except _REJECTS as error:
            return error

    def _entry_alone(self, entry: Entry) -> Flow[Settled]:
        common: dict[str, Any] = {"table": self._table, "reader": self._schema.codec}
        single = PutItem(item=entry.wire, **common) if entry.is_put else DeleteItem(key=entry.key, **common)
        try:
            yield from single.flow(self._db.send)
        except _REJECTS as error:
            return error
        return True

    def _alone(self, row: Row) -> Flow[Settled]:
        for tries in range(MOST_ROUNDS):
            try:
                return (yield from self._once(row))
            except _REJECTS as error:
                return error
            except _AGAIN:
                if tries == MOST_ROUNDS - 1:
                    raise
                yield Sleep(random.random() * min(BASE_SECONDS * 2**tries, LONGEST_WAIT_SECONDS))
        raise AssertionError("the last try returns or raises")

    def _once(self, row: Row) -> Flow[bool]:
        try:
            yield from self._ways[self._options.operation](self, row)
        except NotUniqueError:
            raise
        except ConflictError as error:
            if self._was_made(row, error.current_item):
                return False
            raise
        return True

    def _put(self, row: Row) -> Flow[None]:
        return put_alone(self._db.send, self._schema, self._table, self._instance(row), None)

    def _insert(self, row: Row) -> Flow[None]:
        instance = self._instance(row)
        if self._schema.keeps_more:
            missing = Missing(Path((self._schema.partition_key,)))
            return put_alone(self._db.send, self._schema, self._table, instance, missing)
        return Create(schema=self._schema, table=self._table, instance=instance).flow(self._db.send)

    def _update(self, row: Row) -> Flow[Any]:
        schema, table, send, key = self._schema, self._table, self._db.send, self._key(row)
        changes = self._changes(row)
        if schema.keeps_more:
            return update_alone(send, schema, table, key, changes, self._guard(row))
        return UpdateExisting(schema=schema, table=table, key=key, changes=changes_of(schema, changes)).flow(
            send
        )

    def _delete(self, row: Row) -> Flow[Any]:
        return delete_alone(self._db.send, self._schema, self._table, self._key(row), self._guard(row))

    _ways: Final = {"put": _put, "insert": _insert, "update": _update, "delete": _delete}

    def _instance(self, row: Row) -> BaseModel:
        try:
            return self._model.model_validate(row)
        except PydanticError as error:
            raise from_pydantic(error, self._model.__name__, self._model.model_fields) from None

    def _key(self, row: Row) -> Mapping[str, Any]:
        return {name: row[name] for name in self._schema.key_arguments if name in row}

    def _changes(self, row: Row) -> Mapping[str, Any]:
        return {name: row.get(name) for name in self._columns if name != self._schema.version}

    def _guard(self, row: Row) -> Condition | None:
        if not self._guarded:
            return None
        version = str(self._schema.version)
        if version not in row:
            text = "null, and the write asks for the version that was read"
            raise ValidationError(f"{version} is {text}", errors={version: [text]})
        return Compare(Path((version,)), "=", row[version])

    def _was_made(self, row: Row, current: object) -> bool:
        """Whether a write that was refused has been made already, by a try that failed later."""
        schema, operation = self._schema, self._options.operation
        if operation == "delete":
            return current is None
        if not isinstance(current, schema.model):
            return False
        stored = schema.codec.encode(current)
        if operation == "update":
            wanted = {
                name: schema.codec.encode_attribute(name, value)
                for name, value in self._changes(row).items()
                if value is not None
            }
            gone = {name for name, value in self._changes(row).items() if value is None}
            if gone & {name for name, value in stored.items() if "NULL" not in value}:
                return False
            stored = {name: value for name, value in stored.items() if name in (*wanted, schema.version)}
        else:
            wanted = schema.codec.encode(self._instance(row))
        if schema.version is not None:
            wanted[schema.version] = {"N": str(int(row.get(schema.version) or 0) + 1)}
        anew = _made_anew(schema.model) - row.keys()
        stored, wanted = ({name: item[name] for name in item.keys() - anew} for item in (stored, wanted))
        return decode_item(stored) == decode_item(wanted)


def written(source: Source, rows: Iterable[Row]) -> Counts:
    """Write rows with a client of this process."""
    options, calls, began = source.options, Calls(), monotonic()
    share = options.share(options.write_units, options.tasks or 1)
    with source.limited(writes=share, observers=[calls]) as db:
        counts = RowWriter(source, db).write(rows)
    counts.calls, counts.throttles, counts.seconds = calls.sent, calls.throttled, monotonic() - began
    return counts


def _made_anew(model: type[BaseModel]) -> set[str]:
    """The attributes that the model itself fills in, with another value at each try, such as a moment."""
    factories = {
        field.attribute: model.model_fields[field.name].default_factory for field in stored_fields(model)
    }
    return {
        name
        for name, factory in factories.items()
        if factory is not None and (get_origin(factory) or factory) not in _EMPTY
    }


def check_columns(source: Source) -> tuple[str, ...]:
    """The columns besides the key.

    Raises:
        ValidationError: the columns are not those that the table and the operation need, or there is an
            option that says which rows to read.
    """
    schema, options = source.schema, source.options
    options.check_for("writing")
    names = [name for name, _ in source.columns]
    problems: dict[str, str] = {
        name: f"is part of the key of {source.table} and no column"
        for name in schema.key_arguments
        if name not in names
    }
    problems |= {name: "stands twice" for name in names if names.count(name) > 1}
    problems |= {name: "is no attribute of the model" for name in names if name not in schema.attributes}
    problems |= {
        name: "is to be a set and is no column"
        for name in options.sets
        if not {name, name.partition(".")[0]} & {*names}
    }
    besides = tuple(name for name in names if name not in schema.key_arguments)
    if options.operation == "update" and not set(besides) - {schema.version}:
        problems["operation"] = "is update, and there is no column besides the key"
    if problems:
        told = "; ".join(f"{name} {text}" for name, text in problems.items())
        raise ValidationError(
            f"the rows cannot be written to {source.table}: {told}. The columns are {', '.join(names)}",
            errors={name: [text] for name, text in problems.items()},
        )
    return besides
