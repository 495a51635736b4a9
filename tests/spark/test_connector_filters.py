"""Filters as options, against what the same conditions say in Python; no Spark is needed for that."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql.types import StructType
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.operations import BatchWrite
from dynamodb_wrapper.spark.connector.options import read_options
from dynamodb_wrapper.spark.connector.planning import planned, shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.source import Source

ENGINES = ("dynoxide",)

MODEL = "tests.support.spark_models:Order"
WHOLE = spark_schema(Order)
KEYS = StructType(WHOLE.fields[:2])
Told: TypeAlias = tuple[Any, Callable[[dict[str, Any]], bool]]
"""A condition as the option has it, and what it says of an item."""

START = datetime(2026, 3, 28, tzinfo=UTC)
ORDERS = [
    Order(
        customer=f"c{at % 7}",
        number=at,
        status=("open", "open", "paid")[at % 3],
        total=Decimal((at * 37) % 100),
        weight=at / 2 if at % 5 else None,
        placed=None if at % 4 else START + timedelta(hours=at),
        urgent=at % 4 == 0,
    )
    for at in range(120)
]


def stored(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")


ITEMS: list[dict[str, Any]] = [order.model_dump() | {"placed": stored(order.placed)} for order in ORDERS]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "customer": st.sampled_from([f"c{at}" for at in range(8)]),
    "number": st.integers(-1, 125),
    "status": st.sampled_from(["open", "paid", "lost"]),
    "total": st.integers(0, 100),
    "weight": st.integers(0, 60).map(lambda number: number / 2),
    "placed": st.integers(0, 120).map(lambda hours: stored(START + timedelta(hours=hours))),
    "urgent": st.booleans(),
}
ORDERED = {"<": lt, "<=": le, ">": gt, ">=": ge}


@st.composite
def single(draw: st.DrawFn) -> Told:
    name = draw(st.sampled_from(sorted(VALUES)))
    value = draw(VALUES[name])
    words = ["=", "!=", "in", "exists", "missing"]
    words += [*ORDERED, "between"] if name != "urgent" else []
    words += ["begins_with", "contains"] if name in ("customer", "status", "placed") else []
    word = draw(st.sampled_from(words))
    if word in ("exists", "missing"):
        return [name, word], lambda item: (item[name] is None) is (word == "missing")
    if word in ("=", "!="):
        wanted = draw(st.sampled_from([value, None]))
        return [name, word, wanted], lambda item: (item[name] == wanted) is (word == "=")
    if word == "in":
        choices = [value, *draw(st.lists(VALUES[name] | st.none(), max_size=3))]
        return [name, word, choices], lambda item: item[name] in choices
    if word == "between":
        least, most = sorted([value, draw(VALUES[name])])
        return [name, word, least, most], (
            lambda item: item[name] is not None and least <= item[name] <= most
        )
    if word in ORDERED:
        return [name, word, value], lambda item: item[name] is not None and ORDERED[word](item[name], value)
    part = value[: draw(st.integers(1, 3))] if word == "begins_with" else value[-draw(st.integers(1, 3)) :]
    if word == "begins_with":
        return [name, word, part], lambda item: item[name] is not None and item[name].startswith(part)
    return [name, word, part], lambda item: item[name] is not None and part in item[name]


def combined(inner: st.SearchStrategy[Told]) -> st.SearchStrategy[Told]:
    some = st.lists(inner, max_size=3)
    return (
        some.map(lambda parts: ({"any": [said for said, _ in parts]}, _of(any, parts)))
        | some.map(lambda parts: ({"all": [said for said, _ in parts]}, _of(all, parts)))
        | inner.map(lambda part: ({"not": part[0]}, lambda item: not part[1](item)))
    )


def _of(many: Callable[..., bool], parts: list[Told]) -> Callable[[dict[str, Any]], bool]:
    return lambda item: many(holds(item) for _, holds in parts)


conditions = st.lists(st.recursive(single(), combined, max_leaves=6), max_size=3).map(
    lambda parts: ([said for said, _ in parts], _of(all, parts))
)


@pytest.fixture
def orders(db: DynamoDB, tables: Callable[..., list[str]]) -> None:
    tables(Order)
    db.batch_write(Order, puts=ORDERS)


def found(config: DynamoDBConfig, schema: StructType, **options: str) -> list[tuple[str, int]]:
    source = Source(read_options(options), config).known(kinds_of(schema))
    arrow = arrow_of(schema, source.own_model)
    batches = [batch for share in shares(source) for batch in batches_of(source, share, arrow)]
    return sorted((row["customer"], row["number"]) for batch in batches for row in batch.to_pylist())


def wanted(holds: Callable[[dict[str, Any]], bool]) -> list[tuple[str, int]]:
    return sorted((item["customer"], item["number"]) for item in ITEMS if holds(item))


PLANS: list[tuple[str, str | None, Told]] = [
    (
        "get",
        None,
        (
            [["customer", "=", "c3"], ["number", "=", 3]],
            lambda item: (item["customer"], item["number"]) == ("c3", 3),
        ),
    ),
    (
        "batch-get",
        None,
        (
            [["customer", "in", ["c0", "c1"]], ["number", "in", [0, 1, 7, 8]]],
            lambda item: item["customer"] in ("c0", "c1") and item["number"] in (0, 1, 7, 8),
        ),
    ),
    (
        "query",
        None,
        (
            [["customer", "=", "c3"], ["number", ">", 50]],
            lambda item: item["customer"] == "c3" and item["number"] > 50,
        ),
    ),
    (
        "query",
        "ByStatus",
        (
            [["status", "=", "paid"], ["total", ">", 40]],
            lambda item: item["status"] == "paid" and item["total"] > 40,
        ),
    ),
    (
        "fan-out",
        None,
        (
            [["customer", "in", "c1", "c5"], ["urgent", "=", True]],
            lambda item: item["customer"] in ("c1", "c5") and item["urgent"],
        ),
    ),
    ("scan", None, ([["weight", "<", 20]], lambda item: item["weight"] is not None and item["weight"] < 20)),
]


@pytest.mark.parametrize(("operation", "index", "told"), PLANS, ids=[each[0] for each in PLANS])
def test_each_kind_of_plan_is_made_and_finds_what_python_finds(
    orders: None, config: DynamoDBConfig, operation: str, index: str | None, told: Told
) -> None:
    said, holds = told
    for named in ({"model": MODEL}, {"table": "orders"}):
        asked = {**named, "filter": json.dumps(said)}
        plan = planned(Source(read_options(asked), config).known(kinds_of(WHOLE)), 0.0)
        assert plan.operation == operation
        assert {lane.index.name for lane in plan.lanes} <= {index}
        assert found(config, WHOLE, **asked) == wanted(holds) != []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=conditions)
@example(told=([{"any": []}], lambda item: False))
@example(told=([["status", "=", "paid"], ["status", "=", "open"]], lambda item: False))
def test_filters_find_what_python_finds(orders: None, config: DynamoDBConfig, told: Told) -> None:
    """With a model; by a table, with all columns; and where the conditions are about other attributes than
    the columns."""
    said, holds = told
    text = json.dumps(said)
    there = wanted(holds)
    assert found(config, WHOLE, model=MODEL, filter=text) == there
    assert found(config, WHOLE, table="orders", filter=text) == there
    assert found(config, KEYS, table="orders", filter=text) == there


def test_conditions_may_be_about_attributes_that_are_no_columns_and_places_in_them(
    orders: None, db: DynamoDB, config: DynamoDBConfig
) -> None:
    odd: dict[str, Any] = {
        "customer": {"S": "odd"},
        "number": {"N": "1"},
        "address": {"M": {"city": {"S": "Bergen"}, "zip": {"L": [{"N": "1"}]}}},
        "größe": {"B": "aGk="},
    }
    db.run(BatchWrite(table=config.get_table_name("orders"), key_fields=("customer", "number"), puts=[odd]))
    for said in (
        ["address.city", "=", "Bergen"],
        ["address.zip[0]", "<", 2],
        ["größe", "=", {"B": "aGk="}],
        ["address", "exists"],
        {"any": [["nothing", "=", 1], ["address.city", "begins_with", "Ber"]]},
    ):
        assert found(config, KEYS, table="orders", filter=json.dumps(said)) == [("odd", 1)], said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nonsense", "it is no JSON"),
        ('["status"]', "a condition looks like"),
        ('[["stats", "=", 1]]', "did you mean 'status'"),
        ('[["status", "==", "x"]]', "no operator"),
        ('[["number", ">", "many"]]', "number is <class 'int'>"),
        ('[{"none": []}]', "a condition looks like"),
        ('[["placed", ">", "2026-01-01T00:00:00"]]', "time zone"),
        ('[["number", "between", 1]]', "between on number takes two values"),
    ],
)
def test_wrong_filters_are_refused(orders: None, config: DynamoDBConfig, said: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        found(config, WHOLE, model=MODEL, filter=said)
