from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.spark_tables import table

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models.rules import STORAGE_LEVELS
from dynamodb_wrapper.spark.tables import read_options, storage_level, write_options


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


@pytest.mark.parametrize("connection", [{"service": "DynamoDB"}, {"format": "dynamodb"}])
def test_how_dynamodb_is_written_does_not_matter(connection: dict[str, Any]) -> None:
    assert read_options(table(connection_config=connection)).options == {"table": "events"}


@pytest.mark.parametrize(
    "connection", [{"type": "dynamodb"}, {"service": "dynamo"}, {"type": "AWS::DynamDB"}]
)
def test_what_may_mean_dynamodb_is_not_taken_for_files(connection: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r'write \{"service": "dynamodb"\}') as refused:
        read_options(table(connection_config=connection))
    assert refused.value.errors.keys() == {f"connection_config.{name}" for name in connection}


def test_another_service_is_where_the_files_are() -> None:
    found = read_options(table(connection_config={"service": "s3", "type": "dynamodb export"}))
    assert (found.format, found.options) == ("csv", {"type": "dynamodb export"})


def test_options_that_are_lists_or_objects_become_json_and_none_is_not_given() -> None:
    given = {"filter": [["day", "=", 1], ["price", "<", Decimal("9.50")]], "x": None, "n": Decimal("1E+3")}
    found = read_options(table(connection_config={"service": "dynamodb", "prefix": None}, read_options=given))
    assert found.options == {
        "table": "events",
        "filter": '[["day","=",1],["price","<",9.50]]',
        "n": "1000",
    }
    assert write_options(table(write_options={"sets": {"a": [True]}, "mode": None})).options == {
        "sets": '{"a":[true]}'
    }


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


def test_each_level_that_may_be_stored_is_one_of_spark_in_either_case() -> None:
    pytest.importorskip("pyspark")
    for level in STORAGE_LEVELS:
        found = storage_level(table(cache_level=level))
        assert found == storage_level(table(cache_level=level.lower()))
        assert found.useMemory is level.startswith(("MEMORY", "OFF_HEAP"))
        assert found.useDisk is ("DISK" in level or level == "OFF_HEAP")
        assert found.replication == int(level[-1] if level[-1].isdigit() else 1)
        assert found.deserialized is level.endswith("_DESER")
    assert storage_level(table()) == storage_level(table(cache_level="MEMORY_AND_DISK"))


def test_an_unknown_level_is_refused_with_the_one_that_was_meant() -> None:
    pytest.importorskip("pyspark")
    with pytest.raises(ValidationError, match="did you mean 'MEMORY_ONLY'"):
        storage_level(table(cache_level="MEMORY_ONY"))
