"""A client of Spark Connect with logged runs, in a process that has no JVM.

For each line of JSON that it reads it plays a scenario, and prints the name of what ended it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration


def observe(spark: Any, integration: SparkDynamoDBIntegration, run: Any) -> None:
    with run.stage("count"):
        run.observe(spark.range(5)).collect()
        later = run.observe(spark.range(7), "later", largest=F.max("id"))
        run.observe(spark.range(9), "never")
    with run.stage("largest") as stage:
        later.collect()
        stage.metrics["kept"] = 1


def fail(spark: Any, integration: SparkDynamoDBIntegration, run: Any) -> None:
    with run.stage("divide"):
        run.observe(spark.sql("select 1 / (id - id) from range(3)"), "failed").collect()


def sleep(spark: Any, integration: SparkDynamoDBIntegration, run: Any) -> None:
    def forever(batches: Iterator[Any]) -> Iterator[Any]:
        time.sleep(600)
        yield from batches

    with run.stage("sleep"):
        spark.range(1).mapInArrow(forever, "id long").collect()


def files(spark: Any, integration: SparkDynamoDBIntegration, run: Any) -> None:
    write_and_read(spark, integration, "files", run)
    assert [integration.write_table(spark.range(2), "ignored") for _ in range(2)] == [2, 0]


def days(spark: Any, integration: SparkDynamoDBIntegration, run: Any) -> None:
    write_and_read(spark, integration, "days", run)


def write_and_read(spark: Any, integration: SparkDynamoDBIntegration, table_id: str, run: Any) -> None:
    made = spark.createDataFrame([("JFK", 1, 5), ("JFK", 2, 7)], "origin string, day int, flights int")
    integration.write_table(made, table_id, run=run)
    read = integration.read_table(table_id, run=run)
    assert sorted((row.day, row.flights) for row in read.collect()) == [(1, 5), (2, 7)]


SCENARIOS = {scenario.__name__: scenario for scenario in (observe, fail, sleep, files, days)}


def play(spark: Any, scenario: str, endpoint: str, prefix: str) -> None:
    config = DynamoDBConfig(
        aws_access_key_id="local", aws_secret_access_key="local", endpoint_url=endpoint, table_prefix=prefix
    )
    times: Any = {"heartbeat_seconds": 0.3, "lease_seconds": 20}
    with (
        SparkDynamoDBIntegration(config) as integration,
        integration.pipeline_run_context("p", "schedule", run_id="r", **times) as run,
    ):
        SCENARIOS[scenario](spark, integration, run)


def main() -> None:
    builder: Any = SparkSession.builder
    spark = builder.remote(sys.argv[1]).getOrCreate()
    for line in sys.stdin:
        try:
            play(spark, **json.loads(line))
            print("nothing", flush=True)
        except BaseException as error:
            print(type(error).__name__, flush=True)


if __name__ == "__main__":
    main()
