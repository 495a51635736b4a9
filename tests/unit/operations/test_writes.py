from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError
from dynamodb_wrapper.expressions import Assign, Compare, Exists, Increment, Path, Update
from dynamodb_wrapper.operations import DeleteItem, PutItem, UpdateItem
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.writes import as_stored
from dynamodb_wrapper.schema import schema_of

ITEM: dict[str, Any] = {"id": {"S": "a"}, "n": {"N": "1"}}
KEY: dict[str, Any] = {"id": {"S": "a"}}
N = Path(("n",))
ASSIGN, ADD = Update((Assign(N, 2),)), Update((Increment(N, 1),))
CONDITION = Compare(N, "=", 1)


def put(**more: Any) -> PutItem[Any]:
    return PutItem(table="t", reader=plain, item=ITEM, **more)


def update(change: Update | None = ASSIGN, **more: Any) -> UpdateItem[Any]:
    return UpdateItem(table="t", reader=plain, key=KEY, update=change, **more)


def delete(**more: Any) -> DeleteItem[Any]:
    return DeleteItem(table="t", reader=plain, key=KEY, **more)


class Doc(BaseModel):
    id: str
    n: int

    class Meta:
        partition_key = "id"


def test_an_item_that_does_not_fit_its_model_is_given_in_plain_values() -> None:
    codec = schema_of(Doc).codec
    assert as_stored(codec, ITEM) == Doc(id="a", n=1)
    assert as_stored(codec, ITEM | {"n": {"S": "x"}}) == {"id": "a", "n": "x"}


def test_a_put() -> None:
    assert put().call() == Call("PutItem", {"TableName": "t", "Item": ITEM}, "t", repeatable=True)


def test_an_update() -> None:
    assert update().call() == Call(
        "UpdateItem",
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET #0 = :0",
            "ExpressionAttributeNames": {"#0": "n"},
            "ExpressionAttributeValues": {":0": {"N": "2"}},
        },
        "t",
        repeatable=True,
    )


def test_an_update_of_nothing_only_makes_the_item() -> None:
    assert update(None).call() == Call("UpdateItem", {"TableName": "t", "Key": KEY}, "t")


def test_a_delete() -> None:
    assert delete().call() == Call("DeleteItem", {"TableName": "t", "Key": KEY}, "t")


def test_a_condition_asks_for_the_item_as_it_is_when_it_fails() -> None:
    body = update(condition=CONDITION, returns="ALL_NEW").call().body
    assert body["ConditionExpression"] == "#0 = :1"
    assert body["ExpressionAttributeValues"] == {":0": {"N": "2"}, ":1": {"N": "1"}}
    assert body["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert body["ReturnValues"] == "ALL_NEW"


@pytest.mark.parametrize(
    ("write", "repeatable"),
    [
        (put(), True),
        (put(condition=CONDITION), False),
        (put(condition=CONDITION, repeatable=True), True),
        (put(repeatable=False), False),
        (update(), True),
        (update(ADD), False),
        (update(ADD, repeatable=True), True),
        (update(condition=CONDITION), False),
        (delete(), True),
        (delete(condition=Exists(N)), False),
    ],
)
def test_a_write_is_repeatable_only_where_twice_ends_as_once(write: Any, repeatable: bool) -> None:
    assert write.call().repeatable is repeatable


def test_what_was_asked_for_is_returned(service: Callable[..., Any]) -> None:
    assert service({}).run(put()) is None
    assert service({"Attributes": ITEM}).run(delete(returns="ALL_OLD")) == {"id": "a", "n": 1}
    assert service({}).run(delete(returns="ALL_OLD")) is None


def test_a_failed_condition_carries_the_item_decoded(service: Callable[..., Any]) -> None:
    failed = ConditionalCheckFailedError("no", current_item=ITEM)
    with pytest.raises(ConditionalCheckFailedError) as caught:
        service(failed).run(put(condition=CONDITION))
    assert caught.value.current_item == {"id": "a", "n": 1}


def test_a_failed_condition_without_an_item_carries_none(service: Callable[..., Any]) -> None:
    with pytest.raises(ConditionalCheckFailedError) as caught:
        service(ConditionalCheckFailedError("no")).run(put(condition=CONDITION))
    assert caught.value.current_item is None


def test_an_item_that_is_too_large_is_refused_before_it_is_sent(service: Callable[..., Any]) -> None:
    asked = service()
    large = PutItem(table="t", reader=plain, item=ITEM | {"text": {"S": "x" * 409_600}})
    with pytest.raises(ValidationError, match="its largest attribute is text"):
        asked.run(large)
    assert asked.sent == []
