"""Draining: any number of requests sent in batches, until none is left or nothing moves any more.

Batches go side by side. When the service leaves some over or throttles, fewer go at once and the next ones
wait; while all goes well it is one more each time, and more of them before it looks how it went. Knows flows
and errors. Must not know what is read or written.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Flow, Sleep, Together
from dynamodb_wrapper.exceptions import (
    DeadlineExceededError,
    DynamoDBWrapperError,
    ProvisionedThroughputExceededError,
    UnprocessedError,
)

E = TypeVar("E")
Exchange: TypeAlias = Callable[[Sequence[E]], Flow[Sequence[E]]]

WIDEST = 8
BATCHES_PER_LANE = 4
MOST_PER_LANE = 32
MOST_ROUNDS = 12
BASE_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 5.0


class Drained(Struct, Generic[E]):
    """What became of the requests: those that are not in `left` were carried out.

    Parameters:
        left: what was not carried out, in order.
        error: why, where something is left. Where its outcome is unknown, some of that may have been carried
            out all the same.
    """

    left: list[E]
    error: DynamoDBWrapperError | None = None


def drain(
    entries: Sequence[E], size: int, exchange: Exchange[E], what: str, deadline: float = inf
) -> Flow[Drained[E]]:
    """Send all entries in batches of at most `size`.

    It ends early at an error that waiting does not mend, at the deadline, and when twelve rounds one after
    another have moved nothing.

    Parameters:
        exchange: sends one batch and returns what the service left over.
        what: is left then, for the error: "keys of orders were not read".
        deadline: on the clock of `time.monotonic`.
    """
    waiting, width, stalled, each = deque(entries), WIDEST, 0, BATCHES_PER_LANE
    while waiting:
        batches = [_take(waiting, size) for _ in range(width * each) if waiting]
        results: list[tuple[Sequence[E], DynamoDBWrapperError | None]]
        results = yield Together([_attempt(exchange, batch) for batch in batches], limit=width)
        left = [entry for entries, _ in results for entry in entries]
        waiting.extendleft(reversed(left))
        for _, error in results:
            if error is not None and not isinstance(error, ProvisionedThroughputExceededError):
                return Drained(list(waiting), error)
        if not left:
            each = min(MOST_PER_LANE, each * 2) if width == WIDEST else each
            width, stalled = min(WIDEST, width + 1), 0
            continue
        width, each = max(1, width // 2), BATCHES_PER_LANE
        stalled = 0 if len(left) < sum(map(len, batches)) else stalled + 1
        wait = random.random() * min(BASE_SECONDS * 2**stalled, LONGEST_WAIT_SECONDS)
        if stalled >= MOST_ROUNDS or monotonic() + wait >= deadline:
            return Drained(list(waiting), leftovers(waiting, what))
        yield Sleep(wait)
    return Drained([])


def _take(waiting: deque[E], size: int) -> list[E]:
    return [waiting.popleft() for _ in range(min(size, len(waiting)))]


def _attempt(exchange: Exchange[E], batch: Sequence[E]) -> Flow[tuple[Sequence[E], Any]]:
    try:
        return (yield from exchange(batch)), None
    except DynamoDBWrapperError as error:
        return batch, error


def leftovers(left: Sequence[Any], what: str, late: DeadlineExceededError | None = None) -> UnprocessedError:
    """The error for what is left over.

    Parameters:
        late: the error of the last call where it was the deadline that ended it; else the table is throttled.
    """
    why = "the table is throttled" if late is None else "the time is over"
    return UnprocessedError(
        f"{len(left)} {what}: {why}; try again later, with what `unprocessed` has",
        late,
        unprocessed=tuple(left),
    )
