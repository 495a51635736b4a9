"""A task's part of a plan as Arrow record batches, straight from the bytes of the replies where that can be.

Knows plans, clients and the reader of columns. Must not know Spark, so that it serves tasks of any kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.ahead import walk_ahead
from dynamodb_wrapper.operations import Scan
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.segments import ReplyReader, SegmentScan, segments_of
from dynamodb_wrapper.query.courses import course_of
from dynamodb_wrapper.query.pages import steps_of
from dynamodb_wrapper.spark.connector.planning import Part, Share, part_of
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.wire.arrow import ArrowReader

ROWS_OF_A_BATCH: Final = 1000
_replies: Any = ReplyReader()


def batches_of(source: Source, share: Share, schema: Any) -> Iterator[Any]:
    """The record batches of one task; the client is closed when the last one was taken.

    Parameters:
        schema: the pyarrow schema, with a column for each attribute that is read.

    Raises:
        ValidationError: a value does not fit its column; tells the item's key, the attribute, what it holds
            and what was expected.
    """
    options, table = source.options, source.table
    reader = ArrowReader(schema, source.schema.key_fields)
    part = part_of(source, share)
    with source.limited(reads=options.share(options.read_units, share.total)) as db:
        if options.max_items is not None:
            yield from _items(db, table, part, reader, options.max_items)
        elif _is_plain(part):
            for reply in walk_ahead(_pages(table, part), db.send, db.drive):
                yield from reader.read_page(reply, table=table).items
        else:
            yield from _items(db, table, part, reader)


def _is_plain(part: Part) -> bool:
    """Whether pages go into batches as they come."""
    return len(part.plan.lanes) == 1 and not part.plan.lanes[0].judges


def _pages(table: str, part: Part) -> Any:
    search = part.plan.search(part.plan.lanes[0], table, _replies, forward=True)
    if not isinstance(search, Scan):
        return search
    return SegmentScan(
        table=table,
        total=part.segments,
        open=(segments_of(search, part.segments)[part.segment],),
        reader=_replies,
        width=1,
        widest=1,
    )


def _items(
    db: DynamoDB, table: str, part: Part, reader: ArrowReader, limit: int | None = None
) -> Iterator[Any]:
    """Batches of items that have to be looked at, or counted, one by one."""
    found = iter(db.iterate(steps_of(course_of(part.plan, table, wire_reader), limit, db.send)))
    while some := list(islice(found, ROWS_OF_A_BATCH)):
        yield from reader.read_page(msgspec.json.encode({"Items": some}), table=table).items
