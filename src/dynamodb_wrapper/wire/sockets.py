"""Sockets for the blocking transport: making one within a time, TLS included, and asking whether one is idle.

Knows addresses, TLS and the operating system's ways of waiting. Must not know HTTP or pools.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamodb_wrapper.wire.endpoint import Endpoint


def connect(endpoint: Endpoint, limit: float) -> socket.socket:
    """A connected socket, over TLS where the endpoint wants it.

    Parameters:
        endpoint: where to; each of its addresses is tried.
        limit: when to give up, on the clock of `time.monotonic`, in seconds.

    Raises:
        TimeoutError: no address answered in time.
        ssl.SSLError: the peer's certificate is not trusted, or it does not speak TLS.
        OSError: no address could be reached.
    """
    addresses = socket.getaddrinfo(name_of(endpoint.host), endpoint.port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        remaining = limit - monotonic()
        if remaining <= 0:
            break
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.settimeout(remaining / (len(addresses) - tried))
            connecting.connect(address)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
        else:
            return _secure(connecting, endpoint, limit) if endpoint.scheme == "https" else connecting
    raise failure or TimeoutError("no address answered in time")


def name_of(host: str) -> str | bytes:
    """A host's name for `getaddrinfo`: a text would be encoded by IDNA, whose tables take long to load."""
    return host.encode() if host.isascii() else host


def _secure(plain: socket.socket, endpoint: Endpoint, limit: float) -> socket.socket:
    from dynamodb_wrapper.wire import tls

    try:
        plain.settimeout(max(0.001, limit - monotonic()))
        return tls.context().wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException:
        plain.close()
        raise


def readiness(descriptor: int) -> Callable[[], list[Any]]:
    """A function that tells at once whether something can be read from a socket; its closing counts too.

    What it gives is true or false as a list is.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return partial(poll.poll, 0)
    return lambda: select.select([descriptor], [], [], 0)[0]
