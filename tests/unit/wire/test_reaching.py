from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.faults import deaf_server
from tests.support.open_sockets import all_closed, needs_list

from dynamodb_wrapper.wire.reaching import reach

LOCAL = ("127.0.0.1", 0)


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`addresses(a, b)` are those of every name from now on."""

    def give(*places: Any) -> None:
        def found(name: bytes, port: int, *_: Any, **given: Any) -> list[Any]:
            if given.get("flags") == socket.AI_NUMERICHOST:
                raise socket.gaierror
            families = [socket.AF_INET6 if ":" in place[0] else socket.AF_INET for place in places]
            return [
                (family, socket.SOCK_STREAM, 0, "", place)
                for family, place in zip(families, places, strict=True)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return give


async def reached(host: str = "two.example", port: int = 1) -> Any:
    with await reach(asyncio.get_running_loop(), host, port) as connected:
        assert not connected.getblocking()
        return connected.getpeername()


async def test_a_name_and_a_number_are_reached() -> None:
    with socket.create_server(LOCAL) as server:
        for host in ("127.0.0.1", "localhost"):
            assert await reached(host, server.getsockname()[1]) == server.getsockname()


async def test_the_next_address_is_tried_when_one_fails(addresses: Any) -> None:
    with socket.create_server(LOCAL) as server, socket.create_server(LOCAL) as closed:
        dead = closed.getsockname()
        closed.close()
        addresses(dead, server.getsockname())
        assert await reached() == server.getsockname()
        addresses(dead, dead)
        with pytest.raises(ConnectionRefusedError):
            await reached()


async def test_the_next_address_is_tried_when_one_does_not_answer(addresses: Any) -> None:
    with deaf_server() as deaf, socket.create_server(LOCAL) as server:
        addresses(deaf.getsockname(), server.getsockname())
        async with asyncio.timeout(20):
            assert await reached() == server.getsockname()


async def test_the_families_take_turns(addresses: Any) -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    with (
        deaf_server() as deaf,
        socket.create_server(LOCAL) as other,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as of_ipv6,
    ):
        addresses(deaf.getsockname(), other.getsockname(), of_ipv6.getsockname())
        async with asyncio.timeout(20):
            assert await reached() == of_ipv6.getsockname()


async def test_a_host_without_an_address_is_a_failure(addresses: Any) -> None:
    addresses()
    with pytest.raises(OSError, match="no address"):
        await reached()


@needs_list
@pytest.mark.parametrize("cancelled", [True, False])
def test_whenever_it_is_given_up_no_socket_is_left_open(addresses: Any, cancelled: bool) -> None:
    async def scenario(moments: int) -> None:
        task = asyncio.ensure_future(reached())
        for _ in range(moments):
            await asyncio.sleep(0)
        if moments > 15:
            await asyncio.sleep(0.27)  # the second address is tried by then
        if cancelled:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    with deaf_server() as deaf, socket.create_server(LOCAL, backlog=200) as server:
        for places in ((server, server), (deaf, deaf), (deaf, server)):
            addresses(*(place.getsockname() for place in places))
            with all_closed():
                for moments in range(18):
                    asyncio.run(scenario(moments))
