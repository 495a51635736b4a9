from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dynamodb_wrapper.core.raw import RawCall
from dynamodb_wrapper.engine.flow import Effect, run, wire
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    TransactionCanceledError,
)

KEY = {"id": "a"}


def raises(error: Exception) -> Callable[[Effect], Any]:
    def perform(effect: Effect) -> Any:
        raise error

    return perform


def repeatable(action: str, **request: Any) -> bool:
    return RawCall(action, "t", request).call().repeatable


def test_the_call_names_action_and_table() -> None:
    call = RawCall("GetItem", "t", {"TableName": "t", "Key": KEY}).call()
    assert (call.action, call.table) == ("GetItem", "t")
    assert call.body == {"TableName": "t", "Key": {"id": {"S": "a"}}}


def test_a_write_is_repeated_only_where_that_is_harmless() -> None:
    assert repeatable("GetItem", Key=KEY)
    assert repeatable("Scan")
    assert repeatable("PutItem", Item=KEY)
    assert repeatable("DeleteItem", Key=KEY)
    assert repeatable("TransactWriteItems", TransactItems=[])
    assert repeatable("ExecuteStatement", Statement=" select * from t")
    assert not repeatable("PutItem", Item=KEY, ConditionExpression="attribute_not_exists(id)")
    assert not repeatable("DeleteItem", Key=KEY, Expected={"id": {"Exists": True}})
    assert not repeatable("DeleteItem", Key=KEY, ReturnValues="ALL_OLD")
    assert not repeatable("UpdateItem", Key=KEY, UpdateExpression="ADD n :one")
    assert not repeatable("ExecuteStatement", Statement="UPDATE t SET n=n+1")


def test_each_transaction_has_a_token_of_its_own_unless_one_is_given() -> None:
    tokens = [RawCall("TransactWriteItems", "t", {"TransactItems": []}).call().body for _ in range(2)]
    assert tokens[0]["ClientRequestToken"] != tokens[1]["ClientRequestToken"]
    given = RawCall("TransactWriteItems", "t", {"TransactItems": [], "ClientRequestToken": "mine"})
    assert given.call().body["ClientRequestToken"] == "mine"


def test_a_statement_that_writes_asks_for_the_item_that_makes_it_fail() -> None:
    member = "ReturnValuesOnConditionCheckFailure"
    assert RawCall("ExecuteStatement", "t", {"Statement": "DELETE FROM t"}).call().body[member] == "ALL_OLD"
    assert member not in RawCall("ExecuteStatement", "t", {"Statement": "SELECT * FROM t"}).call().body


def test_the_reply_comes_in_python_values() -> None:
    reply = msgspec.json.encode({"Item": {"n": {"N": "1"}}})
    response = run(RawCall("GetItem", "t", {"Key": KEY}).flow(wire), lambda effect: reply)
    assert response == {"Item": {"n": 1}, "ResponseMetadata": {"HTTPStatusCode": 200}}


def test_the_item_of_a_failed_condition_comes_in_python_values() -> None:
    error = ConditionalCheckFailedError("no", current_item={"tags": {"SS": ["x"]}})
    with pytest.raises(ConditionalCheckFailedError) as failed:
        run(RawCall("PutItem", "t", {"Item": KEY}).flow(wire), raises(error))
    assert failed.value.current_item == {"tags": {"x"}}


def test_the_items_of_a_cancelled_transaction_come_in_python_values() -> None:
    reasons = [
        CancellationReason("None"),
        CancellationReason("ConditionalCheckFailed", "no", {"n": {"N": "1"}}),
    ]
    error = TransactionCanceledError("no", reasons=reasons)
    with pytest.raises(TransactionCanceledError) as cancelled:
        run(RawCall("TransactWriteItems", "t", {"TransactItems": []}).flow(wire), raises(error))
    assert cancelled.value.reasons == (
        CancellationReason("None"),
        CancellationReason("ConditionalCheckFailed", "no", {"n": 1}),
    )
