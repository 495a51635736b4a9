"""What a write does to the stored statistics of a table: only what is known is stored.

Knows modes, operations and counts. Must not know how anything is written.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamodb_wrapper.expressions.assignments import add, put, remove
from dynamodb_wrapper.expressions.updates import Change
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.spark.tables import WriteOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from dynamodb_wrapper.spark.connector import Counts

log = logging.getLogger("dynamodb_wrapper.spark")

_DYNAMIC = "spark.sql.sources.partitionOverwriteMode"


@dataclass(frozen=True, slots=True)
class Before:
    """What was known before a write.

    Parameters:
        table: the table's configuration.
        is_empty: whether the table is known to have had no rows.
        is_partial: whether what was there stays in part, and nobody knows how much of it.
    """

    table: TableConfig
    is_empty: bool
    is_partial: bool

    @classmethod
    def of(cls, table: TableConfig, options: WriteOptions, session: SparkSession) -> Before:
        """What is known now."""
        partial = options.mode == "overwrite" and _keeps_some(options, session)
        never_written = table.record_count is None and table.last_updated_data is None
        asked = never_written and options.path is not None and (partial or options.mode == "append")
        return cls(table, asked and _is_empty(session, str(options.path)), partial)

    def after_files(self, mode: str, rows: int, size: int) -> list[Change]:
        """The changes by a write of so many rows, and of so many bytes; 0 where Spark does not tell those."""
        count, bytes_ = TableConfig.record_count, TableConfig.size_bytes
        if self.is_partial and not self.is_empty:
            return [remove(count), remove(bytes_)]
        sized = bool(size or not rows)
        if mode != "append":
            return [put(count).to(rows), *([put(bytes_).to(size)] if sized else [])]
        known = self.is_empty or self.table.record_count is not None
        known_size = self.is_empty or self.table.size_bytes is not None
        return [
            *([add(count, rows)] if known else []),
            *([add(bytes_, size)] if sized and known_size else []),
        ]

    def after_items(self, options: Mapping[str, str], counts: Counts | None) -> list[Change]:
        """The changes by a write to DynamoDB: rows that were inserted are new, others may have been there."""
        inserts = option(options, "operation", "put").lower() == "insert"
        if counts is None or not inserts or self.table.record_count is None:
            return []
        return [add(TableConfig.record_count, counts.written)]


def option(options: Mapping[str, str], name: str, default: str) -> str:
    """The value of an option, whose name has no case."""
    return next((text for given, text in options.items() if given.lower() == name.lower()), default)


def _keeps_some(options: WriteOptions, session: SparkSession) -> bool:
    if option(options.options, "replaceWhere", ""):
        return True
    default = session.conf.get(_DYNAMIC, "static") or "static"
    chosen = option(options.options, "partitionOverwriteMode", default)
    return bool(options.partition_by) and chosen.lower() == "dynamic"


def _is_empty(session: SparkSession, path: str) -> bool:
    """Whether there are no files; False where that cannot be found out."""
    from pyspark.errors import AnalysisException

    try:
        files: Sequence[str] = (
            session.read.format("text").option("recursiveFileLookup", "true").load(path).inputFiles()
        )
    except AnalysisException as error:
        return "PATH_NOT_FOUND" in str(error)
    except Exception as error:
        log.debug("whether %s is empty cannot be found out: %s", path, error)
        return False
    return not files
