from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.plugins.capacity import Contents, Units, asking


def read(action: str, reply: Any, body: Any = None, table: str = "orders") -> Contents:
    return Contents(Call(action, {} if body is None else body, table), json.dumps(reply).encode())


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (Call("GetItem", {}), "INDEXES"),
        (Call("GetItem", {"ReturnConsumedCapacity": "NONE"}), "INDEXES"),
        (Call("GetItem", {"ReturnConsumedCapacity": "TOTAL"}), "TOTAL"),
        (Call("DescribeTable", {}), None),
    ],
)
def test_the_capacity_is_asked_for_where_it_can_be_and_nobody_did(call: Call, asked: str | None) -> None:
    before = dict(call.body)
    assert asking(call).body.get("ReturnConsumedCapacity") == asked
    assert call.body == before


def test_a_reply_loses_its_capacity_and_nothing_else() -> None:
    item = {"ConsumedCapacity": {"M": {"n": {"N": "1.50"}}}}
    contents = read("GetItem", {"Item": item, "ConsumedCapacity": {"TableName": "orders"}})
    assert json.loads(contents.unasked()) == {"Item": item}


def test_a_reply_without_capacity_stays_the_same_bytes() -> None:
    reply = b'{"Item": {}}'
    assert Contents(Call("GetItem", {}, "orders"), reply).unasked() is reply


ALL = {
    "TableName": "orders",
    "CapacityUnits": 6.0,
    "Table": {"CapacityUnits": 1.0},
    "LocalSecondaryIndexes": {"ByDay": {"CapacityUnits": 2.0}},
    "GlobalSecondaryIndexes": {"ByCity": {"CapacityUnits": 3.0}},
}


def test_units_are_told_by_table_and_index_as_reads_or_writes() -> None:
    written = read("PutItem", {"ConsumedCapacity": ALL})
    assert [*written.units()] == [
        Units("orders", "", write=1.0),
        Units("orders", "ByDay", write=2.0),
        Units("orders", "ByCity", write=3.0),
    ]
    assert [units.read for units in read("Query", {"ConsumedCapacity": ALL}).units()] == [1.0, 2.0, 3.0]
    assert [units.write for units in read("BatchWriteItem", {"ConsumedCapacity": [ALL]}).units()] == [1, 2, 3]


def test_a_transaction_tells_reads_and_writes_itself() -> None:
    both = {"CapacityUnits": 6.0, "ReadCapacityUnits": 2.0, "WriteCapacityUnits": 4.0}
    told = read("TransactWriteItems", {"ConsumedCapacity": [{"TableName": "orders", "Table": both}]}, {})
    assert [*told.units()] == [Units("orders", "", 2.0, 4.0)]


def test_the_sum_alone_goes_to_the_index_that_was_read() -> None:
    consumed = {"ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 0.5}}
    assert [*read("Query", consumed, {"IndexName": "ByCity"}).units()] == [Units("orders", "ByCity", 0.5)]
    assert [*read("GetItem", consumed).units()] == [Units("orders", "", 0.5)]


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        ({"Statement": " select * from orders"}, True),
        ({"Statement": "DELETE FROM orders"}, False),
        ({"Statements": [{"Statement": "SELECT 1"}, {"Statement": "SELECT 2"}]}, True),
        ({"TransactStatements": [{"Statement": "SELECT 1"}, {"Statement": "UPDATE x"}]}, False),
    ],
)
def test_a_statement_reads_if_it_selects(body: Any, reads: bool) -> None:
    consumed = {"ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 1.0}}
    (units,) = read("ExecuteStatement", consumed, body).units()
    assert (units.read, units.write) == ((1.0, 0.0) if reads else (0.0, 1.0))


@pytest.mark.parametrize(
    ("action", "reply", "body", "counted"),
    [
        ("GetItem", {"Item": {}}, {}, [("orders", 1)]),
        ("GetItem", {}, {}, [("orders", 0)]),
        ("DeleteItem", {}, {}, [("orders", 1)]),
        ("Query", {"Items": [{}], "Count": 1, "ScannedCount": 9}, {}, [("orders", 1)]),
        ("BatchGetItem", {"Responses": {"a": [{}, {}], "b": []}}, {}, [("a", 2), ("b", 0)]),
        (
            "BatchWriteItem",
            {"UnprocessedItems": {"a": [{}]}},
            {"RequestItems": {"a": [{}, {}, {}], "b": [{}]}},
            [("a", 2), ("b", 1)],
        ),
        (
            "TransactWriteItems",
            {},
            {"TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}]},
            [("a", 1), ("b", 1)],
        ),
        ("ExecuteStatement", {"Items": [{}, {}]}, {"Statement": "SELECT"}, [("orders", 2)]),
        ("ExecuteTransaction", {"Responses": [{}]}, {"TransactStatements": []}, [("orders", 1)]),
        ("DescribeTable", {"Table": {}}, {}, []),
    ],
)
def test_items_are_counted_by_table(action: str, reply: Any, body: Any, counted: list[Any]) -> None:
    assert [*read(action, reply, body).items()] == counted


def test_totals_are_told_by_table() -> None:
    both = [ALL, {"TableName": "parcels", "CapacityUnits": 2.5}]
    assert [*read("BatchWriteItem", {"ConsumedCapacity": both}).totals()] == [
        ("orders", 6.0),
        ("parcels", 2.5),
    ]
    assert [*read("GetItem", {"ConsumedCapacity": {"CapacityUnits": 0.5}}).totals()] == [("orders", 0.5)]
    assert [*read("GetItem", {}).totals()] == []
