"""What a write is counted as: what it returns, what its run records, and what is stored of its table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.run_blocks import stored
from tests.support.spark_models import Day
from tests.support.spark_tests import table_of

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration
from dynamodb_wrapper.spark.connector import read_report

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINES = ("dynoxide",)


@pytest.fixture
def days(spark: SparkSession, tables: Callable[..., list[str]]) -> DataFrame:
    """Two rows for the table of `Day`."""
    tables(Day)
    return spark.createDataFrame([("JFK", 1, 5), ("JFK", 2, 7)], "origin string, day int, flights int")


@pytest.fixture
def to_days(store: Callable[..., TableConfig]) -> Callable[..., TableConfig]:
    """Stores the table "t" of DynamoDB, with those options for writing."""

    def make(record_count: int | None = None, **options: str) -> TableConfig:
        connection = {"service": "dynamodb", "table": "days"}
        return store(connection_config=connection, write_options=options, record_count=record_count)

    return make


@pytest.mark.parametrize(
    ("operation", "columns"), [("put", 3), ("update", 3), ("delete", 2)], ids=["put", "update", "delete"]
)
def test_what_may_have_been_there_changes_no_count(
    integration: SparkDynamoDBIntegration,
    db: DynamoDB,
    days: DataFrame,
    to_days: Callable[..., TableConfig],
    operation: str,
    columns: int,
) -> None:
    db.batch_write(Day, puts=[Day(origin="JFK", day=day, flights=0) for day in (1, 2)])
    to_days(record_count=2, operation=operation)
    for _ in range(2 if operation == "put" else 1):
        assert integration.write_table(days.select(*days.columns[:columns]), "t") == 2
    table = table_of(db)
    assert (table.record_count, table.size_bytes) == (2, None)
    assert table.last_updated_data is not None


def test_inserted_rows_are_new_and_rejected_ones_are_those_that_failed(
    integration: SparkDynamoDBIntegration,
    db: DynamoDB,
    days: DataFrame,
    to_days: Callable[..., TableConfig],
    caplog: pytest.LogCaptureFixture,
) -> None:
    db.put(Day(origin="JFK", day=1, flights=1))
    to_days(record_count=1, operation="insert", onReject="count")
    with integration.pipeline_run_context("p", run_id="r") as run:
        assert integration.write_table(days, "t", run=run) == 1
        assert integration.write_table(days.limit(1), "t", run=run) == 0
    log = stored(db)
    assert (log.metrics["output_rows"], log.total_records_failed) == (1, 2)
    assert table_of(db).record_count == 2
    assert "table t: 1 rows were rejected: {'conflict': 1}" in caplog.text


def test_rows_that_an_earlier_try_has_written_count_as_written_and_not_as_new(
    integration: SparkDynamoDBIntegration, db: DynamoDB, days: DataFrame, to_days: Callable[..., TableConfig]
) -> None:
    to_days(record_count=0, operation="INSERT")
    assert [integration.write_table(days, "t") for _ in range(2)] == [2, 2]
    assert table_of(db).record_count == 2


def test_a_count_that_was_not_known_is_not_known_after_an_insert(
    integration: SparkDynamoDBIntegration, db: DynamoDB, days: DataFrame, to_days: Callable[..., TableConfig]
) -> None:
    to_days(operation="insert")
    assert integration.write_table(days, "t") == 2
    assert table_of(db).record_count is None


def test_the_user_s_own_report_is_kept(
    integration: SparkDynamoDBIntegration,
    days: DataFrame,
    to_days: Callable[..., TableConfig],
    tmp_path: Path,
) -> None:
    to_days(REPORT=str(tmp_path / "report.json"))
    assert integration.write_table(days, "t") == 2
    assert read_report(tmp_path / "report.json").written == 2


def parts(spark: SparkSession, count: int, part: str) -> DataFrame:
    return spark.range(count).selectExpr("id", f"{part} as part")


@pytest.mark.parametrize("by", ["option", "setting"])
def test_partitions_that_are_overwritten_leave_a_count_that_nobody_knows(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Callable[..., TableConfig],
    by: str,
) -> None:
    name, options = "spark.sql.sources.partitionOverwriteMode", {"mode": "overwrite"}
    if by == "option":
        options["partitionOverwriteMode"] = "Dynamic"
    else:
        spark.conf.set(name, "dynamic")
    try:
        store(partition_columns=["part"], write_options=options)
        integration.write_table(parts(spark, 100, "id % 2"), "t")
        assert table_of(db).record_count == 100
        integration.write_table(parts(spark, 10, "0"), "t")
    finally:
        spark.conf.unset(name)
    assert integration.read_table("t").count() == 60
    table = table_of(db)
    assert (table.record_count, table.size_bytes) == (None, None)
    db.update(TableConfig, "t", {"write_options": {}})
    integration.write_table(parts(spark, 10, "0"), "t")
    assert table_of(db).record_count is None
    db.update(TableConfig, "t", {"write_options": {"mode": "overwrite"}})
    integration.write_table(parts(spark, 10, "0"), "t")
    assert table_of(db).record_count == 10


@pytest.mark.parametrize(("there", "counted"), [("rows", None), ("a folder", 3), ("nothing", 3)])
def test_rows_are_counted_from_the_first_write_where_there_were_none(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Callable[..., Any],
    tmp_path: Path,
    there: str,
    counted: int | None,
) -> None:
    table = store()
    if there == "rows":
        spark.range(5).write.parquet(table.location)
    elif there == "a folder":
        (tmp_path / "t").mkdir()
    assert integration.write_table(spark.range(3), "t") == 3
    assert table_of(db).record_count == counted
