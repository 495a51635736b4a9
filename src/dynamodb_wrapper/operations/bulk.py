"""Bulk: writes and reads of any models as entries of batches, and what became of each.

Knows models' descriptions and batches. Must not know how entries are gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from time import monotonic
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Flow, Send, Together
from dynamodb_wrapper.exceptions import (
    BulkWriteError,
    DeadlineExceededError,
    DynamoDBWrapperError,
    UnprocessedError,
    ValidationError,
)
from dynamodb_wrapper.operations.batches import BatchGet, BatchGetMany, BatchWrite, Place
from dynamodb_wrapper.operations.keys import checked_item, resource_id, several_keys, wire_key
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.validation import several
from dynamodb_wrapper.wire.compiled import attribute_names
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)
Wanted: TypeAlias = tuple[type[M], str, object]
"""A model, its table's full name, and the key of an item."""
Make: TypeAlias = "Callable[[str, TableSchema[Any], Any], Entry]"


class Outcome(Struct, frozen=True):
    """What became of one write of a batch.

    Parameters:
        given: the item to put, or the key to delete.
        error: why it was not written; None where it was.
    """

    given: Any
    error: DynamoDBWrapperError | None = None

    @property
    def written(self) -> bool:
        """Whether the item was put or deleted."""
        return self.error is None


class Entry(Struct, frozen=True):
    """One write of a batch: `wire` is the item to put, or the key to delete; `place` tells items apart."""

    table: str
    given: Any
    key: WireItem
    wire: WireItem
    is_put: bool
    place: Place


def put_entry(table: str, schema: TableSchema[M], item: M) -> Entry:
    """The write that stores an item of that model, which `refuse_kept` has let pass."""
    wire = checked_item(schema, schema.codec.encode(item), table)
    check_item_size(wire, table)
    key = {name: wire[name] for name in schema.key_fields}
    return Entry(table, item, key, wire, True, (table, mark(key)))


def delete_entry(table: str, schema: TableSchema[Any], key: object) -> Entry:
    """The write that removes an item; of a model as for `put_entry`."""
    wire = wire_key(schema, key, table)
    return Entry(table, key, wire, wire, False, (table, mark(wire)))


def entries_of(
    table: str, schema: TableSchema[M], puts: Iterable[M], deletes: Iterable[object], *, outcomes: bool
) -> list[Entry | Outcome]:
    """The writes that store some items of a model and remove others, puts first.

    Parameters:
        outcomes: whether a write that is refused becomes its outcome, and the others are made.

    Raises:
        ValidationError: a write is refused, and outcomes are not asked for: names its position and its key.
            Or none of them could be made, as Meta wants kept what a batch cannot keep.
    """
    refuse_kept(schema)
    entries: list[Entry | Outcome] = []
    wanted: list[tuple[str, Iterable[Any], Make]] = [
        ("puts", several("puts", puts, "item"), put_entry),
        ("deletes", several_keys(schema, "deletes", deletes), delete_entry),
    ]
    for name, given, make in wanted:
        for position, each in enumerate(given):
            try:
                entries.append(make(table, schema, each))
            except ValidationError as error:
                if not outcomes:
                    raise _at(f"{name}[{position}]", schema, each, error) from error
                entries.append(Outcome(each, error))
    return entries


def _at(where: str, schema: TableSchema[Any], given: object, error: ValidationError) -> ValidationError:
    """The error with the place of a write among the others, and the key that it is of."""
    if isinstance(given, schema.model):
        fields = {attribute: name for name, attribute in attribute_names(schema.model).items()}
        key = {name: getattr(given, fields[name], None) for name in schema.key_arguments}
        which = f" ({', '.join(f'{name}={value!r:.50}' for name, value in key.items())})"
    else:
        key, which = {}, f" ({given!r:.50})" if where.startswith("deletes") else ""
    context = error.context | {"position": where, "key": key}
    return ValidationError(f"{where}{which}: {error.message}", error, context, errors=error.errors)


def refuse_kept(schema: TableSchema[Any]) -> None:
    """Refuse models whose Meta wants kept what a batch cannot keep."""
    if schema.keeps_more:
        what = "version" if schema.version is not None else "unique"
        raise ValidationError(
            f"{schema.model.__name__} has a Meta.{what}, which a batch cannot keep: DynamoDB's batches "
            "have no conditions. Use put, update and delete, or db.transaction()"
        )


