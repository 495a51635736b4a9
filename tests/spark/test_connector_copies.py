"""Tables that are read without a model and written back: what stays as it was stored, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from tests.support.spark_models import Everything, Visit

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.operations import BatchWrite, Scan
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.spark.connector import infer_schema, read_small
from dynamodb_wrapper.spark.connector.rows import RowMaker
from dynamodb_wrapper.wire.arrow import ArrowReader
from dynamodb_wrapper.wire.arrow_forms import AS_SET

ENGINES = ("dynoxide",)

Stored = dict[str, dict[str, Any]]
FULL: Stored = {
    "pk": {"S": "full"},
    "sk": {"N": "1"},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": ["AQ==", "Ag=="]},
    "list": {"L": [{"S": "b"}, {"S": "a"}, {"S": "b"}]},
    "map": {"M": {"words": {"SS": ["q"]}, "list": {"L": [{"N": "1"}]}, "deep": {"M": {"n": {"NS": ["7"]}}}}},
    "lines": {"L": [{"M": {"tags": {"SS": ["x", "y"]}}}, {"M": {"tags": {"SS": ["z"]}}}]},
    "groups": {"L": [{"SS": ["g", "h"]}, {"SS": ["i"]}]},
    "mixed": {"L": [{"S": "a"}, {"N": "1"}, {"BOOL": True}]},
    "wide": {"N": "12345678901234567890123456789012345678"},
    "text": {"S": ""},
    "raw": {"B": "/wA="},
    "none": {"L": []},
    "bare": {"M": {}},
}
BARE: Stored = {"pk": {"S": "bare"}, "sk": {"N": "2"}, "words": {"L": []}, "wide": {"N": "0.0000000001"}}


@pytest.fixture
def table(db: DynamoDB, tables: Callable[..., list[str]]) -> str:
    """A table with two items."""
    (name,) = tables(Everything)
    put(db, name, FULL, BARE)
    return name


def put(db: DynamoDB, table: str, *items: Stored) -> None:
    db.run(BatchWrite(table=table, key_fields=("pk", "sk"), puts=items))


def stored(db: DynamoDB, table: str) -> dict[str, Stored]:
    """The items by key, in wire form, with the elements of sets in order."""
    found = db.iterate(Scan(table=table, reader=wire_reader, key_fields=()))
    return {str(item["pk"]["S"]): {name: ordered(value) for name, value in item.items()} for item in found}


def ordered(value: Any) -> Any:
    ((tag, content),) = value.items()
    if tag == "M":
        return {"M": {name: ordered(each) for name, each in content.items()}}
    if tag == "L":
        return {"L": [ordered(each) for each in content]}
    return {tag: sorted(content)} if tag in ("SS", "NS", "BS") else value


def test_rows_that_are_written_back_are_stored_as_they_were(
    spark: Any, options: dict[str, str], read: Callable[..., Any], db: DynamoDB, table: str
) -> None:
    df = read(table="everything")
    changed = df.where("sk > 0").union(df).dropDuplicates(["pk"]).selectExpr("*").repartition(1).cache()
    assert changed.count() == 2
    keys: list[Any] = [{"pk": item["pk"], "sk": item["sk"]} for item in (FULL, BARE)]
    db.run(BatchWrite(table=table, key_fields=("pk", "sk"), deletes=keys))
    assert stored(db, table) == {}
    changed.write.format("dynamodb").mode("append").options(**options, table="everything").save()
    assert stored(db, table) == {"full": FULL, "bare": BARE}


def test_attributes_that_are_null_are_gone_when_they_are_written_back(
    spark: Any, config: DynamoDBConfig, options: dict[str, str], db: DynamoDB, table: str
) -> None:
    nothing: dict[str, Any] = {"NULL": True}
    odd: Stored = {
        "pk": {"S": "odd"},
        "sk": {"N": "3"},
        "text": nothing,
        "map": {"M": {"list": nothing}},
        "mixed": {"L": [{"M": {"inner": nothing}}, {"N": "1"}]},
    }
    put(db, table, odd)
    df = read_small(spark, config=config, table="everything")
    df.write.format("dynamodb").mode("append").options(**options, table="everything").save()
    assert stored(db, table)["odd"] == {
        "pk": odd["pk"],
        "sk": odd["sk"],
        "map": {"M": {}},
        "mixed": odd["mixed"],
    }


def test_sets_are_lists_where_the_column_no_longer_says_it_and_the_option_names_places(
    spark: Any, config: DynamoDBConfig, options: dict[str, str], db: DynamoDB, table: str
) -> None:
    df = read_small(spark, config=config, table="everything").where("pk = 'full'")
    df = df.select("pk", "sk", "words", "numbers", "map").withMetadata("words", {"dynamodb": "list"})
    writer = df.selectExpr("*", "array(array('x')) groups", "map('k', array(1)) AS prices").write
    writer = writer.format("dynamodb").mode("append").options(**options, table="everything")
    writer.options(sets="map.list, groups, prices").save()
    found = stored(db, table)["full"]
    assert found["words"] == {"L": [{"S": "a"}, {"S": "b"}]}
    assert found["numbers"] == FULL["numbers"]
    assert found["map"] == {"M": FULL["map"]["M"] | {"list": {"NS": ["1"]}}}
    assert found["groups"] == {"L": [{"SS": ["x"]}]}
    assert found["prices"] == {"M": {"k": {"NS": ["1"]}}}


@pytest.mark.parametrize("place", ["v.b", "v.a.c", "w.a", "v.words.x"])
def test_a_place_that_is_none_is_told(place: str) -> None:
    kind = pa.struct([("a", pa.list_(pa.string())), ("words", pa.list_(pa.string()))])
    with pytest.raises(ValidationError, match=f"{place} is to be a set and is no column"):
        RowMaker(pa.schema([pa.field("v", kind)]), [place])


def test_a_list_in_a_column_of_sets_is_a_misfit_and_an_empty_one_is_an_empty_set() -> None:
    reader = ArrowReader(pa.schema([pa.field("v", pa.list_(pa.string()), metadata=AS_SET)]), ["v"])
    assert reader.decode({"v": {"SS": ["a"]}}).to_pylist() == [{"v": ["a"]}]
    assert reader.decode({"v": {"L": []}}).to_pylist() == [{"v": []}]
    assert reader.decode({"v": {"NULL": True}}).to_pylist() == [{"v": None}]
    with pytest.raises(ValidationError, match="a list, and the column is of sets"):
        reader.decode({"v": {"L": [{"S": "a"}]}})


def test_numbers_that_no_decimal_takes_are_told(config: DynamoDBConfig, table: str) -> None:
    found = infer_schema(config, table="everything")
    assert found.misfits["wide"] == "numbers too far apart for a decimal of 38 digits"
    assert found.schema["wide"].metadata["dynamodb"] == "json"


def test_a_model_knows_its_own_sets(
    spark: Any, options: dict[str, str], db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    """The mark of a column does not make a list of the model lose its order."""
    tables(Visit)
    df = spark.createDataFrame([("a", 1, ["y", "x", "y"])], "page string, seconds long, tags array<string>")
    asked = {**options, "model": "tests.support.spark_models:Visit"}
    df.withMetadata("tags", dict(AS_SET)).write.format("dynamodb").mode("append").options(**asked).save()
    visit = db.get(Visit, {"page": "a"})
    assert visit is not None
    assert visit.tags == ["y", "x", "y"]
