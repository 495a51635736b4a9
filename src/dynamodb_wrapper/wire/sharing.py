"""Sharing: everybody with an equal configuration has the same connections, retry budget and view of Regions.

Knows who shares what, and for how long. Must not know what is sent. A transport is loaded when the first of
its kind is made.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from dynamodb_wrapper.config import DynamoDBConfig, Region
from dynamodb_wrapper.engine.regions import HOME, Regions
from dynamodb_wrapper.engine.retry import TokenBucket
from dynamodb_wrapper.wire.regional import Regional

if TYPE_CHECKING:
    import asyncio

    from dynamodb_wrapper.wire.asyncio import AsyncioTransport
    from dynamodb_wrapper.wire.blocking import BlockingTransport

R = TypeVar("R")
T = TypeVar("T", bound="BlockingTransport | AsyncioTransport")
Blocking: TypeAlias = "BlockingTransport | Regional[BlockingTransport]"
Asyncio: TypeAlias = "AsyncioTransport | Regional[AsyncioTransport]"


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
_regions: WeakValueDictionary[DynamoDBConfig, Regions] = WeakValueDictionary()
_blocking: WeakValueDictionary[DynamoDBConfig, Shared[Blocking]] = WeakValueDictionary()
_asyncio: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[DynamoDBConfig, Shared[Asyncio]]
] = WeakKeyDictionary()


def shared_bucket(config: DynamoDBConfig) -> TokenBucket:
    """The retry budget for this configuration."""
    with _lock:
        return _buckets.setdefault(config, TokenBucket())


def shared_blocking(config: DynamoDBConfig) -> Shared[Blocking]:
    """The blocking transport for this configuration; call `release` after use."""
    from dynamodb_wrapper.wire.blocking import BlockingTransport

    return _shared(_blocking, config, lambda: _of_regions(config, BlockingTransport))


def shared_asyncio(config: DynamoDBConfig, loop: asyncio.AbstractEventLoop) -> Shared[Asyncio]:
    """The awaiting transport for this configuration on that event loop; call `release` after use."""
    from dynamodb_wrapper.wire.asyncio import AsyncioTransport

    with _lock:
        of_loop = _asyncio.setdefault(loop, WeakValueDictionary())
    return _shared(of_loop, config, lambda: _of_regions(config, AsyncioTransport))


def shared_regions(config: DynamoDBConfig) -> Regions:
    """Which Regions answer, for this configuration."""
    with _lock:
        found = _regions.get(config)
        if found is None:
            names = [HOME if name == config.region_name else name for name, _ in config.regions]
            found = _regions[config] = Regions(
                names if HOME in names else [*names, HOME],
                write_failover=config.write_failover,
                patience_seconds=config.failover_seconds,
            )
        return found


def _of_regions(config: DynamoDBConfig, make: Callable[[DynamoDBConfig], T]) -> T | Regional[T]:
    if not config.regions:
        return make(config)
    home = Region(config.region_name, config.endpoint_url)
    others = {region.name: region for region in config.regions if region.name != home.name}
    return Regional({name: make(config.in_region(region)) for name, region in {HOME: home, **others}.items()})


def _shared(
    known: MutableMapping[DynamoDBConfig, Shared[R]], config: DynamoDBConfig, make: Callable[[], R]
) -> Shared[R]:
    with _lock:
        shared = known.get(config)
        if shared is None or shared.users == 0:
            shared = known[config] = Shared(make())
        shared.users += 1
        return shared
