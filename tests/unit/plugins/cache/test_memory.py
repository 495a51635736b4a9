"""The cache in process: its bounds, its time, and leases that keep old values out."""

from __future__ import annotations

import random

import pytest

from dynamodb_wrapper.plugins.cache import memory as module
from dynamodb_wrapper.plugins.cache.memory import MISSING, RECORD_BYTES, Look, Memory
from dynamodb_wrapper.plugins.cache.places import Place, item_place
from dynamodb_wrapper.plugins.cache.stats import Counters

A, B, C = (item_place("t", {"id": {"S": name}}) for name in "abc")
WHOLE = b""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def memory(clock: Clock, counters: Counters) -> Memory:
    return made(clock, counters)


def made(clock: Clock, counters: Counters, entries: int = 100, size: int = 100_000) -> Memory:
    return Memory(entries, size, settle_seconds=10, hold_seconds=60, counters=counters, clock=clock)


def fill(memory: Memory, place: Place, value: bytes = b"{}", seconds: float = 30) -> bool:
    return memory.store(memory.lease(place), WHOLE, value, seconds)


def test_a_value_is_found_until_its_time_is_over(memory: Memory, clock: Clock) -> None:
    assert fill(memory, A, b"1", seconds=30)
    clock.now += 29
    assert memory.find(A, WHOLE) == b"1"
    clock.now += 1
    assert memory.find(A, WHOLE) is None
    assert len(memory) == 0


def test_the_forms_of_an_item_end_together(memory: Memory, clock: Clock) -> None:
    lease = memory.lease(A)
    memory.store(lease, b"x", b"1", 30)
    clock.now += 10
    memory.store(lease, b"y", b"2", 30)
    assert (memory.find(A, b"x"), memory.find(A, b"y"), memory.find(A, b"z")) == (b"1", b"2", None)
    clock.now += 20
    assert memory.find(A, b"y") is None


def test_what_was_used_least_recently_goes_first(clock: Clock, counters: Counters) -> None:
    memory = made(clock, counters, entries=2)
    fill(memory, A)
    fill(memory, B)
    memory.find(A, WHOLE)
    fill(memory, C)
    assert [memory.find(place, WHOLE) for place in (A, B, C)] == [b"{}", None, b"{}"]
    assert counters.snapshot().evictions == 1


def test_all_values_together_stay_below_the_bound(clock: Clock, counters: Counters) -> None:
    memory = made(clock, counters, size=2 * RECORD_BYTES + 250)
    fill(memory, A, b"x" * 100)
    fill(memory, B, b"x" * 100)
    assert len(memory) == 2
    fill(memory, C, b"x" * 100)
    assert memory.find(A, WHOLE) is None
    fill(memory, B, b"x" * 5000)
    assert memory.find(B, WHOLE) is None
    assert memory.find(C, WHOLE) == b"x" * 100


def test_a_write_refuses_what_was_read_before_it_and_beside_it(memory: Memory) -> None:
    before = memory.lease(A)
    write = memory.begin(A)
    beside = memory.lease(A)
    assert not memory.store(before, WHOLE, b"old", 30)
    assert not memory.store(beside, WHOLE, b"old", 30)
    memory.end(write, known=True)
    assert not memory.store(beside, WHOLE, b"old", 30)
    assert fill(memory, A, b"new")


def test_what_a_lone_write_made_is_kept(memory: Memory) -> None:
    fill(memory, A, b"old")
    write = memory.begin(A)
    assert memory.find(A, WHOLE) is None
    memory.end(write, known=True, kept=(WHOLE, b"new", 30))
    assert memory.find(A, WHOLE) == b"new"


@pytest.mark.parametrize("order", ["first ends first", "first ends last"])
def test_of_two_writes_at_once_nobody_knows_which_was_last(memory: Memory, order: str) -> None:
    first, second = memory.begin(A), memory.begin(A)
    writes = [(first, b"1"), (second, b"2")]
    for write, value in writes if order == "first ends first" else reversed(writes):
        memory.end(write, known=True, kept=(WHOLE, value, 30))
    assert memory.find(A, WHOLE) is None
    assert fill(memory, A, b"3")


