"""All plugins on one client, in the order of docs/plugins.md: each does its part, and none tells a value."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis import Redis
from tests.support.faults import FaultServer, reset_after_apply, seeded, server_error, slow, throttle

from dynamodb_wrapper import AsyncReadApi, AsyncWriteApi, Dto, ReadApi, WriteApi
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.core import AsyncTableGateway, TableGateway
from dynamodb_wrapper.exceptions import ItemNotFoundError
from dynamodb_wrapper.expressions.assignments import add, put
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.plugins import (
    Bulkhead,
    CachePlugin,
    CircuitBreaker,
    Encryption,
    HedgedReads,
    Keyring,
    LoggingPlugin,
    MetricsPlugin,
    Plugin,
    RateLimit,
    RetryPlugin,
    RetryPolicy,
    SafeWrites,
    TelemetryPlugin,
)
from dynamodb_wrapper.schema import Encrypted

SECRET, PLAIN, KEY = "the-secret-value", "the-plain-value", "the-key-value"
GUIDE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
IN_THE_GUIDE = re.findall(
    r"^    (\w+)\(", GUIDE.partition("\nplugins = (\n")[2].partition("\n)\n")[0], re.MULTILINE
)
PATIENT = RetryPolicy(attempts=30, throttle_base_seconds=0.02, longest_wait_seconds=0.05)


class Account(DynamoDBModel):
    name: str
    text: str = PLAIN
    secret: Encrypted[str] = SECRET
    count: int = 0

    class Meta:
        table_name = "accounts"
        partition_key = "name"


class AccountView(View):
    name: str
    secret: str
    count: int = 0


class AccountDto(Dto):
    name: str
    secret: str = SECRET


class AccountReadApi(ReadApi[Account, AccountView]):
    model, view = Account, AccountView


class AccountWriteApi(WriteApi[Account, AccountDto]):
    model, dto = Account, AccountDto


class AsyncAccountReadApi(AsyncReadApi[Account, AccountView]):
    model, view = Account, AccountView


class AsyncAccountWriteApi(AsyncWriteApi[Account, AccountDto]):
    model, dto = Account, AccountDto


class Together:
    """All plugins, what they recorded, and a client that has them."""

    def __init__(self, face: Any, endpoint: str, redis_url: str, stored: Any) -> None:
        self.face, self.stored, self.redis_url = face, stored, redis_url
        self.spans = InMemorySpanExporter()
        self.durations = InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.metrics = MetricsPlugin()
        self.cache = CachePlugin(
            redis=redis_url, namespace=face.config.table_prefix, redis_timeout_seconds=2.0
        )
        self.plugins: tuple[Plugin, ...] = (
            Encryption(Keyring({"k": b"k" * 32}, current="k"), [Account]),
            self.cache,
            SafeWrites(),
            self.metrics,
            TelemetryPlugin(tracers, MeterProvider([self.durations])),
            LoggingPlugin(),
            RetryPlugin(PATIENT, budget=100_000),
            HedgedReads(),
            CircuitBreaker(failures=15),
            RateLimit(read_units=10_000, write_units=10_000),
            Bulkhead(20),
        )
        self.config = face.config.replace(plugins=self.plugins, endpoint_url=endpoint, timeout_seconds=60.0)
        self.db = face(DynamoDB, self.config)

    def api(self, kind: type) -> Any:
        return self.face(kind, self.config)

    def gateway(self) -> Any:
        name = self.face.config.get_table_name("accounts")
        if self.face.name == "sync":
            return type(self.db)(TableGateway(self.db._blocking, name))
        return AsyncTableGateway(self.db, name)

    def kept(self) -> list[str]:
        """All that stands in Redis."""
        with Redis.from_url(self.redis_url) as redis:
            found = []
            for key in redis.scan_iter(f"{self.face.config.table_prefix}*"):
                assert isinstance(key, bytes)
                found.append(repr((key, redis.hgetall(key) if redis.type(key) == b"hash" else b"")))
        return found

    def recorded(self) -> list[str]:
        """Names, attributes and events of spans, and the labels of both kinds of metrics."""
        data = self.durations.get_metrics_data()
        assert data is not None
        return [*(span.to_json() for span in self.spans.get_finished_spans()), data.to_json()]

    async def close(self) -> None:
        if self.face.name == "sync":
            self.cache.of(self.db._blocking).close()
        else:
            await self.cache.of(self.db).close()


@pytest.fixture
def together(face: Any, engine: Any, tables: Any, boto3_table: Any, redis_server: Any) -> Callable[..., Any]:
    (name,) = tables(Account)

    @contextmanager
    def made(faults: Any = None) -> Iterator[Together]:
        with FaultServer(faults or [], upstream=engine.endpoint_url) as server:
            yield Together(face, server.url, redis_server.url, boto3_table(name))

    return made


def assert_silent(all_: Together, records: list[logging.LogRecord]) -> None:
    """Neither a log nor a trace nor a metric tells a value; the table and the cache tell no secret."""
    told = [repr(vars(record)) for record in records]
    told += [*all_.recorded(), repr(all_.metrics.snapshot()), all_.metrics.exposition().decode()]
    for text in told:
        for value in (SECRET, PLAIN, KEY, "DDBWE"):
            assert value not in text
    stored = [repr(item) for item in all_.stored.scan()["Items"]]
    assert stored
    for text in stored + all_.kept():
        assert SECRET not in text
    assert any(PLAIN in text for text in all_.kept())


async def through_the_client(all_: Together) -> None:
    db = all_.db
    await db.put(Account(name=KEY))
    for _ in range(2):
        assert (await db.get(Account, KEY)).secret == SECRET
    changed = await db.update(Account, KEY, [add(Account.count, 2), put(Account.secret).to(SECRET + "2")])
    assert (changed.secret, changed.count) == (SECRET + "2", 2)
    await db.batch_write(Account, puts=[Account(name=f"{KEY}{n}") for n in range(30)])
    found = await db.batch_get(Account, [KEY, *(f"{KEY}{n}" for n in range(30)), "none"])
    assert [each and each.secret for each in found] == [SECRET + "2", *[SECRET] * 30, None]
    await db.transaction().put(Account(name=KEY)).delete(Account, f"{KEY}1").execute()
    assert (await db.get(Account, KEY)).secret == SECRET
    assert await db.get(Account, f"{KEY}1") is None
    assert len(await db.query(Account).allow_scan().all()) == 30


async def through_the_apis(all_: Together) -> None:
    write, read = all_.api(AccountWriteApi), all_.api(AccountReadApi)
    await write.create(AccountDto(name=KEY))
    for _ in range(2):
        assert (await read.get(KEY)).secret == SECRET
    assert (await write.update(KEY, {"secret": SECRET + "2"})).secret == SECRET + "2"
    assert (await read.get(KEY)).secret == SECRET + "2"
    with pytest.raises(ItemNotFoundError):
        await write.update("none", {"secret": SECRET})


async def through_the_gateway(all_: Together) -> None:
    gateway = all_.gateway()
    await gateway.put_item(Item={"name": KEY, "text": PLAIN, "secret": SECRET})
    for _ in range(2):
        found = await gateway.get_item(Key={"name": KEY})
        assert found.keys() == {"Item", "ResponseMetadata"}
        assert found["Item"] == {"name": KEY, "text": PLAIN, "secret": SECRET}
    changed = await gateway.update_item(
        Key={"name": KEY},
        UpdateExpression="ADD #c :one SET secret = :s",
        ExpressionAttributeNames={"#c": "count"},
        ExpressionAttributeValues={":one": 1, ":s": SECRET + "2"},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"] == {"name": KEY, "text": PLAIN, "secret": SECRET + "2", "count": 1}
    assert [item["secret"] for item in (await gateway.scan())["Items"]] == [SECRET + "2"]
    assert (await gateway.scan()).keys() == {"Items", "Count", "ScannedCount", "ResponseMetadata"}


@pytest.mark.parametrize("door", [through_the_client, through_the_apis, through_the_gateway])
async def test_values_are_true_through_each_door_and_nothing_tells_them(
    together: Any, caplog: pytest.LogCaptureFixture, door: Callable[[Together], Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    with together() as all_:
        assert [type(plugin).__name__ for plugin in all_.plugins] == IN_THE_GUIDE
        await door(all_)
        assert_silent(all_, caplog.records)
        figures = all_.metrics.snapshot()
        for figure in ("operation_duration_seconds", "consumed_write_units", "items", "cache_reads"):
            assert figures[figure], figure
        assert all_.cache.stats.hits > 0
        names = {span.name for span in all_.spans.get_finished_spans()}
        assert any(name.startswith(("GetItem ", "get")) for name in names)
        assert {record.name for record in caplog.records} >= {"dynamodb_wrapper"}
        await all_.close()


async def test_under_faults_too_each_value_is_true_and_each_increment_counts_once(
    together: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    faults = {
        reset_after_apply(): 0.1,
        server_error(applied=True): 0.1,
        server_error(): 0.05,
        throttle(): 0.05,
        slow(0.05): 0.05,
    }
    with together(seeded(1, faults)) as all_:
        await all_.db.put(Account(name=KEY))
        for number in range(1, 41):
            changed = await all_.db.update(Account, KEY, [add(Account.count, 1)])
            assert (changed.count, changed.secret) == (number, SECRET)
            assert (await all_.db.get(Account, KEY)).count == number
        assert_silent(all_, caplog.records)
        figures = all_.metrics.snapshot()
        assert figures["errors"]
        assert figures["retries"]
        assert any("attempt" in span.to_json() for span in all_.spans.get_finished_spans())
        assert any("sent again" in record.getMessage() for record in caplog.records)
        await all_.close()
