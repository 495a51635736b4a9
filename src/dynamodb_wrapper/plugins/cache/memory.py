"""The cache in process: least recently used goes first, everything has its time, and no fill is stale.

Knows places, leases and time. Must not know calls. Every method is short and may be called by any thread.

A reader holds the lease of a place while its answer is on the way, and its answer is kept only if that lease
still stands. A write takes the lease away when it begins and again when it ends, so that what was read before
it or beside it is never kept (the leases of memcached: Nishtala et al., "Scaling Memcache at Facebook",
NSDI 2013, section 3.2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

from cachetools import LRUCache
from msgspec import Struct

from dynamodb_wrapper.plugins.cache.flights import Flight
from dynamodb_wrapper.plugins.cache.places import Place
from dynamodb_wrapper.plugins.cache.stats import Counters

MISSING = b""  # in the place of an item that is known not to be there
MOST_RECENT = 100_000
RECORD_BYTES = 400  # what a record takes beside its values, measured roughly


class Record(Struct, frozen=True):
    """What is kept of one place: a value for each form in which it was read; all end at one time."""

    scope: str
    expires: float
    values: dict[bytes, bytes]


class Lease:
    """The right to fill a place, while it stands; readers of one moment share it."""

    __slots__ = ("__weakref__", "flights", "place", "writes")

    def __init__(self, place: Place, *, writes: bool = False) -> None:
        self.place, self.writes = place, writes
        self.flights: dict[bytes, Flight] = {}


class Look(Struct, frozen=True):
    """What a look into the cache gave: a value, or a flight to wait for or, where `leads`, to make."""

    lease: Lease
    flight: Flight
    leads: bool


class _Writes(Struct):
    running: int = 0
    held_until: float = 0.0


class Memory:
    """The cache in process.

    Parameters:
        most_entries: how many places it keeps at most.
        most_bytes: how large all values may be together.
        settle_seconds: how long after a write an eventually consistent read may still miss it.
        hold_seconds: how long a write of unknown outcome may still be applied.
    """

    def __init__(
        self,
        most_entries: int,
        most_bytes: int,
        settle_seconds: float,
        hold_seconds: float,
        counters: Counters,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._lock = Lock()
        self._most_entries, self._counters, self._clock = most_entries, counters, clock
        self._settle, self._hold = settle_seconds, hold_seconds
        self._records = _Records(most_bytes, counters)
        self._leases: WeakValueDictionary[bytes, Lease] = WeakValueDictionary()
        self._writes: dict[bytes, _Writes] = {}
        self._recent: dict[bytes, float] = {}
        self._all_recent_until = 0.0

    def find(self, place: Place, variant: bytes) -> bytes | None:
        """What is kept, or None."""
        with self._lock:
            return self._find(place, variant)

    def look(self, place: Place, variant: bytes, *, trusted: bool) -> bytes | Look:
        """What is kept, or else the flight that brings it.

        Parameters:
            trusted: whether what is kept may be used.
        """
        with self._lock:
            if trusted and (value := self._find(place, variant)) is not None:
                return value
            lease = self._lease(place)
            flight = lease.flights.get(variant)
            if flight is not None:
                return Look(lease, flight, False)
            flight = lease.flights[variant] = Flight()
            return Look(lease, flight, True)

    def leave(self, lease: Lease, variant: bytes) -> None:
        """End a flight that this lease led: who comes now makes another one."""
        with self._lock:
            lease.flights.pop(variant, None)

    def lease(self, place: Place) -> Lease:
        """The right to fill a place."""
        with self._lock:
            return self._lease(place)

    def is_recent(self, place: Place) -> bool:
        """Whether a place was written so short a time ago that only a consistent read surely sees it."""
        with self._lock:
            now = self._clock()
            return now < self._all_recent_until or now < self._recent.get(place.digest, 0.0)

    def store(self, lease: Lease, variant: bytes, value: bytes, seconds: float) -> bool:
        """Keep a value for some seconds, if the lease stands."""
        with self._lock:
            digest = lease.place.digest
            if self._leases.get(digest) is not lease or self._is_written(digest):
                return False
            self._keep(lease.place, variant, value, seconds)
            return True

    def begin(self, place: Place) -> Lease:
        """A write begins: what is kept goes, and what is being read will not be kept."""
        with self._lock:
            self._drop(place.digest)
            writes = self._writes.setdefault(place.digest, _Writes())
            writes.running += 1
            lease = Lease(place, writes=True)
            if writes.running == 1:
                self._leases[place.digest] = lease
            return lease

    def end(self, lease: Lease, *, known: bool, kept: tuple[bytes, bytes, float] | None = None) -> None:
        """A write ended; nothing happens when this is called again.

        Parameters:
            known: whether it is known if it was applied; if not, nothing is kept for a while.
            kept: variant, value and seconds of what the item is now, where that is known; it is kept if
                nobody else wrote the item meanwhile.
        """
        place = lease.place
        with self._lock:
            if not lease.writes:
                return
            lease.writes = False
            alone = self._leases.get(place.digest) is lease
            self._drop(place.digest)
            writes = self._writes[place.digest]
            writes.running -= 1
            now = self._clock()
            if not known:
                writes.held_until = now + self._hold
            self._note(place.digest, now)
            if not self._is_written(place.digest) and known and alone and kept is not None:
                self._keep(place, *kept)

    def drop(self, digest: bytes) -> None:
        """Forget a place, and refuse what is being read for it."""
        with self._lock:
            self._drop(digest)

    def drop_scope(self, scope: str) -> None:
        """Forget all of a scope, and read it consistently for a while."""
        with self._lock:
            for digest in [key for key, record in self._records.items() if record.scope == scope]:
                del self._records[digest]
            for lease in list(self._leases.values()):
                if lease.place.scope == scope:
                    self._leases.pop(lease.place.digest, None)
            self._all_recent_until = self._clock() + self._settle

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._leases.clear()

    def __len__(self) -> int:
        return len(self._records)

    def _find(self, place: Place, variant: bytes) -> bytes | None:
        record = self._records.get(place.digest)
        if record is None:
            return None
        if record.expires <= self._clock():
            del self._records[place.digest]
            return None
        return record.values.get(variant)

    def _lease(self, place: Place) -> Lease:
        lease = self._leases.get(place.digest)
        if lease is None:
            lease = self._leases[place.digest] = Lease(place)
        return lease

    def _is_written(self, digest: bytes) -> bool:
        writes = self._writes.get(digest)
        if writes is None:
            return False
        if writes.running or self._clock() < writes.held_until:
            return True
        del self._writes[digest]
        return False

    def _drop(self, digest: bytes) -> None:
        self._leases.pop(digest, None)
        self._records.pop(digest, None)

    def _keep(self, place: Place, variant: bytes, value: bytes, seconds: float) -> None:
        expires = self._clock() + seconds
        before = self._records.get(place.digest)
        values = {variant: value}
        if before is not None:
            values, expires = before.values | values, min(expires, before.expires)
        try:
            self._records[place.digest] = Record(place.scope, expires, values)
        except ValueError:  # larger than the whole cache
            self._records.pop(place.digest, None)
            return
        while len(self._records) > self._most_entries:
            self._records.popitem()

    def _note(self, digest: bytes, now: float) -> None:
        """Note a write; the notes stand in the order in which they end."""
        self._recent.pop(digest, None)
        self._recent[digest] = now + self._settle
        while self._recent:
            oldest = next(iter(self._recent))
            if self._recent[oldest] > now:
                if len(self._recent) <= MOST_RECENT:
                    return
                self._all_recent_until = self._recent[oldest]
            del self._recent[oldest]


class _Records(LRUCache[bytes, Record]):
    """What is kept, the least recently used first."""

    def __init__(self, most_bytes: int, counters: Counters) -> None:
        super().__init__(most_bytes, getsizeof=_size)
        self._counters = counters

    def popitem(self) -> Any:
        """Take away what was used least recently."""
        self._counters.add("evictions")
        return super().popitem()


def _size(record: Record) -> int:
    return RECORD_BYTES + sum(len(variant) + len(value) for variant, value in record.values.items())
