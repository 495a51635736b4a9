"""Pacing: what the service throttled is slowed down, and nothing else is.

Knows throttling reasons (API Reference, ThrottlingReason: resource, operation and limit in one word). Must
not know retries: a call that was throttled waits for its own next attempt elsewhere.

A hot key (`...KeyRangeThroughputExceeded`) slows the calls about that partition, a throttled index the reads
of that index, and anything else the reads or the writes of the table, those through its indexes included.
The calls concerned go one after another, at a distance that doubles with a throttle and shrinks with each
success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from time import monotonic
from typing import Final, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.bodies import resource
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.partitions import Partitions, is_write
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError, ThrottlingReason

FIRST_DISTANCE_SECONDS: Final = 0.02
LONGEST_DISTANCE_SECONDS: Final = 1.0
SHORTEST_DISTANCE_SECONDS: Final = 0.002
SHRINK: Final = 0.8
FORGOTTEN_AFTER_SECONDS: Final = 60.0
HOT_KEY: Final = "KeyRangeThroughputExceeded"

Scope: TypeAlias = tuple[object, ...]


class _Pace(Struct):
    """How fast the calls of one scope may go.

    Parameters:
        error: the throttle that began it.
        distance: seconds from one call to the next.
        following: when the next call may go.
        widened: when the distance was last doubled.
    """

    error: ProvisionedThroughputExceededError
    distance: float = 0.0
    following: float = 0.0
    widened: float = 0.0


class Pacing:
    """What is throttled at present; shared by all calls of a configuration.

    Parameters:
        clock: gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._partitions = Partitions()
        self._clock = clock
        self._paces: dict[Scope, _Pace] = {}
        self._looked = clock()
        self._lock = Lock()

    @property
    def slowed(self) -> int:
        """How many tables, indexes and partitions are slowed down at present."""
        return len(self._paces)

    def turn(self, call: Call) -> float:
        """Take the call's turn: how many seconds it has to wait for it.

        Raises:
            ProvisionedThroughputExceededError: it would come after the call's deadline; no turn was taken.
        """
        self._partitions.learn(call)
        if not self._paces:
            return 0.0
        now = self._clock()
        with self._lock:
            self._forget(now)
            paces = [pace for scope in self._scopes(call) if (pace := self._paces.get(scope)) is not None]
            if not paces:
                return 0.0
            at = max(now, *(pace.following for pace in paces))
            if at >= call.deadline:
                raise _too_slow(call, at - now, paces[0].error)
            for pace in paces:
                pace.following = at + pace.distance
        return at - now

    def throttled(self, call: Call, error: ProvisionedThroughputExceededError) -> None:
        """Slow down what was throttled."""
        now = self._clock()
        with self._lock:
            for scope in {self._scope(call, reason) for reason in error.reasons or [ThrottlingReason("")]}:
                if scope is None:
                    continue
                pace = self._paces.setdefault(scope, _Pace(error))
                if now - pace.widened >= pace.distance:  # those that went together are throttled together
                    pace.distance = min(
                        max(FIRST_DISTANCE_SECONDS, 2 * pace.distance), LONGEST_DISTANCE_SECONDS
                    )
                    pace.widened = now
                pace.following = max(pace.following, now + pace.distance)

    def succeeded(self, call: Call) -> None:
        """Let what the call is about go faster again."""
        if not self._paces:
            return
        with self._lock:
            for scope in self._scopes(call):
                if (pace := self._paces.get(scope)) is None:
                    continue
                pace.distance *= SHRINK
                if pace.distance < SHORTEST_DISTANCE_SECONDS:
                    del self._paces[scope]

    def _forget(self, now: float) -> None:
        """Drop what nobody has asked for in a while, so that keys that were hot once do not pile up."""
        if now - self._looked < FORGOTTEN_AFTER_SECONDS:
            return
        self._looked = now
        last = now - FORGOTTEN_AFTER_SECONDS
        self._paces = {scope: pace for scope, pace in self._paces.items() if pace.following > last}

    def _scopes(self, call: Call) -> Iterator[Scope]:
        write = is_write(call)
        yield call.region, call.table, write
        if not write and (index := call.body.get("IndexName")):
            yield call.region, call.table, index, write
        if (partition := self._partitions.of(call)) is not None:
            yield call.region, *partition, write

    def _scope(self, call: Call, reason: ThrottlingReason) -> Scope | None:
        """What a reason says is too fast; None where it is one partition and nobody knows which."""
        write = is_write(call)
        if reason.reason.endswith(HOT_KEY):
            partition = self._partitions.of(call)
            return None if partition is None else (call.region, *partition, write)
        table, index = resource(reason.resource or call.table)
        return (call.region, table, index, write) if index and not write else (call.region, table, write)


def _too_slow(
    call: Call, seconds: float, cause: ProvisionedThroughputExceededError
) -> ProvisionedThroughputExceededError:
    return ProvisionedThroughputExceededError(
        f"{call.action} on table {call.table!r} was not sent: what it asks for was throttled just now, and "
        f"so many calls wait already that its turn would come in {seconds:.1f} s, after its deadline",
        cause,
        {"table": call.table, "operation": call.action},
        reasons=cause.reasons,
        retry_after_seconds=seconds,
    )
