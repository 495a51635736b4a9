"""The retry layer, driven by hand: a scripted `send`, a chance that is known, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from dynamodb_wrapper.engine.events import Retrying
from dynamodb_wrapper.engine.flow import Call, Effect, Flow, Reply, Sleep, Tell
from dynamodb_wrapper.engine.pacing import FIRST_DISTANCE_SECONDS
from dynamodb_wrapper.engine.retry import Retry, RetryPolicy, TokenBucket
from dynamodb_wrapper.exceptions import (
    CircuitOpenError,
    ConditionalCheckFailedError,
    ConnectionError,
    DeadlineExceededError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    RetryableError,
    ThrottlingReason,
    TransactionConflictError,
    ValidationError,
    WriteOutcomeUnknownError,
)

READ = Call("GetItem", {}, "t")
WRITE = Call("UpdateItem", {}, "t", repeatable=False)
CLOCK = "dynamodb_wrapper.engine.retry.monotonic"


def lost(*, sent: bool = True) -> ConnectionError:
    error = ConnectionError("the connection was reset", context={"table": "t"})
    error.outcome_unknown = sent
    return error


def throttled(**more: Any) -> ProvisionedThroughputExceededError:
    return ProvisionedThroughputExceededError("throttled", **more)


def late() -> DeadlineExceededError:
    error = DeadlineExceededError("no time left")
    error.outcome_unknown = True
    return error


class Service:
    """Answers from a script; remembers what was sent and how long was waited."""

    def __init__(self, *script: DynamoDBWrapperError | bytes) -> None:
        self.script = list(script)
        self.sent: list[Call] = []
        self.waits: list[float] = []
        self.told: list[Retrying] = []

    def __call__(self, call: Call) -> Flow[Reply]:
        self.sent.append(call)
        answer = self.script.pop(0)
        if isinstance(answer, DynamoDBWrapperError):
            raise answer
        yield from ()
        return answer

    def run(self, retry: Retry, call: Call = READ) -> Reply:
        flow = retry(self, call)
        try:
            effect: Effect = next(flow)
            while True:
                if isinstance(effect, Tell):
                    self.told.append(effect.event)
                else:
                    assert isinstance(effect, Sleep)
                    self.waits.append(effect.seconds)
                effect = flow.send(None)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def retry(
    attempts: int = 4, chance: float = 0.5, bucket: TokenBucket | None = None, timeout: float = 3600
) -> Retry:
    return Retry(attempts, timeout, bucket, lambda: chance)


def test_a_success_is_sent_once_and_waits_for_nothing() -> None:
    service = Service(b"reply")
    assert service.run(retry()) == b"reply"
    assert len(service.sent) == 1
    assert service.waits == []


def test_a_passing_failure_is_sent_again_until_it_succeeds() -> None:
    service = Service(lost(), RetryableError("500"), TransactionConflictError("held"), b"reply")
    assert service.run(retry()) == b"reply"
    assert len(service.sent) == 4
    assert [(told.attempt, told.seconds) for told in service.told] == [
        (number, wait) for number, wait in enumerate(service.waits, 1)
    ]


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_attempts_count_the_first_time_and_the_last_failure_is_raised(attempts: int) -> None:
    failures = [RetryableError(f"failure {number}") for number in range(1, 6)]
    service = Service(*failures)
    with pytest.raises(RetryableError, match=f"failure {attempts}"):
        service.run(retry(attempts))
    assert len(service.sent) == attempts


@pytest.mark.parametrize(
    "error", [ValidationError("no"), ConditionalCheckFailedError("no"), DeadlineExceededError("no")]
)
def test_a_failure_that_does_not_pass_is_sent_once(error: DynamoDBWrapperError) -> None:
    service = Service(error, b"not reached")
    with pytest.raises(type(error)):
        service.run(retry())
    assert len(service.sent) == 1


def test_an_error_that_is_not_ours_goes_through_untouched() -> None:
    def broken(call: Call) -> Flow[Reply]:
        yield from ()
        raise KeyError("bug")

    with pytest.raises(KeyError):
        next(retry()(broken, READ))


class TestWaiting:
    def test_transient_failures_wait_from_25_ms_doubling(self) -> None:
        service = Service(*[lost() for _ in range(4)], b"")
        service.run(retry(5, chance=1.0))
        assert service.waits == pytest.approx([0.025, 0.05, 0.1, 0.2])

    def test_throttles_wait_from_one_second_doubling_up_to_twenty(self) -> None:
        service = Service(*[throttled() for _ in range(7)], b"")
        service.run(retry(8, chance=1.0))
        assert service.waits == pytest.approx([1, 2, 4, 8, 16, 20, 20])

    def test_the_hundredth_attempt_still_has_a_finite_wait(self) -> None:
        service = Service(*[throttled() for _ in range(99)], b"")
        service.run(retry(100, chance=1.0, bucket=TokenBucket(10_000)))
        assert service.waits[-1] == 20

    @pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
    def test_the_jitter_is_a_share_of_the_whole_wait(self, chance: float) -> None:
        service = Service(throttled(), lost(), b"")
        service.run(retry(chance=chance))
        assert service.waits == pytest.approx([chance * 1.0, chance * 0.05])

    @pytest.mark.parametrize(
        ("asked", "waited"),
        [(0.0, 0.5), (0.2, 0.5), (3.0, 3.0), (5.5, 5.5), (60.0, 5.5)],
        ids=["none", "less", "more", "the most", "too much"],
    )
    def test_what_the_service_asks_for_lengthens_a_wait_by_at_most_five_seconds(
        self, asked: float, waited: float
    ) -> None:
        service = Service(throttled(retry_after_seconds=asked), b"")
        service.run(retry(chance=0.5))
        assert service.waits == pytest.approx([waited])


class TestBucket:
    def spent(self, bucket: TokenBucket, capacity: int = 500) -> int:
        left = 0
        while bucket.take(1):
            left += 1
        return capacity - left

    def test_a_transient_failure_costs_14_and_a_throttle_5(self) -> None:
        for error, cost in ((lost(), 14), (throttled(), 5)):
            bucket = TokenBucket()
            with pytest.raises(DynamoDBWrapperError):
                Service(error, ValidationError("then this")).run(retry(bucket=bucket))
            assert self.spent(bucket) == cost

    @pytest.mark.parametrize(
        ("script", "spent"),
        [([lost()], 0), ([throttled()], 0), ([lost(), throttled()], 14), ([throttled(), lost(), lost()], 19)],
    )
    def test_a_success_pays_back_the_last_retry(
        self, script: Sequence[DynamoDBWrapperError], spent: int
    ) -> None:
        bucket = TokenBucket()
        Service(*script, b"").run(retry(bucket=bucket))
        assert self.spent(bucket) == spent

    def test_a_success_at_once_pays_back_one(self) -> None:
        bucket = TokenBucket(10)
        assert bucket.take(10)
        for _ in range(3):
            Service(b"").run(retry(bucket=bucket))
        assert self.spent(bucket, 10) == 7

    def test_it_never_holds_more_than_its_capacity(self) -> None:
        bucket = TokenBucket(5)
        bucket.give(100)
        assert not bucket.take(6)
        assert bucket.take(5)

    def test_when_it_is_empty_the_failure_is_raised_at_once(self) -> None:
        bucket = TokenBucket(27)
        first, second = Service(lost(), b""), Service(lost(), RetryableError("second"), b"")
        first.run(retry(bucket=bucket))
        assert first.waits
        with pytest.raises(RetryableError, match="second"):
            second.run(retry(bucket=bucket))
        assert len(second.sent) == 2

    def test_a_broken_service_is_not_hammered_by_many_calls(self) -> None:
        bucket, sent = TokenBucket(), 0
        for _ in range(1000):
            service = Service(*[lost() for _ in range(4)])
            with pytest.raises(ConnectionError):
                service.run(retry(bucket=bucket))
            sent += len(service.sent)
        assert sent == 1000 + 500 // 14

    def test_threads_never_take_more_than_there_is(self) -> None:
        bucket, taken = TokenBucket(1000), list[int]()

        def take() -> None:
            taken.append(sum(bucket.take(1) for _ in range(1000)))

        threads = [Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(taken) == 1000


class TestDeadline:
    def test_every_attempt_of_a_call_has_the_same_deadline(self) -> None:
        service = Service(lost(), lost(), b"")
        before = monotonic()
        service.run(retry(timeout=7))
        (deadline,) = {call.deadline for call in service.sent}
        assert before + 7 <= deadline <= monotonic() + 7

    def test_an_earlier_deadline_of_the_call_is_kept(self) -> None:
        soon = monotonic() + 1
        service = Service(b"")
        service.run(retry(timeout=7), Call("GetItem", {}, "t", deadline=soon))
        assert service.sent[0].deadline == soon

    def test_a_wait_that_would_end_after_it_is_not_begun_and_the_last_failure_is_raised(self) -> None:
        service = Service(throttled(), throttled(reasons=[ThrottlingReason("last")]), b"")
        with pytest.raises(ProvisionedThroughputExceededError) as caught:
            service.run(retry(chance=0.9, timeout=1))
        assert caught.value.reasons == (ThrottlingReason("last"),)
        assert service.waits == pytest.approx([0.9])

    def test_time_that_passes_while_sending_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [100.0]
        monkeypatch.setattr(CLOCK, lambda: now[0])
        service = Service(lost(), lost(), b"")

        def slow(call: Call) -> Flow[Reply]:
            now[0] += 0.6
            return (yield from service(call))

        flow = retry(timeout=1.0)(slow, READ)
        assert isinstance(next(flow), Tell)
        assert isinstance(flow.send(None), Sleep)
        with pytest.raises(ConnectionError):
            flow.send(None)
        assert len(service.sent) == 2


class TestUnknownOutcome:
    def failures(self) -> dict[str, Callable[[], DynamoDBWrapperError]]:
        return {"reset": lost, "deadline": late}

    @pytest.mark.parametrize("kind", ["reset", "deadline"])
    def test_a_write_that_is_not_repeatable_is_never_sent_again(self, kind: str) -> None:
        cause = self.failures()[kind]()
        service = Service(cause, b"not reached")
        with pytest.raises(WriteOutcomeUnknownError, match="UpdateItem on t may or may not") as caught:
            service.run(retry(), WRITE)
        assert len(service.sent) == 1
        assert caught.value.original_error is cause
        assert caught.value.context == cause.context
        assert "read the item to see" in caught.value.message

    def test_even_the_last_attempt_says_that_the_outcome_is_unknown(self) -> None:
        with pytest.raises(WriteOutcomeUnknownError):
            Service(lost()).run(retry(1), WRITE)

    def test_a_repeatable_call_is_sent_again(self) -> None:
        service = Service(lost(), b"reply")
        assert service.run(retry(), READ) == b"reply"

    def test_a_write_that_was_certainly_not_applied_is_sent_again(self) -> None:
        for error in (lost(sent=False), throttled(), TransactionConflictError("held")):
            service = Service(error, b"reply")
            assert service.run(retry(), WRITE) == b"reply"

    def test_an_unknown_outcome_after_a_throttle_ends_the_attempts(self) -> None:
        service = Service(throttled(), lost(), b"not reached")
        with pytest.raises(WriteOutcomeUnknownError):
            service.run(retry(), WRITE)
        assert len(service.sent) == 2


def test_a_call_that_was_not_sent_is_not_sent_again_by_the_retries() -> None:
    service = Service(lost(), CircuitOpenError("open", retry_after_seconds=1.0), b"")
    with pytest.raises(CircuitOpenError) as caught:
        service.run(retry())
    assert len(service.sent) == 2
    assert caught.value.outcome_unknown


class TestPacing:
    def test_a_call_of_what_is_throttled_waits_for_its_turn_before_it_is_sent(self) -> None:
        bucket, reasons = TokenBucket(), [ThrottlingReason("TableReadProvisionedThroughputExceeded")]
        with pytest.raises(ProvisionedThroughputExceededError):
            Service(throttled(reasons=reasons)).run(retry(1, bucket=bucket))
        next_one, other = Service(b""), Service(b"")
        next_one.run(retry(bucket=bucket))
        other.run(retry(bucket=bucket), Call("GetItem", {}, "another"))
        assert next_one.waits == [pytest.approx(FIRST_DISTANCE_SECONDS, rel=0.2)]
        assert other.waits == []


class TestPolicies:
    def test_the_waits_are_those_of_the_policy(self) -> None:
        policy = RetryPolicy(
            base_seconds=1.0, throttle_base_seconds=2.0, longest_wait_seconds=3.0, attempts=4
        )
        service = Service(lost(), throttled(), lost(), b"")
        service.run(Retry(2, 3600, chance=lambda: 0.5, policies=[policy]))
        assert service.waits == pytest.approx([0.5, 1.5, 1.5])

    def test_a_policy_for_other_calls_changes_nothing(self) -> None:
        service = Service(lost(), b"")
        service.run(
            Retry(2, 3600, chance=lambda: 1.0, policies=[RetryPolicy(tables=["u"], base_seconds=9.0)])
        )
        assert service.waits == pytest.approx([0.025])
