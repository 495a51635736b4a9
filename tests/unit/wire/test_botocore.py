from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import Stubber
from tests.support.faults import (
    FaultServer,
    alter,
    answered,
    html,
    refuse,
    reply,
    reset_before_apply,
    slow,
    throttle,
    truncate,
)

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.botocore import AsyncBotocoreTransport, BotocoreTransport

pytestmark = pytest.mark.usefixtures("botocore_data")

GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")
BYTES = base64.b64encode(b"\x00\xffraw").decode()
ITEM = {
    "pk": {"S": "a"},
    "b": {"B": BYTES},
    "bs": {"BS": [BYTES]},
    "m": {"M": {"deep": {"L": [{"B": BYTES}, {"N": "12345678901234567890123456789012345678"}]}}},
    "ns": {"NS": ["1", "2"]},
    "no": {"NULL": True},
}


@pytest.fixture
def stubbed(settings: Any) -> Iterator[tuple[BotocoreTransport, Stubber]]:
    client = Session().create_client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    transport = BotocoreTransport(settings(), client=client)
    with Stubber(client) as stubber:
        yield transport, stubber
    transport.close()


def test_nothing_of_boto3_is_changed() -> None:
    code = """
import pkgutil, sys
import boto3.dynamodb.conditions, boto3.dynamodb.types, botocore.client, botocore.parsers, botocore.session
import botocore.awsrequest, botocore.httpsession

def state():
    classes = [
        (module, thing)
        for name, module in sys.modules.items() if name.split(".")[0] in ("boto3", "botocore")
        for thing in vars(module).values() if isinstance(thing, type) and thing.__module__ == name
    ]
    return {thing: dict(vars(thing)) for _, thing in classes}

before = state()
import dynamodb_wrapper
from dynamodb_wrapper import core, local, models, operations, query, repositories, wire
from dynamodb_wrapper.wire import botocore as transport, moto
with dynamodb_wrapper.DynamoDB(dynamodb_wrapper.DynamoDBConfig.for_local_development()):
    after = state()
assert len(before) > 100
assert [thing for thing in before if after[thing] != before[thing]] == []
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_call_has_the_same_body_on_the_wire_as_with_the_other_transports(settings: Any, soon: Any) -> None:
    put = Call("PutItem", {"TableName": "orders", "Item": ITEM}, "orders")
    with FaultServer([reply(answered({"Attributes": ITEM}))]) as server:
        transport = BotocoreTransport(settings(endpoint_url=server.url))
        assert json.loads(transport(put, soon())) == {"Attributes": ITEM}
        assert server.requests[0].json == put.body
        transport.close()
        transport.close()


def test_a_stubber_answers_in_place_of_the_network(
    stubbed: tuple[BotocoreTransport, Stubber], soon: Any
) -> None:
    transport, stubber = stubbed
    raw = {"pk": {"S": "a"}, "b": {"B": b"\x00\xffraw"}}
    stubber.add_response("get_item", {"Item": raw}, {"TableName": "orders", "Key": {"pk": {"S": "a"}}})
    assert json.loads(transport(GET, soon())) == {"Item": {"pk": {"S": "a"}, "b": {"B": BYTES}}}


def test_times_of_a_stubber_are_seconds_as_on_the_wire(
    stubbed: tuple[BotocoreTransport, Stubber], soon: Any
) -> None:
    transport, stubber = stubbed
    stubber.add_response("describe_table", {"Table": {"CreationDateTime": 1795246200.5}})
    described = transport(Call("DescribeTable", {"TableName": "orders"}, "orders"), soon())
    assert json.loads(described) == {"Table": {"CreationDateTime": 1795246200.5}}


def test_errors_of_a_stubber_are_those_of_the_service(
    stubbed: tuple[BotocoreTransport, Stubber], soon: Any
) -> None:
    transport, stubber = stubbed
    stubber.add_client_error(
        "put_item",
        "ConditionalCheckFailedException",
        "no",
        modeled_fields={"Item": {"b": {"B": b"\x00\xffraw"}}},
    )
    put = Call("PutItem", {"TableName": "orders", "Item": ITEM}, "orders")
    with pytest.raises(exc.ConditionalCheckFailedError) as caught:
        transport(put, soon())
    assert caught.value.current_item == {"b": {"B": BYTES}}


@pytest.mark.parametrize(
    ("fault", "cls", "outcome_unknown"),
    [
        (throttle(retry_after_ms=250), exc.ProvisionedThroughputExceededError, False),
        (refuse("InternalServerError", 500), exc.RetryableError, True),
        (refuse("ResourceNotFoundException"), exc.TableNotFoundError, False),
        (html(), exc.ConnectionError, True),
        (html(502), exc.ConnectionError, True),
        (alter(), exc.ConnectionError, True),
        (truncate(), exc.ConnectionError, True),
        (reset_before_apply(), exc.ConnectionError, True),
    ],
)
def test_failures_are_those_of_the_other_transports_and_nothing_is_sent_twice(
    settings: Any, soon: Any, fault: Any, cls: type[exc.DynamoDBWrapperError], outcome_unknown: bool
) -> None:
    with FaultServer([fault]) as server:
        transport = BotocoreTransport(settings(endpoint_url=server.url))
        with pytest.raises(cls) as caught:
            transport(GET, soon())
        assert type(caught.value) is cls
        assert caught.value.outcome_unknown is outcome_unknown
        assert len(server.requests) == 1
        if isinstance(caught.value, exc.ProvisionedThroughputExceededError):
            assert caught.value.retry_after_seconds == 0.25
            assert caught.value.reasons[0].resource.startswith("arn:")
        transport.close()


def test_a_reply_that_does_not_come(settings: Any, soon: Any) -> None:
    with FaultServer([slow(5)]) as server:
        transport = BotocoreTransport(settings(endpoint_url=server.url, timeout_seconds=0.3))
        with pytest.raises(exc.DeadlineExceededError) as caught:
            transport(GET, soon())
        assert caught.value.outcome_unknown
        transport.close()


def test_nothing_is_sent_after_the_deadline(settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        transport = BotocoreTransport(settings(endpoint_url=server.url))
        with pytest.raises(exc.DeadlineExceededError):
            transport(GET, soon(-1))
        assert server.requests == []
        transport.close()


def test_nobody_listens(settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        url = server.url
    transport = BotocoreTransport(settings(endpoint_url=url))
    with pytest.raises(exc.ConnectionError, match=f"Cannot reach {url}") as caught:
        transport(GET, soon())
    assert not caught.value.outcome_unknown
    transport.close()


def test_what_botocore_does_not_know_is_refused(settings: Any, soon: Any) -> None:
    transport = BotocoreTransport(settings(endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(exc.ValidationError, match="Unknown parameter"):
        transport(Call("GetItem", {**GET.body, "Nonsense": 1}, "orders"), soon())
    with pytest.raises(exc.ConnectionError, match="NoSuchAction") as caught:
        transport(Call("NoSuchAction", {}), soon())
    assert not caught.value.retryable
    transport.close()


def test_no_credentials(soon: Any) -> None:
    transport = BotocoreTransport(DynamoDBConfig(endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(exc.AuthenticationError, match="no credentials"):
        transport(GET, soon())
    transport.close()


def test_streams_have_a_client_of_their_own(settings: Any, soon: Any) -> None:
    with FaultServer([reply(answered({"Streams": []}))]) as server:
        transport = BotocoreTransport(settings(endpoint_url=server.url))
        assert json.loads(transport(Call("ListStreams", {}), soon())) == {"Streams": []}
        assert server.requests[0].headers["x-amz-target"] == "DynamoDBStreams_20120810.ListStreams"
        transport.close()


async def test_the_asynchronous_face_runs_it_in_threads(settings: Any, soon: Any) -> None:
    with FaultServer([slow(0.3)] * 5) as server:
        transport = AsyncBotocoreTransport(settings(endpoint_url=server.url))
        calls = [asyncio.ensure_future(transport(GET, soon())) for _ in range(5)]
        await asyncio.to_thread(server.wait_for, 5)
        assert await asyncio.gather(*calls) == [b"{}"] * 5
        await transport.aclose()
        await transport.aclose()
