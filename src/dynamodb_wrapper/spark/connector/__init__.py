"""The connector: DynamoDB tables as DataFrames, by `format("dynamodb")`."""

from dynamodb_wrapper.spark.connector.changes import change_schema
from dynamodb_wrapper.spark.connector.counts import Counts, read_report
from dynamodb_wrapper.spark.connector.datasource import DynamoDBDataSource, register
from dynamodb_wrapper.spark.connector.driver import read_by_map, read_small, write_by_map
from dynamodb_wrapper.spark.connector.sampling import infer_schema

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
