"""The cache: what it saves, one call for many readers, and two processes that share a Redis.

Run `python examples/cache.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts and, where
`redis-server` and the package redis are installed, with a Redis. `--figures` prints times too.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.plugins import AttemptEnded, CachePlugin

READERS, ITEMS, CHANGES = 200, 100, 50
FIGURES = "--figures" in sys.argv
REDIS = find_spec("redis") and shutil.which("redis-server")


class Price(DynamoDBModel):
    """What is read often and changed seldom."""

    sku: str
    cents: int = 0

    class Meta:
        """By SKU."""

        table_name = "cache_prices"
        partition_key = "sku"


def sent(events: list[object]) -> int:
    """How many requests reached the service."""
    return sum(isinstance(event, AttemptEnded) for event in events)


def hits(config: DynamoDBConfig) -> None:
    """A hit is an answer without a call."""
    took = {}
    for name, plugins in (("call", ()), ("hit", (CachePlugin(),))):
        with DynamoDB(config.replace(plugins=plugins)) as db:
            db.put(Price(sku="a", cents=995))
            db.get(Price, "a")
            begun = time.process_time()
            for _ in range(2000):
                db.get(Price, "a")
            took[name] = (time.process_time() - begun) / 2000 * 1e6
    print(f"a hit costs less than a third of a call's CPU: {took['hit'] * 3 < took['call']}")
    if FIGURES:
        print(f"  client CPU: a call {took['call']:.0f} us, a hit {took['hit']:.0f} us")


def readers(config: DynamoDBConfig) -> None:
    """Many threads, and many tasks, ask for one item that nobody has read yet."""
    events: list[object] = []
    db = DynamoDB(config.replace(plugins=(CachePlugin(),)), observers=[events.append])
    with db, ThreadPoolExecutor(READERS) as pool:
        prices = list(pool.map(lambda _: db.get(Price, "a"), range(READERS)))
    print(f"{len(prices)} threads, {sent(events)} call")

    async def tasks() -> list[Price | None]:
        async with AsyncDynamoDB(config.replace(plugins=(CachePlugin(),)), observers=[events.append]) as db:
            return await asyncio.gather(*(db.get(Price, "a") for _ in range(READERS)))

    events.clear()
    print(f"{len(asyncio.run(tasks()))} tasks, {sent(events)} call")


def reader(redis: str, url: str) -> None:
    """Another process: reads all prices, then follows the changes of one."""
    cache, events, took = CachePlugin(redis=redis), list[object](), list[float]()
    config = DynamoDBConfig.for_local_development(endpoint_url=url, plugins=(cache,))
    with DynamoDB(config, observers=[events.append]) as db:
        db.batch_get(Price, [f"p{number}" for number in range(ITEMS)])
        print(f"another process reads {cache.stats.hits} items with {sent(events)} calls", flush=True)
        for change, _ in enumerate(sys.stdin, 1):
            begun = time.perf_counter()
            while db.get(Price, "p0") != Price(sku="p0", cents=change):
                assert time.perf_counter() - begun < 10
            took.append(time.perf_counter() - begun)
            print(flush=True)
        print(f"{len(took)} changes were seen, with {sent(events)} calls")
        if FIGURES:
            print(f"  after {median(took) * 1000:.1f} ms in the median, {max(took) * 1000:.1f} at most")
        cache.of(db).close()


def processes(redis: str, config: DynamoDBConfig) -> None:
    """One process reads and writes, and another one has it at once."""
    cache = CachePlugin(redis=redis)
    with DynamoDB(config.replace(plugins=(cache,))) as db:
        db.batch_write(Price, puts=[Price(sku=f"p{number}") for number in range(ITEMS)])
        db.batch_get(Price, [f"p{number}" for number in range(ITEMS)])
        command = [sys.executable, __file__, "reader", redis, str(config.endpoint_url), *sys.argv[1:]]
        other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert other.stdin is not None
        assert other.stdout is not None
        print(other.stdout.readline(), end="")
        for change in range(1, CHANGES + 1):
            db.put(Price(sku="p0", cents=change))
            print(file=other.stdin, flush=True)
            other.stdout.readline()
        print(other.communicate()[0], end="")
        cache.of(db).close()


@contextmanager
def a_redis() -> Iterator[str]:
    """The URL of a Redis that runs as long as it is used."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            next(line for line in server.stdout or () if "Ready to accept" in line)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def main() -> None:
    """Run all of it."""
    if not REDIS:
        print("without a Redis: that part needs redis-server and pip install 'dynamodb-wrapper[redis]'")
    with attach(url) if (url := os.environ.get("DYNAMODB_ENDPOINT_URL")) else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url)
        with DynamoDB(config) as db:
            db.delete_table(Price)
            db.create_table(Price)
        hits(config)
        readers(config)
        if REDIS:
            with a_redis() as redis:
                processes(redis, config)


if __name__ == "__main__":
    reader(*sys.argv[2:4]) if sys.argv[1:2] == ["reader"] else main()
