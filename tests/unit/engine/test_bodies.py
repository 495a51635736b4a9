from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from dynamodb_wrapper.engine.bodies import (
    Held,
    changed,
    items_of_error,
    items_of_reply,
    only_reads,
    resource,
    table_of,
    tables_of,
    unpacked,
)
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    TransactionCanceledError,
)

A, B = {"id": {"S": "a"}}, {"id": {"S": "b"}}
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("orders", ("orders", "")),
        (ARN, ("orders", "")),
        (f"{ARN}/index/ByDay", ("orders", "ByDay")),
        ("", ("", "")),
    ],
)
def test_a_name_or_an_arn_means_a_table_and_an_index(name: str, meant: tuple[str, str]) -> None:
    assert resource(name) == meant


@pytest.mark.parametrize(
    ("statement", "table", "reads"),
    [
        ("SELECT * FROM orders WHERE id = 'FROM x'", "orders", True),
        (' select id from "my.orders"."ByDay"', "my.orders", True),
        (f'SELECT * FROM "{ARN}"', ARN, True),
        ("EXISTS(SELECT * FROM orders WHERE id = ?)", "orders", True),
        ("INSERT INTO orders VALUE {'id': ?}", "orders", False),
        ('UPDATE "orders" SET a = ? WHERE id = ?', "orders", False),
        ("delete\nfrom orders where id = ?", "orders", False),
        ("what is this", "", False),
    ],
)
def test_a_statement_tells_its_table_and_whether_it_only_reads(
    statement: str, table: str, reads: bool
) -> None:
    assert (table_of(statement), only_reads(statement)) == (table, reads)


STATEMENT = {"Statement": "SELECT * FROM b"}


@pytest.mark.parametrize(
    ("body", "tables"),
    [
        ({"TableName": "a"}, ["a"]),
        ({"RequestItems": {"a": {}, "b": {}}}, ["a", "b"]),
        ({"TransactItems": [{"Put": {"TableName": "b"}}, {"Get": {"TableName": "b"}}]}, ["b", "b"]),
        ({"Statements": [STATEMENT, {"Statement": ""}]}, ["b", ""]),
        ({"TransactStatements": [STATEMENT]}, ["b"]),
        (STATEMENT, ["b"]),
        ({}, []),
    ],
)
def test_a_request_names_its_tables(body: dict[str, Any], tables: list[str]) -> None:
    assert tables_of(body) == tables


def marked(table: str, request: dict[str, Any]) -> dict[str, Any]:
    return {**request, "by": table}


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"TableName": "a", "Item": A}, {"TableName": "a", "Item": A, "by": "a"}),
        (
            {"RequestItems": {"a": [{"PutRequest": {"Item": A}}, Raw(b'{"DeleteRequest": {}}')]}},
            {"RequestItems": {"a": [{"PutRequest": {"Item": A, "by": "a"}}, {"DeleteRequest": {"by": "a"}}]}},
        ),
        ({"RequestItems": {"a": {"Keys": [A]}}}, {"RequestItems": {"a": {"Keys": [A], "by": "a"}}}),
        (
            {"TransactItems": [Raw(b'{"Put": {"TableName": "a"}}')], "ClientRequestToken": "t"},
            {"TransactItems": [{"Put": {"TableName": "a", "by": "a"}}], "ClientRequestToken": "t"},
        ),
        (STATEMENT, STATEMENT),
    ],
)
def test_each_part_of_a_request_is_changed(body: dict[str, Any], after: dict[str, Any]) -> None:
    assert changed(unpacked(body), marked) == after


@pytest.mark.parametrize(
    ("body", "reply", "held"),
    [
        ({"TableName": "a", "Key": A}, {"Item": B}, [Held("a", B, A)]),
        ({"TableName": "a", "Item": A}, {"Attributes": B}, [Held("a", B, A)]),
        ({"TableName": "a"}, {"Items": [A, B]}, [Held("a", A), Held("a", B)]),
        (STATEMENT, {"Items": [A]}, [Held("b", A)]),
        (
            {"RequestItems": {"a": {}}},
            {
                "Responses": {"a": [A]},
                "UnprocessedItems": {"b": [{"PutRequest": {"Item": B}}, {"DeleteRequest": {"Key": A}}]},
            },
            [Held("a", A), Held("b", B)],
        ),
        (
            {"TransactItems": [{"Get": {"TableName": "a", "Key": A}}, {"Get": {"TableName": "b"}}]},
            {"Responses": [{}, {"Item": B}]},
            [Held("b", B)],
        ),
        (
            {"TransactItems": [{"Get": {"TableName": "a", "Key": A}}]},
            {"Responses": [{"Item": B}]},
            [Held("a", B, A)],
        ),
        ({"Statements": [STATEMENT]}, {"Responses": [{"Error": {"Item": B}}]}, [Held("b", B)]),
    ],
)
def test_each_item_of_a_reply_is_found_with_its_table_and_key(
    body: dict[str, Any], reply: dict[str, Any], held: list[Held]
) -> None:
    assert [*items_of_reply(body, reply)] == held


def test_the_items_of_an_error_are_copied_so_that_they_can_be_changed() -> None:
    error = ConditionalCheckFailedError("no", current_item=A)
    (held,) = items_of_error({"TableName": "a"}, error)
    held.item["more"] = {"S": "x"}
    assert error.current_item == A | held.item
    assert "more" not in A


def test_the_items_of_a_cancelled_transaction_belong_to_its_actions() -> None:
    reasons = (CancellationReason("None"), CancellationReason("ConditionalCheckFailed", item=B))
    error = TransactionCanceledError("no", reasons=reasons)
    body = {"TransactItems": [{"Put": {"TableName": "a"}}, {"Put": {"TableName": "b"}}]}
    (held,) = items_of_error(body, error)
    assert (held.table, held.item) == ("b", B)
    assert held.item is error.reasons[1].item
    assert held.item is not B
