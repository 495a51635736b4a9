from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.partitions import Partitions, is_write

KEY = {"customer": {"S": "ada"}, "number": {"N": "1"}}


def test_a_key_names_its_partition_by_what_stands_first() -> None:
    assert Partitions().of(Call("GetItem", {"Key": KEY}, "t")) == ("t", "", "S", "ada")


def test_an_item_names_it_once_a_key_was_seen() -> None:
    partitions, put = Partitions(), Call("PutItem", {"Item": {"text": {"S": "x"}, **KEY}}, "t")
    assert partitions.of(put) is None
    partitions.learn(Call("GetItem", {"Key": KEY}, "t"))
    assert partitions.of(put) == ("t", "", "S", "ada")


def test_a_put_of_a_model_names_it_by_itself() -> None:
    put = Call("PutItem", {"Item": {"text": {"S": "x"}, **KEY}}, "t", partition_key="customer")
    assert Partitions().of(put) == ("t", "", "S", "ada")


def query(condition: str, **more: Any) -> Call:
    body = {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#0": "customer", "#1": "number"},
        "ExpressionAttributeValues": {":0": {"S": "ada"}, ":1": {"N": "1"}},
        **more,
    }
    return Call("Query", body, "t")


@pytest.mark.parametrize(
    "condition", ["#0 = :0", "#0 = :0 AND #1 > :1", "#0 = :0 AND #1 = :1", "customer=:0"]
)
def test_a_query_names_it_in_its_key_condition(condition: str) -> None:
    assert Partitions().of(query(condition)) == ("t", "", "S", "ada")


def test_where_the_sort_key_comes_first_the_name_that_was_learned_decides() -> None:
    partitions = Partitions()
    partitions.learn(Call("GetItem", {"Key": KEY}, "t"))
    assert partitions.of(query("#1 = :1 AND #0 = :0")) == ("t", "", "S", "ada")


def test_the_partition_of_an_index_is_another_one() -> None:
    assert Partitions().of(query("#0 = :0", IndexName="i")) == ("t", "i", "S", "ada")


def test_a_transaction_of_one_action_has_the_partition_of_its_item() -> None:
    body = {"TransactItems": [{"Update": {"Key": KEY}}]}
    assert Partitions().of(Call("TransactWriteItems", body, "t")) == ("t", "", "S", "ada")


@pytest.mark.parametrize(
    "call",
    [
        Call("Scan", {"TableName": "t"}, "t"),
        Call("BatchGetItem", {"RequestItems": {}}, "t"),
        Call("TransactWriteItems", {"TransactItems": [{"Update": {"Key": KEY}}] * 2}, "t"),
        Call("ExecuteStatement", {"Statement": "SELECT"}),
    ],
)
def test_a_call_about_several_partitions_has_none(call: Call) -> None:
    assert Partitions().of(call) is None


def test_writes_are_told_from_reads() -> None:
    assert not is_write(Call("GetItem", {}, "t"))
    assert is_write(Call("PutItem", {}, "t"))
    assert is_write(Call("ExecuteStatement", {}, repeatable=False))
    assert not is_write(Call("ExecuteStatement", {}))
