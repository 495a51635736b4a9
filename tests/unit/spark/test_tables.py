from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataFormat, TableConfig, TableType
from dynamodb_wrapper.spark.tables import read_options, write_options


def table(**fields: Any) -> TableConfig:
    known: dict[str, Any] = {
        "table_id": "t",
        "pipeline_id": "p",
        "table_name": "events",
        "table_type": TableType.SOURCE,
        "data_format": DataFormat.CSV,
        "location": "s3://bucket/events",
    }
    return TableConfig(**(known | fields))


def test_a_table_of_files_is_read_from_its_location_with_its_options_as_texts() -> None:
    found = read_options(table(read_options={"header": True, "maxColumns": 30}))
    assert (found.format, found.path) == ("csv", "s3://bucket/events")
    assert found.options == {"header": "true", "maxColumns": "30"}
    assert found.schema is None


@pytest.mark.parametrize(
    ("defined", "ddl"),
    [
        ({"ddl": "id STRING, n INT"}, "id STRING, n INT"),
        (
            {"fields": [{"name": "id", "type": "str"}, {"name": "n", "type": "BIGINT"}]},
            "`id` STRING, `n` BIGINT",
        ),
        ({"fields": []}, None),
        ({}, None),
    ],
)
def test_the_schema_is_spark_s_ddl(defined: dict[str, Any], ddl: str | None) -> None:
    assert read_options(table(schema_definition=defined)).schema == ddl


def test_a_schema_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValidationError, match="schema of table t cannot be read"):
        read_options(table(schema_definition={"fields": [{"title": "id"}]}))


def test_a_table_of_dynamodb_is_read_by_its_name() -> None:
    found = read_options(table(connection_config={"service": "dynamodb", "table": "other"}))
    assert (found.format, found.path, found.options) == ("dynamodb", None, {"table": "other"})
    assert read_options(table(connection_config={"service": "dynamodb"})).options == {"table": "events"}


def test_another_format_has_its_connection_as_options_and_read_options_win() -> None:
    connection = {"format": "jdbc", "url": "jdbc:x", "fetchsize": 10}
    found = read_options(table(connection_config=connection, read_options={"fetchsize": 99}))
    assert (found.format, found.path) == ("jdbc", None)
    assert found.options == {"url": "jdbc:x", "fetchsize": "99"}


def test_a_table_is_written_in_its_mode_by_its_partition_columns() -> None:
    found = write_options(
        table(write_options={"mode": "Overwrite", "compression": "zstd"}, partition_columns=["day", "hour"])
    )
    assert (found.mode, found.partition_by) == ("overwrite", ("day", "hour"))
    assert found.options == {"compression": "zstd"}
    assert write_options(table()).mode == "append"


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValidationError, match="has the mode 'merge'"):
        write_options(table(write_options={"mode": "merge"}))
