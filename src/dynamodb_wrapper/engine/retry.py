"""The retry layer: which failures are sent again, when, and how often.

Knows errors and waiting. Must not know what a call means beyond whether it is repeatable. The rules are those
of the AWS SDKs' standard mode for DynamoDB (AWS SDKs and Tools Reference Guide, "Retry behavior").
"""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Lock
from time import monotonic

from msgspec.structs import replace

from dynamodb_wrapper.engine.events import Retrying
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep, Tell
from dynamodb_wrapper.exceptions import (
    DynamoDBWrapperError,
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


class TokenBucket:
    """What all calls of one client may spend on retries, so that a broken service is not hammered."""

    def __init__(self, capacity: int = BUCKET_TOKENS) -> None:
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
    """

    def __init__(
        self,
        attempts: int,
        timeout_seconds: float,
        bucket: TokenBucket | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._timeout = timeout_seconds
        self._bucket = bucket or TokenBucket()
        self._chance = chance

    def __call__(self, send: Send, call: Call) -> Flow[Reply]:
        """Send the call until it succeeds or may not be sent again."""
        call = replace(call, deadline=min(call.deadline, monotonic() + self._timeout))
        attempt, spent, lost = 0, 1, False
        while True:
            try:
                reply = yield from send(call)
            except DynamoDBWrapperError as error:
                if error.outcome_unknown and not call.repeatable:
                    raise _unknown_outcome(call, error) from error
                error.outcome_unknown = lost = lost or error.outcome_unknown
                attempt += 1
                if not error.retryable or attempt >= self._attempts:
                    raise
                delay = self._delay(attempt - 1, error)
                if monotonic() + delay >= call.deadline:
                    raise
                spent = THROTTLE_COST if _is_throttle(error) else TRANSIENT_COST
                if not self._bucket.take(spent):
                    raise
                yield Tell(Retrying(call, attempt, delay, error))
                yield Sleep(delay)
            else:
                self._bucket.give(spent)
                return reply

    def _delay(self, retries: int, error: DynamoDBWrapperError) -> float:
        base = THROTTLE_BASE_SECONDS if _is_throttle(error) else TRANSIENT_BASE_SECONDS
        delay = self._chance() * min(base * 2.0**retries, LONGEST_WAIT_SECONDS)
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
