"""Where items stand in requests, replies and errors; tests/both/test_plugins_transforms.py asks engines."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest
from msgspec import Raw

from dynamodb_wrapper.engine.bodies import Item
from dynamodb_wrapper.engine.flow import Call, Effect, run, stack
from dynamodb_wrapper.engine.transforms import transforming
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    TransactionCanceledError,
    ValidationError,
)

OURS, STORED = {"id": {"S": "1"}, "word": {"S": "abc"}}, {"id": {"S": "1"}, "word": {"S": "cba"}}
OTHER = {"id": {"S": "1"}, "word": {"S": "xyz"}}


class Reversed:
    """Stores the attribute `word` of the table `words` backwards."""

    def attributes(self, table: str) -> Collection[str]:
        return ("word",) if table == "words" else ()

    def store(self, table: str, item: Item) -> Item:
        return item | {"word": {"S": item["word"]["S"][::-1]}} if "word" in item else item

    load = store

    def __repr__(self) -> str:
        return "Reversed"


def send(call: Call, reply: Any) -> tuple[Call, Any]:
    """What is sent for a call, and what the application gets for a reply."""
    sent: list[Call] = []

    def perform(effect: Effect) -> Any:
        assert isinstance(effect, Call)
        sent.append(effect)
        if isinstance(reply, Exception):
            raise reply
        return json.dumps(reply).encode()

    got = run(stack([transforming(Reversed())])(call), perform)
    return sent[0], json.loads(got)


@pytest.mark.parametrize("given", [OURS, Raw(json.dumps(OURS).encode())], ids=["dict", "text"])
def test_an_item_is_stored_in_the_other_form_and_the_given_one_stays(given: Any) -> None:
    body = {"TableName": "words", "Item": given}
    sent, _ = send(Call("PutItem", body, "words"), {})
    assert sent.body == {"TableName": "words", "Item": STORED}
    assert body["Item"] is given
    assert OURS["word"] == {"S": "abc"}


@pytest.mark.parametrize(
    ("action", "body", "stored"),
    [
        (
            "BatchWriteItem",
            {"RequestItems": {"words": [{"PutRequest": {"Item": OURS}}, {"DeleteRequest": {"Key": {}}}]}},
            {"RequestItems": {"words": [{"PutRequest": {"Item": STORED}}, {"DeleteRequest": {"Key": {}}}]}},
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "words", "Item": OURS}},
                    {"Put": {"TableName": "others", "Item": OTHER}},
                    {"Delete": {"TableName": "words", "Key": {}}},
                ]
            },
            {
                "TransactItems": [
                    {"Put": {"TableName": "words", "Item": STORED}},
                    {"Put": {"TableName": "others", "Item": OTHER}},
                    {"Delete": {"TableName": "words", "Key": {}}},
                ]
            },
        ),
    ],
)
def test_items_of_batches_and_transactions_are_transformed_by_their_tables(
    action: str, body: Any, stored: Any
) -> None:
    sent, _ = send(Call(action, body, "words"), {})
    assert sent.body == stored


@pytest.mark.parametrize(
    ("action", "body", "reply", "loaded"),
    [
        ("GetItem", {"TableName": "words"}, {"Item": STORED}, {"Item": OURS}),
        ("GetItem", {"TableName": "words"}, {}, {}),
        ("PutItem", {"TableName": "words", "Item": OURS}, {"Attributes": STORED}, {"Attributes": OURS}),
        (
            "Query",
            {"TableName": "words"},
            {"Items": [STORED, {"id": {"S": "2"}}], "Count": 2},
            {"Items": [OURS, {"id": {"S": "2"}}], "Count": 2},
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"words": {}, "others": {}}},
            {"Responses": {"words": [STORED], "others": [OTHER]}},
            {"Responses": {"words": [OURS], "others": [OTHER]}},
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"words": []}},
            {"UnprocessedItems": {"words": [{"PutRequest": {"Item": STORED}}]}},
            {"UnprocessedItems": {"words": [{"PutRequest": {"Item": OURS}}]}},
        ),
        (
            "TransactGetItems",
            {"TransactItems": [{"Get": {"TableName": "others"}}, {"Get": {"TableName": "words"}}]},
            {"Responses": [{"Item": OTHER}, {"Item": STORED}]},
            {"Responses": [{"Item": OTHER}, {"Item": OURS}]},
        ),
        (
            "ExecuteStatement",
            {"Statement": 'SELECT * FROM "words"."ByDay" WHERE id = ?'},
            {"Items": [STORED]},
            {"Items": [OURS]},
        ),
        (
            "BatchExecuteStatement",
            {"Statements": [{"Statement": "select * from others"}, {"Statement": "select * from words"}]},
            {"Responses": [{"Item": OTHER}, {"Error": {"Item": STORED}}]},
            {"Responses": [{"Item": OTHER}, {"Error": {"Item": OURS}}]},
        ),
    ],
)
def test_items_of_replies_are_loaded(action: str, body: Any, reply: Any, loaded: Any) -> None:
    assert send(Call(action, body, "words"), reply)[1] == loaded


def test_items_of_errors_are_loaded() -> None:
    failed = ConditionalCheckFailedError("no", current_item=STORED)
    with pytest.raises(ConditionalCheckFailedError):
        send(Call("DeleteItem", {"TableName": "words", "Key": {}}, "words"), failed)
    assert failed.current_item == OURS
    reasons = [CancellationReason("None"), CancellationReason("ConditionalCheckFailed", "no", STORED)]
    canceled = TransactionCanceledError("no", reasons=reasons)
    actions = [{"Delete": {"TableName": "others"}}, {"Delete": {"TableName": "words"}}]
    with pytest.raises(TransactionCanceledError):
        send(Call("TransactWriteItems", {"TransactItems": actions}, "words"), canceled)
    assert [reason.item for reason in canceled.reasons] == [None, OURS]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("UpdateItem", {"TableName": "words", "UpdateExpression": "SET word = :v"}),
        (
            "UpdateItem",
            {
                "TableName": "words",
                "UpdateExpression": "SET #0 = :v",
                "ExpressionAttributeNames": {"#0": "word"},
            },
        ),
        ("UpdateItem", {"TableName": "words", "AttributeUpdates": {"word": {}}}),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Update": {"TableName": "words", "UpdateExpression": "REMOVE word"}}]},
        ),
        ("ExecuteStatement", {"Statement": "UPDATE words SET word = ?"}),
        ("BatchExecuteStatement", {"Statements": [{"Statement": "INSERT INTO words VALUE {'word': ?}"}]}),
    ],
)
def test_what_would_write_a_part_in_the_wrong_form_is_refused(action: str, body: Any) -> None:
    with pytest.raises(ValidationError, match="word of words is stored in another form by Reversed"):
        send(Call(action, body, "words"), {})


@pytest.mark.parametrize("expression", ["SET note = :word", "SET note.word = :v", "ADD words_read :one"])
def test_an_update_of_other_attributes_is_sent_as_it_is(expression: str) -> None:
    body = {"TableName": "words", "UpdateExpression": expression}
    assert send(Call("UpdateItem", body, "words"), {})[0].body == body


def test_a_call_to_another_table_is_left_alone() -> None:
    call = Call("PutItem", {"TableName": "others", "Item": OTHER}, "others")
    assert send(call, {"Attributes": OTHER}) == (call, {"Attributes": OTHER})
    create = Call("ListTables", {})
    assert send(create, {"TableNames": []}) == (create, {"TableNames": []})
