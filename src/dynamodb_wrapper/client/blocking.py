"""The blocking client.

Knows threads, the blocking transport and what carries out an effect. Must not know what is asked: that is
written once in `requests`. Clients of equal configuration share one connection pool and one retry budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from dynamodb_wrapper.client.host import closed
from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.faces import BlockingUse
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
    run,
    walk,
)
from dynamodb_wrapper.wire.sharing import shared_blocking

if TYPE_CHECKING:
    from concurrent.futures import Future

    from dynamodb_wrapper.client.batches import Batch
    from dynamodb_wrapper.client.scans import BlockingScan
    from dynamodb_wrapper.client.transactions import Transaction
    from dynamodb_wrapper.query.blocking import QueryBuilder

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
N = TypeVar("N", bound=BaseModel)
P = TypeVar("P", bound=BaseModel)
BlockingCall: TypeAlias = Callable[[Call, float], Reply]


class DynamoDB(Requests, BlockingUse):
    """The blocking client; safe to share between threads. A closed one sends nothing any more.

    Parameters:
        config: the settings; read from the environment where none are given.
        transport: carries a call before a deadline (on the clock of `time.monotonic`) and returns the reply's
            body; own pooled connections where none is given.
        observers: told of each event of `engine.events`, such as a request that was answered.
    """

    def __init__(
        self,
        config: DynamoDBConfig | None = None,
        *,
        transport: BlockingCall | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._start(config, observers)
        self._shared = shared_blocking(self.config) if transport is None else None
        self._transport = transport or self._shared.transport  # type: ignore[union-attr]
        self._closed = False

    def drive(self, flow: Flow[T]) -> T:
        """Run a flow to its end; see `engine.flow`."""
        return run(flow, self._perform)

    def iterate(self, page: Read[Page[T]]) -> Iterator[T]:
        """The items of a page and of all that follow, read as they are asked for."""
        return walk(page, self.run)

    @overload
    def query(self, model: type[M], /) -> QueryBuilder[M]: ...
    @overload
    def query(self, model: type[M], second: type[N], /) -> QueryBuilder[M | N]: ...
    @overload
    def query(self, model: type[M], second: type[N], third: type[P], /) -> QueryBuilder[M | N | P]: ...
    @overload
    def query(self, *models: type[BaseModel]) -> QueryBuilder[Any]: ...
    def query(self, *models: type[BaseModel]) -> QueryBuilder[Any]:
        """A query of a model's items: add steps to it, then ask for the answer.

        Parameters:
            models: a model with a Meta, from which the planner picks the table or an index; or several that
                share a table, and each item is then of its own class.
        """
        from dynamodb_wrapper.query.blocking import QueryBuilder
        from dynamodb_wrapper.query.builder import asked_of

        return QueryBuilder(self, asked_of(models))

    def scan(
        self,
        model: type[M],
        *,
        where: object = None,
        segments: int = 4,
        index: str | None = None,
        consistent: bool = False,
        include_expired: bool = False,
        processes: int = 0,
    ) -> BlockingScan[M]:
        """A whole table or index, read in segments at the same time: `for order in db.scan(Order)`.

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
            processes: how many processes read and, for Arrow, decode; none but this one where it is 0. Each
                makes a client with this one's config: what this client was given beside it, such as plugins
                by `use`, does not go along.
        """
        from dynamodb_wrapper.client.scans import BlockingScan, wanted

        asked = wanted(
            model,
            where,
            segments,
            index,
            consistent=consistent,
            include_expired=include_expired,
            processes=processes,
        )
        return BlockingScan(self, asked, self.drive)

    def transaction(self, token: str | None = None) -> Transaction:
        """An empty transaction: add steps to it, then `execute()`, or use it in a `with` block.

        Parameters:
            token: the idempotency token, up to 36 characters; a new one where none is given.
        """
        from dynamodb_wrapper.client.transactions import Transaction

        return Transaction(self, self.drive, token)

    def batch(self, *, outcomes: bool = False, timeout_seconds: float | None = None) -> Batch:
        """An empty batch for a `with` block: puts and deletes of any models and in any number.

        Parameters:
            outcomes: gather what became of each write in the batch's `outcomes`, and do not raise for those
                that failed.
            timeout_seconds: how long to go on with what the service leaves over, each time some are sent.
        """
        from dynamodb_wrapper.client.batches import Batch

        return Batch(self, self.drive, outcomes=outcomes, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """End the use of the shared connections; the last client to end closes them."""
        if self._shared is not None and self._shared.release():
            self._shared.transport.close()
        self._shared, self._closed = None, True

    def _perform(self, effect: Effect) -> Any:
        if type(effect) is Call:
            if self._closed:
                raise closed(effect)
            return self._transport(effect, effect.deadline)
        if type(effect) is Sleep:
            return time.sleep(effect.seconds)
        if type(effect) is Together:
            return self._together(effect)
        if type(effect) is Race:
            from dynamodb_wrapper.client.racing import race

            return race(self.drive, effect)
        if type(effect) is Tell:
            return self._tell(effect.event)
        assert type(effect) is Do
        return effect.function(*effect.args)

    def _together(self, effect: Together) -> list[Any]:
        if len(effect.flows) < 2:
            return [self.drive(flow) for flow in effect.flows]
        from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
        from contextvars import copy_context

        pool = ThreadPoolExecutor(min(effect.limit, len(effect.flows)))
        try:
            futures: list[Future[Any]] = [
                pool.submit(copy_context().run, self.drive, flow) for flow in effect.flows
            ]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also after an interrupt: those that run end, the rest are not started
            pool.shutdown(wait=True, cancel_futures=True)
        for future in futures:
            if not future.cancelled() and (error := future.exception()) is not None:
                raise error
        return [future.result() for future in futures]
