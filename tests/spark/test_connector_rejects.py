"""Rows and columns that cannot be written: told before anything is written, or row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import Row as SparkRow
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.spark.connector import Counts
from dynamodb_wrapper.spark.connector.options import read_options
from dynamodb_wrapper.spark.connector.rows import RowMaker
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.writing import written
from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT

ENGINES = ("dynoxide",)

KEY = [pa.field("customer", pa.string()), pa.field("number", pa.int64())]
SECONDS = 10**6
LATE = 300_000_000_000 * SECONDS  # of the year 11476, which Spark has and Python has not
Task = Callable[..., Counts]


@pytest.fixture
def task(config: DynamoDBConfig) -> Task:
    """`task(schema, batch, table="orders", ...)` writes as one task does, without Spark."""

    def made(schema: Any, rows: list[dict[str, Any]], **options: str) -> Counts:
        source = Source(read_options(options), config)
        columns = [(name, None) for name in schema.names]
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        return written(source.known(columns), RowMaker(schema, source.options.sets).of_batch(batch))

    return made


def row(customer: str | None, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"customer": customer, "number": number, **more}


@pytest.mark.parametrize("operation", ["put", "insert", "update"])
@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        (pa.float64(), float("nan"), 1.5),
        (pa.string(), "x" * 410_000, "x"),
        (pa.timestamp("us", "UTC"), LATE, 0),
        (pa.field("v", pa.string(), metadata=JSON_TEXT), "{not JSON", '{"a": 1}'),
        (pa.field("v", pa.string(), metadata=JSON_TEXT), "1e500", "1.50"),
    ],
    ids=["not a number", "400 KB", "year 11476", "no JSON", "too large"],
)
def test_a_value_that_cannot_be_stored_rejects_its_row_alone(
    task: Task,
    db: DynamoDB,
    tables: Callable[..., list[str]],
    operation: str,
    kind: Any,
    wrong: Any,
    right: Any,
) -> None:
    tables(Order)
    if operation == "update":
        db.batch_write(Order, puts=[Order(customer="a", number=at) for at in range(5)])
    schema = pa.schema([*KEY, kind if isinstance(kind, pa.Field) else pa.field("v", kind)])
    rows = [row("a", at, v=wrong if at == 3 else right) for at in range(5)]
    asked = {"table": "orders", "operation": operation}
    counts = task(schema, rows, **asked, onReject="count")
    assert (counts.written, counts.rejected) == (4, {"validation_failed": 1})
    assert counts.samples[0].startswith("{'customer': 'a', 'number': 3}: ")
    with pytest.raises(ValidationError) as caught:
        task(schema, rows, **(asked | {"operation": "put"}))
    assert "the row with the key {'customer': 'a', 'number': 3} was rejected" in caught.value.__notes__[0]


@pytest.mark.parametrize("operation", ["put", "insert", "update", "delete"])
def test_a_key_that_is_none_rejects_its_row_alone(
    task: Task, db: DynamoDB, orders: list[Order], operation: str
) -> None:
    fields = KEY if operation == "delete" else [*KEY, pa.field("weight", pa.float64())]
    there = orders[0]
    right = ("new", 1) if operation == "insert" else (there.customer, there.number)
    rows = [row(""), row("k" * 2049), row(None), row(*right)]
    counts = task(pa.schema(fields), rows, table="orders", operation=operation, onReject="count")
    assert (counts.written, counts.rejected) == (1, {"validation_failed": 3})
    assert max(map(len, counts.samples)) < 500


def test_rows_of_spark_are_read_one_by_one_too() -> None:
    """As Spark 4.0 hands them over."""
    schema = pa.schema(
        [
            *KEY,
            pa.field("v", pa.string(), metadata=JSON_TEXT),
            pa.field("at", pa.timestamp("us", "UTC")),
            pa.field("tags", pa.list_(pa.binary())),
        ]
    )
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    given = [
        SparkRow(customer="a", number=1, v="[1, null]", at=moment, tags=[bytearray(b"x"), bytearray(b"x")]),
        SparkRow(customer="a", number=2, v="no JSON", at=None, tags=None),
    ]
    first, second = RowMaker(schema, {"tags"}).of_rows(given)
    assert first == row("a", 1, v=[1, None], at=moment, tags={b"x"})
    assert second == row("a", 2)
    assert "v: JSONDecodeError" in getattr(second, "error").message  # noqa: B009


def test_empty_sets_are_stored_as_empty_lists_and_none_is_in_no_set(
    task: Task, config: DynamoDBConfig, boto3_table: Callable[[str], Any], tables: Callable[..., list[str]]
) -> None:
    (table,) = tables(Order)
    schema = pa.schema([*KEY, pa.field("tags", pa.list_(pa.string()))])
    rows = [row("a", 1, tags=[]), row("a", 2, tags=["x", None]), row("a", 3, tags=["x", "x"])]
    counts = task(schema, rows, table="orders", sets="tags", onReject="count")
    assert (counts.written, counts.rejected) == (2, {"validation_failed": 1})
    items = {int(item["number"]): item["tags"] for item in boto3_table(table).scan()["Items"]}
    assert items == {1: [], 3: {"x"}}


@pytest.mark.parametrize(
    ("kind", "sets", "told"),
    [
        (pa.timestamp("us"), "", "v is a time without a zone, which would be a guess: cast it to timestamp"),
        (pa.struct([("at", pa.list_(pa.timestamp("us")))]), "", "v is a time without a zone"),
        (pa.map_(pa.int64(), pa.string()), "", "v is a map with keys of int64"),
        (pa.duration("us"), "", r"v is duration\[us\], which DynamoDB has nothing for"),
        (pa.string(), "v", "v is string, and a set holds texts, numbers or binaries"),
        (pa.list_(pa.bool_()), "v", "and a set holds texts, numbers or binaries"),
        (pa.list_(pa.struct([("a", pa.string())])), "v", "and a set holds texts, numbers or binaries"),
    ],
)
def test_columns_of_which_nothing_can_be_stored_are_told_before_there_are_rows(
    kind: Any, sets: str, told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        RowMaker(pa.schema([*KEY, pa.field("v", kind)]), sets)


@pytest.mark.parametrize(
    "kind",
    [
        pa.null(),
        pa.large_string(),
        pa.large_binary(),
        pa.large_list(pa.int8()),
        pa.map_(pa.string(), pa.map_(pa.large_string(), pa.decimal128(38, 6))),
        pa.struct([("a", pa.list_(pa.date32()))]),
    ],
)
def test_columns_of_all_other_types_can_be_stored(kind: Any) -> None:
    batch = pa.RecordBatch.from_pylist([row("a", v=None)], schema=pa.schema([*KEY, pa.field("v", kind)]))
    assert list(RowMaker(batch.schema).of_batch(batch)) == [row("a")]
