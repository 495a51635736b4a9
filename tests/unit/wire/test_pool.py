from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dynamodb_wrapper.wire.pool import Pool


class Connection:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def waiting(into: list[Connection | None], interested: bool = True) -> Callable[[Connection | None], bool]:
    def deliver(connection: Connection | None) -> bool:
        if interested:
            into.append(connection)
        return interested

    return deliver


def test_no_more_connections_are_allowed_than_the_size() -> None:
    pool: Pool[Connection] = Pool(2)
    got: list[Connection | None] = []
    assert [pool.reserve(waiting(got))[0] for _ in range(3)] == [True, True, False]
    assert pool.open == 2
    assert got == []


def test_the_connection_used_last_is_handed_out_first() -> None:
    pool: Pool[Connection] = Pool(2)
    first, second = Connection(), Connection()
    for connection in (first, second):
        pool.reserve(waiting([]))
        pool.give(connection)
    assert pool.reserve(waiting([])) == (True, second)


def test_who_waits_longest_gets_the_next_connection() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    first: list[Connection | None] = []
    second: list[Connection | None] = []
    pool.reserve(waiting(first))
    pool.reserve(waiting(second))
    connection = Connection()
    pool.give(connection)
    assert (first, second) == ([connection], [])
    pool.give(connection)
    assert second == [connection]


def test_a_dropped_connection_lets_a_waiter_open_one() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    got: list[Connection | None] = []
    pool.reserve(waiting(got))
    broken = Connection()
    pool.drop(broken)
    assert broken.closed
    assert got == [None]
    assert pool.open == 1


def test_a_waiter_that_gave_up_is_passed_over() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    got: list[Connection | None] = []
    pool.reserve(waiting([], interested=False))
    pool.reserve(waiting(got))
    connection = Connection()
    pool.give(connection)
    assert got == [connection]


def test_abandoning_says_whether_the_turn_had_come() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    early, late = waiting([]), waiting([])
    pool.reserve(early)
    assert pool.abandon(early)
    pool.reserve(late)
    pool.give(Connection())
    assert not pool.abandon(late)


def test_a_closed_pool_closes_free_connections_now_and_others_when_they_return() -> None:
    pool: Pool[Connection] = Pool(2)
    free, used = Connection(), Connection()
    for _ in range(2):
        pool.reserve(waiting([]))
    pool.give(free)
    pool.close()
    pool.close()
    assert (free.closed, used.closed, pool.open) == (True, False, 1)
    pool.give(used)
    assert (used.closed, pool.open) == (True, 0)


def test_a_connection_that_returns_while_someone_joins_the_queue_is_taken() -> None:
    class ReturningLate(deque[Connection]):
        looks = 0

        def pop(self) -> Connection:  # type: ignore[override]
            self.looks += 1
            if self.looks == 2:
                self.append(connection)
            return super().pop()

    connection = Connection()
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    pool.free = ReturningLate()
    got: list[Connection | None] = []
    assert pool.reserve(waiting(got)) == (True, connection)
    pool.give(connection)
    assert got == []


def test_nobody_waits_for_a_closed_pool() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    got: list[Connection | None] = []
    pool.reserve(waiting(got))
    pool.close()
    assert got == [None]


def test_a_pool_that_forgets_starts_anew_and_closes_nothing() -> None:
    pool: Pool[Connection] = Pool(1)
    pool.reserve(waiting([]))
    connection = Connection()
    pool.give(connection)
    assert pool.forget() == [connection]
    assert not connection.closed
    assert pool.reserve(waiting([])) == (True, None)
