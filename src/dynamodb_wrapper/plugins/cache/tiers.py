"""The two tiers as one: in process, and in Redis where there is one.

Knows which tier is asked when. Must not know requests or replies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Flow, Reply
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.plugins.cache.flights import CANCELLED, FAILED, Flight
from dynamodb_wrapper.plugins.cache.memory import MISSING, Lease, Memory
from dynamodb_wrapper.plugins.cache.places import Begun, Kept, Miss, Place
from dynamodb_wrapper.plugins.cache.stats import Counters

if TYPE_CHECKING:
    from dynamodb_wrapper.plugins.cache.cold import Cold

Fetched: TypeAlias = tuple[Reply, bytes | None]
Fetch: TypeAlias = Callable[[bool], Flow[Fetched]]


class Answer(Struct, frozen=True):
    """What a read gave.

    Parameters:
        value: what is, or could be, kept; None where nothing can.
        reply: the service's own, where it was asked by this reader.
        shared: whether another reader's call brought it.
    """

    value: bytes | None
    reply: Reply | None = None
    shared: bool = False


class Written(Struct, frozen=True):
    """A write that began."""

    lease: Lease
    begun: Begun | None


class Gap(Struct, frozen=True):
    """A place that is to be filled, and the rights to do so."""

    lease: Lease
    variant: bytes
    token: bytes
    is_recent: bool


class Tiers:
    """Both tiers.

    Parameters:
        cold: what processes share; None where there is the memory of this one only.
        missing_seconds: how long it is known that an item is missing; 0 for not at all.
    """

    def __init__(self, memory: Memory, cold: Cold | None, counters: Counters, missing_seconds: float) -> None:
        self.memory, self.cold, self.counters = memory, cold, counters
        self._missing_seconds = missing_seconds

    @property
    def is_trusted(self) -> bool:
        """Whether what is kept in process may be used."""
        return self.cold is None or self.cold.is_trusted

    def start(self) -> Flow[None]:
        """Wait for the first attempt to reach Redis; no more than a look afterwards."""
        if self.cold is not None:
            yield from self.cold.start()

    def read(
        self, place: Place, variant: bytes, seconds: float, deadline: float, fetch: Fetch
    ) -> Flow[Answer]:
        """What is kept; or else what `fetch` gives, asked once for all who want it at this moment.

        Parameters:
            seconds: how long to keep it.
            deadline: how long to wait for the call of another.
            fetch: makes the call, consistently where it is told to, and gives the reply and what to keep.
        """
        if self.cold is not None:
            yield from self.cold.start()
        while True:
            look = self.memory.look(place, variant, trusted=self.is_trusted)
            if isinstance(look, bytes):
                return Answer(look)
            if look.leads:
                return (yield from self._lead(look.lease, look.flight, variant, seconds, fetch))
            outcome = yield from look.flight.wait(deadline)
            if isinstance(outcome, bytes):
                self.counters.add("shared")
                return Answer(outcome, shared=True)
            if outcome is FAILED:  # it may fail for this reader too, but that is the service's to say
                reply, value = yield from fetch(self.memory.is_recent(place))
                return Answer(value, reply)

    def gaps(self, asked: Sequence[tuple[Place, bytes]]) -> Flow[list[bytes | Gap]]:
        """What is kept of each place and variant, or what is needed to fill it."""
        yield from self.start()
        trusted = self.is_trusted
        found: list[bytes | Gap] = []
        for place, variant in asked:
            value = self.memory.find(place, variant) if trusted else None
            if value is None:
                lease = self.memory.lease(place)
                found.append(Gap(lease, variant, b"", self.memory.is_recent(place)))
            else:
                found.append(value)
        if self.cold is None:
            return found
        places = [position for position, each in enumerate(found) if isinstance(each, Gap)]
        kept = yield from self.cold.read([asked[position] for position in places])
        for position, each in zip(places, kept, strict=True):
            gap = found[position]
            assert isinstance(gap, Gap)
            if isinstance(each, Kept):
                self.memory.store(gap.lease, gap.variant, each.value, each.seconds)
                found[position] = each.value
            elif isinstance(each, Miss):
                found[position] = Gap(gap.lease, gap.variant, each.lease, gap.is_recent or each.is_recent)
        return found

    def fill(self, fills: Sequence[tuple[Gap, bytes]], seconds: float) -> Flow[None]:
        """Keep values, but for those that were written meanwhile."""
        timed = [(gap, value, self._missing_seconds if value == MISSING else seconds) for gap, value in fills]
        timed = [each for each in timed if each[2] > 0]
        stored = [True] * len(timed)
        if self.cold is not None:
            timed = [each for each in timed if each[0].token]
            stored = yield from self.cold.store(
                [(gap.lease.place, gap.variant, gap.token, value, ttl) for gap, value, ttl in timed]
            )
        for (gap, value, ttl), accepted in zip(timed, stored, strict=True):
            if not (accepted and self.memory.store(gap.lease, gap.variant, value, ttl)):
                self.counters.add("refused_fills")

    def begin(self, places: Sequence[Place]) -> Flow[list[Written]]:
        """Writes begin; in process first, so that what others do from now on is heard of."""
        yield from self.start()
        leases = [self.memory.begin(place) for place in places]
        if self.cold is None:
            return [Written(lease, None) for lease in leases]
        try:
            begun = yield from self.cold.begin(places)
        except BaseException:
            self.abandon([Written(lease, None) for lease in leases])
            raise
        return [Written(lease, each) for lease, each in zip(leases, begun, strict=True)]

    def end(
        self, written: Sequence[Written], *, known: bool, kept: Mapping[Place, tuple[bytes, bytes, float]]
    ) -> Flow[None]:
        """Writes ended; parameters as for `Memory.end`, with what is kept by place."""
        values = [kept.get(each.lease.place) for each in written]
        accepted = [True] * len(written)
        if self.cold is not None:
            begun = [(each.begun, value) for each, value in zip(written, values, strict=True) if each.begun]
            accepted = yield from self.cold.end(begun, known=known)
        for each, value, fits in zip(written, values, accepted, strict=True):
            self.memory.end(each.lease, known=known, kept=value if fits else None)

    def abandon(self, written: Sequence[Written], scopes: Collection[str] = ()) -> None:
        """End writes where nothing can be waited for any more: their outcome is not known."""
        for each in written:
            self.memory.end(each.lease, known=False)
        for scope in scopes:
            self._forget(scope)
        is_held = all(each.begun is not None and each.begun.held for each in written)
        if self.cold is not None and (scopes or not is_held):
            self.cold.watch.missed()

    def renew(self, scope: str = "") -> Flow[None]:
        """Make void what is kept of a scope, or of all where it is empty."""
        yield from self.start()
        if self.cold is not None:
            yield from self.cold.renew(scope)
        self._forget(scope)

    def _forget(self, scope: str) -> None:
        if scope:
            self.memory.drop_scope(scope)
        else:
            self.memory.clear()

    def _lead(
        self, lease: Lease, flight: Flight, variant: bytes, seconds: float, fetch: Fetch
    ) -> Flow[Answer]:
        outcome: bytes | object = CANCELLED
        try:
            answer = yield from self._fetch(lease, variant, seconds, fetch)
            outcome = FAILED if answer.value is None else answer.value
            return answer
        except DynamoDBWrapperError:
            outcome = FAILED
            raise
        finally:
            self.memory.leave(lease, variant)
            flight.land(outcome)  # type: ignore[arg-type]

    def _fetch(self, lease: Lease, variant: bytes, seconds: float, fetch: Fetch) -> Flow[Answer]:
        gap = Gap(lease, variant, b"", self.memory.is_recent(lease.place))
        if self.cold is not None:
            (found,) = yield from self.cold.read([(lease.place, variant)])
            if isinstance(found, Kept):
                self.memory.store(lease, variant, found.value, found.seconds)
                return Answer(found.value)
            if isinstance(found, Miss):
                gap = Gap(lease, variant, found.lease, gap.is_recent or found.is_recent)
        reply, value = yield from fetch(gap.is_recent)
        if value is not None:
            yield from self.fill([(gap, value)], seconds)
        return Answer(value, reply)
