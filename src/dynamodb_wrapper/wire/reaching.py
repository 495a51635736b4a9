"""Reaching an endpoint from an event loop: a connected socket, of whichever of its addresses answers first.

Knows addresses and sockets that are being connected. Must not know TLS, HTTP or pools. Whoever waits here may
be cancelled at any moment, also by the end of the loop, and no socket stays open; `loop.create_connection` of
Python 3.11 loses the one that it has just connected then.
"""

from __future__ import annotations

import asyncio
import socket
from itertools import chain, zip_longest
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.wire.sockets import name_of

Address: TypeAlias = tuple[Any, Any, int, str, Any]

NEXT_ADDRESS_AFTER: Final = 0.25
"""Seconds, as RFC 8305 recommends for trying several addresses."""


async def reach(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A connected socket, which does not block.

    Raises:
        OSError: the host has no address, or none could be reached: the last reason.
    """
    addresses = await _addresses(loop, host, port)
    if len(addresses) == 1:
        return await _connected(loop, addresses[0])
    return await _first(loop, addresses)


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[Address]:
    """The addresses of a host, those of the one family and of the other by turns."""
    name = name_of(host)
    try:  # a number needs no thread
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    families: dict[int, list[Address]] = {}
    for address in found:
        families.setdefault(address[0], []).append(address)
    return [address for address in chain.from_iterable(zip_longest(*families.values())) if address]


async def _first(loop: asyncio.AbstractEventLoop, addresses: list[Address]) -> socket.socket:
    """Try one address after the other, the next when one has failed or has not answered for a while."""
    left = iter(addresses)
    tried: list[asyncio.Task[socket.socket]] = []
    waiting: set[asyncio.Task[socket.socket]] = set()
    winner = None
    failure: BaseException | None = None
    try:
        while winner is None:
            if (address := next(left, None)) is not None:
                tried.append(loop.create_task(_connected(loop, address)))
                waiting.add(tried[-1])
            elif not waiting:
                raise failure or OSError("the host has no address")
            patience = None if address is None else NEXT_ADDRESS_AFTER
            done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception() or failure
            winner = next((task for task in done if task.exception() is None), None)
        return winner.result()
    finally:
        for task in tried:  # one that can be cancelled still closes its socket itself
            if not task.cancel() and not task.cancelled() and task.exception() is None and task is not winner:
                task.result().close()


async def _connected(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    connecting = socket.socket(family, kind, protocol)
    try:
        connecting.setblocking(False)
        await loop.sock_connect(connecting, place)
    except BaseException:
        connecting.close()
        raise
    return connecting
