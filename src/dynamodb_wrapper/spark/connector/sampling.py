"""The schema of a table from a sample of its items.

Knows sources and clients. Must not know how types are found.
"""

from __future__ import annotations

import logging
from itertools import islice

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.operations import Scan
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.spark.connector.inference import Inferred, infer
from dynamodb_wrapper.spark.connector.options import Value, read_options
from dynamodb_wrapper.spark.connector.source import Source

_log = logging.getLogger(__name__)


def infer_schema(config: DynamoDBConfig | None = None, **options: Value) -> Inferred:
    """The schema that a sample of a table's items shows, and what in it does not fit one type.

    Parameters:
        config: the settings; those of the environment where none are given.
        options: as of `format("dynamodb")`: `table`, `index`, `sampleSize` and where the table is.
    """
    return sampled(Source(read_options(options), config))


def sampled(source: Source) -> Inferred:
    """The same for a source; what does not fit is logged too."""
    options = source.options
    with source.limited(reads=options.read_units) as db:
        scan = Scan(
            table=source.table,
            reader=wire_reader,
            key_fields=(),
            index=source.schema.index(options.index).stored_name,
            evaluate=options.sample_size,
        )
        items = list(islice(db.iterate(scan), options.sample_size))
    found = infer(items, source.key_types)
    for place, told in found.misfits.items():
        _log.warning("%s of %s is %s; it is read as JSON text", place, source.table, told)
    return found
