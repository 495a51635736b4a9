"""Caches of several processes in one Redis, step by step: what one of them may keep when another one writes.

Each cache here stands for a process: they know of each other through Redis alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.support.gates import Gate, Recorder, side_by_side
from tests.support.redis_server import RedisServer

from dynamodb_wrapper import DynamoDB, DynamoDBModel
from dynamodb_wrapper.plugins import CachePlugin


class Ticket(DynamoDBModel):
    id: str
    seat: int = 0

    class Meta:
        table_name = "tickets"
        partition_key = "id"


@pytest.fixture
async def process(
    face: Any, tables: Any, redis_server: RedisServer
) -> AsyncIterator[Callable[..., tuple[Any, CachePlugin]]]:
    """`process(*plugins)` is a client with a cache of its own, and that cache."""
    tables(Ticket)
    made: list[tuple[Any, CachePlugin]] = []

    def make(*inner: Any, **options: Any) -> tuple[Any, CachePlugin]:
        cache = CachePlugin(
            redis=redis_server.url, namespace=face.config.table_prefix, redis_timeout_seconds=5.0, **options
        )
        made.append((face(DynamoDB, face.config.replace(plugins=(cache, *inner))), cache))
        return made[-1]

    yield make
    for db, cache in made:
        if face.name == "sync":
            cache.of(db._blocking).close()
        else:
            await cache.of(db).close()


async def until_seen(db: Any, ticket: Ticket) -> None:
    for _ in range(500):
        if await db.get(Ticket, "a") == ticket:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{await db.get(Ticket, 'a')} is all that is read")


async def test_a_slow_reader_of_one_process_cannot_put_back_what_another_replaced(
    face: Any, process: Callable[..., tuple[Any, CachePlugin]]
) -> None:
    gate = Gate("GetItem")
    (reader, cache), (writer, _), (third, _) = process(gate), process(), process()
    await face(DynamoDB).put(Ticket(id="a", seat=1))
    gate.close()
    reading = asyncio.create_task(side_by_side(face, [lambda: reader.get(Ticket, "a")]))
    await gate.until_held()
    await writer.update(Ticket, "a", {"seat": 2})
    gate.open()
    assert await reading == [Ticket(id="a", seat=1)]
    assert cache.stats.refused_fills == 1
    for db in (third, writer, reader):
        assert await db.get(Ticket, "a") == Ticket(id="a", seat=2)


async def test_of_two_processes_that_write_at_once_none_keeps_its_own(
    face: Any, process: Callable[..., tuple[Any, CachePlugin]]
) -> None:
    gate = Gate("PutItem", before=True)
    (first, _), (second, _) = process(gate), process()
    gate.close()
    writing = asyncio.create_task(side_by_side(face, [lambda: first.put(Ticket(id="a", seat=2))]))
    await gate.until_held()
    await second.put(Ticket(id="a", seat=1))
    assert await second.get(Ticket, "a") == Ticket(id="a", seat=1)
    gate.open()
    await writing
    assert await first.get(Ticket, "a") == Ticket(id="a", seat=2)
    assert await second.get(Ticket, "a") == Ticket(id="a", seat=2)


async def test_what_was_read_beside_a_write_of_another_process_does_not_replace_what_it_made(
    face: Any, process: Callable[..., tuple[Any, CachePlugin]]
) -> None:
    writes, reads = Gate("PutItem", before=True), Gate("GetItem")
    (writer, _), (reader, _), (third, _) = process(writes), process(reads), process()
    await face(DynamoDB).put(Ticket(id="a", seat=1))
    writes.close()
    reads.close()
    writing = asyncio.create_task(side_by_side(face, [lambda: writer.put(Ticket(id="a", seat=2))]))
    await writes.until_held()
    reading = asyncio.create_task(side_by_side(face, [lambda: reader.get(Ticket, "a")]))
    await reads.until_held()
    writes.open()
    await writing
    reads.open()
    assert await reading == [Ticket(id="a", seat=1)]
    for db in (third, reader, writer):
        assert await db.get(Ticket, "a") == Ticket(id="a", seat=2)


async def test_other_processes_read_consistently_after_a_write(
    process: Callable[..., tuple[Any, CachePlugin]],
) -> None:
    recorder = Recorder()
    (writer, _), (reader, _) = process(settle_seconds=60), process(recorder, settle_seconds=60)
    await writer.batch_write(Ticket, puts=[Ticket(id="a", seat=1)])
    assert await reader.get(Ticket, "a") == Ticket(id="a", seat=1)
    (call,) = recorder.calls
    assert call.body["ConsistentRead"]


async def test_a_statement_or_a_clear_of_one_process_is_heard_by_all(
    face: Any, tables: Any, process: Callable[..., tuple[Any, CachePlugin]]
) -> None:
    (writer, cache), (reader, _) = process(), process()
    await writer.put(Ticket(id="a", seat=1))
    await until_seen(reader, Ticket(id="a", seat=1))
    table = f"{face.config.table_prefix}tickets"
    await writer.execute_statement(f'UPDATE "{table}" SET seat=? WHERE id=?', [2, "a"])
    await until_seen(reader, Ticket(id="a", seat=2))
    await face(DynamoDB).put(Ticket(id="a", seat=3))
    if face.name == "sync":
        cache.of(writer._blocking).clear()
    else:
        await cache.of(writer).clear()
    await until_seen(reader, Ticket(id="a", seat=3))


async def test_schema_versions_are_kept_apart_but_forgotten_together(
    process: Callable[..., tuple[Any, CachePlugin]],
) -> None:
    recorder = Recorder()
    (old, _), (new, _) = process(schema_version="1"), process(recorder, schema_version="2")
    await old.put(Ticket(id="a", seat=1))
    assert await new.get(Ticket, "a") == Ticket(id="a", seat=1)
    assert recorder.take() == ["GetItem"]
    assert await new.get(Ticket, "a") == Ticket(id="a", seat=1)
    assert recorder.take() == []
    await old.update(Ticket, "a", {"seat": 2})
    await until_seen(new, Ticket(id="a", seat=2))
