"""A streaming query of Spark over the changes of a table, that is killed and restarted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB

ENGINES = ("dynoxide",)
LIMITED = pyspark.__version__ >= "4.2"
"""Whether Spark knows limits of a batch, and with them what is there now for a trigger to do all of."""


def test_a_query_that_is_restarted_from_its_checkpoint_loses_and_repeats_nothing(
    spark: Any,
    options: dict[str, str],
    boto3_client: Any,
    db: DynamoDB,
    tables: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    (table,) = tables(Order)
    streaming = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    boto3_client.update_table(TableName=table, StreamSpecification=streaming)
    checkpoint, out = tmp_path / "checkpoint", str(tmp_path / "out")

    def run() -> int:
        reader = spark.readStream.format("dynamodb").options(
            **options, table="orders", stream="true", maxRecords=8
        )
        query = (
            reader.load()
            .writeStream.format("parquet")
            .option("checkpointLocation", str(checkpoint))
            .trigger(availableNow=True)
            .start(out)
        )
        assert query.awaitTermination(100)
        found = spark.read.parquet(out)
        numbers = [json.loads(row.keys)["number"] for row in found.select("keys").collect()]
        assert len(numbers) == len(set(numbers))
        return len(numbers)

    db.batch_write(Order, puts=[Order(customer=f"c{at % 3}", number=at) for at in range(20)])
    assert run() == 20
    planned = sorted(int(path.name) for path in (checkpoint / "offsets").iterdir() if path.name.isdecimal())
    assert len(planned) == (3 if LIMITED else 1)
    commits = checkpoint / "commits"
    for name in (str(planned[-1]), f".{planned[-1]}.crc"):  # as if it had been killed before it committed
        (commits / name).unlink()
    db.batch_write(Order, puts=[Order(customer=f"c{at % 3}", number=at) for at in range(20, 26)])
    if not LIMITED:  # there it does no more than the batch that was not committed
        run()
    assert run() == 26
