"""The transport through botocore, for its proxies, its settings, its Stubber, and whoever trusts it more.

Knows botocore's clients and how its parameters differ from the wire: bytes where the JSON has base64 text,
datetimes where it has seconds. Must not know what a call says. botocore's own retries are off, for the layers
repeat calls. What came over the network is examined as the other transports do it, checksum included; only an
answer that never was on a network, such as a Stubber's, is taken as botocore gives it.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    ConnectionError,
    DynamoDBWrapperError,
    ValidationError,
)
from dynamodb_wrapper.wire import errors, failures
from dynamodb_wrapper.wire.credentials import CredentialSource
from dynamodb_wrapper.wire.endpoint import STREAMS_ACTIONS, Endpoint, parse
from dynamodb_wrapper.wire.http import Origin, Reply, encode

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.engine.flow import Call


class BotocoreTransport:
    """Sends calls through botocore, blocking; may be shared by threads.

    A call that has begun ends with botocore's own time-outs (`timeout_seconds`,
    `connect_timeout_seconds`); the deadline is looked at before it begins.

    Parameters:
        config: endpoint, credentials, pool size and time-outs of the clients that are made.
        client: a client for "dynamodb" made elsewhere, such as one under a Stubber; it keeps its settings.
        streams_client: the same for "dynamodbstreams".
    """

    def __init__(
        self,
        config: DynamoDBConfig,
        *,
        client: BaseClient | None = None,
        streams_client: BaseClient | None = None,
    ) -> None:
        self._config = config
        self._raw = threading.local()
        self._clients: dict[str, Any] = {}
        for service, given in (("dynamodb", client), ("dynamodbstreams", streams_client)):
            if given is not None:
                self._clients[service] = self._listen(given)

    def __call__(self, call: Call, deadline: float) -> bytes:
        """The body of the reply to a call; parameters and errors as of the other transports."""
        client = self._client_for(call)
        endpoint = parse(client.meta.endpoint_url, client.meta.region_name)
        if monotonic() >= deadline:
            raise failures.too_late(call, endpoint, "its turn")
        self._raw.reply = None
        answer: dict[str, Any] = {}
        failure: Exception | None = None
        try:
            operation = client.meta.service_model.operation_model(call.action)
            parameters = _to_botocore(msgspec.json.decode(encode(call)), operation.input_shape)
            answer = client._make_api_call(call.action, parameters)
        except DynamoDBWrapperError:
            raise
        except Exception as error:
            failure = error
        raw: Reply | None = self._raw.reply
        if raw is not None:
            return Origin(endpoint).result(call, *raw)
        if failure is not None:
            raise _translated(failure, call, endpoint) from failure
        answer.pop("ResponseMetadata", None)
        return msgspec.json.encode(_to_wire(answer))

    def close(self) -> None:
        """Close the clients' connections. May be called twice."""
        for client in self._clients.values():
            client.close()

    def _client_for(self, call: Call) -> Any:
        service = "dynamodbstreams" if call.action in STREAMS_ACTIONS else "dynamodb"
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._listen(_client(service, self._config))
        return client

    def _listen(self, client: Any) -> Any:
        client.meta.events.register("before-parse", self._keep_raw)
        return client

    def _keep_raw(self, response_dict: dict[str, Any], **_: Any) -> None:
        headers = {name.encode(): str(text).encode() for name, text in response_dict["headers"].items()}
        self._raw.reply = response_dict["status_code"], headers, response_dict["body"]


class AsyncBotocoreTransport:
    """`BotocoreTransport` for the asynchronous face: each call runs in a thread.

    A call that is cancelled is no longer waited for, but its thread carries it to its end.

    Parameters:
        config: as of `BotocoreTransport`; as many threads as `max_pool_connections` may run.
        client: as of `BotocoreTransport`.
        streams_client: as of `BotocoreTransport`.
    """

    def __init__(
        self,
        config: DynamoDBConfig,
        *,
        client: BaseClient | None = None,
        streams_client: BaseClient | None = None,
    ) -> None:
        self.blocking = BotocoreTransport(config, client=client, streams_client=streams_client)
        self._threads = ThreadPoolExecutor(
            config.max_pool_connections, thread_name_prefix="dynamodb-botocore"
        )

    async def __call__(self, call: Call, deadline: float) -> bytes:
        """The body of the reply to a call; parameters and errors as of the other transports."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.blocking, call, deadline)

    def close(self) -> None:
        """Close the connections and let the threads end. May be called twice."""
        self._threads.shutdown(wait=False)
        self.blocking.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()


def _client(service: str, config: DynamoDBConfig) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    given = CredentialSource(config).current()
    return Session(profile=config.profile_name).create_client(
        service,
        region_name=config.region_name,
        endpoint_url=config.endpoint_url,
        aws_access_key_id=given.access_key if given else None,
        aws_secret_access_key=given.secret_key if given else None,
        aws_session_token=given.token if given else None,
        config=Config(
            max_pool_connections=config.max_pool_connections,
            read_timeout=config.timeout_seconds,
            connect_timeout=config.connect_timeout_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )


def _to_botocore(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        members = shape.members
        return {
            name: _to_botocore(part, members[name]) if name in members else part
            for name, part in value.items()
        }
    if shape.type_name == "map":
        return {name: _to_botocore(part, shape.value) for name, part in value.items()}
    if shape.type_name == "list":
        return [_to_botocore(part, shape.member) for part in value]
    return b64decode(value) if shape.type_name == "blob" else value


def _to_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_wire(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_to_wire(part) for part in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return b64encode(value).decode() if isinstance(value, bytes | bytearray) else value


def _translated(error: Exception, call: Call, endpoint: Endpoint) -> DynamoDBWrapperError:
    from botocore import exceptions as boto

    asked, context = failures.asked(call), failures.context(call)
    match error:
        case boto.ClientError():
            return _refusal(error.response, call, endpoint)
        case boto.ParamValidationError():
            return ValidationError(f"botocore refuses {asked}: {error}", error, context)
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            return AuthenticationError(f"botocore has no credentials for {asked}: {error}", error, context)
        case boto.ReadTimeoutError():
            return failures.too_late(call, endpoint, "the reply", sent=True)
        case boto.SSLError():
            return failures.untrusted(call, endpoint, error)
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ProxyConnectionError():
            return failures.unreachable(call, endpoint, error)
        case boto.HTTPClientError():
            return failures.broken_off(call, endpoint, error, sent=True)
    unexpected = ConnectionError(f"botocore failed at {asked}: {error}", error, context)
    unexpected.retryable = False
    return unexpected


def _refusal(response: Mapping[str, Any], call: Call, endpoint: Endpoint) -> DynamoDBWrapperError:
    metadata = response.get("ResponseMetadata", {})
    said = response.get("Error", {})
    return errors.service_error(
        call,
        endpoint,
        int(metadata.get("HTTPStatusCode", 400)),
        errors.error_code(str(said.get("Code", ""))),
        _to_wire({"message": said.get("Message", ""), **response}),
        {"x-amzn-requestid": metadata.get("RequestId", ""), **metadata.get("HTTPHeaders", {})},
    )
