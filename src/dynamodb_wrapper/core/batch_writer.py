"""Many puts and deletes through a `with` block, sent 25 at a time.

A block that raises sends nothing more: what was still waiting is dropped, and the error goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.core.shapes import encode_member
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import Flow, Send
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations import BatchWrite
from dynamodb_wrapper.operations.batches import MOST_WRITES
from dynamodb_wrapper.wire.values import WireItem, decode_value

_Kind: TypeAlias = Literal["Item", "Key"]


class Buffered:
    """What both faces of a batch writer share; leftovers of the service are sent again until none is left.

    Parameters:
        client: sends the batches.
        table: the table's full name.
        overwrite_by_pkeys: the key attributes; of two writes with one key only the later is then sent.
            Without them the service refuses a batch that has a key twice.
    """

    def _start(self, send: Send, table: str, overwrite_by_pkeys: Sequence[str] | None) -> None:
        self._send = send
        self._table = table
        self._key_fields = tuple(overwrite_by_pkeys or ())
        self._waiting: dict[object, tuple[_Kind, WireItem]] = {}

    @method
    def put_item(self, Item: Mapping[str, Any]) -> Flow[None]:
        """Store an item with the next batch."""
        return self._add("Item", Item)

    @method
    def delete_item(self, Key: Mapping[str, Any]) -> Flow[None]:
        """Remove an item with the next batch."""
        return self._add("Key", Key)

    @method
    def flush(self) -> Flow[None]:
        """Send what is waiting."""
        return self._flush()

    def _add(self, kind: _Kind, given: Mapping[str, Any]) -> Flow[None]:
        encoded: WireItem = encode_member(kind, given)
        mark = self._mark(encoded)
        self._waiting.pop(mark, None)
        self._waiting[mark] = kind, encoded
        if len(self._waiting) >= MOST_WRITES:
            yield from self._flush()

    def _mark(self, item: WireItem) -> object:
        """What two writes with one key have in common; without key attributes no two of them have it."""
        if not self._key_fields:
            return len(self._waiting)
        missing = [name for name in self._key_fields if name not in item]
        if missing:
            raise ValidationError(
                f"an item of {self._table} has no {', '.join(missing)}, which overwrite_by_pkeys names",
                errors={name: ["missing"] for name in missing},
            )
        return tuple(decode_value(item[name]) for name in self._key_fields)

    def _flush(self) -> Flow[None]:
        waiting = list(self._waiting.values())
        self._waiting.clear()
        batch = BatchWrite(
            table=self._table,
            key_fields=(),
            puts=[item for kind, item in waiting if kind == "Item"],
            deletes=[item for kind, item in waiting if kind == "Key"],
        )
        yield from batch.flow(self._send)


class BatchWriter(Buffered, Blocking):
    """The blocking batch writer; see `TableGateway.batch_writer`."""

    def __init__(self, client: DynamoDB, table: str, overwrite_by_pkeys: Sequence[str] | None = None) -> None:
        self.client, self._drive = client, client.drive
        self._start(client.send, table, overwrite_by_pkeys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self._waiting.clear()


class AsyncBatchWriter(Buffered, Awaiting):
    """The awaiting batch writer; see `AsyncTableGateway.batch_writer`."""

    def __init__(
        self, client: AsyncDynamoDB, table: str, overwrite_by_pkeys: Sequence[str] | None = None
    ) -> None:
        self.client, self._drive = client, client.drive
        self._start(client.send, table, overwrite_by_pkeys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.flush()
        else:
            self._waiting.clear()
