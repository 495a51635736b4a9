"""Sharing: everybody with an equal configuration uses one connection pool and one retry budget.

Knows who shares what, and for how long. Must not know what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.retry import TokenBucket
from dynamodb_wrapper.wire.blocking import BlockingTransport

if TYPE_CHECKING:
    import asyncio

    from dynamodb_wrapper.wire.asyncio import AsyncioTransport

R = TypeVar("R")


class Shared(Generic[R]):
    """One transport, in use by `users` clients."""

    def __init__(self, transport: R) -> None:
        self.transport = transport
        self.users = 0

    def release(self) -> bool:
        """End one use; True when it was the last and the transport should be closed."""
        with _lock:
            self.users -= 1
            return self.users == 0


_lock = Lock()
_buckets: WeakValueDictionary[DynamoDBConfig, TokenBucket] = WeakValueDictionary()
_blocking: WeakValueDictionary[DynamoDBConfig, Shared[BlockingTransport]] = WeakValueDictionary()
_asyncio: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[DynamoDBConfig, Shared[AsyncioTransport]]
] = WeakKeyDictionary()


def shared_bucket(config: DynamoDBConfig) -> TokenBucket:
    """The retry budget for this configuration."""
    with _lock:
        return _buckets.setdefault(config, TokenBucket())


def shared_blocking(config: DynamoDBConfig) -> Shared[BlockingTransport]:
    """The blocking transport for this configuration; call `release` after use."""
    return _shared(_blocking, config, lambda: BlockingTransport(config))


def shared_asyncio(config: DynamoDBConfig, loop: asyncio.AbstractEventLoop) -> Shared[AsyncioTransport]:
    """The awaiting transport for this configuration on that event loop; call `release` after use."""
    from dynamodb_wrapper.wire.asyncio import AsyncioTransport

    with _lock:
        of_loop = _asyncio.setdefault(loop, WeakValueDictionary())
    return _shared(of_loop, config, lambda: AsyncioTransport(config))


def _shared(
    known: MutableMapping[DynamoDBConfig, Shared[R]], config: DynamoDBConfig, make: Callable[[], R]
) -> Shared[R]:
    with _lock:
        shared = known.get(config)
        if shared is None or shared.users == 0:
            shared = known[config] = Shared(make())
        shared.users += 1
        return shared
