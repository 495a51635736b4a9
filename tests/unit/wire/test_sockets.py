from __future__ import annotations

import select
import socket
import time

import pytest
from tests.support.faults import deaf_server

from dynamodb_wrapper.wire.endpoint import Endpoint
from dynamodb_wrapper.wire.sockets import connect, readiness


def endpoint(port: int, host: str = "127.0.0.1") -> Endpoint:
    return Endpoint("http", host, port, "eu-west-1")


def test_small_packets_are_sent_at_once() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        connect(endpoint(server.getsockname()[1]), time.monotonic() + 5) as connected,
    ):
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        dead, alive = closed.getsockname(), server.getsockname()
        closed.close()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in (dead, alive)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with connect(endpoint(1, "two.example"), time.monotonic() + 5) as connected:
            assert connected.getpeername() == alive


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, deaf_server() as deaf:
        addresses = (deaf.getsockname(), server.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with connect(endpoint(1, "two.example"), time.monotonic() + 1) as connected:
            assert connected.getpeername() == server.getsockname()


def test_the_last_failure_is_raised_when_no_address_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        connect(endpoint(port), time.monotonic() + 5)


def test_no_time_left_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        connect(endpoint(server.getsockname()[1]), time.monotonic() - 1)


@pytest.mark.parametrize("has_poll", [True, False])
def test_readiness_sees_bytes_and_the_end(monkeypatch: pytest.MonkeyPatch, has_poll: bool) -> None:
    if not has_poll:
        monkeypatch.delattr(select, "poll", raising=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ready = readiness(ours.fileno())
        assert not ready()
        theirs.send(b"x")
        assert ready()
        ours.recv(1)
        assert not ready()
        theirs.close()
        assert ready()
