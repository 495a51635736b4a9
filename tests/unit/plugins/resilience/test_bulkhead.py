"""The bulkhead on both faces, around a service that answers when the test says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call, Flow, Sleep, Together, wire
from dynamodb_wrapper.exceptions import BulkheadFullError, RetryableError, ValidationError
from dynamodb_wrapper.plugins.resilience.bulkhead import Bulkhead

CONFIG = DynamoDBConfig.for_local_development(retries=1)
SHORT = 0.02


class Service:
    """A transport of both faces that counts what is in flight.

    Parameters:
        seconds: until it answers.
        refusals: it does not answer either before so many calls were refused, as `run` tells it.
    """

    def __init__(self, seconds: float = SHORT, refusals: int = 0) -> None:
        self.seconds = seconds
        self._refusals = refusals
        self._enough = threading.Event()
        if not refusals:
            self._enough.set()
        self.most: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._lock = threading.Lock()

    def refused(self) -> None:
        with self._lock:
            self._refusals -= 1
            if self._refusals <= 0:
                self._enough.set()

    def _count(self, table: str, change: int) -> None:
        with self._lock:
            for name in (table, "all"):
                self._now[name] = self._now.get(name, 0) + change
                self.most[name] = max(self.most.get(name, 0), self._now[name])

    def __call__(self, call: Call, deadline: float) -> bytes:
        self._count(call.table, 1)
        try:
            time.sleep(self.seconds)
            self._enough.wait(60)
        finally:
            self._count(call.table, -1)
        return b"{}"

    async def awaited(self, call: Call, deadline: float) -> bytes:
        self._count(call.table, 1)
        try:
            await asyncio.sleep(self.seconds)
            await asyncio.to_thread(self._enough.wait, 60)
        finally:
            self._count(call.table, -1)
        return b"{}"


Run = Callable[[Service, Bulkhead, list[str]], list[Any]]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Sends calls to those tables side by side; gives each reply or error."""

    def one(db: Any, service: Service, table: str) -> Flow[Any]:
        try:
            return (yield from db.send(Call("GetItem", {}, table)))
        except BulkheadFullError as error:
            service.refused()
            return error

    def all_of(db: Any, service: Service, tables: list[str]) -> Flow[list[Any]]:
        return (yield Together([one(db, service, table) for table in tables], limit=100))  # type: ignore[no-any-return]

    def sync(service: Service, bulkhead: Bulkhead, tables: list[str]) -> list[Any]:
        db = DynamoDB(CONFIG, transport=service).use(bulkhead)
        return db.drive(all_of(db, service, tables))

    def awaiting(service: Service, bulkhead: Bulkhead, tables: list[str]) -> list[Any]:
        async def main() -> list[Any]:
            db = AsyncDynamoDB(CONFIG, transport=service.awaited).use(bulkhead)
            return await db.drive(all_of(db, service, tables))

        return asyncio.run(main())

    return sync if request.param == "sync" else awaiting


def test_no_more_than_that_are_in_flight_and_the_others_wait(run: Run) -> None:
    service, bulkhead = Service(), Bulkhead(3, wait_seconds=60.0)
    assert run(service, bulkhead, ["t"] * 20) == [b"{}"] * 20
    assert service.most["all"] == 3
    assert bulkhead.in_flight == 0


def test_a_table_has_a_bound_of_its_own(run: Run) -> None:
    service, bulkhead = Service(), Bulkhead(10, per_table=4, tables={"slow": 2}, wait_seconds=60.0)
    assert run(service, bulkhead, ["slow"] * 10 + ["t"] * 12 + ["u"] * 12) == [b"{}"] * 34
    assert service.most["slow"] == 2
    assert service.most["t"] <= 4
    assert 4 < service.most["all"] <= 10
    assert bulkhead.in_flight == 0


def test_who_waits_for_too_long_is_told_what_is_full(run: Run) -> None:
    service, bulkhead = Service(0.3), Bulkhead(9, tables={"slow": 1}, wait_seconds=SHORT)
    replies = run(service, bulkhead, ["slow"] * 3 + ["t"] * 3)
    refused = [reply for reply in replies if isinstance(reply, BulkheadFullError)]
    assert len(refused) == 2
    assert "1 requests of table 'slow' are in flight" in refused[0].message
    assert refused[0].retry_after_seconds == SHORT
    assert replies[3:] == [b"{}"] * 3
    assert run(Service(), bulkhead, ["slow"]) == [b"{}"]


