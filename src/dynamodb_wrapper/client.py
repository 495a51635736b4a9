"""The two faces of the library: `DynamoDB` blocks, `AsyncDynamoDB` awaits; both run the same operations.

Knows transports, layers and drivers. Must not know business rules: an operation is a value that it runs.
Clients of equal configuration share one connection pool and one retry budget.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer, log_call, observed
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import (
    Call,
    Do,
    Effect,
    Flow,
    Layer,
    Operation,
    Page,
    Read,
    Reply,
    Send,
    Sleep,
    Together,
    arun,
    awalk,
    run,
    stack,
    walk,
)
from dynamodb_wrapper.engine.retry import Retry
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import condition_of
from dynamodb_wrapper.operations import (
    BatchGet,
    BatchWrite,
    CreateTable,
    DeleteItem,
    DeleteTable,
    GetItem,
    PutItem,
)
from dynamodb_wrapper.operations.intents import UpdateExisting, changes_of
from dynamodb_wrapper.operations.keys import checked_key, wire_key
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.wire.asyncio import AsyncioTransport
from dynamodb_wrapper.wire.sharing import Shared, shared_asyncio, shared_blocking, shared_bucket

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
BlockingCall: TypeAlias = Callable[[Call, float], Reply]
AwaitingCall: TypeAlias = Callable[[Call, float], Awaitable[Reply]]


class Requests:
    """What both clients offer for any model with a Meta."""

    config: DynamoDBConfig
    send: Send

    def table_name(self, model: type[BaseModel]) -> str:
        """The name of a model's table with the configured prefix."""
        return self.config.get_table_name(schema_of(model).table_name)

    @method
    def run(self, operation: Operation[T]) -> Flow[T]:
        """Run one operation and return its result."""
        return operation.flow(self.send)

    @method
    def get(self, model: type[M], key: object, *, consistent: bool = False) -> Flow[M | None]:
        """Read one item.

        Parameters:
            model: the model to read into.
            key: the partition key's value, or a mapping where there is a sort key too.
            consistent: read the latest write at twice the cost.

        Returns:
            The item, or None where there is none.
        """
        schema = schema_of(model)
        return GetItem(
            table=self.table_name(model),
            key=wire_key(schema, key),
            reader=schema.codec,
            consistent=consistent,
        ).flow(self.send)

    @method
    def put(self, item: BaseModel, *, condition: object = None) -> Flow[None]:
        """Store an item, replacing one with the same key; attributes that the model does not know are kept.

        Parameters:
            condition: what must hold of the stored item, of this library's conditions or boto3's.

        Raises:
            ConditionalCheckFailedError: the condition does not hold; carries the item as it is stored.
        """
        schema = schema_of(type(item))
        put = PutItem(
            table=self.table_name(type(item)),
            item=checked_key(schema, schema.codec.encode(item)),
            reader=schema.codec,
            condition=condition_of(condition),
            encode=schema.codec.encode_attribute,
        )
        yield from put.flow(self.send)

    @method
    def update(
        self, model: type[M], key: object, changes: Mapping[str, Any], *, condition: object = None
    ) -> Flow[M]:
        """Change the named attributes of an item that exists, and no others.

        Parameters:
            changes: new values by attribute; None takes the attribute away where reading it gives None.
            condition: what must hold of the stored item besides that it exists.

        Returns:
            The item as it is after the update.

        Raises:
            ItemNotFoundError: no item has that key; nothing was written.
            ConflictError: the condition does not hold; carries the item as it is stored.
        """
        schema = schema_of(model)
        return UpdateExisting(
            schema=schema,
            table=self.table_name(model),
            key=key,
            changes=changes_of(schema, changes),
            condition=condition_of(condition),
        ).flow(self.send)

    @method
    def delete(self, model: type[M], key: object, *, condition: object = None) -> Flow[bool]:
        """Remove an item; False if there was none."""
        schema = schema_of(model)
        delete = DeleteItem(
            table=self.table_name(model),
            key=wire_key(schema, key),
            reader=schema.codec,
            condition=condition_of(condition),
            encode=schema.codec.encode_attribute,
            returns="ALL_OLD",
        )
        return (yield from delete.flow(self.send)) is not None

    @method
    def batch_get(
        self, model: type[M], keys: Sequence[object], *, consistent: bool = False
    ) -> Flow[list[M | None]]:
        """Read any number of items by key, in the order of `keys`, None for a missing one."""
        schema = schema_of(model)
        wire_keys = [wire_key(schema, key) for key in keys]
        return BatchGet(
            table=self.table_name(model), keys=wire_keys, reader=schema.codec, consistent=consistent
        ).flow(self.send)

    @method
    def batch_write(
        self, model: type[M], *, puts: Sequence[M] = (), deletes: Sequence[object] = ()
    ) -> Flow[None]:
        """Put and delete any number of items of one model; each alone, all checked before the first."""
        schema = schema_of(model)
        return BatchWrite(
            table=self.table_name(model),
            key_fields=schema.key_fields,
            puts=[checked_key(schema, schema.codec.encode(item)) for item in puts],
            deletes=[wire_key(schema, key) for key in deletes],
        ).flow(self.send)

    @method
    def create_table(self, model: type[BaseModel]) -> Flow[bool]:
        """Make a model's table and indexes from its Meta and wait until they are active.

        Returns:
            True if it was made, False if a table of that name exists already.
        """
        return CreateTable(schema_of(model), self.table_name(model)).flow(self.send)

    @method
    def delete_table(self, model: type[BaseModel]) -> Flow[bool]:
        """Drop a model's table with all its items and wait until it is gone; False if there was none."""
        return DeleteTable(self.table_name(model)).flow(self.send)

    def _layers(self, observers: Sequence[Observer]) -> Send:
        config = self.config
        layers: list[Layer] = [Retry(config.retries, config.timeout_seconds, shared_bucket(config))]
        if config.debug_logging:
            observers = [*observers, log_call]
        if observers:
            layers.append(observed(observers))
        return stack(layers)


