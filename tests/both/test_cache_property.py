"""Reads and writes in any order: after a write was acknowledged to a client, its reads give nothing older."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from tests.support.gates import Delays

from dynamodb_wrapper import DynamoDB, DynamoDBModel
from dynamodb_wrapper.expressions import Increment, Path
from dynamodb_wrapper.plugins import CachePlugin

SHARED = ("x", "y")


class Tally(DynamoDBModel):
    id: str
    count: int = 0

    class Meta:
        table_name = "tallies"
        partition_key = "id"


class Client:
    """Counts what all share, and does as it likes with two items of its own."""

    def __init__(self, db: Any, name: str, seed: str) -> None:
        self._db, self._random = db, random.Random(seed)
        self._least = dict.fromkeys(SHARED, 0)
        self._own: dict[str, int | None] = {f"{name}1": None, f"{name}2": None}
        self.added = 0
        self.wrong: list[Any] = []

    async def work(self, steps: int) -> None:
        for step in range(1, steps + 1):
            chosen = self._random.random()
            if chosen < 0.25:
                await self._add(self._random.choice(SHARED))
            elif chosen < 0.5:
                await self._write(self._random.choice(list(self._own)), step)
            elif chosen < 0.9:
                await self._read(self._random.choice([*SHARED, *self._own]))
            else:
                await self._read_all()

    async def _add(self, key: str) -> None:
        counted = await self._db.update(Tally, key, [Increment(Path(("count",)), 1)])
        self._least[key] = counted.count
        self.added += 1

    async def _write(self, key: str, step: int) -> None:
        item = Tally(id=key, count=step)
        kind = self._random.randrange(4)
        if kind == 0:
            await self._db.delete(Tally, key)
        elif kind == 1:
            await self._db.put(item)
        elif kind == 2:
            await self._db.batch_write(Tally, puts=[item])
        else:
            await self._db.transaction().put(item).execute()
        self._own[key] = None if kind == 0 else step

    async def _read(self, key: str) -> None:
        self._check(key, await self._db.get(Tally, key))

    async def _read_all(self) -> None:
        keys = [*SHARED, *self._own]
        for key, found in zip(keys, await self._db.batch_get(Tally, keys), strict=True):
            self._check(key, found)

    def _check(self, key: str, found: Tally | None) -> None:
        count = None if found is None else found.count
        if key in self._own:
            true = count == self._own[key]
        else:
            true = count is not None and count >= self._least[key]
        if not true:
            self.wrong.append((key, count, self._own.get(key, self._least.get(key))))


async def at_once(face: Any, flows: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Run each to its end: in a thread of its own on the blocking face, where nothing is waited for."""
    if face.name != "sync":
        await asyncio.gather(*(flow() for flow in flows))
        return

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(flows)) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, partial(_alone, flow)) for flow in flows))


def _alone(flow: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(flow())


@pytest.mark.seeds(2, 20)
@pytest.mark.parametrize("store", ["memory", "redis"])
async def test_a_client_never_reads_what_is_older_than_its_own_writes(
    face: Any, tables: Any, request: pytest.FixtureRequest, store: str, seed: int
) -> None:
    tables(Tally)
    shared: dict[str, Any] = {}
    if store == "redis":
        shared = {
            "redis": request.getfixturevalue("redis_server").url,
            "namespace": face.config.table_prefix,
            "redis_timeout_seconds": 5.0,
        }
    caches = [CachePlugin(max_entries=4, **shared) for _ in range(2 if store == "redis" else 1)]
    clients = []
    dbs = []
    for number in range(6):
        plugins = (caches[number % len(caches)], Delays(seed * 10 + number, 0.004))
        dbs.append(face(DynamoDB, face.config.replace(plugins=plugins)))
        clients.append(Client(dbs[-1], f"own{number}-", f"{seed}-{number}"))
    await face(DynamoDB).batch_write(Tally, puts=[Tally(id=key) for key in SHARED])
    await at_once(face, [partial(client.work, 60) for client in clients])
    assert [client.wrong for client in clients] == [[]] * len(clients)
    counted = await face(DynamoDB).batch_get(Tally, list(SHARED))
    assert sum(tally.count for tally in counted) == sum(client.added for client in clients)
    assert sum(cache.stats.hits for cache in caches) > 20
    assert sum(cache.stats.refused_fills for cache in caches) > 0
    for cache, db in zip(caches, dbs, strict=False):
        if face.name == "sync":
            cache.of(db._blocking).close()
        else:
            await cache.of(db).close()
