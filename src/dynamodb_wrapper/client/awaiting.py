"""The awaiting client, the twin of `blocking`.

Knows event loops, the asyncio transport and what carries out an effect. Must not know what is asked. Clients
of equal configuration share one connection pool in each loop, and one retry budget.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from dynamodb_wrapper.client.host import closed
from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.faces import AwaitingUse
from dynamodb_wrapper.engine.flow import (
    Call,
    Do,
    Effect,
    Flow,
    Page,
    Race,
    Read,
    Reply,
    Sleep,
    Tell,
    Together,
    arun,
    awalk,
)
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.sharing import Asyncio, Shared, shared_asyncio

if TYPE_CHECKING:
    from dynamodb_wrapper.client.batches import AsyncBatch
    from dynamodb_wrapper.client.scans import AwaitingScan
    from dynamodb_wrapper.client.transactions import AsyncTransaction
    from dynamodb_wrapper.query.awaiting import AsyncQueryBuilder

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
N = TypeVar("N", bound=BaseModel)
P = TypeVar("P", bound=BaseModel)
AwaitingCall: TypeAlias = Callable[[Call, float], Awaitable[Reply]]


class AsyncDynamoDB(Requests, AwaitingUse):
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
        self._start(config, observers)
        self._given = transport
        self._shared: Shared[Asyncio] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def drive(self, flow: Flow[T]) -> Coroutine[Any, Any, T]:
        """Run a flow to its end; see `engine.flow`."""
        return arun(flow, self._perform)

    def iterate(self, page: Read[Page[T]]) -> AsyncIterator[T]:
        """The items of a page and of all that follow, read as they are asked for."""
        return awalk(page, self.run)

    @overload
    def query(self, model: type[M], /) -> AsyncQueryBuilder[M]: ...
    @overload
    def query(self, model: type[M], second: type[N], /) -> AsyncQueryBuilder[M | N]: ...
    @overload
    def query(self, model: type[M], second: type[N], third: type[P], /) -> AsyncQueryBuilder[M | N | P]: ...
    @overload
    def query(self, *models: type[BaseModel]) -> AsyncQueryBuilder[Any]: ...
    def query(self, *models: type[BaseModel]) -> AsyncQueryBuilder[Any]:
        """A query of a model's items: add steps to it, then ask for the answer.

        Parameters:
            models: a model with a Meta, from which the planner picks the table or an index; or several that
                share a table, and each item is then of its own class.
        """
        from dynamodb_wrapper.query.awaiting import AsyncQueryBuilder
        from dynamodb_wrapper.query.builder import asked_of

        return AsyncQueryBuilder(self, asked_of(models))

    def scan(
        self,
        model: type[M],
        *,
        where: object = None,
        segments: int = 4,
        index: str | None = None,
        consistent: bool = False,
        include_expired: bool = False,
    ) -> AwaitingScan[M]:
        """A whole table or index, read in segments at the same time: `async for order in db.scan(Order)`.

        Every item is read and paid for, whatever `where` drops. A segment that fails raises, and the error's
        `context` says which one it was.

        Parameters:
            model: a model with a Meta.
            where: what must hold of the items, of this library's conditions or boto3's.
            segments: how many parts the scan has; eight are read at the same time, fewer while the service
                throttles.
            index: the name of the index to read.
            consistent: read the latest writes at twice the cost.
            include_expired: also items whose time (`Meta.ttl`) is over.
        """
        from dynamodb_wrapper.client.scans import AwaitingScan, wanted

        asked = wanted(
            model,
            where,
            segments,
            index,
            consistent=consistent,
            include_expired=include_expired,
        )
        return AwaitingScan(self, asked, self.drive)

    def transaction(self, token: str | None = None) -> AsyncTransaction:
        """An empty transaction: as `DynamoDB.transaction`, with `await ...execute()` or `async with`."""
        from dynamodb_wrapper.client.transactions import AsyncTransaction

        return AsyncTransaction(self, self.drive, token)

    def batch(self, *, outcomes: bool = False, timeout_seconds: float | None = None) -> AsyncBatch:
        """An empty batch for an `async with` block: puts and deletes of any models and in any number.

        Parameters:
            outcomes: gather what became of each write in the batch's `outcomes`, and do not raise for those
                that failed.
            timeout_seconds: how long to go on with what the service leaves over, each time some are sent.
        """
        from dynamodb_wrapper.client.batches import AsyncBatch

        return AsyncBatch(self, self.drive, outcomes=outcomes, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """End the use of the shared connections; the last client to end closes them."""
        if self._shared is not None and self._shared.release():
            self._shared.transport.close()
        self._shared, self._closed = None, True

    def _perform(self, effect: Effect) -> Awaitable[Any]:
        if type(effect) is not Call:
            return self._perform_here(effect)
        if self._closed:
            raise closed(effect)
        transport = self._given or self._transport()
        return transport(effect, effect.deadline)

    async def _perform_here(self, effect: Effect) -> Any:
        if type(effect) is Sleep:
            return await asyncio.sleep(effect.seconds)
        if type(effect) is Together:
            return await self._together(effect)
        if type(effect) is Race:
            return await self._race(effect)
        if type(effect) is Tell:
            return self._tell(effect.event)
        assert type(effect) is Do
        result = (effect.awaiting or effect.function)(*effect.args)
        return await result if inspect.isawaitable(result) else result

    def _transport(self) -> Asyncio:
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
        if len(effect.flows) < 2:
            return [await self.drive(flow) for flow in effect.flows]
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

    async def _race(self, effect: Race) -> Any:
        tasks = [asyncio.create_task(self.drive(effect.first))]
        try:
            done, waiting = await asyncio.wait(tasks, timeout=effect.after)
            if not done:
                tasks.append(asyncio.create_task(self.drive(effect.second)))
                done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if waiting and all(task.exception() for task in done):
                await asyncio.wait(waiting)
            best = next((task for task in tasks if task.done() and not task.exception()), tasks[0])
            return best.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
