"""What the metrics plugin counts on real engines: one scenario, both faces, given by config and by `use`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.faults import FaultServer, forward, server_error, throttle

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.core import AsyncTableGateway, TableGateway
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ItemNotFoundError, RetryableError
from dynamodb_wrapper.expressions.functions import missing
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import CachePlugin, CircuitBreaker, MetricsPlugin
from dynamodb_wrapper.schema import GSI


class Parcel(DynamoDBModel):
    code: str
    city: str
    weight: int = 1

    class Meta:
        table_name = "parcels"
        partition_key = "code"
        gsis: ClassVar = [GSI("ByCity", "city", "weight")]


def counted(metrics: MetricsPlugin, figure: str, **labels: str) -> float:
    """The sum of a figure, or of how often a duration was measured, over all series with these labels."""
    rows = metrics.snapshot()[figure]
    wanted = [row for row in rows if all(row[label] == text for label, text in labels.items())]
    return float(sum(row["value"] if "value" in row else row["count"] for row in wanted))


async def fill(db: Any, count: int = 3) -> None:
    await db.batch_write(Parcel, puts=[Parcel(code=f"p{n}", city="Oslo", weight=n) for n in range(count)])


async def test_operations_attempts_items_and_bytes_are_counted(
    db_with: Callable[..., Any], tables: Any, face: Any
) -> None:
    tables(Parcel)
    metrics = MetricsPlugin()
    db = db_with(metrics)
    await fill(db)
    assert await db.get(Parcel, "p1") is not None
    assert await db.get(Parcel, "absent") is None
    assert len(await db.query(Parcel).where("city", "=", "Oslo").all()) == 3
    with pytest.raises(ItemNotFoundError):
        await db.update(Parcel, "absent", {"weight": 5})
    table = await table_of(db)
    assert counted(metrics, "operation_duration_seconds", operation="get", outcome="ok") == 2
    assert counted(metrics, "operation_duration_seconds", operation="update", outcome="item_not_found") == 1
    assert counted(metrics, "attempts", action="GetItem", table=table) == 2
    assert counted(metrics, "attempt_duration_seconds", action="GetItem", table=table) == 2
    assert counted(metrics, "items", action="GetItem", table=table) == 1
    assert counted(metrics, "items", action="BatchWriteItem", table=table) == 3
    assert counted(metrics, "items", action="Query", table=table) == 3
    assert counted(metrics, "errors", table=table, code="conditional_check_failed") == 1
    assert counted(metrics, "reply_bytes", action="Query") > counted(metrics, "reply_bytes", action="GetItem")


def gateway(db: Any, table: str) -> Any:
    """The gateway to a table over a client of either face."""
    if isinstance(db, AsyncDynamoDB):
        return AsyncTableGateway(db, table)
    return type(db)(TableGateway(db._blocking, table))


async def table_of(db: Any) -> str:
    name = db.table_name(Parcel)
    return str(name if isinstance(name, str) else await name)


async def test_consumed_units_are_counted_by_table_and_index(
    db_with: Callable[..., Any], tables: Any
) -> None:
    tables(Parcel)
    metrics = MetricsPlugin()
    db = db_with(metrics)
    await db.put(Parcel(code="a", city="Oslo"))
    await db.get(Parcel, "a")
    await db.get(Parcel, "a", consistent=True)
    await db.query(Parcel).where("city", "=", "Oslo").all()
    await db.transaction().put(Parcel(code="b", city="Oslo")).execute()
    table = await table_of(db)
    assert counted(metrics, "consumed_write_units", table=table, index="") >= 1 + 2
    assert counted(metrics, "consumed_write_units", table=table, index="ByCity") >= 1
    assert counted(metrics, "consumed_read_units", table=table, index="") == 0.5 + 1
    assert counted(metrics, "consumed_read_units", table=table, index="ByCity") == 0.5


async def test_who_asks_for_a_raw_reply_sees_it_as_without_the_plugin(
    face: Any, tables: Any, config: Any
) -> None:
    (table,) = tables(Parcel)
    metrics = MetricsPlugin()
    plain = gateway(face(DynamoDB), table)
    watched = gateway(face(DynamoDB, config.replace(plugins=(metrics,))), table)
    await plain.put_item(Item={"code": "a", "city": "Oslo", "ConsumedCapacity": {"mine": 1}})
    asks: list[Callable[[Any], Any]] = [
        lambda gateway: gateway.get_item(Key={"code": "a"}),
        lambda gateway: gateway.scan(),
        lambda gateway: gateway.get_item(Key={"code": "a"}, ReturnConsumedCapacity="NONE"),
        lambda gateway: gateway.get_item(Key={"code": "a"}, ReturnConsumedCapacity="TOTAL"),
        lambda gateway: gateway.put_item(Item={"code": "b"}, ReturnConsumedCapacity="INDEXES"),
    ]
    for ask in asks:
        expected, got = await ask(plain), await ask(watched)
        for response in (expected, got):
            response.pop("ResponseMetadata", None)
        assert got == expected
    assert counted(metrics, "consumed_read_units", table=table) > 0


async def test_retries_and_throttles_are_counted_by_reason(
    db_with: Callable[..., Any], tables: Any, engine: Any
) -> None:
    tables(Parcel)
    metrics = MetricsPlugin()
    faults = [forward(), throttle("KeyRangeThroughputExceeded"), server_error(), forward()]
    with FaultServer(faults, upstream=engine.endpoint_url) as server:
        db = db_with(metrics, endpoint_url=server.url)
        await db.put(Parcel(code="a", city="Oslo"))
        assert await db.get(Parcel, "a") is not None
    table = await table_of(db)
    assert counted(metrics, "attempts", action="GetItem", table=table) == 3
    assert counted(metrics, "retries", action="GetItem", table=table) == 2
    assert counted(metrics, "throttles", table="t", index="", reason="KeyRangeThroughputExceeded") == 1
    assert counted(metrics, "errors", code="throttled") == 1
    assert counted(metrics, "errors", code="service_unavailable") == 1
    assert counted(metrics, "operation_duration_seconds", outcome="ok") == 2


async def test_no_label_has_anything_of_an_item_or_a_key(db_with: Callable[..., Any], tables: Any) -> None:
    tables(Parcel)
    metrics = MetricsPlugin()
    db = db_with(metrics)
    await db.put(Parcel(code="hidden-key", city="hidden-city"))
    await db.get(Parcel, "hidden-key")
    await db.query(Parcel).where("city", "=", "hidden-city").all()
    with pytest.raises(ConditionalCheckFailedError):
        await db.put(Parcel(code="hidden-key", city="x"), condition=missing(Parcel.code))
    assert b"hidden" not in metrics.exposition()
    assert "hidden" not in str(metrics.snapshot())


async def test_prometheus_reads_what_the_snapshot_tells(db_with: Callable[..., Any], tables: Any) -> None:
    tables(Parcel)
    metrics = MetricsPlugin()
    db = db_with(metrics)
    await fill(db)
    table = await table_of(db)
    families = {
        family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())
    }
    (sample,) = families["dynamodb_attempts"].samples
    assert (sample.name, sample.value) == ("dynamodb_attempts_total", 1)
    assert sample.labels == {"action": "BatchWriteItem", "table": table}
    durations = families["dynamodb_operation_duration_seconds"].samples
    assert [each.value for each in durations if each.name.endswith("_count")] == [1]
    used = {each.labels["state"]: each.value for each in families["dynamodb_connections"].samples}
    assert used["idle"] >= 1


async def test_cache_hits_and_the_state_of_a_breaker_are_counted_by_what_their_plugins_tell(
    db_with: Callable[..., Any], tables: Any, engine: Any
) -> None:
    (table,) = tables(Parcel)
    metrics = MetricsPlugin()
    with FaultServer([server_error(), server_error()], upstream=engine.endpoint_url) as server:
        breaker = CircuitBreaker(failures=2, open_seconds=60)
        db = db_with(metrics, CachePlugin(), breaker, endpoint_url=server.url, retries=2)
        with pytest.raises(RetryableError):
            await db.get(Parcel, "a")
    assert counted(metrics, "breaker_state", table=table) == 2
    cached = db_with(metrics_of_cache := MetricsPlugin(), CachePlugin())
    await cached.put(Parcel(code="a", city="Oslo"))
    for _ in range(3):
        assert await cached.get(Parcel, "a") is not None
    hits = counted(metrics_of_cache, "cache_reads", table=table, kind="item", outcome="hit")
    assert hits + counted(metrics_of_cache, "cache_reads", table=table, kind="item", outcome="miss") == 3
    assert hits >= 2
    assert counted(metrics_of_cache, "attempts", action="GetItem") == 3 - hits
