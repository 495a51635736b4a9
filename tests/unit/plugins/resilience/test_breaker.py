from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, run
from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    CircuitOpenError,
    ConditionalCheckFailedError,
    ConnectionError,
    DeadlineExceededError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    RetryableError,
    TransactionConflictError,
    ValidationError,
)
from dynamodb_wrapper.models.base import DynamoDBModel
from dynamodb_wrapper.plugins.resilience.breaker import CircuitBreaker, is_ill
from dynamodb_wrapper.plugins.resilience.events import BreakerChanged

ENDPOINT = "http://localhost:8000"
CONFIG = DynamoDBConfig.for_local_development(retries=1, endpoint_url=ENDPOINT)


class Note(DynamoDBModel):
    key: str

    class Meta:
        table_name = "notes"
        partition_key = "key"


class Other(DynamoDBModel):
    key: str

    class Meta:
        table_name = "others"
        partition_key = "key"


class Service:
    """A transport that answers, or fails with what `failure` gives."""

    def __init__(self) -> None:
        self.failure: Callable[[], DynamoDBWrapperError] | None = None
        self.calls = 0

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls += 1
        if self.failure is not None:
            raise self.failure()
        return json.dumps({}).encode()


class World:
    """A client with a breaker, a service and a clock in the test's hand."""

    def __init__(self, **settings: Any) -> None:
        self.now = 100.0
        self.service = Service()
        self.breaker = CircuitBreaker(clock=lambda: self.now, **settings)
        self.events: list[BreakerChanged] = []
        self.db = DynamoDB(CONFIG, transport=self.service, observers=[self._note]).use(self.breaker)

    def _note(self, event: Any) -> None:
        if isinstance(event, BreakerChanged):
            self.events.append(event)

    def fail(
        self, times: int, failure: Callable[[], DynamoDBWrapperError] = lambda: RetryableError("500")
    ) -> None:
        self.service.failure = failure
        for _ in range(times):
            with pytest.raises(DynamoDBWrapperError):
                self.db.get(Note, "a")
        self.service.failure = None

    def state(self) -> str:
        return self.breaker.state(ENDPOINT, "notes")


def test_it_opens_with_the_fifth_failure_in_a_row_and_then_sends_nothing() -> None:
    world = World()
    world.fail(4)
    assert world.state() == "closed"
    world.fail(1)
    assert world.state() == "open"
    with pytest.raises(CircuitOpenError, match=r"failed 5 times in a row. Try again in 10.0 s") as caught:
        world.db.get(Note, "a")
    assert world.service.calls == 5
    assert caught.value.retryable
    assert caught.value.retry_after_seconds == pytest.approx(10.0)


def test_an_answer_in_between_begins_the_count_anew() -> None:
    world = World()
    world.fail(4)
    world.db.get(Note, "a")
    world.fail(4)
    assert world.state() == "closed"


def test_after_its_time_one_call_probes_and_an_answer_closes_it() -> None:
    world = World(open_seconds=3.0)
    world.fail(5)
    world.now += 3.0
    world.db.get(Note, "a")
    assert world.state() == "closed"
    world.fail(4)
    assert world.state() == "closed"
    assert [event.state for event in world.events] == ["open", "half-open", "closed"]
    assert world.events[0] == BreakerChanged(ENDPOINT, "notes", "open", 5)
    assert [next(iter(event.measures())).value for event in world.events] == [2.0, 1.0, 0.0]


def test_a_probe_that_fails_opens_it_for_another_time() -> None:
    world = World()
    world.fail(5)
    world.now += 10.0
    world.fail(1)
    assert world.state() == "open"
    with pytest.raises(CircuitOpenError, match=r"failed 6 times in a row. Try again in 10.0 s"):
        world.db.get(Note, "a")
    assert world.service.calls == 6


def test_only_one_call_probes_at_a_time() -> None:
    world = World()
    world.fail(5)
    world.now += 10.0
    guard = world.breaker.bound(CONFIG).attempts[0]
    probe, second = guard(hangs, Call("GetItem", {}, "notes")), guard(hangs, Call("GetItem", {}, "notes"))
    next(probe)
    with pytest.raises(CircuitOpenError):
        next(second)
    probe.close()
    run(guard(answers, Call("GetItem", {}, "notes")), lambda effect: None)
    assert world.state() == "closed"


def hangs(call: Call) -> Flow[Reply]:
    while True:
        yield call


def answers(call: Call) -> Flow[Reply]:
    yield from ()
    return b"{}"


def test_a_call_that_began_before_it_opened_does_not_close_it() -> None:
    world = World()
    late = world.breaker.bound(CONFIG).attempts[0](hangs, Call("GetItem", {}, "notes"))
    next(late)
    world.fail(5)
    late.close()
    assert world.state() == "open"


def test_tables_and_endpoints_are_apart() -> None:
    world = World()
    world.fail(5)
    assert world.db.get(Other, "a") is None
    elsewhere = CONFIG.replace(endpoint_url="http://localhost:8001")
    assert DynamoDB(elsewhere, transport=world.service).use(world.breaker).get(Note, "a") is None
    with pytest.raises(CircuitOpenError):
        world.db.get(Note, "a")


def test_it_opens_within_the_attempts_of_one_call_and_ends_them() -> None:
    world = World()
    world.service.failure = lambda: RetryableError("500")
    db = DynamoDB(CONFIG.replace(retries=9), transport=world.service).use(world.breaker)
    with pytest.raises(CircuitOpenError):
        db.get(Note, "a")
    assert world.service.calls == 5


def unknown(error: DynamoDBWrapperError) -> DynamoDBWrapperError:
    error.outcome_unknown = True
    return error


def final(error: DynamoDBWrapperError) -> DynamoDBWrapperError:
    error.retryable = False
    return error


@pytest.mark.parametrize(
    ("error", "ill"),
    [
        (RetryableError("500"), True),
        (ConnectionError("refused"), True),
        (unknown(DeadlineExceededError("no answer")), True),
        (DeadlineExceededError("no connection of the pool was free"), False),
        (final(ConnectionError("no trusted TLS")), False),
        (RetryableError("in progress", None, {"service_code": "TransactionInProgressException"}), False),
        (ProvisionedThroughputExceededError("throttled"), False),
        (CircuitOpenError("open"), False),
        (ConditionalCheckFailedError("no"), False),
        (TransactionConflictError("held"), False),
        (ValidationError("no"), False),
        (AuthenticationError("no"), False),
    ],
    ids=lambda value: f"{type(value).__name__} {value}" if isinstance(value, Exception) else str(value),
)
def test_only_failures_of_the_service_count(error: DynamoDBWrapperError, ill: bool) -> None:
    assert is_ill(error) is ill


@pytest.mark.parametrize("setting", ["failures", "open_seconds"])
def test_a_number_that_cannot_be_is_refused(setting: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        CircuitBreaker(**{setting: 0})  # type: ignore[arg-type]
