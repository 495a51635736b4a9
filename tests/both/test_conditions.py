"""Conditions on real engines: what we make of boto3's conditions selects what boto3 itself selects."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from pydantic import BaseModel

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AttributeType,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Missing,
    Path,
    condition_of,
    equals,
    one_of,
)
from dynamodb_wrapper.expressions.conditions import Expression, Size
from dynamodb_wrapper.operations import All, Query, Scan
from dynamodb_wrapper.operations.readers import plain


class Row(BaseModel):
    id: str
    at: int

    class Meta:
        table_name = "rows"
        partition_key = "id"
        sort_key = "at"


ROWS: list[dict[str, Any]] = [
    {
        "id": "r",
        "at": 1,
        "name": "alpha",
        "size": 1,
        "limit": 2,
        "tags": {"x", "y"},
        "data": {"rows": [{"size": 5}]},
    },
    {"id": "r", "at": 2, "name": "beta", "size": 3, "limit": 3, "tags": {"x"}, "data": {"rows": []}},
    {"id": "r", "at": 3, "name": "alphabet", "size": Decimal("2.5"), "limit": 1, "list": [1, "two", None]},
    {"id": "r", "at": 4, "name": "", "size": None, "active": True},
    {"id": "r", "at": 5, "active": "true", "raw": b"\x00\x01\x02", "name.first": "dotted"},
    {"id": "r", "at": 6, "active": False, "name": 17},
]

CONDITIONS: dict[str, Any] = {
    "eq": Attr("name").eq("alpha"),
    "eq number": Attr("size").eq(Decimal("2.50")),
    "eq none": Attr("size").eq(None),
    "eq true": Attr("active").eq(True),
    "eq attribute": Attr("size").eq(Attr("limit")),
    "ne": Attr("name").ne("alpha"),
    "lt": Attr("size").lt(3),
    "lt attribute": Attr("size").lt(Attr("limit")),
    "lte": Attr("size").lte(3),
    "gt": Attr("name").gt("alpha"),
    "gte": Attr("name").gte("alpha"),
    "between": Attr("size").between(1, Decimal("2.5")),
    "between attributes": Attr("size").between(Attr("at"), Attr("limit")),
    "in": Attr("name").is_in(["alpha", "beta", 17]),
    "begins_with": Attr("name").begins_with("alpha"),
    "contains text": Attr("name").contains("bet"),
    "contains of a set": Attr("tags").contains("y"),
    "contains of a list": Attr("list").contains("two"),
    "exists": Attr("tags").exists(),
    "not_exists": Attr("tags").not_exists(),
    "attribute_type": Attr("active").attribute_type("BOOL"),
    "size": Attr("tags").size().eq(1),
    "size between": Attr("name").size().between(1, 5),
    "size of bytes": Attr("raw").size().gte(3),
    "size and attribute": Attr("tags").size().lt(Attr("limit")),
    "nested": Attr("data.rows[0].size").eq(5),
    "nested size": Attr("data.rows").size().gt(0),
    "not": ~Attr("tags").exists(),
    "and": Attr("size").exists() & Attr("name").begins_with("a"),
    "or": Attr("size").gt(2) | Attr("active").exists(),
    "deep": ~((Attr("size").gt(2) | Attr("active").eq(False)) & ~Attr("name").eq("beta")),
}


@pytest.fixture
def rows(tables: Any, boto3_table: Any) -> Any:
    (name,) = tables(Row)
    table = boto3_table(name)
    for row in ROWS:
        table.put_item(Item=row)
    return table


@pytest.fixture
def select(face: Any, rows: Any) -> Callable[[Condition | None], Any]:
    """`await select(condition)` gives the sort keys of the rows that a filter lets through."""
    db = face(DynamoDB)

    async def found(condition: Condition | None) -> set[int]:
        scan = Scan(table=rows.name, reader=plain, key_fields=("id", "at"), filter=condition)
        return {item["at"] for item in await db.run(All(scan))}

    return found


async def test_ours_selects_what_boto3_s_selects(select: Any, rows: Any) -> None:
    boto3s = {
        name: {item["at"] for item in rows.scan(FilterExpression=condition)["Items"]}
        for name, condition in CONDITIONS.items()
    }
    ours = {name: condition_of(condition, exactly=True) for name, condition in CONDITIONS.items()}
    assert {name: await select(condition) for name, condition in ours.items()} == boto3s
    assert all(0 < len(selected) < len(ROWS) for selected in boto3s.values())


async def test_boto3_s_conditions_on_a_model_find_a_boolean_in_either_stored_form(select: Any) -> None:
    expected: list[tuple[Any, set[int]]] = [
        (Attr("active").eq(True), {4, 5}),
        (Attr("active").ne(True), {1, 2, 3, 6}),
        (Attr("active").is_in([True]), {4, 5}),
        (Attr("active").is_in([False, "other"]), {6}),
        (~Attr("active").eq(True) & Attr("active").exists(), {6}),
    ]
    for condition, found in expected:
        assert await select(condition_of(condition)) == found


KEY_CONDITIONS = [
    Key("id").eq("r"),
    Key("id").eq("r") & Key("at").eq(3),
    Key("id").eq("r") & Key("at").lt(3),
    Key("id").eq("r") & Key("at").lte(3),
    Key("id").eq("r") & Key("at").gt(3),
    Key("id").eq("r") & Key("at").gte(3),
    Key("id").eq("r") & Key("at").between(2, 4),
]


async def test_a_key_condition_finds_what_boto3_s_finds(face: Any, rows: Any) -> None:
    db = face(DynamoDB)
    for condition in KEY_CONDITIONS:
        ours = condition_of(condition)
        assert ours is not None
        query = Query(table=rows.name, reader=plain, key_fields=("id", "at"), key_condition=ours)
        found = [item["at"] for item in await db.run(All(query))]
        assert found == [item["at"] for item in rows.query(KeyConditionExpression=condition)["Items"]]
        assert found


async def test_every_own_condition_is_understood(select: Any) -> None:
    name, size = Path.of("name"), Path.of("size")
    expected = {
        Compare(name, "=", "beta"): {2},
        Between(size, 2, 3): {2, 3},
        In(name, ("alpha", 17)): {1, 6},
        Contains(Path.of("list"), None): {3},
        Exists(Path.of("data.rows[0]")): {1},
        Missing(name): {5},
        AttributeType(size, "NULL"): {4},
        Size(name, "=", 0): {4},
        Exists(Path(("name.first",))): {5},
        equals(size, None): {4, 5, 6},
        equals(Path.of("active"), True): {4, 5},
        one_of(Path.of("active"), [False, None]): {1, 2, 3, 6},
        one_of(Path.of("at"), list(range(4, 150))): {4, 5, 6},
    }
    for condition, rows in expected.items():
        assert await select(condition) == rows


async def test_a_condition_given_as_text_works_beside_others(select: Any) -> None:
    text = Expression(
        "#n = :n OR size(#d.#r) > :0", {"#n": "name", "#d": "data", "#r": "rows"}, {":n": "beta", ":0": 0}
    )
    assert await select(text) == {1, 2}
    assert await select(Exists(Path.of("limit")) & ~text) == {3}


async def test_two_hundred_choices_are_one_clear_error(select: Any) -> None:
    with pytest.raises(ValidationError, match="at IN got 200 choices: DynamoDB takes 1 to 100"):
        await select(condition_of(Attr("at").is_in(list(range(200)))))


@pytest.mark.parametrize("is_at", [lambda n: Compare(Path.of("at"), "=", n), lambda n: Attr("at").eq(n)])
async def test_alternatives_in_a_row_are_as_many_as_the_service_takes(
    select: Any, is_at: Callable[[int], Any]
) -> None:
    assert await select(condition_of(reduce(or_, map(is_at, range(4, 154))))) == {4, 5, 6}
    with pytest.raises(ValidationError, match=r"xpression size|too many operators"):
        await select(condition_of(reduce(or_, map(is_at, range(2000)))))
