"""The three transports against real engines, each scenario once for each of them."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.faults import FaultServer, alter, forward, reset_after_apply, server_error, truncate

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.asyncio import AsyncioTransport
from dynamodb_wrapper.wire.blocking import BlockingTransport
from dynamodb_wrapper.wire.botocore import AsyncBotocoreTransport

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

Transport = Callable[[Call, float], Awaitable[bytes]]
Make = Callable[..., Transport]


@pytest.fixture(params=["blocking", "asyncio", "botocore"])
async def make(request: pytest.FixtureRequest, config: DynamoDBConfig) -> AsyncIterator[Make]:
    """`make()` is a transport for the engine; `make(endpoint_url=...)` changes the configuration."""
    made: list[BlockingTransport | AsyncioTransport | AsyncBotocoreTransport] = []

    def transport(**changes: Any) -> Transport:
        changed = config.model_copy(update=changes)
        if request.param == "blocking":
            blocking = BlockingTransport(changed)
            made.append(blocking)
            return lambda call, deadline: asyncio.to_thread(blocking, call, deadline)
        awaiting = (AsyncioTransport if request.param == "asyncio" else AsyncBotocoreTransport)(changed)
        made.append(awaiting)
        return awaiting

    yield transport
    for each in made:
        each.close()
    await asyncio.sleep(0)


@pytest.fixture
async def table(config: DynamoDBConfig) -> AsyncIterator[str]:
    """A table with the key `pk`, empty."""
    transport = BlockingTransport(config)
    name = config.get_table_name("transports")
    definition = {
        "TableName": name,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    transport(Call("CreateTable", definition, name), soon())
    yield name
    transport(Call("DeleteTable", {"TableName": name}, name), soon())
    transport.close()


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


def put(table: str, key: str, **attributes: Any) -> Call:
    return Call("PutItem", {"TableName": table, "Item": {"pk": {"S": key}, **attributes}}, table)


def get(table: str, key: str) -> Call:
    return Call("GetItem", {"TableName": table, "Key": {"pk": {"S": key}}}, table)


def add(table: str, key: str) -> Call:
    body = {
        "TableName": table,
        "Key": {"pk": {"S": key}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return Call("UpdateItem", body, table, repeatable=False)


async def test_every_type_comes_back_as_it_was_sent(make: Make, table: str) -> None:
    binary = base64.b64encode(bytes(range(256))).decode()
    item = {
        "s": {"S": '\u00e9\U0001f600\x00"\\'},
        "n": {"N": "12345678901234567890123456789012345678"},
        "b": {"B": binary},
        "bs": {"BS": [binary]},
        "ss": {"SS": ["a"]},
        "ns": {"NS": ["1.5"]},
        "bool": {"BOOL": True},
        "null": {"NULL": True},
        "m": {"M": {"l": {"L": [{"B": binary}, {"M": {}}]}}},
    }
    transport = make()
    await transport(put(table, "a", **item), soon())
    assert json.loads(await transport(get(table, "a"), soon())) == {"Item": {"pk": {"S": "a"}, **item}}


async def test_many_calls_at_once(make: Make, table: str) -> None:
    transport = make(max_pool_connections=4)
    await asyncio.gather(*(transport(put(table, f"k{n}", n={"N": str(n)}), soon()) for n in range(60)))
    replies = await asyncio.gather(*(transport(get(table, f"k{n}"), soon()) for n in range(60)))
    assert [json.loads(reply)["Item"]["n"]["N"] for reply in replies] == [str(n) for n in range(60)]


async def test_a_page_of_a_megabyte(make: Make, table: str) -> None:
    transport = make()
    for n in range(4):
        await transport(put(table, f"k{n}", text={"S": "x" * 300_000}), soon())
    page = json.loads(await transport(Call("Scan", {"TableName": table}, table), soon()))
    assert page["Count"] in (3, 4)
    assert all(len(item["text"]["S"]) == 300_000 for item in page["Items"])


async def test_a_missing_table(make: Make, config: DynamoDBConfig) -> None:
    name = config.get_table_name("nowhere")
    with pytest.raises(exc.TableNotFoundError, match=name) as caught:
        await make()(get(name, "a"), soon())
    assert caught.value.context["service_code"] == "ResourceNotFoundException"


async def test_a_failed_condition_carries_the_item(make: Make, table: str) -> None:
    transport = make()
    await transport(put(table, "a", b={"B": "AAE="}), soon())
    body = {
        **put(table, "a").body,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(exc.ConditionalCheckFailedError) as caught:
        await transport(Call("PutItem", body, table), soon())
    assert caught.value.current_item == {"pk": {"S": "a"}, "b": {"B": "AAE="}}


async def test_a_cancelled_transaction_has_a_reason_for_each_action(make: Make, table: str) -> None:
    transport = make()
    await transport(put(table, "a"), soon())
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    actions = [{"Put": put(table, "b").body}, {"Put": {**put(table, "a").body, **condition}}]
    with pytest.raises(exc.TransactionCanceledError) as caught:
        await transport(Call("TransactWriteItems", {"TransactItems": actions}, table), soon())
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
    assert not caught.value.retryable
    assert json.loads(await transport(get(table, "b"), soon())) == {}


async def test_a_wrong_request_and_an_item_too_large_write_nothing(make: Make, table: str) -> None:
    transport = make()
    for wrong in (put(table, ""), put(table, "k" * 2049), put(table, "big", text={"S": "x" * 410_000})):
        with pytest.raises(exc.ValidationError):
            await transport(wrong, soon())
    assert json.loads(await transport(Call("Scan", {"TableName": table}, table), soon()))["Count"] == 0


async def test_a_table_that_exists_already(make: Make, table: str) -> None:
    definition = {
        "TableName": table,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    with pytest.raises(exc.ResourceInUseError):
        await make()(Call("CreateTable", definition, table), soon())


@pytest.mark.parametrize("fault", [reset_after_apply(), truncate(), alter(), server_error(applied=True)])
async def test_a_write_whose_reply_is_lost_was_applied_once_and_its_outcome_is_unknown(
    make: Make, table: str, config: DynamoDBConfig, fault: Any
) -> None:
    with FaultServer([forward(), fault], upstream=config.endpoint_url) as proxy:
        transport = make(endpoint_url=proxy.url)
        await transport(add(table, "counter"), soon())
        with pytest.raises(exc.DynamoDBWrapperError) as caught:
            await transport(add(table, "counter"), soon())
        assert caught.value.outcome_unknown
        assert caught.value.retryable
        stored = json.loads(await transport(get(table, "counter"), soon()))
    assert stored["Item"]["n"] == {"N": "2"}
