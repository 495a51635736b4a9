"""`format("dynamodb")`: what Spark's Python Data Source API asks for, handed on to the modules that do it.

Knows Spark's interfaces. Must not know how anything is read, written or planned. Spark pickles a reader
before it asks it for its partitions, so that a reader is complete when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, ClassVar, Final

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    DataSourceWriter,
    InputPartition,
)
from pyspark.sql.types import StructType

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.connector.changes import change_schema
from dynamodb_wrapper.spark.connector.options import Given, read_options, settings_in
from dynamodb_wrapper.spark.connector.planning import Share, shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.sampling import sampled
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.slots import slots_of
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.streaming import StreamReader
from dynamodb_wrapper.spark.connector.writer import writer_of

NAME: Final = "dynamodb"


class DynamoDBDataSource(DataSource):
    """DynamoDB tables as DataFrames; see docs/spark-connector.md for the options."""

    config: ClassVar[Given] = None
    short_name: ClassVar[str] = NAME
    slots: ClassVar[int | None] = None

    def __init__(self, options: MutableMapping[str, str]) -> None:
        super().__init__(options)
        self._source = Source(read_options(options, self.slots), self.config)

    @classmethod
    def name(cls) -> str:
        """What stands in `format(...)`."""
        return cls.short_name

    def schema(self) -> StructType:
        """The model's schema, or what a sample of the items shows; or that of changes."""
        model = self._source.own_model
        if self._source.options.stream:
            return change_schema(model)
        return sampled(self._source).schema if model is None else spark_schema(model)

    def reader(self, schema: StructType) -> DataSourceReader:
        """Reads the columns of a schema."""
        return DynamoDBReader(self._source, schema)

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        """Reads the changes of the table."""
        return StreamReader(self._source, schema)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        """Writes the rows of a DataFrame."""
        return writer_of(self._source, schema, overwrite=overwrite)


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


def register(spark: SparkSession, config: DynamoDBConfig | None = None, name: str = NAME) -> None:
    """Make `format("dynamodb")` of a session read and write with a config.

    The source registers itself too, as `pyspark_dynamodb`; then options and the environment say where the
    tables are. Spark shows neither a config that is given here nor what is in it.

    Parameters:
        config: the settings. Where none are given, those of the session's `spark.dynamodb.*` (see
            `DynamoDBConfig.for_pyspark`), and for what they leave open each process's own environment.
        name: another word for `format(...)`, such as one for each of several configs.

    Raises:
        ValidationError: Spark 4.0 does not let a source that has registered itself be replaced.
    """
    given: Given = settings_in(spark.conf) if config is None else config
    known = {"config": given, "short_name": name, "slots": slots_of(spark)}
    made = type("DynamoDBDataSource", (DynamoDBDataSource,), known)
    try:
        spark.dataSource.register(made)
    except AnalysisException as error:
        text = "give another name, and use that in format(...)"
        raise ValidationError(
            f"this version of Spark does not register {name!r} a second time: {text}",
            error,
            errors={"name": [text]},
        ) from error
