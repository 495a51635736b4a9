"""The boto3-shaped door to a table: raw requests in, raw responses out, with Python values."""

from dynamodb_wrapper.core.batch_writer import AsyncBatchWriter, BatchWriter
from dynamodb_wrapper.core.table_gateway import (
    AsyncTableGateway,
    TableGateway,
    create_async_table_gateway,
    create_table_gateway,
)

__all__ = [
    "AsyncBatchWriter",
    "AsyncTableGateway",
    "BatchWriter",
    "TableGateway",
    "create_async_table_gateway",
    "create_table_gateway",
]
