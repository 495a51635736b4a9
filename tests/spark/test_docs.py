"""The Python of docs/spark.md runs as it is printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import DataFormat, PipelineConfig, PipelineRunLog, TableConfig, TableType

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("dynoxide",)

DOCS = (Path(__file__).parents[2] / "docs" / "spark.md").read_text()


def test_the_first_program_of_the_docs_runs(
    spark: SparkSession,
    config: DynamoDBConfig,
    tables: Callable[..., list[str]],
    tmp_path: Path,
    environment: None,
) -> None:
    tables(PipelineConfig, TableConfig, PipelineRunLog)
    folders = {name: tmp_path / name for name in ("flights", "daily")}
    flights = spark.createDataFrame(
        [("JFK", "2013-01-01", 5), ("JFK", "2013-01-01", 7)], "origin string, day string, dep_delay int"
    )
    flights.write.parquet(folders["flights"].as_uri())
    with DynamoDB(config) as db:
        db.put(
            PipelineConfig(
                pipeline_id="nyc-flights",
                pipeline_name="Flights",
                source_type="file",
                destination_type="file",
            )
        )
        for name, folder in folders.items():
            db.put(
                TableConfig(
                    table_id=f"nyc-flights-{name}",
                    pipeline_id="nyc-flights",
                    table_name=name,
                    table_type=TableType.SOURCE,
                    data_format=DataFormat.PARQUET,
                    location=folder.as_uri(),
                )
            )
        snippet, *_ = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
        names: dict[str, object] = {}
        exec(compile(snippet, "docs/spark.md", "exec", dont_inherit=True), names)
        found = spark.read.parquet(folders["daily"].as_uri()).collect()
        assert [tuple(row) for row in found] == [("JFK", "2013-01-01", 6.0)]
        log = db.get(PipelineRunLog, {"run_id": str(names["run"]), "pipeline_id": "nyc-flights"})
        assert log is not None
        assert log.output_tables == ["daily"]
