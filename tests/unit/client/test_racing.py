"""Races on both faces: which result counts, which error, and what becomes of the one that lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.client.racing import Workers
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Do, Flow, Race, Sleep

CONFIG = DynamoDBConfig.for_local_development()
LONG, SHORT = 0.3, 0.02
asked: ContextVar[str] = ContextVar("asked", default="nobody")


class Runner:
    """One that takes a while, and then gives its name or fails."""

    def __init__(self, name: str, seconds: float, *, fails: bool = False) -> None:
        self.name, self.seconds, self.fails = name, seconds, fails
        self.started = self.ended = self.given_up = False
        self.by = ""

    def flow(self) -> Flow[str]:
        self.started, self.by = True, asked.get()
        try:
            yield Sleep(self.seconds)
        except BaseException:
            self.given_up = True
            raise
        self.ended = True
        if self.fails:
            raise LookupError(self.name)
        return self.name


Run = Callable[[Flow[Any]], Any]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    if request.param == "sync":
        return DynamoDB(CONFIG).drive

    async def main(flow: Flow[Any]) -> Any:
        async with AsyncDynamoDB(CONFIG) as db:
            return await db.drive(flow)

    return lambda flow: asyncio.run(main(flow))


def race(first: Runner, second: Runner, after: float = SHORT) -> Flow[str]:
    return (yield Race(first.flow(), second.flow(), after))  # type: ignore[no-any-return]


def test_a_quick_first_one_runs_alone(run: Run) -> None:
    first, second = Runner("first", 0.0), Runner("second", 0.0)
    assert run(race(first, second, LONG)) == "first"
    assert not second.started


def test_the_second_one_overtakes_a_slow_first_one(run: Run) -> None:
    start = time.monotonic()
    assert run(race(Runner("first", LONG), Runner("second", 0.0))) == "second"
    assert time.monotonic() - start < LONG


def test_the_first_one_may_still_win_after_the_second_has_begun(run: Run) -> None:
    first, second = Runner("first", LONG), Runner("second", 2 * LONG)
    assert run(race(first, second)) == "first"
    assert second.started


def test_an_error_before_the_second_begins_is_raised(run: Run) -> None:
    second = Runner("second", 0.0)
    with pytest.raises(LookupError, match="first"):
        run(race(Runner("first", 0.0, fails=True), second, LONG))
    assert not second.started


@pytest.mark.parametrize("failing", ["first", "second"])
def test_when_one_fails_the_other_one_goes_on(run: Run, failing: str) -> None:
    first = Runner("first", 3 * SHORT, fails=failing == "first")
    second = Runner("second", 5 * SHORT if failing == "first" else 0.0, fails=failing == "second")
    assert run(race(first, second)) != failing


@pytest.mark.parametrize("seconds", [0.0, 5 * SHORT])
def test_when_both_fail_the_error_is_that_of_the_first(run: Run, seconds: float) -> None:
    with pytest.raises(LookupError, match="first"):
        run(race(Runner("first", 3 * SHORT, fails=True), Runner("second", seconds, fails=True)))


def test_both_see_the_context_of_the_caller(run: Run) -> None:
    first, second = Runner("first", LONG), Runner("second", 0.0)
    token = asked.set("me")
    try:
        run(race(first, second))
    finally:
        asked.reset(token)
    assert (first.by, second.by) == ("me", "me")


async def test_awaiting_the_one_that_lost_is_cancelled_when_the_race_ends() -> None:
    first = Runner("first", LONG)
    async with AsyncDynamoDB(CONFIG) as db:
        assert await db.drive(race(first, Runner("second", 0.0))) == "second"
        assert first.given_up
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("after", [LONG, SHORT], ids=["first", "both"])
async def test_a_race_that_is_cancelled_cancels_all_that_run(after: float) -> None:
    first, second = Runner("first", LONG), Runner("second", LONG)
    async with AsyncDynamoDB(CONFIG) as db:
        task = asyncio.create_task(db.drive(race(first, second, after)))
        await asyncio.sleep(3 * SHORT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert first.given_up
    assert second.given_up == second.started == (after == SHORT)


def test_blocking_the_one_that_lost_ends_by_itself() -> None:
    first = Runner("first", 5 * SHORT)
    assert DynamoDB(CONFIG).drive(race(first, Runner("second", 0.0))) == "second"
    assert not first.ended
    deadline = time.monotonic() + 5
    while not first.ended and time.monotonic() < deadline:
        time.sleep(SHORT)
    assert first.ended


def test_races_one_after_another_use_the_same_thread() -> None:
    used: list[int] = []

    def note() -> Flow[None]:
        yield Do(lambda: used.append(threading.get_ident()))

    def races() -> Flow[None]:
        for _ in range(20):
            yield Race(note(), note(), LONG)
            yield Sleep(0.001)

    DynamoDB(CONFIG).drive(races())
    assert len(set(used)) < 5
    assert threading.get_ident() not in used


def test_many_jobs_at_once_have_a_thread_each() -> None:
    workers, all_here = Workers(), threading.Barrier(20)

    def wait() -> None:
        all_here.wait(10)

    for _ in range(19):
        workers.start(wait)
    wait()
