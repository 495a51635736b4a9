from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from tests.support.faults import FaultServer, answered, reply, slow

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.blocking import BlockingTransport

GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")


def test_threads_share_a_small_pool_and_each_gets_its_own_reply(settings: Any, soon: Any) -> None:
    def echo(exchange: Any) -> None:
        exchange.send(answered({"Item": exchange.request.json["Key"]}))

    def ask(transport: BlockingTransport, thread: int) -> None:
        for turn in range(20):
            call = Call("GetItem", {"Key": {"pk": {"S": f"{thread}-{turn}"}}}, "orders")
            assert f'"{thread}-{turn}"'.encode() in transport(call, soon(60))

    with FaultServer([echo] * 1000) as server, ThreadPoolExecutor(50) as threads:
        transport = BlockingTransport(settings(endpoint_url=server.url, max_pool_connections=5))
        for done in [threads.submit(ask, transport, thread) for thread in range(50)]:
            done.result()
        assert server.connections <= 5
        transport.close()


def test_no_thread_starves_while_others_keep_asking(settings: Any, soon: Any) -> None:
    counts = [0, 0]
    stop = threading.Event()

    def ask(who: int) -> None:
        while not stop.is_set():
            transport(GET, soon())
            counts[who] += 1

    with FaultServer() as server:
        transport = BlockingTransport(settings(endpoint_url=server.url, max_pool_connections=1))
        threads = [threading.Thread(target=ask, args=(who,)) for who in (0, 1)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join()
        transport.close()
    assert min(counts) > max(counts) / 4


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_an_interrupt_in_the_middle_of_a_reply_leaves_a_healthy_pool(settings: Any, soon: Any) -> None:
    class Interrupt(BaseException):
        pass

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupt

    half_then_wait = reply(answered({"Item": {"pk": {"S": "wrong"}}}), pieces=80, pause=0.4)
    fine = reply(answered({"Item": {"pk": {"S": "right"}}}))
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with FaultServer([fine, half_then_wait, fine]) as server:
            transport = BlockingTransport(settings(endpoint_url=server.url, max_pool_connections=1))
            transport(GET, soon())
            signal.setitimer(signal.ITIMER_REAL, 0.6)
            with pytest.raises(Interrupt):
                transport(GET, soon())
            assert b"right" in transport(GET, soon())
            transport.close()
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_a_forgotten_transport_closes_its_connections_without_a_warning(settings: Any, soon: Any) -> None:
    with FaultServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        transport = BlockingTransport(settings(endpoint_url=server.url))
        transport(GET, soon())
        del transport
        gc.collect()


FORKED = """
import os, sys, time
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.blocking import BlockingTransport

def ask(who):
    for turn in range(20):
        call = Call("GetItem", {"Key": f"{who}-{turn}"}, "orders")
        reply = transport(call, time.monotonic() + 20)
        assert f"{who}-{turn}".encode() in reply, reply

config = DynamoDBConfig(endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b")
transport = BlockingTransport(config)
ask("before")
child = os.fork()
ask("parent" if child else "child")
if child:
    assert os.waitpid(child, 0)[1] == 0
    ask("parent_after")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_does_not_share_connections_with_its_parent() -> None:
    def echo(exchange: Any) -> None:
        exchange.send(answered({"Item": exchange.request.json["Key"]}))

    with FaultServer([echo] * 100) as server:
        subprocess.run([sys.executable, "-W", "error", "-c", FORKED, server.url], check=True, timeout=60)
        assert server.connections == 2
        by_who: dict[str, set[int]] = {}
        for request in server.requests:
            by_who.setdefault(request.json["Key"].rpartition("-")[0], set()).add(request.connection)
        assert by_who["before"] == by_who["parent"] == by_who["parent_after"]
        assert not by_who["child"] & by_who["parent"]


def test_a_slow_call_does_not_hold_up_another(settings: Any, soon: Any) -> None:
    with FaultServer([slow(1.5)]) as server, ThreadPoolExecutor(1) as other:
        transport = BlockingTransport(settings(endpoint_url=server.url))
        held = other.submit(transport, GET, soon())
        server.wait_for(1)
        transport(GET, soon())
        assert not held.done()
        held.result()
        transport.close()
