"""Processes that share a cache in a real Redis: hits, invalidation, and what happens when one dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest
from tests.support.cache_child import Stock
from tests.support.gates import Recorder
from tests.support.redis_server import RedisServer

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig
from dynamodb_wrapper.plugins import CachePlugin

HOME = Path(__file__).parents[2]


class Child:
    """A process with a cache of its own; each call is answered before the next one."""

    def __init__(self, config: DynamoDBConfig, redis: str, face: str) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.cache_child"),
                *(str(config.endpoint_url), config.table_prefix, redis, face),
            ],
            cwd=HOME,
            env=os.environ | {"PYTHONPATH": str(HOME / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(self.end())
        return json.loads(line)

    def end(self) -> str:
        """End the process; what it wrote to its error output."""
        _, errors = self._process.communicate(timeout=20)
        return errors


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill."""
    if reason := RedisServer.missing():
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sync", "async"])
def child(
    request: pytest.FixtureRequest, config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> Iterator[Callable[[RedisServer], Child]]:
    """`child(redis)` is a process with a cache."""
    tables(Stock)
    made: list[Child] = []

    def make(redis: RedisServer) -> Child:
        made.append(Child(config, redis.url, request.param))
        return made[-1]

    yield make
    for each in made:
        each.end()


def wait_until(holds: Callable[[], bool]) -> float:
    """How many seconds it took until something held, at most ten."""
    start = time.perf_counter()
    while not holds():
        assert time.perf_counter() - start < 10
        time.sleep(0.001)
    return time.perf_counter() - start


def wait_until_kept(process: Child, key: str, value: int) -> None:
    """Read until a read makes no call; every read gives that value."""

    def is_kept() -> bool:
        process("calls")
        assert process("get", key) == value
        return bool(process("calls") == [])

    wait_until(is_kept)


def test_what_one_process_read_needs_no_call_of_another(
    config: DynamoDBConfig, child: Any, own_redis: RedisServer
) -> None:
    one, two = child(own_redis), child(own_redis)
    with DynamoDB(config) as outside:
        outside.batch_write(Stock, puts=[Stock(id=f"s{number}", count=number) for number in range(100)])
    for process in (one, two):
        for _ in range(2):
            assert [process("get", f"s{number}") for number in range(100)] == list(range(100))
    assert one("calls") == ["GetItem"] * 100
    assert two("calls") == []
    print(f"one {one('stats')}, two {two('stats')}")
    assert two("stats")["hits"] == 200


def test_a_write_of_one_process_is_seen_by_another(child: Any, own_redis: RedisServer) -> None:
    one, two = child(own_redis), child(own_redis)
    one("put", "a", 0)
    took = []
    for number in range(1, 31):
        assert two("get", "a") == number - 1
        assert two("get", "a") == number - 1
        assert one("add", "a") == number
        assert one("get", "a") == number
        took.append(wait_until(lambda number=number: two("get", "a") == number))  # type: ignore[misc]
    took.sort()
    print(f"seen after {took[15] * 1000:.1f} ms in the median, {took[-1] * 1000:.1f} ms at most")
    assert two("stats")["hits"] >= 60
    assert "GetItem" not in two("calls")


class Worker:
    """Counts and puts through a process, and notes each read that is older than what it was told."""

    def __init__(self, number: int, process: Child) -> None:
        self._number, self._process = number, process
        self._random = random.Random(number)
        self._least = self.added = 0
        self.wrong: list[Any] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        own, step = f"own{self._number}", 0
        while not self._stop.is_set():
            if self._random.random() < 0.3:
                self._least, self.added = self._process("add", "shared"), self.added + 1
            elif (found := self._process("get", "shared")) < self._least:
                self.wrong.append(("shared", found, self._least))
            if self._random.random() < 0.5:
                step += 1
                self._process("put", own, step)
            if (found := self._process("get", own)) != (step or None):
                self.wrong.append((own, found, step))


def test_processes_that_write_at_once_read_nothing_older_than_they_were_told(
    child: Any, own_redis: RedisServer
) -> None:
    processes = [child(own_redis) for _ in range(3)]
    processes[0]("put", "shared", 0)
    workers = [Worker(*each) for each in enumerate(processes)]
    time.sleep(2)
    wait_until(lambda: all(worker.added > 10 for worker in workers))
    for worker in workers:
        worker.stop()
    assert [worker.wrong for worker in workers] == [[], [], []]
    total = sum(worker.added for worker in workers)
    for process in processes:
        wait_until(lambda process=process: process("get", "shared") == total)  # type: ignore[misc]


def test_a_redis_that_is_killed_again_and_again_loses_nothing(child: Any, own_redis: RedisServer) -> None:
    processes = [child(own_redis) for _ in range(2)]
    processes[0]("put", "shared", 0)
    workers = [Worker(*each) for each in enumerate(processes)]
    for _ in range(3):
        time.sleep(0.7)
        own_redis.kill()
        time.sleep(0.7)
        own_redis.start()
    time.sleep(1.5)
    for worker in workers:
        worker.stop()
    assert [worker.wrong for worker in workers] == [[], []]
    total = sum(worker.added for worker in workers)
    assert total > 20
    for process in processes:
        wait_until(lambda process=process: process("get", "shared") == total)  # type: ignore[misc]
        wait_until_kept(process, "shared", total)
    for process in processes:
        warnings = [line for line in process.end().splitlines() if "WARNING" in line]
        assert len(warnings) == 3, warnings


def test_what_a_restarted_redis_brings_back_from_its_disk_is_not_used(
    child: Any, own_redis: RedisServer
) -> None:
    one, two = child(own_redis), child(own_redis)
    one("put", "a", 1)
    assert two("get", "a") == 1
    assert own_redis.ask("SAVE") == b"+OK\r\n"
    one("put", "a", 2)
    own_redis.kill()
    one("put", "a", 3)
    own_redis.start()
    assert b":0" not in own_redis.ask("DBSIZE")
    assert one("get", "a") == two("get", "a") == 3
    for process in (one, two):
        wait_until_kept(process, "a", 3)


def test_what_was_written_while_redis_was_silent_is_true_when_it_speaks_again(
    child: Any, own_redis: RedisServer
) -> None:
    one, two = child(own_redis), child(own_redis)
    one("put", "a", 1)
    assert two("get", "a") == 1
    own_redis.signal(SIGSTOP)
    try:
        one("put", "a", 2)
        assert one("get", "a") == 2
    finally:
        own_redis.signal(SIGCONT)
    wait_until(lambda: two("get", "a") == 2)
    assert one("get", "a") == 2
    wait_until(lambda: one("get", "b") is None and one("calls") == [])
    assert [process("get", "a") for process in (one, two)] == [2, 2]


def test_a_process_that_dies_in_the_middle_of_a_write_leaves_nothing_old(
    child: Any, own_redis: RedisServer
) -> None:
    one, two = child(own_redis), child(own_redis)
    one("put", "a", 1)
    assert two("get", "a") == 1
    with pytest.raises(EOFError):
        one("crash", "a", 2)
    wait_until(lambda: two("get", "a") == 2)
    assert [two("get", "a") for _ in range(3)] == [2, 2, 2]


def test_neither_redis_keys_nor_logs_show_what_items_hold(
    config: DynamoDBConfig,
    tables: Callable[..., list[str]],
    redis_server: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tables(Stock)
    caplog.set_level(logging.DEBUG)
    cache = CachePlugin(redis=redis_server.url, namespace=config.table_prefix)
    with DynamoDB(config.replace(plugins=(cache,))) as db:
        db.put(Stock(id="a-secret", count=424242))
        db.get(Stock, "a-secret")
        db.get(Stock, "another-secret")
        keys = redis_server.ask("KEYS", f"{config.table_prefix}*")
        cache.of(db).close()
    assert keys.count(b":place:") == 2
    for shown in (keys.decode(), caplog.text):
        assert "secret" not in shown
        assert "424242" not in shown


def test_a_redis_that_was_never_there_is_no_error(
    config: DynamoDBConfig, tables: Callable[..., list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    tables(Stock)
    caplog.set_level(logging.WARNING, "dynamodb_wrapper.cache")
    cache = CachePlugin(redis="redis://127.0.0.1:1/0")
    with DynamoDB(config.replace(plugins=(cache,))) as db:
        for number in range(5):
            db.put(Stock(id="a", count=number))
            assert db.get(Stock, "a") == Stock(id="a", count=number)
        time.sleep(1.2)
        assert cache.stats.store_failures > 1
        assert len(caplog.records) == 1
        cache.of(db).close()


def test_a_plugin_serves_one_event_loop_after_the_other(
    config: DynamoDBConfig, tables: Callable[..., list[str]], redis_server: RedisServer
) -> None:
    tables(Stock)
    cache = patient_cache(redis_server, config)

    async def main(count: int) -> None:
        async with AsyncDynamoDB(config.replace(plugins=(cache,))) as db:
            await db.put(Stock(id="a", count=count))
            found = await asyncio.gather(*(db.get(Stock, "a") for _ in range(50)))
            assert found == [Stock(id="a", count=count)] * 50
            await cache.of(db).close()

    for count in range(3):
        asyncio.run(main(count))


def patient_cache(redis_server: RedisServer, config: DynamoDBConfig) -> CachePlugin:
    """One that does without Redis only when it is dead, and not when this machine is busy."""
    return CachePlugin(redis=redis_server.url, namespace=config.table_prefix, redis_timeout_seconds=5.0)


@pytest.mark.parametrize("face_name", ["sync", "async"])
def test_200_cold_reads_in_each_of_two_processes(
    face_name: str, config: DynamoDBConfig, tables: Callable[..., list[str]], redis_server: RedisServer
) -> None:
    """Two caches, as of two processes: the second finds what the first one's only call brought."""
    tables(Stock)
    with DynamoDB(config) as outside:
        outside.put(Stock(id="a", count=7))
    calls = []
    for _ in range(2):
        cache, recorder = patient_cache(redis_server, config), Recorder()
        settings = config.replace(plugins=(cache, recorder))
        if face_name == "sync":
            with DynamoDB(settings) as db, ThreadPoolExecutor(200) as pool:
                found = list(pool.map(lambda _, db=db: db.get(Stock, "a"), range(200)))
                cache.of(db).close()
        else:

            async def main(settings: DynamoDBConfig = settings, cache: CachePlugin = cache) -> list[Any]:
                async with AsyncDynamoDB(settings) as db:
                    found = await asyncio.gather(*(db.get(Stock, "a") for _ in range(200)))
                    await cache.of(db).close()
                    return found

            found = asyncio.run(main())
        assert found == [Stock(id="a", count=7)] * 200
        calls.append(len(recorder.calls))
    assert calls == [1, 0]
