from __future__ import annotations

import pytest

from dynamodb_wrapper.engine.flow import Call, Effect, Flow, Reply, Tell
from dynamodb_wrapper.engine.regions import HOME, REST_SECONDS, RegionChanged, Regions
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConnectionError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    RetryableError,
)

READ = Call("GetItem", {"TableName": "t"}, "t")
WRITE = Call("PutItem", {"TableName": "t"}, "t")
CONDITIONAL = Call("PutItem", {"TableName": "t"}, "t", repeatable=False)


class Service:
    """Regions that answer with their name, or fail as told."""

    def __init__(self, **failures: DynamoDBWrapperError) -> None:
        self.failures: dict[str, DynamoDBWrapperError] = failures
        self.asked: list[Call] = []
        self.told: list[RegionChanged] = []

    def send(self, call: Call) -> Flow[Reply]:
        self.asked.append(call)
        yield from ()
        if (failure := self.failures.get(call.region or "home")) is not None:
            raise failure
        return call.region.encode()

    def ask(self, regions: Regions, call: Call = READ) -> list[str]:
        """The Regions that were asked for the answer to this call."""
        self.asked = []
        flow = regions(self.send, call)
        try:
            effect: Effect = next(flow)
            while True:
                assert isinstance(effect, Tell)
                self.told.append(effect.event)
                effect = flow.send(None)
        except StopIteration as end:
            answer = end.value
        assert answer == self.asked[-1].region.encode()
        return [call.region for call in self.asked]


def regions(*, write_failover: bool = False) -> Regions:
    return Regions(["near", HOME, "far"], write_failover=write_failover, patience_seconds=2.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("dynamodb_wrapper.engine.regions.monotonic", lambda: now[0])
    return now


def consistent(call: Call) -> Call:
    return Call(call.action, {**call.body, "ConsistentRead": True}, "t")


@pytest.mark.parametrize("action", ["GetItem", "Query", "Scan", "BatchGetItem"])
def test_reads_go_to_the_nearest_region(action: str) -> None:
    assert Service().ask(regions(), Call(action, {}, "t")) == ["near"]


@pytest.mark.parametrize(
    "call",
    [
        consistent(READ),
        Call("BatchGetItem", {"RequestItems": {"a": {"Keys": []}, "b": {"ConsistentRead": True}}}, "a"),
        Call("TransactGetItems", {}, "t"),
        Call("ExecuteStatement", {}, "t"),
        Call("CreateTable", {}, "t"),
        WRITE,
    ],
)
def test_all_else_stays_at_home(call: Call) -> None:
    service = Service(home=ConnectionError("gone"))
    with pytest.raises(ConnectionError, match="gone"):
        service.ask(regions(), call)
    assert [call.region for call in service.asked] == [HOME]


@pytest.mark.parametrize("error", [ConnectionError("gone"), RetryableError("500")])
def test_where_a_region_is_ill_the_next_one_is_asked_and_observers_are_told(
    error: DynamoDBWrapperError,
) -> None:
    service = Service(near=error)
    assert service.ask(regions()) == ["near", HOME]
    assert service.told == [RegionChanged(READ, "near", HOME, error)]


@pytest.mark.parametrize(
    "error", [ConditionalCheckFailedError("no"), ProvisionedThroughputExceededError("slow")]
)
def test_what_a_healthy_region_says_is_the_answer(error: DynamoDBWrapperError) -> None:
    service = Service(near=error)
    with pytest.raises(type(error)):
        service.ask(regions())
    assert len(service.asked) == 1


def test_when_no_region_answers_the_last_failure_is_raised() -> None:
    service = Service(near=ConnectionError("1"), home=ConnectionError("2"), far=ConnectionError("3"))
    with pytest.raises(ConnectionError, match="3"):
        service.ask(regions())
    assert len(service.asked) == 3


def test_each_region_but_the_last_has_its_patience_only(clock: list[float]) -> None:
    service = Service(near=ConnectionError("1"), home=ConnectionError("2"))
    service.ask(regions(), Call("GetItem", {}, "t", deadline=130.0))
    assert [call.deadline for call in service.asked] == [102.0, 102.0, 130.0]
    service.ask(regions(), Call("GetItem", {}, "t", deadline=101.0))
    assert {call.deadline for call in service.asked} == {101.0}


def test_a_region_that_was_ill_rests_then_one_call_tries_it_and_it_is_the_first_again(
    clock: list[float],
) -> None:
    service, chosen = Service(near=ConnectionError("gone")), regions()
    assert service.ask(chosen) == ["near", HOME]
    assert service.ask(chosen) == [HOME]
    clock[0] += REST_SECONDS
    assert service.ask(chosen) == ["near", HOME]
    assert service.ask(chosen) == [HOME]
    clock[0] += REST_SECONDS
    service.failures = {}
    assert service.ask(chosen) == ["near"]
    assert service.ask(chosen) == ["near"]


def test_while_one_call_tries_a_region_others_do_not(clock: list[float]) -> None:
    service, chosen = Service(near=ConnectionError("gone")), regions()
    service.ask(chosen)
    clock[0] += REST_SECONDS
    trying = chosen(service.send, READ)
    service.asked = []
    assert isinstance(next(trying), Tell)
    assert [call.region for call in service.asked] == ["near"]
    assert service.ask(chosen) == [HOME]


class TestWrites:
    def test_they_may_leave_home_where_that_is_allowed(self) -> None:
        service = Service(home=ConnectionError("gone"))
        assert service.ask(regions(write_failover=True), WRITE) == [HOME, "near"]

    def test_where_home_answers_they_stay_there(self) -> None:
        assert Service().ask(regions(write_failover=True), WRITE) == [HOME]

    @pytest.mark.parametrize(("call", "asked"), [(CONDITIONAL, [HOME]), (WRITE, [HOME, "near"])])
    def test_one_that_home_may_have_applied_goes_elsewhere_only_if_repeating_it_is_harmless(
        self, call: Call, asked: list[str]
    ) -> None:
        lost = ConnectionError("no answer")
        lost.outcome_unknown = True
        service = Service(home=lost)
        if len(asked) == 1:
            with pytest.raises(ConnectionError):
                service.ask(regions(write_failover=True), call)
        else:
            service.ask(regions(write_failover=True), call)
        assert [call.region for call in service.asked] == asked


def test_the_request_itself_is_the_same_everywhere() -> None:
    service = Service(near=ConnectionError("gone"))
    service.ask(regions())
    assert [call.body for call in service.asked] == [READ.body, READ.body]
