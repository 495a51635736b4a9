"""Other ways than `format("dynamodb")`: by the driver alone, and by `mapInArrow`.

Knows Spark's DataFrames. Must not know plans. The driver alone is faster for small tables, because no task is
started. `mapInArrow` does where the Python Data Source API is missing (before Spark 4.0), and gives the
counts of a write without a file. Options are those of `format("dynamodb")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyspark
from msgspec import structs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.connector.counts import Counts, together
from dynamodb_wrapper.spark.connector.options import Options, Value, read_options, settings_in
from dynamodb_wrapper.spark.connector.planning import Share, shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.rows import RowMaker
from dynamodb_wrapper.spark.connector.sampling import sampled
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.slots import slots_of
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.writing import check_columns, written

THREADS: Final = 4
_COUNTS: Final = "counts binary"


def read_small(
    spark: SparkSession,
    *,
    schema: StructType | str | None = None,
    config: DynamoDBConfig | None = None,
    **options: Value,
) -> DataFrame:
    """A table as a DataFrame, read at once and by the driver alone.

    Parameters:
        schema: the columns; by the model or a sample of the items where none is given.
        config: the settings; those of the session's conf and the environment where none are given.
        options: as of `format("dynamodb")`; those that are None are left out.

    Raises:
        DynamoDBWrapperError: as it happened, and not as Spark tells of it.
        ValidationError: Spark is older than 4.0, and takes no Arrow table.
    """
    if int(pyspark.__version__.partition(".")[0]) < 4:
        text = "use read_by_map"
        raise ValidationError(
            f"read_small needs Spark 4.0, and this is {pyspark.__version__}: {text}", errors={"spark": [text]}
        )
    asked = structs.replace(read_options(options), tasks=THREADS)
    source, columns = _asked(spark, schema, config, asked)
    arrow = arrow_of(columns, source.own_model)
    parts = shares(source)
    with ThreadPoolExecutor(THREADS, "dynamodb-wrapper-segment") as pool:
        read = list(pool.map(lambda share: list(batches_of(source, share, arrow)), parts))
    table = pa.Table.from_batches([batch for batches in read for batch in batches], schema=arrow)
    return spark.createDataFrame(table, columns)


def read_by_map(
    spark: SparkSession,
    *,
    schema: StructType | str | None = None,
    config: DynamoDBConfig | None = None,
    **options: Value,
) -> DataFrame:
    """A table as a DataFrame that tasks read by `mapInArrow`; parameters as for `read_small`."""
    source, columns = _asked(spark, schema, config, read_options(options, slots_of(spark)))
    parts = shares(source)
    rows = spark.range(0, len(parts), 1, max(1, len(parts)))
    return rows.mapInArrow(partial(_read, source, arrow_of(columns, source.own_model), parts), columns)


def write_by_map(df: DataFrame, *, config: DynamoDBConfig | None = None, **options: Value) -> Counts:
    """Write a DataFrame by `mapInArrow`, and return what became of its rows.

    Raises:
        ValidationError: the columns are not those that the table and the operation need.
    """
    given = settings_in(df.sparkSession.conf) if config is None else config
    asked = Source(read_options(options, slots_of(df.sparkSession)), given)
    source = asked.known(kinds_of(df.schema, besides=asked.options.sets))
    check_columns(source)
    rows = RowMaker(arrow_of(df.schema, source.own_model), source.options.sets)
    told = df.mapInArrow(partial(_write, source, rows), _COUNTS).collect()
    return together(msgspec.json.decode(bytes(row[0]), type=Counts) for row in told)


def _asked(
    spark: SparkSession,
    schema: StructType | str | None,
    config: DynamoDBConfig | None,
    options: Options,
) -> tuple[Source, StructType]:
    source = Source(options, settings_in(spark.conf) if config is None else config)
    if isinstance(schema, str):
        schema = spark.createDataFrame([], schema).schema
    if schema is None:
        schema = sampled(source).schema if source.own_model is None else spark_schema(source.own_model)
    return source.known(kinds_of(schema)), schema


def _read(source: Source, schema: Any, parts: list[Share], batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        for (number,) in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield from batches_of(source, parts[number], schema)


def _write(source: Source, rows: RowMaker, batches: Iterable[Any]) -> Iterator[Any]:
    counts = written(source, (row for batch in batches for row in rows.of_batch(batch)))
    yield pa.RecordBatch.from_pylist([{"counts": msgspec.json.encode(counts)}])
