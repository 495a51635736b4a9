"""Hedged reads in simulated time: latencies are drawn, a race takes as long as its faster flow."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call, Effect, Flow, Race, Reply, Sleep, Tell, run
from dynamodb_wrapper.exceptions import NotSentError, RetryableError, ValidationError
from dynamodb_wrapper.plugins.resilience.events import Hedged
from dynamodb_wrapper.plugins.resilience.hedging import MOST_SAVED, NEEDED, HedgedReads

GET = Call("GetItem", {"TableName": "t"}, "t")
Latency = Callable[[], float]


class World:
    """A service with those latencies, and a clock in the test's hand."""

    def __init__(self, latency: Latency, **settings: Any) -> None:
        self.now = 0.0
        self.latency = latency
        self.sent = 0
        self.hedged: list[Hedged] = []
        self.plugin = HedgedReads(clock=lambda: self.now, **settings)

    def serve(self, call: Call) -> Flow[Reply]:
        self.sent += 1
        yield Sleep(self.latency())
        return b"{}"

    def read(self, call: Call = GET) -> float:
        """How long a read takes."""
        start = self.now
        assert run(self.plugin.attempts[0](self.serve, call), self.perform) == b"{}"
        return self.now - start

    def perform(self, effect: Effect) -> Any:
        if isinstance(effect, Sleep):
            self.now += effect.seconds
            return None
        if isinstance(effect, Tell):
            self.hedged.append(effect.event)
            return None
        assert isinstance(effect, Race)
        start = self.now
        reply, first_end = run(effect.first, self.perform), self.now
        if first_end <= start + effect.after:
            return reply
        self.now = start + effect.after
        try:
            run(effect.second, self.perform)
        except NotSentError:
            self.now = first_end
        self.now = min(self.now, first_end)
        return reply


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def service(seed: int, slow: float = 0.02) -> Latency:
    chance = random.Random(seed)
    return lambda: chance.lognormvariate(0, 0.3) * 0.005 + (0.1 if chance.random() < slow else 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_it_lowers_the_99th_percentile_by_half_at_under_5_percent_more_requests(seed: int) -> None:
    plain = service(seed)
    before = p99([plain() for _ in range(5000)])
    world = World(service(seed))
    for _ in range(NEEDED + 100):
        world.read()
    world.sent = 0
    after, extra = p99([world.read() for _ in range(5000)]), world.sent / 5000 - 1
    print(f"p99 {before * 1000:.1f} ms, hedged {after * 1000:.1f} ms; {extra:.1%} more requests")
    assert after < before / 2
    assert 0 < extra < 0.05


def test_nothing_is_hedged_until_enough_is_known() -> None:
    world = World(service(1, slow=0.5))
    for _ in range(NEEDED - 1):
        world.read()
    assert world.hedged == []


@pytest.mark.parametrize(
    "action", ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "ExecuteStatement"]
)
def test_writes_and_statements_are_never_hedged(action: str) -> None:
    world = World(service(1, slow=0.5))
    for _ in range(500):
        world.read(Call(action, {}, "t"))
    assert world.sent == 500


@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"])
def test_every_read_is_and_observers_are_told(action: str) -> None:
    world = World(service(1))
    for _ in range(1000):
        world.read(Call(action, {}, "t"))
    assert world.sent == 1000 + len(world.hedged)
    assert set(world.hedged) == {Hedged("t", action)}


def test_tables_and_actions_are_compared_with_themselves_only() -> None:
    world = World(lambda: 0.005)
    for _ in range(500):
        world.read()
    world.latency = lambda: 0.5
    for call in (
        Call("Query", {}, "t"),
        Call("GetItem", {}, "u"),
        Call("GetItem", {}, "t", region="eu-west-1"),
    ):
        world.read(call)
    assert world.hedged == []
    world.read()
    assert len(world.hedged) == 1


def test_in_an_outage_the_load_does_not_double() -> None:
    world = World(service(2))
    for _ in range(10_000):
        world.read()
    world.hedged.clear()
    world.latency = lambda: 1.0
    for _ in range(300):
        world.read()
    assert len(world.hedged) <= MOST_SAVED + 300 * 0.05


def test_at_a_share_of_one_percent_there_is_no_more_than_that() -> None:
    world = World(service(3), extra=0.01)
    for _ in range(5000):
        world.read()
    assert 20 < len(world.hedged) < 50


def test_a_failure_is_not_taken_for_a_latency() -> None:
    def failing(call: Call) -> Flow[Reply]:
        yield Sleep(9.0)
        raise RetryableError("500")

    world = World(lambda: 0.005)
    for _ in range(200):
        world.read()
        with pytest.raises(RetryableError):
            run(world.plugin.attempts[0](failing, GET), world.perform)
    world.hedged.clear()
    world.latency = lambda: 0.02
    world.read()
    assert world.hedged == [Hedged("t", "GetItem")]


@pytest.mark.parametrize("settings", [{"extra": 0}, {"quantile": 0}, {"quantile": 1.0}, {"quantile": 95}])
def test_a_share_that_is_none_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(settings))):
        HedgedReads(**settings)  # type: ignore[arg-type]
