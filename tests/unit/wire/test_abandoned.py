"""Calls that are given up: by their deadline, by a cancellation, by the end of their client or of their loop.

Whatever the connection was doing at that moment, it is closed: no socket is left open, nor to the garbage
collector.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.faults import FaultServer, deaf_server, reply
from tests.support.open_sockets import all_closed, needs_list

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.wire.asyncio import AsyncioTransport
from dynamodb_wrapper.wire.blocking import BlockingTransport

GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")
SERVERS = ["silent", "deaf", "answering", "half", "silent tls", "answering tls"]
CALLS = 3

pytestmark = needs_list


class Peer:
    """A server that takes calls in one way; only its listener is a socket of this process while it waits."""

    def __init__(self, kind: str, authority: tuple[Path, Path], stack: ExitStack) -> None:
        self.kind = kind
        scheme = "https" if "tls" in kind else "http"
        if kind == "deaf":
            self.url = f"http://127.0.0.1:{stack.enter_context(deaf_server()).getsockname()[1]}"
        elif kind.startswith("silent"):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=99))
            self.url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        else:
            tls = None
            if scheme == "https":
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                tls.load_cert_chain(*authority)
            half = reply(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}")
            script = iter(lambda: half, None) if kind == "half" else ()
            self.url = stack.enter_context(FaultServer(script, tls=tls)).url


@pytest.fixture(params=SERVERS)
def peer(
    request: pytest.FixtureRequest, own_authority: tuple[Path, Path], monkeypatch: Any
) -> Iterator[Peer]:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(own_authority[0]))
    with ExitStack() as stack:
        yield Peer(request.param, own_authority, stack)


def begun(transport: AsyncioTransport, seconds: float) -> list[asyncio.Task[bytes]]:
    deadline = time.monotonic() + seconds
    return [asyncio.ensure_future(transport(GET, deadline)) for _ in range(CALLS)]


async def after(moments: int) -> None:
    """So many steps of the loop; the last moment is a while, in which all is done that will be."""
    for _ in range(moments):
        await asyncio.sleep(0)
    if moments == MOMENTS[-1]:
        await asyncio.sleep(0.1)


async def cancelled(transport: AsyncioTransport, moments: int) -> None:
    tasks = begun(transport, 20)
    await after(moments)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    transport.close()


async def left_to_the_loop(transport: AsyncioTransport, moments: int) -> None:
    begun(transport, 20)
    await after(moments)


async def closed_meanwhile(transport: AsyncioTransport, moments: int) -> None:
    tasks = begun(transport, 0.05)
    await after(moments)
    transport.close()
    await asyncio.gather(*tasks, return_exceptions=True)


async def timed_out(transport: AsyncioTransport, moments: int) -> None:
    await asyncio.gather(*begun(transport, moments * 0.0005), return_exceptions=True)
    transport.close()


async def timed_out_from_outside(transport: AsyncioTransport, moments: int) -> None:
    async def ask() -> None:
        async with asyncio.timeout(moments * 0.0005):
            await asyncio.gather(*begun(transport, 20))

    await asyncio.gather(ask(), return_exceptions=True)


MOMENTS = range(16)
"""More steps of the loop than any of them needs to connect and to send."""


@pytest.mark.parametrize(
    "end", [cancelled, left_to_the_loop, closed_meanwhile, timed_out, timed_out_from_outside]
)
def test_a_call_that_is_given_up_at_any_moment_leaves_no_socket_open(
    peer: Peer, settings: Any, end: Callable[[AsyncioTransport, int], Awaitable[None]]
) -> None:
    async def scenario(moments: int) -> None:
        await end(AsyncioTransport(settings(endpoint_url=peer.url)), moments)

    with all_closed():
        for moments in MOMENTS:
            asyncio.run(scenario(moments))


@pytest.mark.parametrize("peer", ["answering tls"], indirect=True)
def test_a_handshake_that_ends_just_when_its_time_is_over_leaves_no_socket_open(
    peer: Peer, settings: Any
) -> None:
    async def scenario(moments: int) -> None:
        tasks = begun(AsyncioTransport(settings(endpoint_url=peer.url)), 0.1)
        await after(moments)
        time.sleep(0.15)  # noqa: ASYNC251 - the answer and the timeout come in one step of the loop
        await asyncio.gather(*tasks, return_exceptions=True)

    with all_closed():
        for moments in MOMENTS[2:12]:
            asyncio.run(scenario(moments))


@pytest.mark.parametrize("end", [cancelled, closed_meanwhile, timed_out])
async def test_it_is_closed_while_the_loop_goes_on(peer: Peer, settings: Any, end: Any) -> None:
    kept = []
    with all_closed():
        for moments in MOMENTS[::3]:
            kept.append(AsyncioTransport(settings(endpoint_url=peer.url)))
            await end(kept[-1], moments)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("closed", [False, True])
def test_a_blocking_call_that_is_given_up_leaves_no_socket_open(
    peer: Peer, settings: Any, closed: bool
) -> None:
    def ask(transport: BlockingTransport, seconds: float) -> None:
        with suppress(DynamoDBWrapperError):
            transport(GET, time.monotonic() + seconds)

    with all_closed():
        for milliseconds in (0, 1, 5, 100):
            transport = BlockingTransport(settings(endpoint_url=peer.url))
            threads = [threading.Thread(target=ask, args=(transport, 0.15)) for _ in range(CALLS)]
            if not closed:
                threads = [
                    threading.Thread(target=ask, args=(transport, milliseconds / 1000)) for _ in range(CALLS)
                ]
            for thread in threads:
                thread.start()
            if closed:
                time.sleep(milliseconds / 1000)
                transport.close()
            for thread in threads:
                thread.join()
            transport.close()
