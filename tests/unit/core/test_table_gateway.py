from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncTableGateway,
    DynamoDB,
    DynamoDBConfig,
    TableGateway,
    create_async_table_gateway,
    create_table_gateway,
)
from dynamodb_wrapper.engine.flow import Call

CONTRACT = [
    "get_item",
    "query",
    "scan",
    "put_item",
    "update_item",
    "delete_item",
    "batch_get",
    "batch_writer",
    "transact_write_items",
    "transact_get_items",
    "execute_statement",
]


class Recorder:
    """A transport that keeps every call and answers with an empty object."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append(call)
        return msgspec.json.encode({})


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def gateway(recorder: Recorder) -> TableGateway:
    return TableGateway(DynamoDB(DynamoDBConfig(), transport=recorder), "dev_things")


@pytest.mark.parametrize("name", CONTRACT)
def test_both_faces_have_every_method_with_the_same_parameters_and_words(name: str) -> None:
    blocking, awaiting = getattr(TableGateway, name), getattr(AsyncTableGateway, name)
    assert inspect.signature(blocking).parameters == inspect.signature(awaiting).parameters
    assert blocking.__doc__
    if name != "batch_writer":
        assert blocking.__doc__ == awaiting.__doc__


def test_the_table_has_the_configured_prefix() -> None:
    config = DynamoDBConfig(table_prefix="dev_")
    with create_table_gateway(config, "things") as gateway:
        assert gateway.table_name == "dev_things"


async def test_the_awaiting_gateway_has_it_too() -> None:
    config = DynamoDBConfig(table_prefix="dev_")
    async with create_async_table_gateway(config, "things") as gateway:
        assert gateway.table_name == "dev_things"
        assert isinstance(gateway.client, AsyncDynamoDB)


def test_each_method_sends_its_action_for_the_table(gateway: TableGateway, recorder: Recorder) -> None:
    key = {"id": "a"}
    gateway.get_item(Key=key)
    gateway.query(KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "a"})
    gateway.scan()
    gateway.put_item(Item=key)
    gateway.update_item(Key=key, UpdateExpression="REMOVE x")
    gateway.delete_item(Key=key)
    sent = [(call.action, call.body["TableName"]) for call in recorder.calls]
    actions = ["GetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem"]
    assert sent == [(action, "dev_things") for action in actions]


def test_actions_of_a_transaction_are_about_the_table_unless_they_name_another(
    gateway: TableGateway, recorder: Recorder
) -> None:
    gets: list[dict[str, Any]] = [{"Get": {"Key": {}}}, {"Get": {"TableName": "other", "Key": {}}}]
    gateway.transact_get_items(TransactItems=gets)
    names = [action["Get"]["TableName"] for action in recorder.calls[0].body["TransactItems"]]
    assert names == ["dev_things", "other"]


def test_batch_get_sends_each_different_key_once(gateway: TableGateway, recorder: Recorder) -> None:
    gateway.batch_get([{"id": number % 150} for number in range(300)], ConsistentRead=True)
    requests = [call.body["RequestItems"]["dev_things"] for call in recorder.calls]
    assert sorted(len(request["Keys"]) for request in requests) == [50, 100]
    assert all(request["ConsistentRead"] for request in requests)
