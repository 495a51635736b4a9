"""A program on Spark that makes its sessions itself, in a process of its own.

For each line of JSON that it reads it plays a scenario, and prints the name of what ended it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration

SETTINGS = {
    "spark.master": "local[1]",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def broken(integration: SparkDynamoDBIntegration) -> None:
    with integration.pipeline_run_context("p", run_id="r") as run, run.stage("start"):
        integration.create_spark_session("p", SETTINGS | {"spark.master": "nowhere"})


def joined(integration: SparkDynamoDBIntegration) -> None:
    with integration.pipeline_run_context("p", run_id="r") as run:
        with run.stage("nothing yet"):
            pass
        with run.stage("start"):
            session = integration.create_spark_session("p", SETTINGS)
            session.range(5).collect()
        with run.stage("work"):
            run.observe(session.range(7)).collect()


def anew(integration: SparkDynamoDBIntegration) -> None:
    first = integration.create_spark_session("p", SETTINGS)
    days = [("JFK", 1, 5)]
    integration.write_table(first.createDataFrame(days, "origin string, day int, flights int"), "t")
    first.stop()
    integration.create_spark_session("p", SETTINGS)
    assert integration.read_table("t").count() == 1


def play(scenario: str, endpoint: str, prefix: str) -> None:
    config = DynamoDBConfig(
        aws_access_key_id="local", aws_secret_access_key="local", endpoint_url=endpoint, table_prefix=prefix
    )
    scenarios: Any = {played.__name__: played for played in (broken, joined, anew)}
    with SparkDynamoDBIntegration(config) as integration:
        scenarios[scenario](integration)


def main() -> None:
    for line in sys.stdin:
        try:
            play(**json.loads(line))
            print("nothing", flush=True)
        except BaseException as error:
            print(type(error).__name__, flush=True)


if __name__ == "__main__":
    main()
