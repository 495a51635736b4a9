from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.faults import FaultServer, answered, reply, slow

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ConnectionError, DeadlineExceededError
from dynamodb_wrapper.wire.asyncio import AsyncioTransport

GET = Call("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "a"}}}, "orders")


async def test_a_call_cancelled_in_the_middle_of_its_reply_leaves_a_healthy_pool(
    settings: Any, soon: Any
) -> None:
    half_then_wait = reply(answered({"Item": {"pk": {"S": "wrong"}}}), pieces=80, pause=0.1)
    fine = reply(answered({"Item": {"pk": {"S": "right"}}}))
    with FaultServer([fine, half_then_wait, fine]) as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url, max_pool_connections=1))
        await transport(GET, soon())
        task = asyncio.create_task(transport(GET, soon()))
        await asyncio.to_thread(server.wait_for, 2)
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert b"right" in await transport(GET, soon())
        assert server.connections == 2
        await transport.aclose()


async def test_the_end_of_a_kept_connection_is_seen_before_the_loop_sees_it(settings: Any, soon: Any) -> None:
    add = Call("UpdateItem", {}, "orders", repeatable=False)
    with FaultServer() as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url))
        await transport(add, soon())
        server.drop_connections()
        time.sleep(0.1)  # noqa: ASYNC251 - the loop must not run meanwhile
        await transport(add, soon())
        assert (len(server.requests), server.connections) == (2, 2)
        await transport.aclose()


async def test_a_closed_connection_is_known_though_its_number_serves_another(
    settings: Any, soon: Any
) -> None:
    with FaultServer() as server, ExitStack() as others:
        transport = AsyncioTransport(settings(endpoint_url=server.url))
        await transport(GET, soon())
        server.drop_connections()
        await asyncio.sleep(0.1)
        for _ in range(5):
            for other in socket.socketpair():
                others.enter_context(other)
        assert await transport(GET, soon()) == b"{}"
        assert (len(server.requests), server.connections) == (2, 2)
        await transport.aclose()


async def test_cancelled_waiters_lose_no_connection(settings: Any, soon: Any) -> None:
    with FaultServer([slow(0.2), slow(0.2)]) as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url, max_pool_connections=2))
        tasks = [asyncio.create_task(transport(GET, soon())) for _ in range(20)]
        await asyncio.to_thread(server.wait_for, 2)
        for task in tasks[2::2]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert outcomes.count(b"{}") == 11
        await asyncio.gather(*(transport(GET, soon()) for _ in range(10)))
        assert server.connections == 2
        await transport.aclose()


async def test_a_waiter_cancelled_just_when_its_turn_comes_passes_it_on(settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url, max_pool_connections=1))
        for delay in range(40):  # whatever happens in that step of the loop, the only connection survives
            first = asyncio.create_task(transport(GET, soon()))
            second = asyncio.create_task(transport(GET, soon()))
            for _ in range(delay):
                await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            assert await transport(GET, soon(5)) == b"{}"
        await transport.aclose()


async def test_a_waiter_that_is_late_and_cancelled_in_one_step_is_cancelled(settings: Any, soon: Any) -> None:
    answer = threading.Event()

    def held(exchange: Any) -> None:
        answer.wait(20)
        exchange.send(answered())

    with FaultServer([held]) as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url, max_pool_connections=1))
        first = asyncio.create_task(transport(GET, soon()))
        await asyncio.to_thread(server.wait_for, 1)
        second = asyncio.create_task(transport(GET, soon(0.8)))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.85, second.cancel)
        answer.set()
        time.sleep(1)  # noqa: ASYNC251 - the reply, the deadline and the cancellation come in one step
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert outcomes[0] == b"{}"
        assert isinstance(outcomes[1], asyncio.CancelledError)
        await transport.aclose()


def test_two_open_loops_cannot_share_a_transport(settings: Any, soon: Any) -> None:
    with FaultServer() as server, asyncio.Runner() as one, asyncio.Runner() as two:
        transport = AsyncioTransport(settings(endpoint_url=server.url))

        async def ask() -> bytes:
            return await transport(GET, soon())

        assert one.run(ask()) == b"{}"
        with pytest.raises(
            ConnectionError, match=r"belong to another event loop.*one client for each"
        ) as caught:
            two.run(ask())
        assert not caught.value.retryable
        assert one.run(ask()) == b"{}"


