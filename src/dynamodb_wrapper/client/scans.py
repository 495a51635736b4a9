"""Scans as users ask for them: a whole table or index, in segments that are read at the same time.

Knows models, faces and operations. Must not know the limits of a call.

    for order in db.scan(Order, where=Order.total > 100, segments=8):
        ...
    table = db.scan(Order, segments=8, processes=2).table()      # a pyarrow.Table
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.engine.ahead import awalk_ahead, walk_ahead
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import Flow, Page, Read
from dynamodb_wrapper.expressions import Condition, Path, all_of
from dynamodb_wrapper.operations import Scan
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.operations.entries import counting_reader
from dynamodb_wrapper.operations.expiry import not_expired
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.operations.segments import (
    MOST_SEGMENTS,
    WIDEST,
    ReplyReader,
    SegmentScan,
    segments_of,
)
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.query.selection import Shape, field_name, shape_of
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.validation import whole_number

T = TypeVar("T")
V = TypeVar("V", bound=BaseModel)


_replies: Any = ReplyReader()


class Wanted(Struct, frozen=True, kw_only=True):
    """What a scan shall read; the parameters are those of `DynamoDB.scan`.

    Parameters:
        selected: the fields to read; all of them where it is None.
        view: the class of the items; the model, or a class of the selected fields, where it is None.
        schema: the pyarrow schema, where items become record batches.
    """

    model: type[BaseModel]
    where: Condition | None = None
    segments: int
    index: str | None = None
    consistent: bool = False
    include_expired: bool = False
    processes: int = 0
    selected: tuple[str, ...] | None = None
    view: type[BaseModel] | None = None
    schema: Any = None

    @property
    def shape(self) -> Shape:
        """What items become."""
        return shape_of(self.model, self.selected, self.view)

    def scan(self, table: str) -> Scan[Any]:
        """The scan of a table of that full name, not in segments yet."""
        schema, shape = schema_of(self.model), self.shape
        reader: Reader[Any] = shape.reader
        if self.schema is not None:
            from dynamodb_wrapper.wire.arrow import ArrowReader

            reader = ArrowReader(self.schema, schema.key_fields)
        hidden = None if self.include_expired else not_expired(schema)
        return Scan(
            table=table,
            reader=reader,
            key_fields=schema.key_fields,
            index=schema.index(self.index).stored_name,
            filter=all_of(of_its_type(schema), self.where, hidden),
            projection=[Path((name,)) for name in shape.attributes or ()],
            consistent=self.consistent,
            encode=schema.codec.encode_attribute,
        )


def wanted(model: type[BaseModel], where: object, segments: int, index: str | None, **more: Any) -> Wanted:
    """What the arguments of `DynamoDB.scan` say.

    Raises:
        ValidationError: the condition, the index or the number of segments is none.
    """
    whole_number("segments", segments, MOST_SEGMENTS)
    if index is not None:
        schema_of(model).index(index)
    condition = condition_on(schema_of(model), where)
    return Wanted(model=model, where=condition, segments=segments, index=index, **more)


class Scanned(Generic[T]):
    """What both faces of a scan share. Nothing is sent before the items are asked for.

    Items come in no order. As many pages are in memory as segments are read at the same time, eight at most,
    and as many again while the items of those before are used.
    """

    def __init__(self, client: Requests, wanted: Wanted, drive: Callable[[Flow[Any]], Any]) -> None:
        self._client = client
        self._wanted = wanted
        self._drive = drive

    def as_(self, view: type[BaseModel]) -> Any:
        """The same scan, whose items are of a class of fewer fields; only what it has is read."""
        return self._with(view=view)

    def select(self, *fields: object) -> Any:
        """The same scan of these fields only; items are of a class that has no others, or of that of `as_`.

        Parameters:
            fields: names of fields, or the fields of the model's class.

        Raises:
            ValidationError: a field is not known, or a place inside one.
        """
        names = tuple(dict.fromkeys(field_name(self._wanted.model, field) for field in fields))
        shape_of(self._wanted.model, names, self._wanted.view)  # refuses unknown fields at once
        return self._with(selected=names)

    def arrow(self, schema: Any = None) -> Any:
        """The same scan, whose items are pyarrow's record batches, one for each page with items.

        Parameters:
            schema: a `pyarrow.Schema` whose columns are named as attributes; by the class of the items where
                none is given (see `dynamodb_wrapper.wire.arrow_schema`).

        Raises:
            ValidationError: DynamoDB has nothing for the type of a column; or, while batches are read, a
                value does not fit its column: tells the attribute and the item's key.
        """
        from dynamodb_wrapper.wire.arrow_schema import arrow_schema

        keys = schema_of(self._wanted.model).key_fields
        return self._with(
            schema=arrow_schema(self._wanted.shape.reader.model, keys) if schema is None else schema
        )

    @method
    def count(self) -> Flow[int]:
        """How many items there are; each is read and paid for, but none is sent."""
        counting = replace(self._scan, reader=counting_reader, count_only=True)
        step: Read[Page[Any]] | None = self._step(counting)
        count = 0
        while step is not None:
            page = yield from step.flow(self._client.send)
            count += len(page.items)
            step = page.next
        return count

    @property
    def _scan(self) -> Scan[Any]:
        return self._wanted.scan(self._client.table_name(self._wanted.model))

    def _step(self, scan: Scan[Any]) -> SegmentScan[Any]:
        total = self._wanted.segments
        return SegmentScan(
            table=scan.table,
            total=total,
            open=segments_of(scan, total),
            reader=scan.reader,
            width=min(WIDEST, total),
            widest=min(WIDEST, total),
        )

    def _with(self, **changes: Any) -> Any:
        return type(self)(self._client, replace(self._wanted, **changes), self._drive)


class BlockingScan(Scanned[T], Blocking):
    """The blocking face of a scan; see `DynamoDB.scan`. Iterating it reads one page of each segment ahead."""

    def as_(self, view: type[V]) -> BlockingScan[V]:
        """As `Scanned.as_`."""
        scan: BlockingScan[V] = super().as_(view)
        return scan

    def __iter__(self) -> Iterator[T]:
        scan, processes, client = self._scan, self._wanted.processes, self._client
        step = self._step(replace(scan, reader=_replies))
        if processes:
            from dynamodb_wrapper.client.processes import read_in_processes

            schema = self._wanted.schema
            found = read_in_processes(type(client), client.config, step, processes, schema, scan.key_fields)
            if schema is not None:
                return found
        else:
            found = walk_ahead(step, client.send, self._drive)
        return (item for reply in found for item in scan.reader.read_page(reply, table=scan.table).items)

    def all(self) -> list[T]:
        """Every item."""
        return list(self)

    def table(self, schema: Any = None) -> Any:
        """Every item in one `pyarrow.Table`; parameters and errors as for `arrow`."""
        from dynamodb_wrapper.wire.arrow_needed import pa

        batches = self.arrow(self._wanted.schema if schema is None else schema)
        return pa.Table.from_batches(batches, schema=batches._wanted.schema)


class AwaitingScan(Scanned[T], Awaiting):
    """The awaiting face of a scan; see `AsyncDynamoDB.scan`. Iterating it reads ahead, as the other does."""

    def as_(self, view: type[V]) -> AwaitingScan[V]:
        """As `Scanned.as_`."""
        scan: AwaitingScan[V] = super().as_(view)
        return scan

    async def __aiter__(self) -> AsyncIterator[T]:
        scan = self._scan
        step = self._step(replace(scan, reader=_replies))
        async for reply in awalk_ahead(step, self._client.send, self._drive):
            for item in scan.reader.read_page(reply, table=scan.table).items:
                yield item

    async def all(self) -> list[T]:
        """Every item."""
        return [item async for item in self]

    async def table(self, schema: Any = None) -> Any:
        """Every item in one `pyarrow.Table`; parameters and errors as for `arrow`."""
        from dynamodb_wrapper.wire.arrow_needed import pa

        batches = self.arrow(self._wanted.schema if schema is None else schema)
        return pa.Table.from_batches(await batches.all(), schema=batches._wanted.schema)
