"""`format("dynamodb")`: what Spark's Python Data Source API asks for, handed on to the modules that do it.

Knows Spark's interfaces. Must not know how anything is read, written or planned. Spark starts a process for
each step of a query, most of which need little: each loads its own modules and no others.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, ClassVar, Final

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    DataSourceWriter,
)
from pyspark.sql.types import StructType

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.connector.options import Given, read_options, settings_in
from dynamodb_wrapper.spark.connector.slots import slots_of

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.spark.connector.source import Source

NAME: Final = "dynamodb"


class DynamoDBDataSource(DataSource):
    """DynamoDB tables as DataFrames; see docs/spark-connector.md for the options."""

    config: ClassVar[Given] = None
    short_name: ClassVar[str] = NAME
    slots: ClassVar[int | None] = None

    def __init__(self, options: MutableMapping[str, str]) -> None:
        super().__init__(options)
        self._options = read_options(options, self.slots)

    @classmethod
    def name(cls) -> str:
        """What stands in `format(...)`."""
        return cls.short_name

    def schema(self) -> StructType:
        """The model's schema, or what a sample of the items shows; or that of changes."""
        from dynamodb_wrapper.spark.connector.changes import change_schema
        from dynamodb_wrapper.spark.connector.sampling import sampled
        from dynamodb_wrapper.spark.connector.schemas import spark_schema

        source = self._source()
        model = source.own_model
        if self._options.stream:
            return change_schema(model)
        return sampled(source).schema if model is None else spark_schema(model)

    def reader(self, schema: StructType) -> DataSourceReader:
        """Reads the columns of a schema."""
        from dynamodb_wrapper.spark.connector.reader import DynamoDBReader

        return DynamoDBReader(self._source(), schema)

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        """Reads the changes of the table."""
        from dynamodb_wrapper.spark.connector.streaming import StreamReader

        return StreamReader(self._source(), schema)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        """Writes the rows of a DataFrame."""
        from dynamodb_wrapper.spark.connector.writer import writer_of

        return writer_of(self._source(), schema, overwrite=overwrite)

    def _source(self) -> Source:
        from dynamodb_wrapper.spark.connector.source import Source

        return Source(self._options, self.config)


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
