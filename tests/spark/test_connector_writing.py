"""Writing DataFrames into tables: what is stored, what is rejected, and what a second try finds."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.faults import Exchange, FaultServer, answered, reset_after_apply, throttle
from tests.support.spark_models import Account, Order, Parcel, Visit

from dynamodb_wrapper import ConflictError, DynamoDB, DynamoDBConfig, ItemNotFoundError, ValidationError
from dynamodb_wrapper.exceptions import UnprocessedError
from dynamodb_wrapper.spark.connector import Counts, read_report
from dynamodb_wrapper.spark.connector.counts import together
from dynamodb_wrapper.spark.connector.options import read_options
from dynamodb_wrapper.spark.connector.planning import shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.rows import Row
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.writer import writer_of
from dynamodb_wrapper.spark.connector.writing import written

ENGINES = ("dynoxide",)

ORDER = "tests.support.spark_models:Order"
PARCEL = "tests.support.spark_models:Parcel"
ACCOUNT = "tests.support.spark_models:Account"
ROWS: list[Row] = [{"customer": f"c{at % 3}", "number": at, "weight": at / 2} for at in range(300)]
WEIGHED = (("customer", str), ("number", int), ("weight", float))
NOTED = (("name", str), ("note", str), ("version", int))


@pytest.fixture
def write(options: dict[str, str], tmp_path: Path) -> Callable[..., Counts]:
    """`write(df, table="orders", ...)` writes with those options and returns the counts."""

    def made(df: Any, mode: str = "append", **more: Any) -> Counts:
        report = tmp_path / "report.json"
        df.write.format("dynamodb").mode(mode).options(**options, report=str(report), **more).save()
        return read_report(report)

    return made


@pytest.fixture
def task(config: DynamoDBConfig) -> Callable[..., Counts]:
    """`task(rows, columns, table="orders", ...)` writes as one task does, without Spark."""

    def made(rows: Any, columns: Any, endpoint: str | None = None, **options: str) -> Counts:
        given = config if endpoint is None else config.replace(endpoint_url=endpoint)
        return written(Source(read_options(options), given).known(columns), rows)

    return made


def failing(rows: list[Row]) -> Iterator[Row]:
    yield from rows
    raise RuntimeError("the task ends here")


def stored(db: DynamoDB) -> list[tuple[str, int, float | None]]:
    return sorted((order.customer, order.number, order.weight) for order in db.scan(Order))


WANTED = sorted((row["customer"], row["number"], row["weight"]) for row in ROWS)


def test_rows_are_put(
    spark: Any, write: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    df = spark.createDataFrame(
        [tuple(row.values()) for row in ROWS], "customer string, number long, weight double"
    )
    counts = write(df.repartition(2), table="orders")
    assert (counts.written, counts.repeated, counts.rejected) == (300, 0, {})
    assert (counts.tasks, counts.committed) == (2, True)
    assert stored(db) == WANTED


def test_overwriting_a_table_is_refused(
    spark: Any, write: Callable[..., Counts], orders: list[Order]
) -> None:
    df = spark.createDataFrame([("a", 1)], "customer string, number long")
    with pytest.raises(Exception, match=r"mode\(\"overwrite\"\) would mean to delete the whole table first"):
        write(df, mode="overwrite", table="orders")


def test_rows_that_are_rejected_are_counted_or_fail_the_write(
    spark: Any, write: Callable[..., Counts], db: DynamoDB, orders: list[Order], tmp_path: Path
) -> None:
    kept, changed = orders[0], orders[1]
    rows = [
        (kept.customer, kept.number, kept.weight),
        (changed.customer, changed.number, 99.0),
        ("new", 1, 1.0),
        ("new", None, 1.0),
    ]
    df = spark.createDataFrame(rows, "customer string, number long, weight double").coalesce(1)
    with pytest.raises(Exception, match="onReject = count"):
        write(df, table="orders", operation="insert")
    assert read_report(tmp_path / "report.json").committed is False
    counts = write(df, table="orders", operation="insert", onReject="count")
    assert counts.rejected == {"conflict": 2, "validation_failed": 1}
    assert (counts.written + counts.repeated, counts.rows) == (1, 4)
    assert any(str(changed.number) in sample and "exists already" in sample for sample in counts.samples)
    assert db.get(Order, {"customer": "new", "number": 1}) is not None
    assert db.get(Order, {"customer": changed.customer, "number": changed.number}) == changed


def test_an_insert_that_failed_half_way_is_made_whole_by_its_second_try(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    asked = {"table": "orders", "operation": "insert", "onReject": "count"}
    task(ROWS[:120], WEIGHED, **asked)
    counts = task(ROWS, WEIGHED, **asked)
    assert (counts.written, counts.repeated, counts.rejected) == (180, 120, {})
    assert stored(db) == WANTED


def test_a_task_that_fails_has_doubled_nothing_when_it_was_run_again(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Account)
    db.put(Account(name="a", balance=1))
    db.put(Account(name="b", balance=1))
    rows: list[Row] = [
        {"name": "a", "balance": 5, "version": 1},
        {"name": "b", "balance": 5, "version": 1},
        {"name": "c", "balance": 5, "version": 0},
    ]
    columns = (("name", str), ("balance", int), ("version", int))
    for operation in ("put", "update"):
        if operation == "update":
            rows = [{**row, "balance": 6, "version": row["version"] + 1} for row in rows]
        with pytest.raises(RuntimeError):
            task(failing(rows), columns, model=ACCOUNT, operation=operation)
        task(rows[:2], columns, model=ACCOUNT, operation=operation)  # as much as a failing task got done
        counts = task(rows, columns, model=ACCOUNT, operation=operation)
        assert (counts.written + counts.repeated, counts.rejected) == (3, {})
        found = {account.name: (account.balance, account.version) for account in db.scan(Account)}
        assert found == {row["name"]: (row["balance"], row["version"] + 1) for row in rows}


def test_a_write_with_an_old_version_is_rejected(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Account)
    db.put(Account(name="a", note="first"))
    task([{"name": "a", "note": "second", "version": 1}], NOTED, model=ACCOUNT, operation="update")
    old: list[Row] = [{"name": "a", "note": "late", "version": 1}]
    for operation in ("put", "update", "delete"):
        counts = task(old, NOTED, model=ACCOUNT, operation=operation, onReject="count")
        assert (counts.written, counts.repeated, sum(counts.rejected.values())) == (0, 0, 1)
    account = db.get(Account, "a")
    assert account is not None
    assert (account.note, account.version) == ("second", 2)
    counts = task([{"name": "a", "version": 2}], NOTED, model=ACCOUNT, operation="delete")
    again = task([{"name": "a", "version": 2}], NOTED, model=ACCOUNT, operation="delete")
    assert (counts.written, again.repeated) == (1, 1)


def test_an_update_changes_the_given_columns_and_makes_no_item(
    task: Callable[..., Counts], db: DynamoDB, orders: list[Order]
) -> None:
    one, other = orders[1], orders[2]
    key = {"customer": one.customer, "number": one.number}
    rows: list[Row] = [
        {**key, "weight": 7.5},
        {"customer": other.customer, "number": other.number},
        {"customer": "nobody", "number": 1, "weight": 1.0},
    ]
    counts = task(rows, WEIGHED, model=ORDER, operation="update", onReject="count")
    assert (counts.written, counts.rejected) == (2, {"item_not_found": 1})
    assert db.get(Order, key) == one.model_copy(update={"weight": 7.5})
    assert db.get(Order, {"customer": other.customer, "number": other.number}) == other.model_copy(
        update={"weight": None}
    )
    with pytest.raises(ItemNotFoundError):
        task(rows, WEIGHED, model=ORDER, operation="update")


def test_items_are_deleted_by_their_keys(
    task: Callable[..., Counts], db: DynamoDB, orders: list[Order]
) -> None:
    gone = [{"customer": order.customer, "number": order.number} for order in orders[:150]]
    counts = task(gone, (("customer", str), ("number", int)), table="orders", operation="delete")
    assert counts.written == 150
    assert db.scan(Order).count() == len(orders) - 150


def test_a_row_that_the_service_refuses_does_not_take_its_batch_along(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    rows = [*ROWS[:30], {"customer": "c", "number": 1, "status": ""}]
    columns = (*WEIGHED, ("status", str))
    counts = task(rows, columns, table="orders", onReject="count")
    assert (counts.written, counts.rejected) == (30, {"validation_failed": 1})
    assert db.scan(Order).count() == 30


def test_a_write_survives_throttles_and_lost_answers(
    task: Callable[..., Counts], config: DynamoDBConfig, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    faults = [throttle(), reset_after_apply(), throttle(), reset_after_apply()]
    for operation in ("insert", "put"):
        with FaultServer(faults, upstream=str(config.endpoint_url)) as server:
            counts = task(ROWS, WEIGHED, server.url, model=ORDER, operation=operation)
            assert (counts.written + counts.repeated, counts.rejected) == (300, {})
            assert counts.throttles == 2
            assert 4 < counts.calls <= len(server.requests)
        assert stored(db) == WANTED


@pytest.mark.parametrize(("operation", "kept"), [("put", 3.0), ("update", 3.0), ("insert", 1.0)])
def test_rows_of_one_key_are_written_in_their_order_also_when_the_first_has_to_wait(
    task: Callable[..., Counts],
    config: DynamoDBConfig,
    db: DynamoDB,
    tables: Callable[..., list[str]],
    operation: str,
    kept: float,
) -> None:
    tables(Order)
    if operation == "update":
        db.put(Order(customer="a", number=1))
    rows: list[Row] = [{"customer": "a", "number": 1, "weight": float(at)} for at in (1, 2, 3)]
    with FaultServer([throttle()], upstream=str(config.endpoint_url)) as server:
        counts = task(rows, WEIGHED, server.url, model=ORDER, operation=operation, onReject="count")
    assert counts.rejected == ({"conflict": 2} if operation == "insert" else {})
    assert stored(db) == [("a", 1, kept)]


def test_an_insert_that_is_tried_again_is_known_by_what_the_row_says(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    """Not by what the model fills in anew at each try."""
    tables(Visit)
    asked = {"model": "tests.support.spark_models:Visit", "operation": "insert", "onReject": "count"}
    columns = (("page", str), ("seconds", int))
    assert task([{"page": "a", "seconds": 1}], columns, **asked).written == 1
    assert task([{"page": "a", "seconds": 1}], columns, **asked).repeated == 1
    assert task([{"page": "a", "seconds": 2}], columns, **asked).rejected == {"conflict": 1}
    db.put(Visit(page="b", seconds=1, tags=["x"]))
    assert task([{"page": "b", "seconds": 1}], columns, **asked).rejected == {"conflict": 1}


def test_without_its_column_a_version_is_not_looked_at_and_a_put_is_of_new_items(
    task: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Account)
    columns = NOTED[:2]
    for note in ("first", "second"):
        task([{"name": "a", "note": note}], columns, model=ACCOUNT, operation="put", onReject="count")
    account = db.get(Account, "a")
    assert account is not None
    assert (account.note, account.version) == ("first", 1)
    task([{"name": "a", "note": "third"}], columns, model=ACCOUNT, operation="update")
    account = db.get(Account, "a")
    assert account is not None
    assert (account.note, account.version) == ("third", 2)
    assert task([{"name": "a"}], columns[:1], model=ACCOUNT, operation="delete").written == 1
    assert db.get(Account, "a") is None


def test_rows_that_the_service_leaves_over_again_and_again_fail_the_task(
    task: Callable[..., Counts], config: DynamoDBConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)  # no wait between the rounds

    def left_over(exchange: Exchange) -> None:
        exchange.send(answered({"UnprocessedItems": exchange.request.json["RequestItems"]}))

    with (
        FaultServer([left_over] * 13) as server,
        pytest.raises(UnprocessedError, match=r"2 items of .*orders were not written: .* throttled"),
    ):
        task(ROWS[:2], WEIGHED, server.url, model=ORDER, onReject="count")


def test_models_with_keys_made_of_fields_are_written_and_read_by_those(
    task: Callable[..., Counts], config: DynamoDBConfig, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Parcel)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    columns = (("customer", str), ("number", int), ("tags", None), ("until", datetime))
    rows: list[Row] = [{"customer": "a", "number": at, "tags": {"x"}, "until": until} for at in range(3)]
    assert task(rows, columns, model=PARCEL).written == 3
    assert task([{"customer": "a", "number": 1}], columns[:3], model=PARCEL, operation="update").written == 1
    assert task([{"customer": "a", "number": 2}], columns[:2], model=PARCEL, operation="delete").written == 1
    assert list(db.scan(Parcel)) == [
        Parcel(customer="a", number=0, tags={"x"}, until=until),
        Parcel(customer="a", number=1, until=until),
    ]
    schema = spark_schema(Parcel)
    asked = {"model": PARCEL, "filter": '[["customer", "=", "a"], ["number", ">", 0]]'}
    source = Source(read_options(asked), config).known(kinds_of(schema))
    (share,) = shares(source)
    (batch,) = batches_of(source, share, arrow_of(schema, Parcel))
    assert batch.to_pylist() == [{"customer": "a", "number": 1, "tags": None, "until": until}]


def test_a_write_with_units_asks_what_it_consumed(
    task: Callable[..., Counts], config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    with FaultServer([], upstream=str(config.endpoint_url)) as server:
        counts = task(ROWS, WEIGHED, server.url, table="orders", writeUnits="100000", tasks="2")
        asked = {
            request.json.get("ReturnConsumedCapacity")
            for request in server.requests
            if request.action == "BatchWriteItem"
        }
    assert counts.written == 300
    assert asked
    assert None not in asked


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ((("customer", str),), {}, "number is part of the key of .*orders and no column"),
        ((*WEIGHED, ("color", str)), {"model": ORDER}, "color is no attribute of the model"),
        (WEIGHED[:2], {"operation": "update"}, "no column besides the key"),
        (WEIGHED, {"sets": "tags"}, "tags is to be a set and is no column"),
    ],
)
def test_columns_that_do_not_fit_are_told_before_anything_is_written(
    task: Callable[..., Counts], orders: list[Order], columns: Any, options: dict[str, str], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        task([], columns, table="orders", **options)


def test_a_rejected_row_is_the_error_itself(task: Callable[..., Counts], orders: list[Order]) -> None:
    row: Row = {"customer": orders[1].customer, "number": orders[1].number, "weight": 99.0}
    with pytest.raises(ConflictError) as caught:
        task([row], WEIGHED, table="orders", operation="insert")
    assert any("was rejected" in note for note in caught.value.__notes__)


def test_counts_of_tasks_are_added_up() -> None:
    one = Counts(written=1, repeated=2, rejected={"conflict": 1}, samples=["a"], calls=3, seconds=2.0)
    other = Counts(written=3, rejected={"conflict": 2, "validation": 1}, samples=["b"], calls=4, throttles=1)
    both = together([one, other])
    assert (both.calls, both.throttles, both.seconds) == (7, 1, 2.0)
    assert (both.written, both.repeated, both.tasks, both.rows) == (4, 2, 2, 10)
    assert (both.rejected, both.samples) == ({"conflict": 3, "validation": 1}, ["a", "b"])


def test_the_process_that_commits_loads_nothing_of_what_writing_needs(
    options: dict[str, str],
    tables: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    tables(Order)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    report = tmp_path / "report.json"
    source = Source(read_options({**options, "table": "orders", "report": str(report)}))
    writer = writer_of(source, spark_schema(Order), overwrite=False)
    code = (
        "import pickle, sys, pyspark.sql.datasource\n"
        "before = {*sys.modules}\n"  # Spark 4.0 itself loads some
        "pickle.loads(sys.stdin.buffer.read()).commit([])\n"
        "loaded = {'pyarrow', 'numpy', 'pydantic', 'dynamodb_wrapper.client'} & sys.modules.keys() - before\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(writer), check=True)
    assert read_report(report) == Counts(tasks=0)