def test_nothing_is_kept_while_a_write_of_unknown_outcome_may_come(memory: Memory, clock: Clock) -> None:
    memory.end(memory.begin(A), known=False)
    clock.now += 59
    assert not fill(memory, A)
    memory.end(memory.begin(A), known=True, kept=(WHOLE, b"1", 30))
    assert memory.find(A, WHOLE) is None
    clock.now += 1
    assert fill(memory, A)


def test_a_write_ends_once(memory: Memory) -> None:
    write, other = memory.begin(A), memory.begin(A)
    memory.end(write, known=True)
    memory.end(write, known=True)
    assert not fill(memory, A)
    memory.end(other, known=True)
    assert fill(memory, A)


def test_what_was_written_is_recent_for_a_while(memory: Memory, clock: Clock) -> None:
    memory.end(memory.begin(A), known=True)
    assert (memory.is_recent(A), memory.is_recent(B)) == (True, False)
    clock.now += 10
    assert not memory.is_recent(A)


def test_too_many_recent_writes_make_everything_recent(
    memory: Memory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_RECENT", 1)
    memory.end(memory.begin(A), known=True)
    memory.end(memory.begin(B), known=True)
    assert (memory.is_recent(A), memory.is_recent(B), memory.is_recent(C)) == (True, True, True)
    clock.now += 10
    assert not memory.is_recent(C)


def test_a_scope_is_forgotten_and_the_rest_stays(memory: Memory) -> None:
    other = item_place("other", {"id": {"S": "a"}})
    fill(memory, A)
    fill(memory, other)
    reading = memory.lease(B)
    memory.drop_scope("t")
    assert memory.find(A, WHOLE) is None
    assert memory.find(other, WHOLE) == b"{}"
    assert not memory.store(reading, WHOLE, b"old", 30)


def test_clearing_forgets_all_and_refuses_what_is_on_its_way(memory: Memory) -> None:
    fill(memory, A)
    reading = memory.lease(B)
    memory.clear()
    assert len(memory) == 0
    assert not memory.store(reading, WHOLE, b"old", 30)


def test_the_first_who_looks_leads_and_the_others_wait(memory: Memory) -> None:
    first = memory.look(A, WHOLE, trusted=True)
    second = memory.look(A, WHOLE, trusted=True)
    projected = memory.look(A, b"x", trusted=True)
    assert isinstance(first, Look)
    assert isinstance(second, Look)
    assert isinstance(projected, Look)
    assert (first.leads, second.leads, projected.leads) == (True, False, True)
    assert first.flight is second.flight
    memory.end(memory.begin(A), known=True)
    after = memory.look(A, WHOLE, trusted=True)
    assert isinstance(after, Look)
    assert after.leads


def test_what_cannot_be_trusted_is_not_used(memory: Memory) -> None:
    fill(memory, A, MISSING)
    assert memory.look(A, WHOLE, trusted=True) == MISSING
    assert isinstance(memory.look(A, WHOLE, trusted=False), Look)


@pytest.mark.parametrize("seed", range(20))
def test_no_interleaving_of_reads_and_writes_keeps_an_old_value(seed: int) -> None:
    """Readers and writers in steps, in any order: what is found is what is stored or, during a write, was."""
    chosen, clock = random.Random(seed), Clock()
    memory = made(clock, Counters(), entries=2)
    stored = dict.fromkeys((A, B, C), 0)
    reading, writing = [], []
    for _ in range(3000):
        place = chosen.choice((A, B, C))
        step = chosen.randrange(5)
        if step == 0:
            reading.append((memory.lease(place), stored[place]))
        elif step == 1 and reading:
            lease, value = reading.pop(chosen.randrange(len(reading)))
            memory.store(lease, WHOLE, str(value).encode(), 30)
        elif step == 2:
            writing.append((place, memory.begin(place), False, 0))
        elif step == 3 and writing:
            number = chosen.randrange(len(writing))
            place, write, applied, value = writing[number]
            if not applied:
                stored[place] += 1
                writing[number] = (place, write, True, stored[place])
        elif step == 4 and writing:
            place, write, applied, value = writing.pop(chosen.randrange(len(writing)))
            if applied:
                memory.end(write, known=True, kept=(WHOLE, str(value).encode(), 30))
            else:
                writing.append((place, write, applied, value))
        clock.now += chosen.random()
        busy = {each[0] for each in writing}
        for looked in (A, B, C):
            found = memory.find(looked, WHOLE)
            assert found is None or looked in busy or int(found) == stored[looked]
