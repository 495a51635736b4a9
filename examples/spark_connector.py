"""DynamoDB as a DataFrame: put, read with a filter, update with counts.

Run `python examples/spark_connector.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts. It
needs Java 17 and `pip install 'dynamodb-wrapper[spark]'`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from dynamodb_wrapper import GSI, DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.spark.connector import read_report, read_small, register


class Delay(DynamoDBModel):
    """How late the flights of a carrier were on a day."""

    day: str
    carrier: str
    flights: int
    minutes: int | None = None

    class Meta:
        """By day; and by carrier, the worst days last."""

        table_name = "delays"
        partition_key = "day"
        sort_key = "carrier"
        gsis = (GSI("ByCarrier", "carrier", "flights"),)


def main(spark: SparkSession, config: DynamoDBConfig) -> None:
    """Write, read, change."""
    register(spark, config)
    with DynamoDB(config) as db:
        db.create_table(Delay)
    rows = [
        (f"2013-01-{day:02}", carrier, day * 10) for day in range(1, 31) for carrier in ("UA", "DL", "AA")
    ]
    df = spark.createDataFrame(rows, "day string, carrier string, flights long")
    df.write.format("dynamodb").mode("append").option("table", "delays").save()

    found = (
        spark.read.format("dynamodb")
        .schema("day string, flights long")
        .option("table", "delays")
        .option("filter", '[["carrier", "=", "UA"], ["flights", ">", 250]]')
        .load()
    )
    print("days of UA with more than 250 flights:", found.count())

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        changes = [("2013-01-01", "UA", 55), ("2013-02-01", "UA", 1)]
        updates = spark.createDataFrame(changes, "day string, carrier string, minutes long")
        updates.write.format("dynamodb").mode("append").options(
            table="delays", operation="update", onReject="count", report=str(report)
        ).save()
        counts = read_report(report)
    print(f"updated {counts.written}, rejected {counts.rejected}")

    first = read_small(spark, config=config, table="delays", filter='["day", "=", "2013-01-01"]')
    print(sorted((row.carrier, row.flights, row.minutes) for row in first.collect()))


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        session = SparkSession.builder.master("local[2]").appName("delays").getOrCreate()
        main(session, DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url))
        session.stop()
