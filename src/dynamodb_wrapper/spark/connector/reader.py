"""What Spark asks of a data source that reads.

Knows Spark's interfaces. Must not know how anything is read or planned. Spark pickles a reader before it asks
it for its partitions, so that a reader is complete when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyspark.sql.datasource import DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from dynamodb_wrapper.spark.connector.planning import Share, shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of
from dynamodb_wrapper.spark.connector.source import Source


class DynamoDBReader(DataSourceReader):
    """Reads the columns of a schema, in tasks."""

    def __init__(self, source: Source, schema: StructType) -> None:
        self._source = source.known(kinds_of(schema))
        self._arrow = arrow_of(schema, source.own_model)

    def partitions(self) -> list[InputPartition]:
        """See `DataSourceReader.partitions`."""
        return [InputPartition(share) for share in shares(self._source)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """See `DataSourceReader.read`."""
        share: Share | None = partition.value
        return iter(()) if share is None else batches_of(self._source, share, self._arrow)
