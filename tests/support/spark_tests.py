"""What several tests of pipelines on Spark do: wait for jobs, and describe pipelines and tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.models import DataFormat, PipelineConfig, TableConfig, TableType

SECONDS = 60
"""How long to wait for what takes a moment where the machine is not busy."""


def wait_for(condition: Callable[[], object]) -> None:
    """Return when that is so."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def jobs(spark: Any) -> list[int]:
    """The jobs that run now."""
    return list(spark.sparkContext.statusTracker().getActiveJobsIds())


def pipeline(**fields: Any) -> PipelineConfig:
    """The pipeline "p", of files."""
    return PipelineConfig(
        pipeline_id="p", pipeline_name="Flights", source_type="file", destination_type="file", **fields
    )


def table_of_files(table_id: str, name: str, folder: Path, **fields: Any) -> TableConfig:
    """A table that "p" writes, in a folder of its own within that one."""
    return TableConfig(
        table_id=table_id,
        pipeline_id="p",
        table_name=name,
        table_type=TableType.DESTINATION,
        data_format=DataFormat.PARQUET,
        location=(folder / table_id).as_uri(),
        **fields,
    )


def table_of(db: DynamoDB, table_id: str = "t") -> TableConfig:
    """What is stored of a table."""
    found = db.get(TableConfig, table_id, consistent=True)
    assert found is not None
    return found
