"""Tasks that end half-way and that Spark runs again: nothing is lost, doubled or wrongly rejected.

The session's master lets each task be tried twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.support.spark_faults import FrailTasks
from tests.support.spark_models import Account, Order, Visit

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.spark.connector import Counts, read_report, register

ENGINES = ("dynoxide",)

ACCOUNT = "tests.support.spark_models:Account"
ROWS = [(f"a{at}", at) for at in range(300)]
COLUMNS = "customer string, number long"
TASKS = 2
Frail: TypeAlias = Callable[..., "Ended"]


class Ended:
    """The format whose tasks end early, and how many of them did."""

    def __init__(self, name: str, place: Path) -> None:
        self.name, self._place = name, place

    @property
    def attempts(self) -> int:
        return len(list(self._place.iterdir()))


@pytest.fixture
def frail(spark: Any, config: DynamoDBConfig, tmp_path: Path) -> Frail:
    """`frail(3)` makes a format whose tasks are killed, at their first attempt, at the third answer."""

    def made(answers: int, *, killed: bool = True) -> Ended:
        place = tmp_path / "ended"
        place.mkdir()
        plugins = (FrailTasks(answers, place, killed=killed),)
        register(spark, config.replace(plugins=plugins), name="frail")
        return Ended("frail", place)

    return made


@pytest.fixture
def write(frail: Frail, tmp_path: Path) -> Callable[..., Counts]:
    """`write(df, 3, table="orders", ...)` writes with tasks that end early, and returns the counts."""

    def made(df: Any, answers: int, *, killed: bool = True, **options: str) -> Counts:
        report, ended = tmp_path / "report.json", frail(answers, killed=killed)
        df.write.format(ended.name).mode("append").options(**options, report=str(report)).save()
        assert ended.attempts == TASKS
        return read_report(report)

    return made


def test_rows_of_tasks_that_were_killed_are_put(
    spark: Any, write: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    df = spark.createDataFrame(ROWS, COLUMNS).repartition(TASKS)
    counts = write(df, 3, table="orders")
    assert (counts.written, counts.repeated, counts.rejected) == (len(ROWS), 0, {})
    assert (counts.tasks, counts.committed) == (TASKS, True)
    assert sorted((order.customer, order.number) for order in db.scan(Order)) == sorted(ROWS)


def test_rows_that_were_inserted_before_count_as_repeated_and_those_of_others_as_rejected(
    spark: Any, write: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    """Where the task ends with an error, and its process serves the next attempt too."""
    tables(Order)
    db.batch_write(Order, puts=[Order(customer=name, number=at, urgent=True) for name, at in ROWS[:50]])
    df = spark.createDataFrame(ROWS, COLUMNS).repartition(TASKS)
    asked = {"table": "orders", "operation": "insert", "onReject": "count"}
    counts = write(df, 100, killed=False, **asked)
    assert (counts.written + counts.repeated, counts.rejected) == (250, {"conflict": 50})
    assert counts.repeated >= 50 * TASKS
    found = {(order.customer, order.number): order.urgent for order in db.scan(Order)}
    assert found == {row: at < 50 for at, row in enumerate(ROWS)}


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_rows_with_a_version_that_were_written_before_count_as_repeated(
    spark: Any,
    write: Callable[..., Counts],
    db: DynamoDB,
    tables: Callable[..., list[str]],
    operation: str,
) -> None:
    tables(Account)
    for name, balance in ROWS[:100]:
        db.put(Account(name=name, balance=balance))
    rows = [(name, balance + 1000, 1) for name, balance in ROWS[:90]]
    df = spark.createDataFrame(rows, "name string, balance long, version long").repartition(TASKS)
    counts = write(df, 20, model=ACCOUNT, operation=operation)
    assert (counts.written + counts.repeated, counts.rejected) == (90, {})
    assert counts.repeated >= 10 * TASKS
    changed = {} if operation == "delete" else {name: (balance, 2) for name, balance, _ in rows}
    found = {account.name: (account.balance, account.version) for account in db.scan(Account)}
    assert found == {name: (balance, 1) for name, balance in ROWS[90:100]} | changed


def test_segments_give_each_row_once(
    spark: Any, frail: Frail, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    """Also where a page was handed on before the task ended."""
    tables(Visit)
    wide = ["x" * 10_000]
    db.batch_write(Visit, puts=[Visit(page=name, seconds=at, tags=wide) for name, at in ROWS])
    ended = frail(2)
    reader = spark.read.format(ended.name).schema("page string, seconds long, tags array<string>")
    rows = reader.options(table="visits", segments=str(TASKS)).load().collect()
    assert ended.attempts == TASKS
    assert sorted((row.page, row.seconds) for row in rows) == sorted(ROWS)
    assert all(row.tags == wide for row in rows)


def test_a_batch_of_a_stream_is_copied_without_loss_or_repeat(
    spark: Any,
    frail: Frail,
    boto3_client: Any,
    db: DynamoDB,
    tables: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    """Where the task ends when it has read the changes and written some of them."""
    table, _ = tables(Order, Account)
    streaming = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    boto3_client.update_table(TableName=table, StreamSpecification=streaming)
    db.batch_write(Order, puts=[Order(customer=name, number=at) for name, at in ROWS[:30]])
    ended, report, found = frail(10), tmp_path / "report.json", list[Counts]()

    def copy(changes: Any, _: int) -> None:
        rows = changes.selectExpr("concat(keys, '') AS name", "event AS note")
        asked = {"table": "accounts", "operation": "insert", "report": str(report)}
        rows.write.format(ended.name).mode("append").options(**asked).save()
        found.append(read_report(report))

    query = (
        spark.readStream.format(ended.name)
        .options(table="orders", stream="true")
        .load()
        .writeStream.foreachBatch(copy)
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    assert query.awaitTermination(100)
    assert ended.attempts == len(found) == 1
    counts = found[0]
    assert (counts.written + counts.repeated, counts.rejected) == (30, {})
    assert counts.repeated
    keys = [json.loads(account.name) for account in db.scan(Account)]
    assert sorted((key["customer"], key["number"]) for key in keys) == sorted(ROWS[:30])
