"""The connector: DynamoDB tables as DataFrames, by `format("dynamodb")`.

Names are loaded when they are first used, so that `mapInArrow` does where Spark has no Python data sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamodb_wrapper.spark.connector.changes import change_schema
    from dynamodb_wrapper.spark.connector.counts import Counts, read_report
    from dynamodb_wrapper.spark.connector.datasource import DynamoDBDataSource, register
    from dynamodb_wrapper.spark.connector.driver import read_by_map, read_small, write_by_map
    from dynamodb_wrapper.spark.connector.sampling import infer_schema
else:
    from dynamodb_wrapper.lazy import loader
    from dynamodb_wrapper.spark.needed import pyspark_needed

    _load = loader(
        __name__,
        {
            "changes": "change_schema",
            "counts": "Counts read_report",
            "datasource": "DynamoDBDataSource register",
            "driver": "read_by_map read_small write_by_map",
            "sampling": "infer_schema",
        },
    )

    def __getattr__(name):
        with pyspark_needed():
            return _load(name)


__all__ = [
    "Counts",
    "DynamoDBDataSource",
    "change_schema",
    "infer_schema",
    "read_by_map",
    "read_report",
    "read_small",
    "register",
    "write_by_map",
]
