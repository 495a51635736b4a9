"""The retry layer: which failures are sent again, when, and how often.

Knows errors and waiting. Must not know what a call means beyond whether it is repeatable. The rules are those
of the AWS SDKs' standard mode for DynamoDB (AWS SDKs and Tools Reference Guide, "Retry behavior"); policies
may set others for some actions and tables.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from math import inf
from threading import Lock
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.events import Retrying
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep, Tell
from dynamodb_wrapper.engine.pacing import Pacing
from dynamodb_wrapper.exceptions import (
    DynamoDBWrapperError,
    NotSentError,
    ProvisionedThroughputExceededError,
    RetryableError,
    WriteOutcomeUnknownError,
)

BUCKET_TOKENS = 500
TRANSIENT_COST = 14
THROTTLE_COST = 5
TRANSIENT_BASE_SECONDS = 0.025
THROTTLE_BASE_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 20.0
LONGEST_ASKED_EXTRA_SECONDS = 5.0


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How calls are repeated; what is None is as the client's config has it.

    Parameters:
        attempts: how often a call is sent at most, the first time included.
        timeout_seconds: how long a call may take in all, attempts and waits included.
        base_seconds: the first wait after a transient failure is a random part of it, and it doubles.
        throttle_base_seconds: the same after a throttle.
        longest_wait_seconds: the most that one wait may be.
        actions: the service's names of the operations that it is for, such as "Query"; all where empty.
        tables: the full names of the tables that it is for; all where empty.
    """

    attempts: int | None = None
    timeout_seconds: float | None = None
    base_seconds: float = TRANSIENT_BASE_SECONDS
    throttle_base_seconds: float = THROTTLE_BASE_SECONDS
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    actions: Collection[str] = ()
    tables: Collection[str] = ()

    def fits(self, call: Call) -> bool:
        """Whether it is for that call."""
        return (not self.actions or call.action in self.actions) and (
            not self.tables or call.table in self.tables
        )


class TokenBucket:
    """What all calls of one client may spend on retries, so that a broken service is not hammered.

    Attributes:
        pacing: what of the service is throttled at present, for the same calls.
    """

    def __init__(self, capacity: int = BUCKET_TOKENS) -> None:
        self.pacing = Pacing()
        self._capacity = capacity
        self._tokens = capacity
        self._lock = Lock()

    def take(self, cost: int) -> bool:
        """Pay for one retry; False when there is not enough left."""
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def give(self, amount: int) -> None:
        """Pay back after a success."""
        if self._tokens < self._capacity:
            with self._lock:
                self._tokens = min(self._capacity, self._tokens + amount)


class Retry:
    """A layer that gives each call its deadline and sends it again after a passing failure.

    A call that is not repeatable and whose outcome is unknown is never sent again: it raises
    `WriteOutcomeUnknownError`. When the deadline or the bucket ends the attempts, the last failure is raised;
    its outcome is unknown where that of an earlier attempt is.

    Parameters:
        attempts: how often a call is sent at most, the first time included.
        timeout_seconds: how long a call may take in all, attempts and waits included.
        bucket: the tokens shared by all calls of a client.
        chance: draws the jitter, a float in [0, 1).
        policies: what holds for some calls instead; of those that fit, the first one.
    """

    def __init__(
        self,
        attempts: int,
        timeout_seconds: float,
        bucket: TokenBucket | None = None,
        chance: Callable[[], float] = random.random,
        policies: Sequence[RetryPolicy] = (),
    ) -> None:
        self._attempts = attempts
        self._timeout = timeout_seconds
        self._bucket = bucket or TokenBucket()
        self._pacing = self._bucket.pacing
        self._chance = chance
        self._policies = policies
        self._usual = RetryPolicy()

    def __call__(self, send: Send, call: Call) -> Flow[Reply]:
        """Send the call until it succeeds or may not be sent again."""
        policy = self._policy(call) if self._policies else self._usual
        attempts, timeout = policy.attempts or self._attempts, policy.timeout_seconds or self._timeout
        call = replace(call, deadline=min(call.deadline, monotonic() + timeout))
        if wait := self._pacing.turn(call):
            yield Sleep(wait)
        attempt, spent, lost = 0, 1, False
        while True:
            try:
                reply = yield from send(call)
            except DynamoDBWrapperError as error:
                if error.outcome_unknown and not call.repeatable:
                    raise _unknown_outcome(call, error) from error
                error.outcome_unknown = lost = lost or error.outcome_unknown
                attempt += 1
                delay = self._delay(attempt, error, call, policy)
                spent = THROTTLE_COST if _is_throttle(error) else TRANSIENT_COST
                too_late = attempt >= attempts or monotonic() + delay >= call.deadline
                if too_late or not self._bucket.take(spent):
                    raise
                yield Tell(Retrying(call, attempt, delay, error))
                yield Sleep(delay)
            else:
                self._bucket.give(spent)
                self._pacing.succeeded(call)
                return reply

    def _policy(self, call: Call) -> RetryPolicy:
        return next((policy for policy in self._policies if policy.fits(call)), self._usual)

    def _delay(self, attempt: int, error: DynamoDBWrapperError, call: Call, policy: RetryPolicy) -> float:
        """Seconds until the next attempt; for ever, where there is to be none. Others learn of a throttle."""
        if isinstance(error, ProvisionedThroughputExceededError):
            self._pacing.throttled(call, error)
        if not error.retryable or isinstance(error, NotSentError):
            return inf
        base = policy.throttle_base_seconds if _is_throttle(error) else policy.base_seconds
        delay = self._chance() * min(base * 2.0 ** (attempt - 1), policy.longest_wait_seconds)
        asked = error.retry_after_seconds if isinstance(error, RetryableError) else None
        return delay if asked is None else min(max(asked, delay), delay + LONGEST_ASKED_EXTRA_SECONDS)


def _is_throttle(error: DynamoDBWrapperError) -> bool:
    return isinstance(error, ProvisionedThroughputExceededError)


def _unknown_outcome(call: Call, error: DynamoDBWrapperError) -> WriteOutcomeUnknownError:
    return WriteOutcomeUnknownError(
        f"{call.action} on {call.table} may or may not have been applied ({error.message}). It was not sent "
        "again, because that could apply it twice: read the item to see, then decide.",
        error,
        error.context,
    )
