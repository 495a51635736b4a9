"""Values of every type, from a table into Spark and back, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import ArrayType, MapType, StringType, StructType, VariantType
from tests.support.spark_models import Colour, Everything, Line

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.operations import BatchWrite
from dynamodb_wrapper.spark.connector import infer_schema
from dynamodb_wrapper.spark.connector.options import Options
from dynamodb_wrapper.spark.connector.planning import shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of
from dynamodb_wrapper.spark.connector.source import Source

ENGINES = ("dynoxide",)

MODEL = "tests.support.spark_models:Everything"
WIDEST = Decimal("-12345678901234567890123456789012.345678")

ITEMS = [
    Everything(
        pk="full",
        sk=1,
        text="größer",
        whole=-(2**53) - 1,
        real=0.1,
        exact=WIDEST,
        wide=Decimal("1." + "23456789" * 4 + "12345"),
        flag=False,
        raw=b"\x00\xff",
        at=datetime(2026, 11, 1, 5, 30, 0, 250, tzinfo=UTC),
        day=date(2024, 2, 29),
        colour=Colour.BLUE,
        tags={"a", "b"},
        codes={1, 2, 10**15},
        blobs={b"\x01", b"\x02"},
        line=Line(sku="x", count=3, note=None),
        lines=[Line(sku="y"), Line(sku="z", note="n")],
        prices={"eur": Decimal("1.10"), "usd": Decimal("0.1")},
        anything={"deep": [1, Decimal("2.5"), None, {"x": True}]},
    ),
    Everything(pk="bare", sk=2),
]


def test_values_of_every_type_go_into_spark_and_back(
    read: Callable[..., Any], options: dict[str, str], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Everything)
    db.batch_write(Everything, puts=ITEMS)
    df = read(model=MODEL).cache()
    rows = {row.pk: row for row in df.collect()}
    full, bare = rows["full"], rows["bare"]
    assert (full.text, full.whole, full.real, full.flag) == ("größer", -(2**53) - 1, 0.1, False)
    assert (full.exact, Decimal(full.wide), bytes(full.raw)) == (WIDEST, ITEMS[0].wide, b"\x00\xff")
    assert (full.day, full.colour, sorted(full.tags)) == (date(2024, 2, 29), "blue", ["a", "b"])
    assert (sorted(full.codes), sorted(map(bytes, full.blobs))) == ([1, 2, 10**15], [b"\x01", b"\x02"])
    assert [line.asDict() for line in full.lines] == [line.model_dump() for line in ITEMS[0].lines]
    assert full.anything == '{"deep":[1,2.5,null,{"x":true}]}'
    assert all(bare[name] is None for name in ("text", "exact", "raw", "tags", "line", "anything"))
    db.batch_write(Everything, deletes=[{"pk": item.pk, "sk": item.sk} for item in ITEMS])
    df.write.format("dynamodb").mode("append").options(**options, model=MODEL).save()
    df.unpersist()
    assert {item.pk: item for item in db.scan(Everything)} == {item.pk: item for item in ITEMS}


def test_columns_without_a_model_are_stored_by_their_own_types(
    spark: Any, options: dict[str, str], boto3_table: Callable[[str], Any], tables: Callable[..., list[str]]
) -> None:
    (table,) = tables(Everything)
    schema = (
        "pk string, sk long, exact decimal(38,6), tags array<string>, list array<long>, raw binary, "
        "prices map<string,decimal(10,2)>, line struct<sku:string,count:long>, at timestamp, gone string"
    )
    at = datetime(2026, 11, 1, 5, 30)
    row = ("a", 1, WIDEST, ["x", "y"], [1, None], b"\xff", {"eur": Decimal("1.10")}, ("s", None), at, None)
    df = spark.createDataFrame([row], schema)
    df.write.format("dynamodb").mode("append").options(**options, table="everything", sets="tags").save()
    (item,) = boto3_table(table).scan()["Items"]
    assert item == {
        "pk": "a",
        "sk": 1,
        "exact": WIDEST,
        "tags": {"x", "y"},
        "list": [1, None],
        "raw": b"\xff",
        "prices": {"eur": Decimal("1.1")},
        "line": {"sku": "s"},
        "at": "2026-11-01T05:30:00.000000+00:00",
    }


@pytest.mark.parametrize("wrapped", [lambda kind: kind, ArrayType, lambda kind: MapType(StringType(), kind)])
def test_columns_of_variants_are_refused_and_not_taken_for_maps(wrapped: Callable[[Any], Any]) -> None:
    schema = StructType().add("v", StructType().add("in", wrapped(VariantType())))
    with pytest.raises(ValidationError, match=r"the column v is struct<.*, which DynamoDB has nothing for"):
        arrow_of(schema)


@pytest.mark.parametrize(
    ("column", "stored", "told"),
    [
        (pa.field("v", pa.int64()), {"S": "7"}, ("holds S", "int64")),
        (pa.field("v", pa.int64()), {"N": "1.5"}, ("holds N", "int64")),
        (pa.field("v", pa.decimal128(38, 2)), {"N": "1.005"}, ("holds N", "decimal128(38, 2)")),
        (pa.field("v", pa.int8()), {"N": "300"}, ("holds N", "int8")),
        (pa.field("v", pa.int64()), {"N": "9223372036854775808"}, ("holds N", "int64")),
        (pa.field("v", pa.float32()), {"N": "1" + "0" * 50}, ("holds N", "float")),
        (pa.field("v", pa.timestamp("us", "UTC")), {"S": "2026-01-01T00:00:00.1234567Z"}, ("finer", "us")),
        (pa.field("v", pa.string()), {"M": {}}, ("holds M", "string")),
        (pa.field("v", pa.struct([("a", pa.int64())])), {"M": {"a": {"S": "x"}}}, ("holds M", "struct")),
        (pa.field("v", pa.string(), nullable=False), {"NULL": True}, ("holds NULL", "not null")),
    ],
)
def test_a_misfit_names_key_attribute_found_and_expected(
    config: DynamoDBConfig,
    db: DynamoDB,
    tables: Callable[..., list[str]],
    column: Any,
    stored: Any,
    told: Any,
) -> None:
    (table,) = tables(Everything)
    item = {"pk": {"S": "here"}, "sk": {"N": "9"}, "v": stored}
    db.run(BatchWrite(table=table, key_fields=("pk", "sk"), puts=[item]))
    source = Source(Options(table="everything"), config).known([("v", None)])
    with pytest.raises(ValidationError) as caught:
        [list(batches_of(source, share, pa.schema([column]))) for share in shares(source)]
    for text in ("v of the item", "here", "9", *told):
        assert text in caught.value.message


def test_a_misfit_is_told_through_spark(
    read: Callable[..., Any], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Everything)
    db.put(Everything(pk="here", sk=9, text="no number"))
    with pytest.raises(Exception, match=r"text of the item with .*here.* holds S, which does not fit int64"):
        read("text long", table="everything").collect()


def test_a_schema_is_inferred_and_misfits_are_reported(
    config: DynamoDBConfig,
    read: Callable[..., Any],
    db: DynamoDB,
    tables: Callable[..., list[str]],
) -> None:
    (table,) = tables(Everything)
    db.batch_write(Everything, puts=ITEMS)
    odd: dict[str, Any] = {
        "pk": {"S": "odd"},
        "sk": {"N": "3"},
        "text": {"N": "5"},
        "line": {"M": {"sku": {"BOOL": True}}},
    }
    db.run(BatchWrite(table=table, key_fields=("pk", "sk"), puts=[odd]))
    found = infer_schema(config, table="everything")
    kinds = {field.name: field.dataType.simpleString() for field in found.schema}
    assert (found.items, infer_schema(config, table="everything", sampleSize="2").items) == (3, 2)
    assert found.schema.names[:2] == ["pk", "sk"]
    assert kinds["sk"] == "bigint"
    assert kinds["exact"] == "decimal(38,6)"
    assert kinds["codes"] == "array<bigint>"
    assert kinds["lines"] == "array<struct<count:bigint,note:string,sku:string>>"
    assert dict(found.misfits) == {
        "anything.deep[]": found.misfits["anything.deep[]"],
        "text": "of several types in 2 items: 1 text, 1 number",
        "line.sku": "of several types in 2 items: 1 text, 1 boolean",
    }
    df = read(table="everything")
    assert df.schema["text"].metadata["comment"].startswith("JSON, because text is of several types")
    assert {row.pk: row.text for row in df.collect()} == {"full": '"größer"', "bare": None, "odd": "5"}
