from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import CancellationReason, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions import Assign, Compare, Exists, Path, Update
from dynamodb_wrapper.operations import GetItem, TransactAction, TransactGet, TransactWrite
from dynamodb_wrapper.operations.readers import plain

KEY: dict[str, Any] = {"id": {"S": "a"}}
ITEM: dict[str, Any] = KEY | {"n": {"N": "1"}}
N = Path(("n",))
PUT = TransactAction(table="t", reader=plain, item=ITEM)
GET: GetItem[Any] = GetItem(table="t", key=KEY, reader=plain, consistent=True)
OTHER: GetItem[Any] = GetItem(table="u", key=KEY, reader=plain)
DELETE = TransactAction(table="t", reader=plain, key=KEY)


def get(key: str) -> GetItem[Any]:
    return GetItem(table="t", key={"id": {"S": key}}, reader=plain)


def test_a_put() -> None:
    assert PUT.body() == {"Put": {"TableName": "t", "Item": ITEM}}


def test_an_update_with_a_condition() -> None:
    action = TransactAction(
        table="t", reader=plain, key=KEY, update=Update((Assign(N, 2),)), condition=Compare(N, "=", 1)
    )
    assert action.body() == {
        "Update": {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET #0 = :0",
            "ConditionExpression": "#0 = :1",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": {"#0": "n"},
            "ExpressionAttributeValues": {":0": {"N": "2"}, ":1": {"N": "1"}},
        }
    }


def test_a_delete_and_a_check() -> None:
    assert DELETE.body() == {"Delete": {"TableName": "t", "Key": KEY}}
    check = TransactAction(table="t", reader=plain, key=KEY, check_only=True, condition=Exists(N))
    assert check.body()["ConditionCheck"]["ConditionExpression"] == "attribute_exists(#0)"


def test_an_item_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValidationError, match="409,600"):
        TransactAction(table="t", reader=plain, item=ITEM | {"text": {"S": "x" * 409_600}}).body()


class TestWrite:
    def test_it_is_repeatable_by_its_token(self) -> None:
        call = TransactWrite([PUT, DELETE], "token").call()
        assert call.action == "TransactWriteItems"
        assert call.body == {"TransactItems": [PUT.body(), DELETE.body()], "ClientRequestToken": "token"}
        assert call.repeatable

    def test_each_has_a_token_of_its_own_and_keeps_it(self) -> None:
        first, second = TransactWrite([PUT]), TransactWrite([PUT])
        assert first.token != second.token
        assert len(first.token) <= 36
        assert first.call().body["ClientRequestToken"] == first.token

    @pytest.mark.parametrize("count", [0, 101])
    def test_too_many_or_no_actions_are_refused_with_their_count(
        self, count: int, service: Callable[..., Any]
    ) -> None:
        asked = service()
        with pytest.raises(
            ValidationError, match=f"a transaction of {count} actions: DynamoDB takes 1 to 100"
        ):
            asked.run(TransactWrite([PUT] * count))
        assert asked.sent == []

    def test_a_hundred_are_sent(self, service: Callable[..., Any]) -> None:
        asked = service({})
        assert asked.run(TransactWrite([PUT] * 100)) is None
        assert len(asked.bodies[0]["TransactItems"]) == 100

    def test_reasons_stand_in_the_order_of_the_actions_with_their_items_decoded(
        self, service: Callable[..., Any]
    ) -> None:
        reasons = [
            CancellationReason("None"),
            CancellationReason("ConditionalCheckFailed", "no", ITEM),
            CancellationReason("ConditionalCheckFailed", "no"),
        ]
        with pytest.raises(TransactionCanceledError) as caught:
            service(TransactionCanceledError("canceled", reasons=reasons)).run(
                TransactWrite([PUT, DELETE, PUT])
            )
        assert caught.value.reasons == (
            CancellationReason("None"),
            CancellationReason("ConditionalCheckFailed", "no", {"id": "a", "n": 1}),
            CancellationReason("ConditionalCheckFailed", "no"),
        )

    def test_a_cancellation_without_reasons_has_none(self, service: Callable[..., Any]) -> None:
        with pytest.raises(TransactionCanceledError) as caught:
            service(TransactionCanceledError("canceled")).run(TransactWrite([PUT]))
        assert caught.value.reasons == ()


class TestGet:
    def test_its_request(self) -> None:
        call = TransactGet([GET, OTHER]).call()
        assert call.action == "TransactGetItems"
        assert call.body == {
            "TransactItems": [
                {"Get": {"TableName": "t", "Key": KEY}},
                {"Get": {"TableName": "u", "Key": KEY}},
            ]
        }

    def test_an_item_that_is_asked_for_twice_is_read_once(self, service: Callable[..., Any]) -> None:
        asked = service({"Responses": [{"Item": ITEM}]})
        assert asked.run(TransactGet([GET, GET])) == [{"id": "a", "n": 1}] * 2
        assert len(asked.bodies[0]["TransactItems"]) == 1

    def test_items_stand_in_the_order_of_the_keys_none_for_a_missing_one(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service({"Responses": [{"Item": ITEM}, {}, {"Item": KEY}]})
        assert asked.run(TransactGet([get("a"), get("b"), get("c")])) == [
            {"id": "a", "n": 1},
            None,
            {"id": "a"},
        ]

    @pytest.mark.parametrize("count", [0, 101])
    def test_too_many_or_no_keys_are_refused_with_their_count(self, count: int) -> None:
        with pytest.raises(ValidationError, match=f"a transaction of {count} actions"):
            TransactGet([get(str(number)) for number in range(count)]).call()
