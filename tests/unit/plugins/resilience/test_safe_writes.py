"""The layer driven by hand: what is sent in place of a single write, and what comes back."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import pytest

from dynamodb_wrapper.engine.events import Retrying
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Sleep, Tell, run
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConnectionError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    LimitExceededError,
    ProvisionedThroughputExceededError,
    RetryableError,
    TransactionCanceledError,
    TransactionConflictError,
    ValidationError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.plugins.resilience.safe_writes import SafeLayer

KEY = {"id": {"S": "a"}}
ADD: dict[str, Any] = {
    "TableName": "t",
    "Key": KEY,
    "UpdateExpression": "ADD n :0",
    "ExpressionAttributeValues": {":0": {"N": "1"}},
}
CONDITION = {"ConditionExpression": "attribute_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class Service:
    """Answers from a script; remembers what was sent."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.sent: list[Call] = []
        self.waits: list[float] = []
        self.told: list[Retrying] = []

    def __call__(self, call: Call) -> Flow[Reply]:
        self.sent.append(call)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield from ()
        return json.dumps(answer).encode()

    def run(self, call: Call, layer: SafeLayer | None = None) -> Any:
        layer = layer or SafeLayer(30.0, chance=lambda: 0.5)

        def perform(effect: Any) -> None:
            if isinstance(effect, Tell):
                self.told.append(effect.event)
            else:
                assert isinstance(effect, Sleep)
                self.waits.append(effect.seconds)

        return json.loads(run(layer(self, call), perform))


def unsafe(action: str, body: dict[str, Any], **more: Any) -> Call:
    return Call(action, body, "t", repeatable=False, **more)


def canceled(code: str, **more: Any) -> TransactionCanceledError:
    return TransactionCanceledError(
        "canceled", None, {"request_id": "R"}, reasons=[CancellationReason(code, **more)]
    )


def lost(kind: type[DynamoDBWrapperError] = ConnectionError) -> DynamoDBWrapperError:
    error = kind("the connection was reset")
    error.outcome_unknown = True
    return error


@pytest.mark.parametrize(
    ("action", "kind", "body"),
    [
        ("UpdateItem", "Update", ADD),
        ("PutItem", "Put", {"TableName": "t", "Item": KEY, **CONDITION}),
        ("DeleteItem", "Delete", {"TableName": "t", "Key": KEY, **CONDITION}),
    ],
)
def test_a_write_goes_as_a_transaction_of_one_action_with_a_token(
    action: str, kind: str, body: dict[str, Any]
) -> None:
    service = Service({})
    assert service.run(unsafe(action, body)) == {}
    (call,) = service.sent
    assert (call.action, call.table, call.repeatable) == ("TransactWriteItems", "t", True)
    assert call.body["TransactItems"] == [{kind: body}]
    assert len(call.body["ClientRequestToken"]) == 36


def test_each_write_has_a_token_of_its_own_and_its_repetitions_have_the_same() -> None:
    service = Service(canceled("TransactionConflict"), {}, {})
    service.run(unsafe("UpdateItem", ADD))
    service.run(unsafe("UpdateItem", ADD))
    first, repeated, second = [call.body["ClientRequestToken"] for call in service.sent]
    assert first == repeated != second


@pytest.mark.parametrize(
    "call",
    [
        Call("UpdateItem", {**ADD, "UpdateExpression": "SET n = :0"}, "t"),
        unsafe("UpdateItem", {**ADD, "ReturnValues": "UPDATED_NEW"}),
        unsafe("UpdateItem", {**ADD, "ReturnValues": "ALL_OLD"}),
        unsafe("UpdateItem", {"TableName": "t", "Key": KEY, **CONDITION}),
        unsafe("UpdateItem", {"TableName": "t", "Key": KEY, "AttributeUpdates": {}}),
        unsafe("PutItem", {"TableName": "t", "Item": KEY, "ReturnValues": "ALL_OLD", **CONDITION}),
        unsafe("DeleteItem", {"TableName": "t", "Key": KEY, "ReturnValues": "ALL_OLD"}),
        unsafe("DeleteItem", {"TableName": "t", "Key": KEY, "Expected": {}}),
        unsafe("ExecuteStatement", {"Statement": "UPDATE"}),
        Call("GetItem", {"TableName": "t", "Key": KEY}, "t"),
    ],
    ids=lambda call: f"{call.action} {call.body.get('ReturnValues', '')}",
)
def test_what_is_harmless_or_cannot_be_a_transaction_stays_as_it_is(call: Call) -> None:
    service = Service({})
    service.run(call)
    assert service.sent == [call]


def test_only_the_tables_that_are_named_are_made_safe() -> None:
    service = Service({}, {})
    layer = SafeLayer(30.0, ["u"])
    service.run(unsafe("UpdateItem", ADD), layer)
    service.run(Call("UpdateItem", ADD, "u", repeatable=False), layer)
    assert [call.action for call in service.sent] == ["UpdateItem", "TransactWriteItems"]


