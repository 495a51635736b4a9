"""Reading and writing by `mapInArrow`, as Spark before 4.0 does; and what of the connector that needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.spark.connector import read_by_map, write_by_map

ENGINES = ("dynoxide",)


def test_tables_are_written_and_read_by_map_in_arrow(
    spark: Any, config: DynamoDBConfig, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    pytest.importorskip("pandas", reason="Spark's mapInArrow wants pandas")
    tables(Order)
    wanted = [(f"c{at % 3}", at, at / 2 if at % 2 else None) for at in range(100)]
    df = spark.createDataFrame(wanted, "customer string, number long, weight double").repartition(2)
    counts = write_by_map(df, config=config, table="orders")
    assert (counts.written, counts.tasks) == (100, 2)
    assert {(order.customer, order.number, order.weight) for order in db.scan(Order)} == set(wanted)
    back = read_by_map(spark, config=config, schema=df.schema, table="orders", segments="3")
    assert back.rdd.getNumPartitions() == 3
    assert {tuple(row) for row in back.collect()} == set(wanted)


def test_that_needs_no_data_sources_in_python() -> None:
    code = (
        "import sys\n"
        "sys.modules['pyspark.sql.datasource'] = None\n"
        "from dynamodb_wrapper.spark.connector import Counts, infer_schema, read_by_map, write_by_map\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
