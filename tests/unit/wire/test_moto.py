from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.support.faults import FaultServer

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call

TABLE = {
    "TableName": "orders",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ITEM = {"pk": {"S": "a"}, "b": {"B": "AAE="}, "n": {"N": "1.5"}}
PUT = Call("PutItem", {"TableName": "orders", "Item": ITEM}, "orders")
GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")


async def test_calls_go_to_the_mock_that_boto3_sees_too(face: Any, settings: Any, soon: Any) -> None:
    transport = face(settings(region_name="eu-west-1"))
    with mock_aws():  # later than the transport was made
        await transport(Call("CreateTable", TABLE, "orders"), soon())
        await transport(PUT, soon())
        assert json.loads(await transport(GET, soon())) == {"Item": ITEM}
        client = boto3.client("dynamodb", "eu-west-1")
        assert client.get_item(**GET.body)["Item"]["b"] == {"B": b"\x00\x01"}
        with pytest.raises(exc.TableNotFoundError):
            await transport(Call("GetItem", {**GET.body, "TableName": "none"}, "none"), soon())
        assert json.loads(await transport(Call("ListStreams", {}), soon())) == {"Streams": []}


async def test_a_local_endpoint_is_not_mocked(face: Any, settings: Any, soon: Any) -> None:
    with mock_aws(), FaultServer() as server:
        assert await face(settings(endpoint_url=server.url))(GET, soon()) == b"{}"
        assert len(server.requests) == 1


async def test_after_the_mock_calls_go_to_the_network_again(face: Any, settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        transport = face(settings(endpoint_url=server.url))
        with mock_aws():
            pass
        assert await transport(GET, soon()) == b"{}"


async def test_a_mock_in_server_mode_keeps_calls_from_aws(
    face: Any, settings: Any, soon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import moto.core.models

    monkeypatch.setattr(moto.core.models.ServerModeMockAWS, "_mocks_active", True)
    with pytest.raises(exc.ConnectionError, match="set endpoint_url to the address of moto's server"):
        await face(settings())(GET, soon())


def test_moto_is_not_loaded_by_a_transport() -> None:
    code = (
        "import sys, dynamodb_wrapper.wire.blocking, dynamodb_wrapper.wire.asyncio;"
        "print([name for name in sys.modules if name.split('.')[0] in ('moto', 'botocore', 'boto3')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