class DynamoDB(Requests, Blocking):
    """The blocking client; safe to share between threads. A closed one sends nothing any more.

    Parameters:
        config: the settings; read from the environment where none are given.
        transport: carries a call before a deadline (on the clock of `time.monotonic`) and returns the reply's
            body; own pooled connections where none is given.
        observers: told of every request that was answered or failed.
    """

    def __init__(
        self,
        config: DynamoDBConfig | None = None,
        *,
        transport: BlockingCall | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.config = config or DynamoDBConfig()
        self._shared = shared_blocking(self.config) if transport is None else None
        self._transport = transport or self._shared.transport  # type: ignore[union-attr]
        self._closed = False
        self.send = self._layers(observers)

    def drive(self, flow: Flow[T]) -> T:
        """Run a flow to its end; see `engine.flow`."""
        return run(flow, self._perform)

    def iterate(self, page: Read[Page[T]]) -> Iterator[T]:
        """The items of a page and of all that follow, read as they are asked for."""
        return walk(page, self.run)

    def close(self) -> None:
        """End the use of the shared connections; the last client to end closes them."""
        if self._shared is not None and self._shared.release():
            self._shared.transport.close()
        self._shared, self._closed = None, True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _perform(self, effect: Effect) -> Any:
        if type(effect) is Call:
            if self._closed:
                raise _closed(effect)
            return self._transport(effect, effect.deadline)
        if type(effect) is Sleep:
            return time.sleep(effect.seconds)
        if type(effect) is Together:
            return self._together(effect)
        assert type(effect) is Do
        return effect.function(*effect.args)

    def _together(self, effect: Together) -> list[Any]:
        if len(effect.flows) < 2:
            return [self.drive(flow) for flow in effect.flows]
        pool = ThreadPoolExecutor(min(effect.limit, len(effect.flows)))
        try:
            futures: list[Future[Any]] = [
                pool.submit(contextvars.copy_context().run, self.drive, flow) for flow in effect.flows
            ]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also after an interrupt: those that run end, the rest are not started
            pool.shutdown(wait=True, cancel_futures=True)
        for future in futures:
            if not future.cancelled() and (error := future.exception()) is not None:
                raise error
        return [future.result() for future in futures]


class AsyncDynamoDB(Requests, Awaiting):
    """The awaiting client; bound to the event loop on which it is first used. A closed one sends nothing.

    When its loop has ended, it may be used on another one.

    Parameters: as for `DynamoDB`; `transport` returns an awaitable.
    """

    def __init__(
        self,
        config: DynamoDBConfig | None = None,
        *,
        transport: AwaitingCall | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.config = config or DynamoDBConfig()
        self._given = transport
        self._shared: Shared[AsyncioTransport] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.send = self._layers(observers)

    async def drive(self, flow: Flow[T]) -> T:
        """Run a flow to its end; see `engine.flow`."""
        return await arun(flow, self._perform)

    def iterate(self, page: Read[Page[T]]) -> AsyncIterator[T]:
        """The items of a page and of all that follow, read as they are asked for."""
        return awalk(page, self.run)

    async def close(self) -> None:
        """End the use of the shared connections; the last client to end closes them."""
        if self._shared is not None and self._shared.release():
            self._shared.transport.close()
        self._shared, self._closed = None, True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _perform(self, effect: Effect) -> Any:
        if type(effect) is Call:
            if self._closed:
                raise _closed(effect)
            transport = self._given or self._transport()
            return await transport(effect, effect.deadline)
        if type(effect) is Sleep:
            return await asyncio.sleep(effect.seconds)
        if type(effect) is Together:
            return await self._together(effect)
        assert type(effect) is Do
        result = effect.function(*effect.args)
        return await result if inspect.isawaitable(result) else result

    def _transport(self) -> AsyncioTransport:
        loop = asyncio.get_running_loop()
        if self._shared is None or loop is not self._loop:
            if self._loop is not None and not self._loop.is_closed():
                raise ValidationError(
                    "this client is in use on another event loop, and its connections cannot change loops: "
                    "make one AsyncDynamoDB (or Async...Api) in each loop"
                )
            self._shared, self._loop = shared_asyncio(self.config, loop), loop
        return self._shared.transport

    async def _together(self, effect: Together) -> list[Any]:
        waiting = iter(enumerate(effect.flows))
        results: dict[int, Any] = {}
        errors: dict[int, BaseException] = {}

        async def work() -> None:
            for position, flow in waiting:
                try:
                    results[position] = await self.drive(flow)
                except BaseException as error:
                    errors[position] = error
                    if not isinstance(error, Exception):
                        raise
                if errors:
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(min(effect.limit, len(effect.flows))):
                group.create_task(work())
        if errors:
            raise errors[min(errors)]
        return [results[position] for position in range(len(results))]


def _closed(call: Call) -> ValidationError:
    return ValidationError(
        f"{call.action} was asked of a client that is closed: make a new one, or ask inside its `with`",
        context={"table": call.table, "operation": call.action},
    )