def test_when_too_many_wait_the_next_one_does_not(run: Run) -> None:
    bulkhead = Bulkhead(1, waiting=2, wait_seconds=60.0)
    replies = run(Service(refusals=3), bulkhead, ["t"] * 6)
    assert sum(isinstance(reply, BulkheadFullError) for reply in replies) == 3
    assert bulkhead.in_flight == 0


def test_a_failure_gives_the_place_back() -> None:
    def broken(call: Call, deadline: float) -> bytes:
        raise RetryableError("500")

    bulkhead = Bulkhead(1)
    db = DynamoDB(CONFIG, transport=broken).use(bulkhead)
    for _ in range(3):
        with pytest.raises(RetryableError):
            db.drive(db.send(Call("GetItem", {}, "t")))
    assert bulkhead.in_flight == 0


@pytest.mark.parametrize("after", [0.5 * SHORT, 0.0], ids=["waiting", "at once"])
async def test_a_call_that_is_cancelled_leaves_the_line(after: float) -> None:
    service, bulkhead = Service(3 * SHORT), Bulkhead(1, per_table=1)
    db = AsyncDynamoDB(CONFIG, transport=service.awaited).use(bulkhead)
    tasks = [asyncio.create_task(db.drive(db.send(Call("GetItem", {}, "t")))) for _ in range(5)]
    await asyncio.sleep(after)
    for task in tasks[1:4]:
        task.cancel()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    assert [reply for reply in replies if isinstance(reply, bytes)] == [b"{}"] * 2
    assert bulkhead.in_flight == 0


async def test_a_place_that_came_to_a_call_which_is_cancelled_at_that_moment_is_given_on() -> None:
    bulkhead = Bulkhead(1)
    db = AsyncDynamoDB(CONFIG, transport=Service().awaited).use(bulkhead)
    holding = bulkhead.attempts[0](wire, Call("GetItem", {}, "t"))
    next(holding)
    waiting = asyncio.create_task(db.drive(db.send(Call("GetItem", {}, "t"))))
    await asyncio.sleep(SHORT)
    holding.close()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bulkhead.in_flight == 0


async def test_both_faces_may_share_one() -> None:
    service, bulkhead = Service(), Bulkhead(2, wait_seconds=60.0)
    blocking = DynamoDB(CONFIG, transport=service).use(bulkhead)
    awaiting = AsyncDynamoDB(CONFIG, transport=service.awaited).use(bulkhead)
    call = Call("GetItem", {}, "t")
    replies = await asyncio.gather(
        *(asyncio.to_thread(blocking.drive, blocking.send(call)) for _ in range(6)),
        *(awaiting.drive(awaiting.send(call)) for _ in range(6)),
    )
    assert replies == [b"{}"] * 12
    assert service.most["all"] == 2
    assert bulkhead.in_flight == 0


def test_while_a_call_backs_off_its_place_is_free() -> None:
    bulkhead = Bulkhead(1)
    script: list[Exception | bytes] = [RetryableError("500"), b"{}"]

    def transport(call: Call, deadline: float) -> bytes:
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    places: list[int] = []
    db = DynamoDB(CONFIG.replace(retries=2), transport=transport).use(bulkhead)
    flow = db.send(Call("GetItem", {}, "t"))
    effect = next(flow)
    while True:
        try:
            if isinstance(effect, Call):
                assert bulkhead.in_flight == 1
                try:
                    effect = flow.send(transport(effect, 0.0))
                except RetryableError as error:
                    effect = flow.throw(error)
            else:
                if isinstance(effect, Sleep):
                    places.append(bulkhead.in_flight)
                effect = flow.send(None)
        except StopIteration:
            break
    assert places == [0]


@pytest.mark.parametrize("settings", [{"concurrency": 0}, {"concurrency": 1, "tables": {"t": 0}}])
def test_a_bound_that_cannot_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="give a whole number above 0"):
        Bulkhead(**settings)