def test_the_item_after_an_update_is_read_consistently() -> None:
    service = Service({}, {"Item": {**KEY, "n": {"N": "5"}}})
    assert service.run(unsafe("UpdateItem", {**ADD, "ReturnValues": "ALL_NEW"})) == {
        "Attributes": {**KEY, "n": {"N": "5"}}
    }
    write, read = service.sent
    assert "ReturnValues" not in write.body["TransactItems"][0]["Update"]
    assert (read.action, read.body) == ("GetItem", {"TableName": "t", "Key": KEY, "ConsistentRead": True})
    assert read.deadline == write.deadline


def test_an_item_that_is_removed_meanwhile_is_not_found() -> None:
    service = Service({}, {})
    with pytest.raises(ItemNotFoundError, match="was applied, and then somebody else removed") as caught:
        service.run(unsafe("UpdateItem", {**ADD, "ReturnValues": "ALL_NEW"}))
    assert (caught.value.table_name, caught.value.key) == ("t", {"id": "a"})


def test_a_failure_to_read_it_does_not_say_that_all_may_be_tried_again() -> None:
    with pytest.raises(
        WriteOutcomeUnknownError, match="was applied, but the item could not be read"
    ) as caught:
        Service({}, RetryableError("down")).run(unsafe("UpdateItem", {**ADD, "ReturnValues": "ALL_NEW"}))
    assert not caught.value.retryable


def test_what_a_conditional_delete_removes_is_read_before() -> None:
    call = unsafe("DeleteItem", {"TableName": "t", "Key": KEY, "ReturnValues": "ALL_OLD", **CONDITION})
    service = Service({"Item": KEY}, {})
    assert service.run(call) == {"Attributes": KEY}
    assert [call.action for call in service.sent] == ["GetItem", "TransactWriteItems"]
    assert Service({}, {}).run(call) == {}


def test_the_capacity_that_was_asked_for_is_told() -> None:
    service = Service({"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 2.0}]})
    reply = service.run(unsafe("UpdateItem", {**ADD, "ReturnConsumedCapacity": "TOTAL"}))
    assert reply == {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 2.0}}
    assert service.sent[0].body["ReturnConsumedCapacity"] == "TOTAL"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ConditionalCheckFailed", ConditionalCheckFailedError),
        ("ThrottlingError", ProvisionedThroughputExceededError),
        ("ProvisionedThroughputExceeded", ProvisionedThroughputExceededError),
        ("ItemCollectionSizeLimitExceeded", LimitExceededError),
        ("ValidationError", ValidationError),
        ("Unheard", TransactionCanceledError),
    ],
)
def test_a_refusal_is_that_of_the_single_write(code: str, kind: type[DynamoDBWrapperError]) -> None:
    with pytest.raises(kind) as caught:
        Service(canceled(code, message="why")).run(unsafe("UpdateItem", ADD))
    assert type(caught.value) is kind
    assert caught.value.context["request_id"] == "R"


def test_a_failed_condition_carries_the_item_and_is_certain_even_after_a_lost_answer() -> None:
    refused = canceled("ConditionalCheckFailed", item=KEY)
    refused.outcome_unknown = True
    with pytest.raises(ConditionalCheckFailedError, match="nothing was written") as caught:
        Service(refused).run(unsafe("UpdateItem", ADD))
    assert caught.value.current_item == KEY
    assert not caught.value.outcome_unknown


def test_conflicts_are_waited_out_until_the_deadline() -> None:
    service = Service(*[canceled("TransactionConflict") for _ in range(9)], {})
    assert service.run(unsafe("UpdateItem", ADD)) == {}
    assert service.waits == pytest.approx([0.0125 * 2**number for number in range(6)] + [0.5] * 3)
    assert [(told.attempt, told.seconds) for told in service.told] == list(enumerate(service.waits, 1))
    with pytest.raises(TransactionConflictError):
        Service(canceled("TransactionConflict")).run(
            unsafe("UpdateItem", ADD), SafeLayer(0.001, chance=lambda: 0.5)
        )


@pytest.mark.parametrize("kind", [ConnectionError, RetryableError])
def test_a_write_whose_last_attempt_was_lost_says_that_nobody_knows(kind: type[DynamoDBWrapperError]) -> None:
    with pytest.raises(WriteOutcomeUnknownError, match="UpdateItem on table 't' may or may not"):
        Service(lost(kind)).run(unsafe("UpdateItem", ADD))
    with pytest.raises(kind):
        Service(kind("nothing was sent")).run(unsafe("UpdateItem", ADD))


@pytest.mark.parametrize(("timeout", "most"), [(5.0, 5.0), (3600.0, 540.0)])
def test_no_attempt_begins_after_the_token_is_forgotten(timeout: float, most: float) -> None:
    service, start = Service({}), monotonic()
    service.run(unsafe("UpdateItem", ADD), SafeLayer(timeout))
    assert start + most <= service.sent[0].deadline <= monotonic() + most
    service = Service({})
    service.run(unsafe("UpdateItem", ADD, deadline=start + 1), SafeLayer(timeout))
    assert service.sent[0].deadline == start + 1
