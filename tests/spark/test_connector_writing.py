"""Writing DataFrames into tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB
from dynamodb_wrapper.spark.connector import Counts, read_report

ORDER = "tests.support.spark_models:Order"
ACCOUNT = "tests.support.spark_models:Account"


@pytest.fixture
def write(options: dict[str, str], tmp_path: Path) -> Callable[..., Counts]:
    """`write(df, table="orders", ...)` writes with those options and returns the counts."""

    def made(df: Any, mode: str = "append", **more: Any) -> Counts:
        report = tmp_path / "report.json"
        df.write.format("dynamodb").mode(mode).options(**options, report=str(report), **more).save()
        return read_report(report)

    return made


def test_rows_are_put(
    spark: Any, write: Callable[..., Counts], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    rows = [(f"c{at % 3}", at, at / 2, at % 2 == 0) for at in range(300)]
    df = spark.createDataFrame(rows, "customer string, number long, weight double, urgent boolean")
    counts = write(df.repartition(2), table="orders")
    assert (counts.written, counts.repeated, counts.rejected, counts.tasks) == (300, 0, {}, 2)
    stored = {(order.customer, order.number, order.weight, order.urgent) for order in db.scan(Order)}
    assert stored == set(rows)
