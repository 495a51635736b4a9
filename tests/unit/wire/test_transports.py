"""What both transports do alike, each scenario once."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.faults import (
    FaultServer,
    alter,
    answered,
    html,
    refuse,
    reply,
    reset_after_apply,
    reset_before_apply,
    slow,
    throttle,
    truncate,
)

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

Settings = Callable[..., "DynamoDBConfig"]
Soon = Callable[..., float]

GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")
ADD = Call("UpdateItem", {"TableName": "orders"}, "orders", repeatable=False)
FINE = reply(answered({"Item": {}}))


async def test_a_call_is_one_signed_post(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer([FINE]) as server:
        assert await face(settings(endpoint_url=server.url))(GET, soon()) == b'{"Item": {}}'
        (request,) = server.requests
    assert request.json == GET.body
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")


async def test_a_connection_is_kept_and_used_again(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer() as server:
        transport = face(settings(endpoint_url=server.url))
        for _ in range(5):
            await transport(GET, soon())
        assert (len(server.requests), server.connections) == (5, 1)


async def test_the_wish_to_close_is_honoured(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer([reply(answered(Connection="close"))] * 2) as server:
        transport = face(settings(endpoint_url=server.url))
        for _ in range(2):
            await transport(GET, soon())
        assert server.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_replaced(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer() as server:
        transport = face(settings(endpoint_url=server.url))
        await transport(ADD, soon())
        server.drop_connections()
        await asyncio.sleep(0.05)
        await transport(ADD, soon())
        assert (len(server.requests), server.connections) == (2, 2)


async def test_a_repeatable_call_survives_a_kept_connection_that_resets(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([FINE, reset_after_apply(), FINE]) as server:
        transport = face(settings(endpoint_url=server.url))
        await transport(GET, soon())
        assert await transport(GET, soon()) == b'{"Item": {}}'
        assert (len(server.requests), server.connections) == (3, 2)


async def test_another_call_on_a_kept_connection_that_resets_is_not_sent_again(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([FINE, reset_after_apply()]) as server:
        transport = face(settings(endpoint_url=server.url))
        await transport(GET, soon())
        with pytest.raises(exc.ConnectionError, match="broke the connection off") as caught:
            await transport(ADD, soon())
        assert caught.value.outcome_unknown
        assert caught.value.retryable
        assert len(server.requests) == 2


async def test_a_reset_of_a_new_connection_is_left_to_the_retry_layer(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([reset_before_apply()]) as server:
        with pytest.raises(exc.ConnectionError) as caught:
            await face(settings(endpoint_url=server.url))(GET, soon())
        assert caught.value.outcome_unknown
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (truncate(), "broke the connection off before the reply was complete"),
        (alter(), "altered on its way: its x-amz-crc32 is"),
        (html(), "is this a DynamoDB endpoint"),
        (html(502), "is this a DynamoDB endpoint"),
        (reply(answered(b"")), "beginning b''"),
        (reply(answered(b"[]")), "is this a DynamoDB endpoint"),
        (reply(answered(b'{"a":')), "is this a DynamoDB endpoint"),
        (reply(b"SSH-2.0-OpenSSH_9.9\r\n"), "did not answer GetItem on table 'orders' in HTTP/1.1"),
        (reply(answered().encoded() + b"HTTP/1.1 200 OK\r\n"), "more than one reply"),
        (reply(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000), "headers of more than"),
    ],
)
async def test_a_broken_reply_is_an_error_of_unknown_outcome_and_its_connection_is_not_used_again(
    face: Any, settings: Settings, soon: Soon, fault: Any, what: str
) -> None:
    with FaultServer([fault, FINE]) as server:
        transport = face(settings(endpoint_url=server.url))
        with pytest.raises(exc.ConnectionError, match=what) as caught:
            await transport(GET, soon())
        assert caught.value.outcome_unknown
        assert caught.value.retryable
        assert await transport(GET, soon()) == b'{"Item": {}}'


@pytest.mark.parametrize("status", [301, 404])
async def test_a_page_that_is_no_fault_of_the_server_is_not_worth_a_retry(
    face: Any, settings: Settings, soon: Soon, status: int
) -> None:
    with (
        FaultServer([html(status)]) as server,
        pytest.raises(exc.ConnectionError, match=f"HTTP {status}.*text/html.*Welcome") as caught,
    ):
        await face(settings(endpoint_url=server.url))(GET, soon())
    assert not caught.value.retryable
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    "encoded",
    [
        answered({"Item": {}}).encoded(),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"Item\r\n6\r\n": {}}\r\n0\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\n" + answered({"Item": {}}).encoded(),
        b'HTTP/1.1 200 OK\r\n\r\n{"Item": {}}',
    ],
    ids=["length", "chunked", "interim", "until the end"],
)
async def test_a_reply_may_come_byte_by_byte_in_any_framing(
    face: Any, settings: Settings, soon: Soon, encoded: bytes
) -> None:
    with FaultServer([reply(encoded, pieces=1, then_close=True)]) as server:
        assert await face(settings(endpoint_url=server.url))(GET, soon()) == b'{"Item": {}}'


async def test_large_bodies_pass_both_ways(face: Any, settings: Settings, soon: Soon) -> None:
    text = "x" * 3_000_000
    big = Call("PutItem", {"TableName": "orders", "Item": {"pk": {"S": text}}}, "orders")
    with FaultServer([reply(answered({"big": text}))]) as server:
        assert len(await face(settings(endpoint_url=server.url))(big, soon())) > 3_000_000
        assert server.requests[0].json == big.body


async def test_no_reply_before_the_deadline(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer([slow(8), FINE]) as server:
        transport = face(settings(endpoint_url=server.url))
        began = time.monotonic()
        with pytest.raises(exc.DeadlineExceededError, match="waiting for the reply") as caught:
            await transport(GET, soon(0.2))
        assert 0.1 < time.monotonic() - began < 6
        assert caught.value.outcome_unknown
        assert not caught.value.retryable
        assert await transport(GET, soon()) == b'{"Item": {}}'
        server.drop_connections()


async def test_calls_of_one_connection_have_each_their_own_deadline(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([FINE, slow(0.7), FINE, slow(8)]) as server:
        transport = face(settings(endpoint_url=server.url))
        await transport(GET, soon(0.3))
        await transport(GET, soon(30))  # answered when the time of the first is over
        await transport(GET, soon(30))
        began = time.monotonic()
        with pytest.raises(exc.DeadlineExceededError):
            await transport(GET, soon(0.2))
        assert time.monotonic() - began < 6
        assert server.connections == 1
        server.drop_connections()


async def test_a_reply_that_trickles_is_late_too(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer([reply(answered(), pieces=1, pause=0.1)]) as server:
        began = time.monotonic()
        with pytest.raises(exc.DeadlineExceededError):
            await face(settings(endpoint_url=server.url))(GET, soon(0.5))
        assert time.monotonic() - began < 6


async def test_a_deadline_in_the_past_sends_nothing(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer() as server:
        transport = face(settings(endpoint_url=server.url))
        with pytest.raises(exc.DeadlineExceededError) as fresh:
            await transport(ADD, soon(-1))
        await transport(GET, soon())
        with pytest.raises(exc.DeadlineExceededError) as kept:
            await transport(ADD, soon(-1))
        assert [request.action for request in server.requests] == ["GetItem"]
    assert not fresh.value.outcome_unknown
    assert not kept.value.outcome_unknown


async def test_nobody_listens(face: Any, settings: Settings, soon: Soon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(exc.ConnectionError, match=f"Cannot reach {url} .*is the endpoint right") as caught:
        await face(settings(endpoint_url=url))(ADD, soon())
    assert caught.value.retryable
    assert not caught.value.outcome_unknown
    assert caught.value.context == {"table": "orders", "operation": "UpdateItem"}


async def test_a_host_that_does_not_answer_in_time(face: Any, settings: Settings, soon: Soon) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as stack:
        for _ in range(3):  # a full queue of the listener leaves further connections without an answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(exc.ConnectionError, match=r"Cannot reach .*no answer in time") as caught:
            await face(settings(endpoint_url=url, connect_timeout_seconds=0.2))(ADD, soon())
        assert caught.value.retryable
        assert not caught.value.outcome_unknown
        with pytest.raises(exc.DeadlineExceededError, match="waiting for a connection") as late:
            await face(settings(endpoint_url=url))(ADD, soon(0.2))
        assert not late.value.outcome_unknown


async def test_a_host_that_does_not_exist(face: Any, settings: Settings, soon: Soon) -> None:
    with pytest.raises(exc.ConnectionError, match=r"Cannot reach http://nowhere\.invalid"):
        await face(settings(endpoint_url="http://nowhere.invalid"))(GET, soon())


async def test_a_full_pool_makes_calls_wait_until_their_deadline(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([slow(1)]) as server:
        transport = face(settings(endpoint_url=server.url, max_pool_connections=1))
        first = asyncio.ensure_future(transport(GET, soon()))
        await asyncio.to_thread(server.wait_for, 1)
        with pytest.raises(exc.DeadlineExceededError, match="all 1 are in use; raise max_pool_connections"):
            await transport(GET, soon(0.1))
        patient = asyncio.ensure_future(transport(GET, soon()))
        assert await first == await patient == b"{}"
        assert server.connections == 1


async def test_many_callers_share_a_small_pool(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer([slow(0.01)] * 25 + [truncate()] * 5) as server:
        transport = face(settings(endpoint_url=server.url, max_pool_connections=5))
        outcomes = await asyncio.gather(*(transport(GET, soon()) for _ in range(50)), return_exceptions=True)
        lost = [outcome for outcome in outcomes if outcome != b"{}"]
        assert len(lost) == 5
        assert all(isinstance(error, exc.ConnectionError) for error in lost)
        assert server.connections <= 5 + 5
        await asyncio.gather(*(transport(GET, soon()) for _ in range(50)))
        assert server.connections <= 5 + 5


async def test_bytes_that_nobody_asked_for_condemn_a_kept_connection(
    face: Any, settings: Settings, soon: Soon
) -> None:
    def chatter(exchange: Any) -> None:
        exchange.send(answered())
        time.sleep(0.05)
        exchange.send(answered({"Item": {"not": "mine"}}))

    with FaultServer([chatter, FINE]) as server:
        transport = face(settings(endpoint_url=server.url))
        assert await transport(GET, soon()) == b"{}"
        await asyncio.sleep(0.2)
        assert await transport(GET, soon()) == b'{"Item": {}}'
        assert server.connections == 2


async def test_what_the_service_refuses_leaves_the_connection_usable(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([refuse("ResourceNotFoundException"), throttle(retry_after_ms=1500)]) as server:
        transport = face(settings(endpoint_url=server.url))
        with pytest.raises(exc.TableNotFoundError) as missing:
            await transport(GET, soon())
        with pytest.raises(exc.ProvisionedThroughputExceededError) as throttled:
            await transport(GET, soon())
        assert server.connections == 1
    assert missing.value.context["request_id"] == "REQUEST"
    assert throttled.value.retry_after_seconds == 1.5
    assert throttled.value.reasons[0].reason == "TableWriteProvisionedThroughputExceeded"


async def test_the_actions_of_streams_share_a_custom_endpoint(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer() as server:
        await face(settings(endpoint_url=server.url))(Call("ListStreams", {}), soon())
        assert server.requests[0].headers["x-amz-target"] == "DynamoDBStreams_20120810.ListStreams"


def _server_context(own_authority: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own_authority)
    return context


async def test_an_unknown_authority_is_refused(
    face: Any, settings: Settings, soon: Soon, own_authority: tuple[Path, Path]
) -> None:
    with FaultServer(tls=_server_context(own_authority)) as server:
        with pytest.raises(exc.ConnectionError, match=r"self-signed.*AWS_CA_BUNDLE") as caught:
            await face(settings(endpoint_url=server.url))(GET, soon())
        assert not caught.value.retryable
        assert not caught.value.outcome_unknown
        assert server.requests == []


async def test_an_authority_in_the_bundle_is_trusted(
    face: Any,
    settings: Settings,
    soon: Soon,
    own_authority: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(own_authority[0]))
    with FaultServer([FINE, FINE, reset_before_apply(), FINE], tls=_server_context(own_authority)) as server:
        transport = face(settings(endpoint_url=server.url))
        for _ in range(3):
            assert await transport(GET, soon()) == b'{"Item": {}}'
        assert server.connections == 2


async def test_tls_to_a_server_that_speaks_something_else(face: Any, settings: Settings, soon: Soon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=_greet, args=(listener,))
        answering.start()
        with pytest.raises(exc.ConnectionError, match="No trusted TLS connection") as caught:
            await face(settings(endpoint_url=f"https://127.0.0.1:{listener.getsockname()[1]}"))(GET, soon())
        answering.join()
    assert not caught.value.outcome_unknown


def _greet(listener: socket.socket) -> None:
    accepted, _ = listener.accept()
    with accepted:
        accepted.recv(65536)
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def test_an_ipv6_endpoint(face: Any, settings: Settings, soon: Soon) -> None:
    try:
        server = FaultServer(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert await face(settings(endpoint_url=server.url))(GET, soon()) == b"{}"
        assert server.requests[0].headers["host"].startswith("[::1]:")


async def test_a_closed_transport_says_so(face: Any, settings: Settings, soon: Soon) -> None:
    with FaultServer() as server:
        transport = face(settings(endpoint_url=server.url))
        await transport(GET, soon())
        face.close()
        face.close()
        with pytest.raises(exc.ConnectionError, match="The transport is closed") as caught:
            await transport(GET, soon())
    assert not caught.value.retryable


async def test_closing_sends_those_away_who_wait_for_a_connection(
    face: Any, settings: Settings, soon: Soon
) -> None:
    with FaultServer([slow(0.5)]) as server:
        transport = face(settings(endpoint_url=server.url, max_pool_connections=1))
        first = asyncio.ensure_future(transport(GET, soon()))
        await asyncio.to_thread(server.wait_for, 1)
        second = asyncio.ensure_future(transport(GET, soon()))
        await asyncio.sleep(0.1)
        face.close()
        with pytest.raises(exc.ConnectionError, match="The transport is closed"):
            await second
        assert await first == b"{}"
