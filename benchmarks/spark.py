"""The connector of Spark beside what one would write with boto3, in one run on one local engine.

    scripts/bench spark                    20,000 items on dynoxide
    scripts/bench spark --engine NAME      on another engine: dynamodb-local
    scripts/bench spark --strict           ends with status 1 if a goal is missed

Both sides read every column into Spark, and write the same DataFrame. boto3 reads with a scan whose items
`createDataFrame` takes as they are, or, by hand, as tuples of the schema's types; it writes with
`batch_writer` in as many tasks as the connector. Each write begins with an empty table. The ways take turns
round by round, and the best of all rounds counts, because a shared machine slows some of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from time import perf_counter
from typing import Any, Final

import boto3
from pyspark.sql import DataFrame, SparkSession

from benchmarks.items import ACCESS_KEY, REGION, SECRET_KEY
from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.local import start

READ_GOAL: Final = 4.0
WRITE_GOAL: Final = 1.5
TASKS: Final = 2
SCHEMA: Final = (
    "flight string, number long, carrier string, origin string, dest string, month long, day long, "
    "delay decimal(12,3), cancelled boolean, note string"
)


class Flight(DynamoDBModel):
    """Only the key of the table; its items have ten attributes."""

    flight: str

    class Meta:
        """Its table."""

        table_name = "flights"
        partition_key = "flight"


def flights(spark: SparkSession, items: int) -> DataFrame:
    """The rows to write, computed once."""
    rows = [
        (
            f"flight-{at:08}",
            at,
            "UA" if at % 3 else "DL",
            "JFK" if at % 2 else "EWR",
            "LAX",
            at % 12 + 1,
            at % 28 + 1,
            Decimal(at % 997) / 8,
            at % 50 == 0,
            f"a note of some length about flight {at}",
        )
        for at in range(items)
    ]
    df = spark.createDataFrame(rows, SCHEMA).repartition(TASKS).cache()
    df.count()
    return df


def consumed(df: DataFrame) -> None:
    """Have every row and column computed and thrown away."""
    df.write.format("noop").mode("overwrite").save()


def boto3_table(endpoint: str) -> Any:
    """boto3's resource."""
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
    return session.resource("dynamodb", endpoint_url=endpoint).Table("flights")


def scanned(endpoint: str) -> Iterator[dict[str, Any]]:
    """boto3's scan, page after page."""
    table = boto3_table(endpoint)
    page = table.scan()
    yield from page["Items"]
    while "LastEvaluatedKey" in page:
        page = table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])
        yield from page["Items"]


def read_with_boto3(spark: SparkSession, endpoint: str) -> None:
    """`createDataFrame` of the items as they come."""
    consumed(spark.createDataFrame(list(scanned(endpoint))))


def read_by_hand(spark: SparkSession, endpoint: str) -> None:
    """`createDataFrame` of tuples of the schema's types."""
    names, whole = [part.split()[0] for part in SCHEMA.split(", ")], ("number", "month", "day")
    rows = [
        tuple(int(item[name]) if name in whole else item[name] for name in names)
        for item in scanned(endpoint)
    ]
    consumed(spark.createDataFrame(rows, SCHEMA))


def write_with_boto3(df: DataFrame, endpoint: str) -> None:
    """A `batch_writer` in each task."""

    def put(rows: Iterator[Any]) -> None:
        with boto3_table(endpoint).batch_writer() as batch:
            for row in rows:
                batch.put_item(Item=row.asDict())

    df.foreachPartition(put)


def read_with_connector(spark: SparkSession, endpoint: str) -> None:
    """Parallel segments, as Arrow batches."""
    consumed(spark.read.format("dynamodb").schema(SCHEMA).options(**_options(endpoint)).load())


def write_with_connector(df: DataFrame, endpoint: str) -> None:
    """`format("dynamodb")`."""
    df.write.format("dynamodb").mode("append").options(**_options(endpoint)).save()


def _options(endpoint: str) -> dict[str, str]:
    return {"table": "flights", "endpoint": endpoint, "region": REGION}


@contextmanager
def session() -> Iterator[SparkSession]:
    """A session of its own, whose processes have the engine's credentials."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join((".", "src")),
    }
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
    }
    builder: Any = SparkSession.builder
    spark = builder.master(f"local[{TASKS}]").config(map=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


def emptied(db: DynamoDB) -> None:
    """Make the table anew: an engine replaces items at another price than it adds them."""
    db.delete_table(Flight)
    db.create_table(Flight)


def measured(
    ways: dict[str, Callable[[], None]], rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """The least seconds of each way, without what is done before."""
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            before()
            began = perf_counter()
            way()
            least[name] = min(least[name], perf_counter() - began)
    return least


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if a goal is missed and `--strict` is given."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench spark", description="Spark: the connector and boto3."
    )
    parser.add_argument("--items", type=int, default=20_000, help="items in the table (default: 20000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each way (default: 5)")
    parser.add_argument("--engine", default="dynoxide", help="dynoxide or dynamodb-local")
    parser.add_argument("--strict", action="store_true", help="end with status 1 if a goal is missed")
    options = parser.parse_args(arguments)
    with start(options.engine) as engine, session() as spark:
        endpoint = engine.endpoint_url
        config = DynamoDBConfig(
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        df = flights(spark, options.items)
        with DynamoDB(config) as db:
            writes = measured(
                {
                    "boto3, batch_writer": lambda: write_with_boto3(df, endpoint),
                    "connector": lambda: write_with_connector(df, endpoint),
                },
                options.rounds,
                before=lambda: emptied(db),
            )
        reads = measured(
            {
                "boto3, scan and createDataFrame": lambda: read_with_boto3(spark, endpoint),
                "boto3, tuples and a schema": lambda: read_by_hand(spark, endpoint),
                "connector": lambda: read_with_connector(spark, endpoint),
            },
            options.rounds,
        )
    missed = False
    print(f"{options.items:,} items of ten attributes on {options.engine}, {TASKS} tasks; rows a second")
    for title, least, goal in (("read", reads, READ_GOAL), ("write", writes, WRITE_GOAL)):
        for name, seconds in least.items():
            print(f"{title:8}{name:34}{options.items / seconds:10,.0f}")
        *rivals, own = least.values()
        missed = missed or rivals[0] / own < goal
        for number, (name, rival) in enumerate(zip(least, rivals, strict=False)):
            aim = "" if number else f"   goal {goal:g}"
            print(f"{title:8}{'connector over ' + name:48}{rival / own:5.2f}{aim}")
    print("a goal is missed" if missed else "both goals hold")
    return int(missed and options.strict)


if __name__ == "__main__":
    sys.exit(main())
