"""Writing rows to a table, and what became of them where that is one of DynamoDB.

Knows the connector's two ways of writing and its report. Must not know stored configurations or statistics.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.spark.connector.counts import Counts, put_report, read_report
from dynamodb_wrapper.spark.runs import context_of
from dynamodb_wrapper.spark.statistics import option
from dynamodb_wrapper.spark.tables import WriteOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NAME = "dynamodb"

log = logging.getLogger("dynamodb_wrapper.spark")


def save(options: WriteOptions, placed: WriteOptions, df: DataFrame, config: DynamoDBConfig) -> Counts | None:
    """Write the rows.

    Under Spark Connect a report would be a file of the server's machine; there the tasks tell of their rows.

    Parameters:
        options: how a table is written.
        placed: the same where the data source is that of the config.

    Returns:
        What became of the rows in a table of DynamoDB; None for others, and where nobody tells.
    """
    if options.format != NAME:
        placed.save(df)
        return None
    wanted = option(options.options, "report", "")
    if context_of(df.sparkSession) is None and options.mode == "append":
        from dynamodb_wrapper.spark.connector import write_by_map

        counts = write_by_map(df, config=config, **placed.options)
        put_report(wanted or None, counts)
        return counts
    with TemporaryDirectory(prefix="dynamodb-wrapper-") as folder:
        place = wanted or str(Path(folder) / "report.json")
        replace(placed, options={**placed.options, "report": place}).save(df)
        try:
            return read_report(place)
        except OSError as error:
            log.warning("what became of the rows is not known, for there is no report: %s", error)
            return None
