"""A table's configuration for tests that need no Spark."""

from __future__ import annotations

from typing import Any

from dynamodb_wrapper.models import DataFormat, TableConfig, TableType


def table(**fields: Any) -> TableConfig:
    """The table `t`, files in CSV, with these fields."""
    known: dict[str, Any] = {
        "table_id": "t",
        "pipeline_id": "p",
        "table_name": "events",
        "table_type": TableType.SOURCE,
        "data_format": DataFormat.CSV,
        "location": "s3://bucket/events",
    }
    return TableConfig(**(known | fields))
