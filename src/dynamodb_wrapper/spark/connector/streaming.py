"""What Spark asks of a data source that streams: offsets, and the records between two of them.

Knows Spark's interfaces; limits on a batch came with Spark 4.2. Must not know calls. Spark keeps the offsets
in its checkpoint and asks for the same two again after a restart: the same records come between them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.spark.connector.changes import arrow_of_changes, page_of
from dynamodb_wrapper.spark.connector.shards import Stream, stream_arn
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.walking import WITHOUT_END, walk
from dynamodb_wrapper.wire.arrow import ArrowReader

if TYPE_CHECKING:
    from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow
else:
    try:
        from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow
    except ImportError:
        SupportsTriggerAvailableNow = object


class StreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Reads the changes of a table, from the oldest that its stream has."""

    def __init__(self, source: Source, schema: StructType) -> None:
        source.options.check_for("streaming")
        self._source = source.known(())
        self._arrow = arrow_of_changes(schema, source.own_model)
        self._arn = stream_arn(source.description, source.table)
        self._until = inf
        self._last: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_stream", "_client")}

    @cached_property
    def _stream(self) -> Stream:
        """The stream, for as long as the query runs."""
        return Stream(self._client, self._source.table, self._arn)

    @cached_property
    def _client(self) -> DynamoDB:
        return self._source.client()

    def initialOffset(self) -> dict[str, Any]:
        """See `DataSourceStreamReader.initialOffset`."""
        return {}

    def getDefaultReadLimit(self) -> Any:
        """See `DataSourceStreamReader.getDefaultReadLimit`."""
        from pyspark.sql.streaming.datasource import ReadMaxRows

        return ReadMaxRows(self._source.options.max_records)

    def prepareForTriggerAvailableNow(self) -> None:
        """See `SupportsTriggerAvailableNow`: what is changed from now on is left to the next run."""
        self._until = time.time()

    def latestOffset(self, start: dict[str, Any] | None = None, limit: Any = None) -> dict[str, Any]:
        """See `DataSourceStreamReader.latestOffset`; before Spark 4.2 it is asked without arguments."""
        until = min(self._until, time.time())
        most = getattr(limit, "max_rows", WITHOUT_END)
        began = self._last if start is None else start
        self._last = walk(self._stream, began, most, until, at_once=start is None)
        return self._last

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> list[InputPartition]:
        """See `DataSourceStreamReader.partitions`.

        Raises:
            ServiceError: a shard is gone whose records were not all read.
        """
        self._stream.check_kept(start, end)
        parts = [
            (shard, start.get(shard, {}).get("after", ""), at["after"])
            for shard, at in end.items()
            if at["after"] and at["after"] != start.get(shard, {}).get("after", "")
        ]
        return [InputPartition(part) for part in parts]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """See `DataSourceStreamReader.read`."""
        shard, after, to = partition.value
        reader = ArrowReader(self._arrow, ("shard", "sequence"))
        with self._source.client() as db:
            for records in Stream(db, self._source.table, self._arn).between(shard, after, to):
                yield from reader.read_page(page_of(records, shard), table=self._source.table).items

    def commit(self, end: dict[str, Any]) -> None:
        """See `DataSourceStreamReader.commit`; Spark's checkpoint is all there is to keep."""

    def stop(self) -> None:
        """See `DataSourceStreamReader.stop`."""
        if "_client" in self.__dict__:
            self._client.close()
