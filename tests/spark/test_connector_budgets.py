"""Units that tasks share: all together they use no more than there are, however short each of them is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.support.faults import FaultServer, answered, reply
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.spark.connector import read_small, register, write_by_map
from dynamodb_wrapper.spark.connector.options import Options, read_options
from dynamodb_wrapper.spark.connector.slots import slots, slots_of
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.writing import written

ENGINES = ("dynoxide",)

COLUMNS = (("customer", str), ("number", int))


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({}, None),
        ({"spark.master": "local"}, 1),
        ({"spark.master": "local[3]"}, 3),
        ({"spark.master": "local[3, 2]"}, 3),
        ({"spark.master": "local[*]"}, os.cpu_count()),
        ({"spark.master": "local[4]", "spark.task.cpus": "3"}, 1),
        ({"spark.master": "local[4]", "spark.task.cpus": "0.5"}, 8),
        ({"spark.master": "local-cluster[2,3,1024]"}, 6),
        ({"spark.master": "spark://host:7077"}, None),
        ({"spark.master": "spark://host:7077", "spark.cores.max": "12"}, 12),
        ({"spark.master": "yarn"}, None),
        ({"spark.master": "yarn", "spark.executor.instances": "5"}, 5),
        ({"spark.master": "yarn", "spark.executor.instances": "5", "spark.executor.cores": "4"}, 20),
        (
            {
                "spark.master": "yarn",
                "spark.executor.instances": "5",
                "spark.yarn.heterogeneousExecutors.enabled": "true",
            },
            None,
        ),
        (
            {
                "spark.master": "k8s://https://host",
                "spark.executor.instances": "5",
                "spark.dynamicAllocation.enabled": "true",
            },
            None,
        ),
        (
            {
                "spark.master": "k8s://https://host",
                "spark.executor.cores": "2",
                "spark.dynamicAllocation.enabled": "true",
                "spark.dynamicAllocation.maxExecutors": "10",
            },
            20,
        ),
        (
            {
                "spark.master": "yarn",
                "spark.executor.instances": "5",
                "spark.dynamicAllocation.maxExecutors": "3",
                "spark.dynamicAllocation.enabled": "true",
            },
            5,
        ),
        ({"spark.master": "something://else", "spark.executor.instances": "5"}, None),
    ],
)
def test_how_many_tasks_can_run_at_once_is_known_where_the_settings_say_it(
    settings: Mapping[str, str], known: int | None
) -> None:
    assert slots(settings.get) == known


def test_of_a_session_without_a_context_nothing_is_known(spark: Any) -> None:
    """As under Spark Connect."""
    assert slots_of(spark) == 2
    assert slots_of(object()) is None  # type: ignore[arg-type]


def test_tasks_share_the_units_that_an_option_gives_or_as_many_as_can_run() -> None:
    asked = {"table": "orders", "readUnits": "100"}
    for options, slots_, partitions, share in (
        (asked, None, 40, 2.5),
        (asked, 2, 40, 50),
        (asked, 8, 4, 25),
        ({**asked, "tasks": "4"}, 2, 40, 25),
    ):
        assert read_options(options, slots_).share(100.0, partitions) == share
    assert read_options({"table": "a", "writeUnits": "5"}, 3).tasks == 3
    with pytest.raises(ValidationError, match="how many tasks write at the same time"):
        read_options({"table": "a", "writeUnits": "5"})


def test_tasks_of_a_registered_source_share_the_units_without_being_told_how_many_they_are(
    spark: Any,
    config: DynamoDBConfig,
    db: DynamoDB,
    options: dict[str, str],
    tables: Callable[..., list[str]],
) -> None:
    tables(Order)
    register(spark, config, name="shared")
    df = spark.createDataFrame([(f"c{at}", at) for at in range(40)], "customer string, number long")
    asked = {**options, "table": "orders", "writeUnits": "1000"}
    df.repartition(2).write.format("shared").mode("append").options(**asked).save()
    assert {order.number for order in db.scan(Order)} == set(range(40))
    with pytest.raises(Exception, match="how many tasks write at the same time"):
        df.write.format("dynamodb").mode("append").options(**asked).save()
    counts = write_by_map(df, config=config, table="orders", writeUnits=1000)
    assert counts.written == 40


@pytest.mark.parametrize("rows", [1, 5, 25])
def test_many_short_tasks_that_write_keep_the_units(
    config: DynamoDBConfig, tables: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Each waits at its end for all that it has used, and none has units saved that nobody left over."""
    (table,) = tables(Order)
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    page = {"UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": table, "CapacityUnits": rows}]}
    with FaultServer([reply(answered(page))] * 4) as server:
        keys = Source(Options(table="orders"), config).keys
        asked = Options(table="orders", write_units=20.0, tasks=2, endpoint=server.url)
        source = Source(asked, config, keys, COLUMNS)
        for _ in range(4):
            written(source, [{"customer": "a", "number": number} for number in range(rows)])
    assert len(waited) == 4
    assert sum(waited) == pytest.approx(4 * rows / 10, rel=0.2)


def test_a_task_that_fails_waits_too_for_spark_begins_it_again(
    config: DynamoDBConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    page = {"ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 30}}

    def fail() -> None:
        given = config.replace(endpoint_url=server.url, table_prefix="")
        with Source(Options(table="orders"), given).limited(reads=10.0) as db:
            db.get(Order, {"customer": "a", "number": 1})
            raise RuntimeError("the task ends here")

    with FaultServer([reply(answered(page))]) as server, pytest.raises(RuntimeError):
        fail()
    assert waited == [pytest.approx(3.0, rel=0.2)]


def test_rows_that_take_more_units_than_come_before_a_deadline_are_written(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    """Each of the batches that wait in line takes 600 units, which come in 0.6 s."""
    (table,) = tables(Order)
    keys = Source(Options(table="orders"), config).keys
    page = {"UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": table, "CapacityUnits": 600}]}
    with FaultServer([reply(answered(page))] * 4) as server:
        asked = Options(table="orders", write_units=1000.0, endpoint=server.url)
        source = Source(asked, config.replace(timeout_seconds=0.2), keys, COLUMNS)
        counts = written(source, [{"customer": "a", "number": number} for number in range(100)])
    assert (counts.written, counts.calls) == (100, 4)
    assert counts.seconds > 3 * 0.6


def test_the_driver_shares_the_units_among_its_own_threads(
    spark: Any, config: DynamoDBConfig, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[float | None] = []
    limited = Source.limited

    def noting(self: Source, *, reads: float | None = None, **more: Any) -> Any:
        shared.append(reads)
        return limited(self, reads=reads, **more)

    monkeypatch.setattr(Source, "limited", noting)
    asked: dict[str, Any] = {"model": "tests.support.spark_models:Order", "readUnits": 10_000, "tasks": 1}
    assert read_small(spark, config=config, segments=8, **asked).count() == len(orders)
    assert shared == [2500] * 8
