"""Options as values of Python: what `option` of Spark takes, the functions beside it take too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.spark.connector import infer_schema, read_by_map, read_small, write_by_map
from dynamodb_wrapper.spark.connector.options import Options, read_options

ENGINES = ("dynoxide",)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"segments": 4}, Options(table="a", segments=4)),
        ({"segments": None, "model": None}, Options(table="a")),
        ({"consistent": True, "includeExpired": False}, Options(table="a", consistent=True)),
        ({"readUnits": 2.5}, Options(table="a", read_units=2.5)),
        ({"readUnits": 5}, Options(table="a", read_units=5.0)),
    ],
)
def test_values_mean_what_spark_makes_of_them(given: dict[str, Any], wanted: Options) -> None:
    assert read_options({"table": "a", **given}) == wanted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"table": "a", "segments": 2.5}, "segments is '2.5': a whole number from 1 on is needed"),
        ({"table": "a", "segments": True}, "segments is 'true': a whole number"),
        ({"table": "a", "consistent": 1}, "consistent is '1': true or false is needed"),
        ({"table": None}, "no table was named"),
    ],
)
def test_values_that_an_option_does_not_take_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        read_options(given)


def test_functions_take_them(
    spark: Any, config: DynamoDBConfig, db: DynamoDB, orders: list[Order], tables: Callable[..., list[str]]
) -> None:
    asked: dict[str, Any] = {"config": config, "table": "orders", "filter": None}
    assert infer_schema(config, table="orders", sampleSize=5).items == 5
    assert read_small(spark, **asked, segments=3, consistent=True).count() == len(orders)
    assert read_small(spark, **asked, maxItems=7).count() == 7
    pytest.importorskip("pandas", reason="Spark's mapInArrow wants pandas")
    found = read_by_map(spark, **asked, segments=2, schema="customer string, number long")
    assert found.count() == len(orders)
    counts = write_by_map(found, config=config, table="orders", writeUnits=100_000, tasks=2)
    assert counts.written == len(orders)
