"""A program on Spark with logged runs whose one job sleeps: for tests that interrupt, cancel and kill them.

It prints the id of its JVM's process. For each line of JSON that it reads it begins a run, prints "begun"
when the job runs, and, when the run has ended, the name of what ended it and how many jobs still run.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def sleep(spark: Any, *, run_id: str, endpoint: str, prefix: str, lease_seconds: float) -> None:
    config = DynamoDBConfig(
        aws_access_key_id="local", aws_secret_access_key="local", endpoint_url=endpoint, table_prefix=prefix
    )
    times: Any = {"heartbeat_seconds": 0.3, "lease_seconds": lease_seconds}
    with SparkDynamoDBIntegration(config) as integration:
        block = integration.pipeline_run_context("p", "schedule", run_id=run_id, **times)
        with block as run, run.stage("sleep"):
            threading.Thread(target=tell_begun, args=(spark,)).start()
            spark.sparkContext.parallelize(range(1), 1).foreach(lambda _: time.sleep(600))


def tell_begun(spark: Any) -> None:
    while not running(spark):
        time.sleep(0.05)
    print("begun", flush=True)


def running(spark: Any) -> int:
    return len(spark.sparkContext.statusTracker().getActiveJobsIds())


def main() -> None:
    builder: Any = SparkSession.builder
    spark = builder.master("local[1]").config(map=SETTINGS).getOrCreate()
    gateway: Any = SparkContext._gateway
    print(gateway.proc.pid, flush=True)
    for line in sys.stdin:
        try:
            sleep(spark, **json.loads(line))
        except BaseException as error:
            deadline = time.monotonic() + 30
            while running(spark) and time.monotonic() < deadline:
                time.sleep(0.05)
            print(f"{type(error).__name__} {running(spark)}", flush=True)


if __name__ == "__main__":
    main()
