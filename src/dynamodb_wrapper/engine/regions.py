"""The layer that chooses the Region of a call, and another one where the first does not answer.

Knows which calls any replica may answer, and which Regions answered lately. Must not know endpoints.

A replica of a global table lags behind the others, usually by less than a second, and a strongly consistent
read or a transaction sees its own Region only (DynamoDB Developer Guide, "Global tables: how it works"). So
only eventually consistent reads leave the home Region unless writes are allowed to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from msgspec.structs import replace

from dynamodb_wrapper.engine.bodies import WRITES
from dynamodb_wrapper.engine.events import Event
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Tell
from dynamodb_wrapper.exceptions import (
    ConnectionError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    RetryableError,
)

HOME = ""
REST_SECONDS = 5.0
"""How long a Region that did not answer is left alone before one call tries it again."""

_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem"})


class RegionChanged(Event, frozen=True):
    """A Region did not answer, and a call goes to another one.

    Parameters:
        region: the one that did not answer; the empty name is the home Region.
        next: the one that is asked now.
        error: how the first one failed.
    """

    call: Call
    region: str
    next: str
    error: DynamoDBWrapperError


class Regions:
    """A layer inside the retries: within one attempt every Region is asked once at most.

    Parameters:
        names: the Regions, the nearest first; `HOME` among them.
        write_failover: whether writes may leave the home Region while it does not answer. A write whose
            outcome is unknown there goes nowhere else, unless repeating it is harmless.
        patience_seconds: how long a Region may take to answer before the next one is asked; the last one has
            all the time that is left.
    """

    def __init__(self, names: Sequence[str], *, write_failover: bool, patience_seconds: float) -> None:
        self._names = names
        self._home_first = sorted(names, key=lambda name: name != HOME)
        self._write_failover = write_failover
        self._patience = patience_seconds
        self._rests_until: dict[str, float] = {}

    def __call__(self, send: Send, call: Call) -> Flow[Reply]:
        """Send the call to the first Region that answers."""
        names = self._candidates(call)
        for name, following in zip(names, [*names[1:], None], strict=True):
            attempt = replace(call, region=name)
            if following is not None:
                attempt = replace(attempt, deadline=min(call.deadline, monotonic() + self._patience))
            try:
                reply = yield from send(attempt)
            except DynamoDBWrapperError as error:
                if not _is_ill(error):
                    raise
                self._rests_until[name] = monotonic() + REST_SECONDS
                if following is None or (error.outcome_unknown and not call.repeatable):
                    raise
                yield Tell(RegionChanged(call, name, following, error))
            else:
                self._rests_until.pop(name, None)
                return reply
        raise AssertionError("the last Region's answer or error ends the loop")

    def _candidates(self, call: Call) -> Sequence[str]:
        """The Regions to ask, those that rest last; one whose rest is over is tried by one call at first."""
        if call.action in _READS and not _is_consistent(call.body):
            names = self._names
        elif call.action in WRITES and self._write_failover:
            names = self._home_first
        else:
            return [HOME]
        if not self._rests_until:
            return names
        now, rests = monotonic(), dict(self._rests_until)  # a copy: other threads change it
        resting = {name for name, until in rests.items() if until > now}
        for name in rests.keys() - resting:
            self._rests_until[name] = now + REST_SECONDS
        return sorted(names, key=lambda name: name in resting)


def _is_consistent(body: Mapping[str, Any]) -> bool:
    if body.get("ConsistentRead"):
        return True
    return any(keys.get("ConsistentRead") for keys in body.get("RequestItems", {}).values())


def _is_ill(error: DynamoDBWrapperError) -> bool:
    """Whether a failure says that the Region does not answer as it should, rather than what it thinks."""
    if isinstance(error, ConnectionError):
        return True
    return isinstance(error, RetryableError) and not isinstance(error, ProvisionedThroughputExceededError)
