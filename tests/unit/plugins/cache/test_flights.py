"""Flights: those who wait get the answer, whoever is cancelled, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import threading
from math import inf
from time import monotonic
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Do, arun, run
from dynamodb_wrapper.plugins.cache.flights import CANCELLED, FAILED, Flight


def blocking(effect: Any) -> Any:
    assert type(effect) is Do
    return effect.function(*effect.args)


async def awaiting(effect: Any) -> Any:
    assert type(effect) is Do
    assert effect.awaiting is not None
    return await effect.awaiting(*effect.args)


def test_threads_get_what_another_thread_brought() -> None:
    flight, got = Flight(), []
    threads = [threading.Thread(target=lambda: got.append(run(flight.wait(inf), blocking))) for _ in range(3)]
    for thread in threads:
        thread.start()
    flight.land(b"1")
    for thread in threads:
        thread.join(5)
    assert got == [b"1"] * 3


async def test_a_task_that_is_cancelled_does_not_cancel_it_for_others() -> None:
    flight = Flight()
    tasks = [asyncio.create_task(arun(flight.wait(inf), awaiting)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    flight.land(b"1")
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert [await task for task in tasks[1:]] == [b"1", b"1"]


@pytest.mark.parametrize("outcome", [FAILED, CANCELLED])
def test_those_who_wait_are_told_that_there_is_none(outcome: Any) -> None:
    flight = Flight()
    flight.land(outcome)
    assert run(flight.wait(inf), blocking) is outcome


async def test_nobody_waits_beyond_his_deadline() -> None:
    flight = made_elsewhere()
    assert run(flight.wait(monotonic() + 0.01), blocking) is FAILED
    assert await arun(flight.wait(monotonic() + 0.01), awaiting) is FAILED


async def test_a_thread_does_not_wait_for_a_task_of_its_own_loop() -> None:
    assert run(Flight().wait(inf), blocking) is FAILED


def made_elsewhere() -> Flight:
    made: list[Flight] = []
    thread = threading.Thread(target=lambda: made.append(Flight()))
    thread.start()
    thread.join()
    return made[0]
