"""What Spark asks of a data source that writes.

Knows Spark's interfaces, of which the one for Arrow came with Spark 4.1. Must not know how rows are written.
Spark calls `commit` and `abort` in a Python process of their own on the driver's machine, so that the counts
reach the program by a file (the option `report`). That process loads nothing of what writing needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import datasource
from pyspark.sql.datasource import DataSourceWriter, WriterCommitMessage
from pyspark.sql.types import StructType

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.connector.counts import Counts, put_report, together

if TYPE_CHECKING:
    from pyspark.sql.datasource import DataSourceArrowWriter as ArrowWriter

    from dynamodb_wrapper.spark.connector.rows import Row, RowMaker
    from dynamodb_wrapper.spark.connector.source import Source
else:
    ArrowWriter = getattr(datasource, "DataSourceArrowWriter", None)


@dataclass
class Written(WriterCommitMessage):
    """What one task has written."""

    counts: Counts


class Writing:
    """What both kinds of writers share.

    Raises:
        ValidationError: the columns are not those that the table and the operation need.
    """

    def __init__(self, source: Source, schema: StructType) -> None:
        from dynamodb_wrapper.spark.connector.schemas import kinds_of
        from dynamodb_wrapper.spark.connector.writing import check_columns

        known = source.known(kinds_of(schema, besides=source.options.sets))
        self._asked, self._schema, self._place = known.asked, schema, known.options.report
        _maker(known, schema)
        check_columns(known)

    def put(self, rows: Callable[[RowMaker], Iterable[Row]]) -> Written:
        """Write the rows of one task."""
        from dynamodb_wrapper.spark.connector.source import Source
        from dynamodb_wrapper.spark.connector.writing import written

        source = Source(*self._asked)
        return Written(written(source, rows(_maker(source, self._schema))))

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        """See `DataSourceWriter.commit`."""
        self._report(messages, committed=True)

    def abort(self, messages: list[WriterCommitMessage | None]) -> None:
        """See `DataSourceWriter.abort`."""
        self._report(messages, committed=False)

    def _report(self, messages: list[WriterCommitMessage | None], *, committed: bool) -> None:
        counts = (message.counts for message in messages if isinstance(message, Written))
        put_report(self._place, together(counts, committed=committed))


class RowsWriter(Writing, DataSourceWriter):
    """Takes Spark's rows, where Spark cannot hand over record batches."""

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        """See `DataSourceWriter.write`."""
        return self.put(lambda maker: maker.of_rows(iterator))


if ArrowWriter is not None:

    class BatchesWriter(Writing, ArrowWriter):
        """Takes record batches."""

        def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
            """See `DataSourceArrowWriter.write`."""
            return self.put(lambda maker: (row for batch in iterator for row in maker.of_batch(batch)))


def _maker(source: Source, schema: StructType) -> RowMaker:
    from dynamodb_wrapper.spark.connector.rows import RowMaker
    from dynamodb_wrapper.spark.connector.schemas import arrow_of

    return RowMaker(arrow_of(schema, source.own_model), source.options.sets)


def writer_of(source: Source, schema: StructType, *, overwrite: bool) -> DataSourceWriter:
    """The writer for rows of a schema.

    Raises:
        ValidationError: the table was to be overwritten.
    """
    if overwrite:
        text = (
            'mode("overwrite") would mean to delete the whole table first: use mode("append"), which puts '
            'each row over the item of its key, or option("operation", "delete") for the items that shall go'
        )
        raise ValidationError(f"{source.table} is not overwritten: {text}", errors={"mode": [text]})
    return RowsWriter(source, schema) if ArrowWriter is None else BatchesWriter(source, schema)
