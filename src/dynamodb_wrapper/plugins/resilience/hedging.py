"""Hedged reads: a read that takes longer than most is sent a second time, and the first answer counts.

Knows how long reads have taken. Must not know what is read. After Dean and Barroso, "The Tail at Scale"
(Communications of the ACM 56, 2013): defer the second request until the first has been outstanding for more
than the 95th-percentile expected latency, which bounds the additional load to about 5 %.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final

from dynamodb_wrapper.engine.bodies import READS
from dynamodb_wrapper.engine.flow import Call, Flow, Race, Reply, Send, Tell
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, NotSentError
from dynamodb_wrapper.plugins.options import Problem, positive, refuse_wrong
from dynamodb_wrapper.plugins.resilience.events import Hedged

KEPT: Final = 512
NEEDED: Final = 100
REFRESHED_EACH: Final = 32
SHORTEST_SECONDS: Final = 0.001  # below that, what is measured is the scheduling of this machine
MOST_SAVED: Final = 10.0


class HedgedReads(Plugin):
    """Sends a read a second time when it takes longer than most, and gives the first answer.

    How long most take is learned from the last 512 reads of each table and action; until 100 are known, none
    is hedged. Second requests are paid for: by the service's bill, and from a budget that grows with each
    read, so that in an outage the load does not double.

    Parameters:
        extra: how many second requests there may be at most, as a share of all reads.
        quantile: which part of the reads is answered before a second request is sent.
        clock: gives the time in seconds.
    """

    name, version = "hedged-reads", "1.0"

    def __init__(
        self, *, extra: float = 0.05, quantile: float = 0.95, clock: Callable[[], float] = monotonic
    ) -> None:
        refuse_wrong(type(self).__name__, extra=_share(extra), quantile=_share(quantile))
        self._quantile, self._clock = quantile, clock
        self._budget = _Budget(extra)
        self._histories: dict[tuple[str, str, str], _History] = {}
        self.attempts = [self._hedge]

    def _hedge(self, send: Send, call: Call) -> Flow[Reply]:
        if call.action not in READS:
            return (yield from send(call))
        place = call.region, call.table, call.action
        history = self._histories.get(place) or self._histories.setdefault(place, _History(self._quantile))
        first = self._timed(history, send, call)
        if not self._budget.earn() or history.after is None:
            return (yield from first)
        reply: Reply = yield Race(first, self._second(send, call), history.after)
        return reply

    def _timed(self, history: _History, send: Send, call: Call) -> Flow[Reply]:
        start = self._clock()
        try:
            reply = yield from send(call)
        except DynamoDBWrapperError:
            raise
        except BaseException:  # given up, because the second was faster: it would have taken longer still
            history.add(self._clock() - start)
            raise
        history.add(self._clock() - start)
        return reply

    def _second(self, send: Send, call: Call) -> Flow[Reply]:
        if not self._budget.spend():
            raise NotSentError(f"{call.action} on table {call.table!r} is not hedged: the budget is used up")
        yield Tell(Hedged(call.table, call.action))
        return (yield from send(call))


def _share(value: float) -> Problem:
    return None if positive(value) is None and value < 1 else f"is {value!r}; give a part of 1, such as 0.95"


class _History:
    """How long the last reads took.

    Attributes:
        after: seconds after which a second request is sent; None while too little is known.
    """

    def __init__(self, quantile: float) -> None:
        self.after: float | None = None
        self._quantile = quantile
        self._seconds: deque[float] = deque(maxlen=KEPT)
        self._new = 0
        self._lock = Lock()

    def add(self, seconds: float) -> None:
        """Take note of one more."""
        with self._lock:
            self._seconds.append(seconds)
            self._new += 1
            if self._new >= REFRESHED_EACH and len(self._seconds) >= NEEDED:
                self._new = 0
                ranked = sorted(self._seconds)
                self.after = max(SHORTEST_SECONDS, ranked[int(self._quantile * len(ranked))])


class _Budget:
    """What second requests are paid from."""

    def __init__(self, extra: float) -> None:
        self._extra = extra
        self._saved = 0.0
        self._lock = Lock()

    def earn(self) -> bool:
        """Count one read; true if a second request could be paid."""
        with self._lock:
            self._saved = min(self._saved + self._extra, MOST_SAVED)
            return self._saved > 1.0

    def spend(self) -> bool:
        """Pay for a second request; false if there is not enough."""
        with self._lock:
            if self._saved <= 1.0:
                return False
            self._saved -= 1.0
            return True
