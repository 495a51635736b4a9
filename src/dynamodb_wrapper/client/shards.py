"""Filling sharded indexes: giving the items that a table has already the keys that Meta asks for.

Knows how the keys of an item are made, and writes that hold only while their reason does. Must not know how a
face waits. A key depends on the item's primary key, which never changes, and on one attribute: a write that
asks for the value of that attribute is right whatever others write meanwhile.
"""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Any, Final

import msgspec
from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError
from dynamodb_wrapper.expressions import (
    Assign,
    Change,
    Compare,
    Condition,
    Exists,
    Missing,
    Path,
    Remove,
    Update,
    all_of,
)
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations import Scan, UpdateItem
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.rewriting import rewrite_pages
from dynamodb_wrapper.operations.segments import WIDEST, Segment, SegmentScan, segments_of
from dynamodb_wrapper.query.cursors import Cursors
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.schema.shards import ShardKey
from dynamodb_wrapper.validation import whole_number
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireItem

MOST_TRIES: Final = 10
ITEMS_A_PAGE: Final = 1000


class FilledShards(Struct, frozen=True, kw_only=True):
    """What became of the items that a part of the work looked at.

    Parameters:
        read: how many items there were.
        written: how many of them were given keys; none when the work is done again without other writers.
        left: the keys, as text, of those that were left as they are: a value cannot stand in a key, or they
            kept changing.
        next_key: pass it as `last_key` to go on; None at the end.
    """

    read: int
    written: int
    left: tuple[str, ...]
    next_key: str | None


def fill_shards(
    send: Send,
    config: DynamoDBConfig,
    model: type[BaseModel],
    table: str,
    limit: int | None,
    last_key: str | None,
) -> Flow[FilledShards]:
    """See `DynamoDB.fill_shards`."""
    schema = schema_of(model)
    sharded = tuple(how for how in schema.made.values() if isinstance(how, ShardKey))
    if not sharded:
        text = 'no index has shards: add for example GSI("...", "...", shards=8) to gsis'
        raise ValidationError(f"{model.__name__}.Meta: {text}", errors={"model": [text]})
    cursors = Cursors(config)
    identity = msgspec.json.encode([table, model.__name__, sorted(how.attribute for how in sharded)])
    if limit is not None:
        whole_number("limit", limit, otherwise=", or None for the whole table")
    first: Read[Page[WireItem]] = _scan(schema, table, sharded, limit)
    if last_key is not None:
        first = _resumed(first, cursors.open(last_key, identity))
    fill = partial(_fill, send, schema, table, sharded)
    done = yield from rewrite_pages(send, first, fill, schema.key_fields, limit)
    next_key = None if done.next is None else cursors.seal(_place(done.next), identity)
    return FilledShards(read=done.read, written=done.written, left=done.left, next_key=next_key)


def changes_to(sharded: tuple[ShardKey, ...], item: WireItem) -> list[tuple[Change, Condition]]:
    """What has to change of an item, each with what must hold meanwhile.

    Raises:
        Refused: a value cannot stand in a key.
    """
    changes: list[tuple[Change, Condition]] = []
    for how in sharded:
        wanted, path = how.render(item), Path((how.attribute,))
        if wanted == item.get(how.attribute):
            continue
        field = Path((how.shards.field,))
        value = item.get(how.shards.field)
        still = Missing(field) if value is None else Compare(field, "=", Wire(value))
        changes.append((Remove(path) if wanted is None else Assign(path, Wire(wanted)), still))
    return changes


def _scan(
    schema: TableSchema[Any], table: str, sharded: tuple[ShardKey, ...], limit: int | None
) -> SegmentScan[WireItem]:
    names = dict.fromkeys(name for how in sharded for name in (*how.fields, how.attribute))
    scan: Scan[WireItem] = Scan(
        table=table,
        reader=wire_reader,
        key_fields=schema.key_fields,
        filter=of_its_type(schema),
        projection=[Path((name,)) for name in names],
        consistent=True,
        evaluate=ITEMS_A_PAGE if limit is None else min(ITEMS_A_PAGE, ceil(limit / WIDEST)),
        encode=schema.codec.encode_attribute,
    )
    return SegmentScan(table=table, total=WIDEST, open=segments_of(scan, WIDEST), reader=wire_reader)


def _place(step: Any) -> dict[str, Any]:
    return {"open": [[segment.number, segment.start] for segment in step.open]}


def _resumed(step: Any, place: dict[str, Any]) -> Any:
    segments = {segment.number: segment for segment in step.open}
    rest = [Segment(number, segments[number].body, start) for number, start in place["open"]]
    return msgspec.structs.replace(step, open=rest)


def _fill(
    send: Send, schema: TableSchema[Any], table: str, sharded: tuple[ShardKey, ...], item: WireItem
) -> Flow[bool | None]:
    """Whether the item was written; None where it had to be, and was left."""
    key = {name: item[name] for name in schema.key_fields}
    current: WireItem | None = item
    for _ in range(MOST_TRIES):
        if current is None:
            return False
        try:
            changes = changes_to(sharded, current)
        except Refused:
            return None
        if not changes:
            return False
        update: UpdateItem[WireItem] = UpdateItem(
            table=table,
            key=key,
            update=Update(tuple(change for change, _ in changes)),
            reader=wire_reader,
            condition=all_of(Exists(Path((schema.partition_key,))), *(still for _, still in changes)),
            repeatable=True,
        )
        try:
            yield from update.flow(send)
        except ConditionalCheckFailedError as error:
            current = error.current_item
        else:
            return True
    return None
