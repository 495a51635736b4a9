"""Batches as users write them: items of any models, read or written in as few calls as the service allows.

Knows steps of a batch, models and faces. Must not know the limits of a call: `operations` does.

    with db.batch() as batch:            # sent 200 at a time and at the end; a body that raises sends no more
        for order in orders:
            batch.put(order)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.batches import MOST_WRITES
from dynamodb_wrapper.operations.bulk import (
    Entry,
    Outcome,
    deadline_after,
    delete_entry,
    put_entry,
    raise_failures,
    refuse_kept,
    write,
)
from dynamodb_wrapper.operations.draining import WIDEST
from dynamodb_wrapper.schema import TableSchema, schema_of, schema_of_item


class Writes:
    """What both faces of a batch share. What was added is sent when 200 writes are waiting, and at the end.

    Attributes:
        outcomes: of all that was sent, in order, where they were asked for.
    """

    outcomes: list[Outcome]

    observers: Sequence[Observer]

    def _start(self, client: Requests, outcomes: bool, timeout_seconds: float | None) -> None:
        self._client, self.observers = client, client.observers
        self._asked = outcomes
        self._timeout = timeout_seconds
        self._waiting: list[Entry | Outcome] = []
        self._ended = False
        self.outcomes = []

    @method
    def put(self, item: BaseModel) -> Flow[None]:
        """Store an item, replacing one with the same key.

        Raises:
            ValidationError: it cannot be stored, and outcomes were not asked for; or its Meta wants kept what
                a batch cannot keep.
            BulkWriteError: some of what was sent now was not written.
        """
        schema = schema_of_item(item)
        return self._add(schema, item, partial(put_entry, self._client.table_name(type(item)), schema, item))

    @method
    def delete(self, model: type[BaseModel], key: object) -> Flow[None]:
        """Remove an item; raises as `put`."""
        schema = schema_of(model)
        return self._add(schema, key, partial(delete_entry, self._client.table_name(model), schema, key))

    @method
    def flush(self) -> Flow[None]:
        """Send what is waiting; raises as `put`."""
        return self._flush()

    def _add(self, schema: TableSchema[Any], given: object, make: Callable[[], Entry]) -> Flow[None]:
        if self._ended:
            raise ValidationError("the block of this batch has ended: make a new one with db.batch()")
        refuse_kept(schema)
        try:
            self._waiting.append(make())
        except ValidationError as error:
            if not self._asked:
                raise
            self._waiting.append(Outcome(given, error))
        if len(self._waiting) >= WIDEST * MOST_WRITES:
            yield from self._flush()

    def _flush(self) -> Flow[None]:
        entries, self._waiting = self._waiting, []
        outcomes = yield from write(self._client.send, entries, deadline_after(self._timeout))
        if self._asked:
            self.outcomes += outcomes
        else:
            raise_failures(entries, outcomes)


class Batch(Writes, Blocking):
    """The blocking face of a batch; see `DynamoDB.batch`."""

    def __init__(
        self,
        client: Requests,
        drive: Callable[[Flow[Any]], Any],
        *,
        outcomes: bool = False,
        timeout_seconds: float | None = None,
    ) -> None:
        self._drive = drive
        self._start(client, outcomes, timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        self._waiting, self._ended = [], True


class AsyncBatch(Writes, Awaiting):
    """The awaiting face of a batch; see `AsyncDynamoDB.batch`."""

    def __init__(
        self,
        client: Requests,
        drive: Callable[[Flow[Any]], Any],
        *,
        outcomes: bool = False,
        timeout_seconds: float | None = None,
    ) -> None:
        self._drive = drive
        self._start(client, outcomes, timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.flush()
        self._waiting, self._ended = [], True
