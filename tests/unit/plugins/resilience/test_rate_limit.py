"""The limit with a clock in the test's hand: waiting is an effect, so 30 seconds pass at once."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep, Tell, stack
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    RateLimitedError,
    ValidationError,
)
from dynamodb_wrapper.plugins.resilience.events import Delayed
from dynamodb_wrapper.plugins.resilience.rate_limit import RateLimit, UnitLimit

GET = Call("GetItem", {"TableName": "t"}, "t")
PUT = Call("PutItem", {"TableName": "t"}, "t")


class World:
    """Workers that call one after another, in simulated time; each call takes 5 ms.

    Parameters:
        cost: the units that a call consumes.
        capacity: units a second beyond which the service throttles.
    """

    def __init__(self, cost: Callable[[Call], float], capacity: float = inf, **settings: Any) -> None:
        self.now = self.end = 1000.0
        self.limit = RateLimit(clock=lambda: self.now, **settings)
        self.cost, self.capacity = cost, capacity
        self.consumed: dict[str, float] = {}
        self.throttled = self.answered = 0
        self._second, self._in_second = 0, 0.0
        self.delays: list[Delayed] = []
        self.calls: list[Call] = []

    @property
    def send(self) -> Send:
        return stack([self.limit.attempts[0]], self._serve)

    def _serve(self, call: Call) -> Flow[Reply]:
        self.calls.append(call)
        yield Sleep(0.005)
        units = self.cost(call)
        if int(self.now) != self._second:
            self._second, self._in_second = int(self.now), 0.0
        if self._in_second + units > self.capacity:
            self.throttled += 1
            raise ProvisionedThroughputExceededError("slow")
        self._in_second += units
        self.answered += 1
        if self.now <= self.end:
            self.consumed[call.table] = self.consumed.get(call.table, 0.0) + units
        consumed = {"TableName": call.table, "CapacityUnits": units}
        return json.dumps({"ConsumedCapacity": consumed}).encode()

    def run(self, seconds: float, workers: int, call: Call = GET) -> None:
        self.end = self.now + seconds

        def work() -> Flow[None]:
            while self.now < self.end:
                try:
                    yield from self.send(call)
                except DynamoDBWrapperError:
                    yield Sleep(0.05)

        waiting = [(self.now, number, work()) for number in range(workers)]
        while waiting:
            self.now, number, flow = heapq.heappop(waiting)
            for effect in flow:
                if isinstance(effect, Sleep):
                    heapq.heappush(waiting, (self.now + effect.seconds, number, flow))
                    break
                assert isinstance(effect, Tell)
                self.delays.append(effect.event)


def various(seed: int) -> Callable[[Call], float]:
    chance = random.Random(seed)
    return lambda call: chance.choice([0.5, 1.0, 2.0, 12.5])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("workers", [1, 8, 40])
@pytest.mark.parametrize(
    ("call", "setting"), [(GET, "read_units"), (PUT, "write_units")], ids=["read", "write"]
)
def test_100_units_a_second_are_held_within_5_percent_over_30_seconds(
    call: Call, setting: str, workers: int, seed: int
) -> None:
    world = World(various(seed), **{setting: 100.0})
    world.run(30, workers, call)
    print(f"{workers} workers: {world.consumed['t'] / 30:.2f} units a second")
    assert 0.95 * 3000 <= world.consumed["t"] <= 1.05 * 3000
    assert sum(delay.seconds for delay in world.delays) > 0


@pytest.mark.parametrize("page", [64.0, 128.0])
def test_pages_that_cost_as_much_as_the_limit_are_held_too(page: float) -> None:
    world = World(lambda call: page, read_units=100.0)
    world.run(30, 8, Call("Scan", {"TableName": "t"}, "t"))
    assert world.consumed["t"] <= 1.05 * 3000 + page


def test_what_was_used_beyond_the_limit_is_owed_until_it_has_come() -> None:
    world = World(lambda call: 128.0, read_units=10.0)
    assert world.limit.owed_seconds() == 0
    world.run(0.001, 1)
    assert world.limit.owed_seconds() == pytest.approx(12.3, abs=0.1)
    world.now += 100
    assert world.limit.owed_seconds() == 0


@pytest.mark.parametrize("cost", [1.0, 5.0, 25.0])
def test_many_short_clients_that_begin_empty_and_settle_keep_the_limit_together(cost: float) -> None:
    """Where each begins with the units of half a second, 5 units of 10 a second are never owed."""
    world = World(lambda call: cost, write_units=10.0)
    began, used = world.now, 0.0
    for _ in range(80):
        world.limit = RateLimit(write_units=10.0, begins_full=False, clock=lambda: world.now)
        world.consumed.clear()
        world.run(0.001, 1, PUT)
        used += cost
        world.now += world.limit.owed_seconds()
    print(f"{used / (world.now - began):.2f} units a second")
    assert 0.9 * 10 <= used / (world.now - began) <= 10.001


def test_below_the_limit_nothing_waits() -> None:
    world = World(lambda call: 0.1, read_units=100.0)
    world.run(5, 1)
    assert world.delays == []


def test_tables_have_limits_of_their_own_and_sides_are_apart() -> None:
    world = World(lambda call: 1.0, tables={"t": UnitLimit(read=10.0)})
    world.run(10, 4)
    assert world.consumed["t"] == pytest.approx(100, rel=0.1)
    for free in (PUT, Call("GetItem", {}, "u")):
        world.delays.clear()
        world.run(1, 4, free)
        assert world.delays == []


def test_the_capacity_is_asked_for_where_the_caller_did_not() -> None:
    world = World(lambda call: 1.0, read_units=100.0)
    world.run(0.001, 1)
    world.run(0.001, 1, Call("GetItem", {"ReturnConsumedCapacity": "TOTAL"}, "t"))
    assert [call.body["ReturnConsumedCapacity"] for call in world.calls] == ["INDEXES", "TOTAL"]


def test_adaptive_it_finds_what_the_table_can_take() -> None:
    def throttles(*, adaptive: bool) -> tuple[int, float]:
        world = World(lambda call: 1.0, capacity=40.0, read_units=100.0, adaptive=adaptive)
        world.run(30, 8)
        return world.throttled, world.consumed["t"]

    (fixed, most), (adapted, consumed) = throttles(adaptive=False), throttles(adaptive=True)
    assert adapted < fixed / 3
    assert consumed > 0.7 * most


def test_adaptive_it_recovers() -> None:
    world = World(lambda call: 1.0, capacity=20.0, read_units=100.0, adaptive=True)
    world.run(10, 8)
    world.capacity = inf
    world.run(40, 8)
    world.consumed["t"] = 0.0
    world.run(10, 8)
    assert world.consumed["t"] == pytest.approx(1000, rel=0.06)


def finished(flow: Flow[Reply]) -> Reply:
    try:
        while True:
            next(flow)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def consuming(units: float) -> Send:
    def send(call: Call) -> Flow[Reply]:
        yield from ()
        return json.dumps({"ConsumedCapacity": {"CapacityUnits": units}}).encode()

    return send


def failing(error: Exception) -> Send:
    def send(call: Call) -> Flow[Reply]:
        yield from ()
        raise error

    return send


def test_a_turn_after_the_deadline_is_not_waited_for_and_says_when_to_try_again() -> None:
    limit = RateLimit(read_units=10.0, clock=lambda: 100.0)
    (hold,) = limit.attempts
    finished(hold(consuming(55.0), GET))
    soon = Call("GetItem", {}, "t", deadline=104.9)
    with pytest.raises(
        RateLimitedError, match=r"at 10 units a second its turn would come in 5.0 s"
    ) as caught:
        finished(hold(consuming(1.0), soon))
    assert caught.value.retry_after_seconds == pytest.approx(5.0)
    assert next(hold(consuming(1.0), GET)).event.seconds == pytest.approx(5.0)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("error", "wait"),
    [(ProvisionedThroughputExceededError("no"), 0.0), (ConditionalCheckFailedError("no"), 0.5)],
)
def test_a_throttle_costs_nothing_and_another_refusal_what_was_guessed(error: Exception, wait: float) -> None:
    limit = RateLimit(write_units=1.0, clock=lambda: 100.0)
    (hold,) = limit.attempts
    with pytest.raises(type(error)):
        finished(hold(failing(error), PUT))
    flow = hold(consuming(1.0), PUT)
    if wait:
        assert next(flow).event.seconds == pytest.approx(wait)  # type: ignore[union-attr]
    else:
        assert finished(flow)


def test_a_call_that_is_given_up_while_it_waits_costs_nothing() -> None:
    limit = RateLimit(read_units=1.0, clock=lambda: 100.0)
    (hold,) = limit.attempts
    finished(hold(consuming(2.0), GET))
    waits = []
    for _ in range(3):
        flow = hold(consuming(1.0), GET)
        waits.append(next(flow).event.seconds)  # type: ignore[union-attr]
        flow.close()
    assert waits == pytest.approx([1.5, 1.5, 1.5])


def test_a_transaction_pays_for_every_table_in_it() -> None:
    limit = RateLimit(write_units=10.0, clock=lambda: 100.0)
    (hold,) = limit.attempts
    call = Call("TransactWriteItems", {"TransactItems": [{}, {}]}, "t")
    consumed = [{"TableName": "t", "CapacityUnits": 2.0}, {"TableName": "u", "CapacityUnits": 25.0}]

    def send(call: Call) -> Flow[Reply]:
        yield from ()
        return json.dumps({"ConsumedCapacity": consumed}).encode()

    finished(hold(send, call))
    assert next(hold(send, Call("PutItem", {}, "u"))).event.seconds == pytest.approx(2.0)  # type: ignore[union-attr]


def test_a_limit_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="read_units: is 0; give a number above 0"):
        RateLimit(read_units=0)
    with pytest.raises(ValidationError, match=r"RateLimit is not valid: tables\.t\.write"):
        RateLimit(tables={"t": UnitLimit(write=-1)})