def deadline_after(seconds: float | None) -> float:
    """The deadline of a batch, on the clock of `time.monotonic`."""
    return inf if seconds is None else monotonic() + seconds


def write(send: Send, entries: Sequence[Entry | Outcome], deadline: float = inf) -> Flow[list[Outcome]]:
    """Send all entries; of two of one item the later is kept. After a failure no further table is begun.

    Parameters:
        entries: the writes, and the outcomes of those that were refused.
    """
    last = {entry.place: entry for entry in entries if isinstance(entry, Entry)}
    by_table: dict[str, list[Entry]] = {}
    for entry in last.values():
        by_table.setdefault(entry.table, []).append(entry)
    failed: dict[tuple[str, bytes], DynamoDBWrapperError] = {}
    error: DynamoDBWrapperError | None = None
    for table, some in by_table.items():
        if error is None:
            batch = BatchWrite(
                table=table,
                key_fields=(),
                puts=[entry.wire for entry in some if entry.is_put],
                deletes=[entry.wire for entry in some if not entry.is_put],
                deadline=deadline,
            )
            drained = yield from batch.drained(send)
            left = {_key_of(request, some[0].key) for request in drained.left}
            some, error = [entry for entry in some if entry.place[1] in left], drained.error
        if error is not None:
            failed |= {entry.place: error for entry in some}
    return [
        Outcome(entry.given, failed.get(entry.place)) if isinstance(entry, Entry) else entry
        for entry in entries
    ]


def raise_failures(entries: Sequence[Entry | Outcome], outcomes: Sequence[Outcome]) -> None:
    """Raise if something was not written.

    Parameters:
        entries: the writes, none of which was refused.

    Raises:
        BulkWriteError: tells of every write; its `unwritten` can be given to a batch again.
        DynamoDBWrapperError: the error itself, where nothing at all was written for another reason than time.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return
    first = errors[0]
    left = first.outcome_unknown or isinstance(first, UnprocessedError | DeadlineExceededError)
    if len(errors) == len(outcomes) and not left:
        raise first
    names = [resource_id(decode_item(entry.key)) for entry in entries if isinstance(entry, Entry)]
    told = list(zip(names, outcomes, strict=True))
    raise BulkWriteError(
        f"{len(errors)} of {len(outcomes)} writes of a batch failed: {first.message}",
        first,
        succeeded=[name for name, outcome in told if outcome.error is None],
        failed={name: outcome.error for name, outcome in told if outcome.error is not None},
        unwritten=[outcome.given for outcome in outcomes if outcome.error is not None],
    )


def read(send: Send, wanted: Sequence[Wanted[M]], consistent: bool, deadline: float) -> Flow[list[M | None]]:
    """Read items of several models, in their order; models of different tables share calls.

    Raises:
        UnprocessedError: the service left keys over; carries each with its model, as they were given.
    """
    keys: dict[tuple[type[M], str], list[WireItem]] = {}
    places: list[tuple[tuple[type[M], str], int]] = []
    for model, table, key in wanted:
        some = keys.setdefault((model, table), [])
        places.append(((model, table), len(some)))
        some.append(wire_key(schema_of(model), key, table))
    groups: list[dict[str, type[M]]] = []
    for model, table in keys:
        group = next((group for group in groups if table not in group), None)
        if group is None:
            groups.append(group := {})
        group[table] = model
    gets = [
        [
            BatchGet(
                table=table, keys=keys[model, table], reader=schema_of(model).codec, consistent=consistent
            )
            for table, model in group.items()
        ]
        for group in groups
    ]
    try:
        answers = yield Together([BatchGetMany(parts, deadline).flow(send) for parts in gets])
    except UnprocessedError as error:
        left = {(table, mark(key)) for table, key in error.unprocessed}
        given = zip(wanted, places, strict=True)
        error.unprocessed = tuple(
            (model, key)
            for (model, table, key), (place, at) in given
            if (table, mark(keys[place][at])) in left
        )
        raise
    found: dict[tuple[type[M], str], list[M | None]] = {}
    for group, parts in zip(groups, answers, strict=True):
        for (table, model), items in zip(group.items(), parts, strict=True):
            found[model, table] = items
    return [found[place][at] for place, at in places]


def _key_of(request: WireItem, names: Iterable[str]) -> bytes:
    """What the key of a request has in common with equal ones."""
    item: Any = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return mark({name: item[name] for name in names})