def test_one_loop_after_another_may_use_a_transport(settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        transport = AsyncioTransport(settings(endpoint_url=server.url))

        async def ask() -> bytes:
            return await transport(GET, soon())

        assert [asyncio.run(ask()) for _ in range(3)] == [b"{}"] * 3
        assert server.connections == 3
        transport.close()


async def test_a_forgotten_transport_closes_its_connections_without_a_warning(
    settings: Any, soon: Any
) -> None:
    with FaultServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        transport = AsyncioTransport(settings(endpoint_url=server.url))
        await transport(GET, soon())
        del transport
        gc.collect()
        await asyncio.sleep(0.05)
        gc.collect()


UNCLOSED = """
import asyncio, sys, time
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.asyncio import AsyncioTransport

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is slow, not wrong
    call = Call("GetItem", {}, "orders")
    await asyncio.gather(*(transport(call, time.monotonic() + 20) for _ in range(4)))

config = DynamoDBConfig(endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b")
transport = AsyncioTransport(config)
asyncio.run(main())
"""


def test_a_program_that_closes_nothing_ends_in_silence() -> None:
    with FaultServer() as server:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", UNCLOSED, server.url],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert done.stderr == ""


FORKED = """
import asyncio, os, sys, time
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.asyncio import AsyncioTransport

async def ask(who):
    reply = await transport(Call("GetItem", {"Key": who}, "orders"), time.monotonic() + 20)
    assert who.encode() in reply, reply

config = DynamoDBConfig(endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b")
transport = AsyncioTransport(config)
with asyncio.Runner() as runner:
    runner.run(ask("before"))
    child = os.fork()
    if not child:
        asyncio.run(ask("child"))
        sys.stderr.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    runner.run(ask("parent"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_does_not_share_connections_with_its_parent() -> None:
    def echo(exchange: Any) -> None:
        exchange.send(answered({"Item": exchange.request.json["Key"]}))

    with FaultServer([echo] * 3) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FORKED, server.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert [request.connection for request in server.requests] == [0, 1, 0]


async def test_credentials_are_loaded_once_in_a_thread_for_all_who_wait(
    soon: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "give.py"
    script.write_text(
        "import time\nfrom pathlib import Path\n"
        f"Path({str(tmp_path / 'runs')!r}).open('a').write('x')\n"
        "time.sleep(0.3)\n"
        'print(\'{"Version": 1, "AccessKeyId": "FOUND", "SecretAccessKey": "s"}\')\n'
    )
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {sys.executable} {script}\n")
    with FaultServer() as server:
        transport = AsyncioTransport(DynamoDBConfig(profile_name="p", endpoint_url=server.url))
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        tasks = [asyncio.create_task(transport(GET, soon())) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        ticking.cancel()
        assert outcomes[1:] == [b"{}"] * 9
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert (tmp_path / "runs").read_text() == "x"
        assert ticks > 5
        assert "Credential=FOUND/" in server.requests[0].headers["authorization"]
        await transport.aclose()


async def test_waiting_for_credentials_ends_with_the_deadline(soon: Any, tmp_path: Path) -> None:
    go_on = tmp_path / "go_on"
    script = tmp_path / "give.py"
    script.write_text(
        "import time\nfrom pathlib import Path\n"
        f"while not Path({str(go_on)!r}).exists(): time.sleep(0.02)\n"
        'print(\'{"Version": 1, "AccessKeyId": "FOUND", "SecretAccessKey": "s"}\')\n'
    )
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {sys.executable} {script}\n")
    with FaultServer() as server:
        transport = AsyncioTransport(DynamoDBConfig(profile_name="p", endpoint_url=server.url))
        with pytest.raises(DeadlineExceededError, match="waiting for credentials"):
            await transport(GET, soon(0.2))
        go_on.touch()
        assert await transport(GET, soon()) == b"{}"
        await transport.aclose()


def test_other_threads_do_not_disturb_a_loop(settings: Any, soon: Any) -> None:
    """One transport for each loop, each loop in a thread: nothing is shared but the code."""

    async def ask(server: FaultServer) -> None:
        transport = AsyncioTransport(settings(endpoint_url=server.url, max_pool_connections=3))
        outcomes = await asyncio.gather(*(transport(GET, soon()) for _ in range(30)))
        assert outcomes == [b"{}"] * 30
        await transport.aclose()
        await transport.aclose()

    with FaultServer() as server:
        threads = [threading.Thread(target=asyncio.run, args=(ask(server),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 120
        assert server.connections <= 12


async def test_a_call_that_is_cancelled_while_it_connects_leaves_no_socket_open(
    settings: Any, soon: Any
) -> None:
    with FaultServer() as server:
        for moments in range(12):
            transport = AsyncioTransport(settings(endpoint_url=server.url))
            call = asyncio.ensure_future(transport(GET, soon()))
            for _ in range(moments):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await transport.aclose()
        await asyncio.sleep(0.05)
        gc.collect()  # a socket that nobody closed would warn here
