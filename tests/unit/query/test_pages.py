"""Pages and walks, over a course that is scripted here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dynamodb_wrapper import DynamoDBConfig, ValidationError
from dynamodb_wrapper.engine.flow import Flow, run, wire
from dynamodb_wrapper.query.courses import Haul
from dynamodb_wrapper.query.pages import ResultPage, page_of, steps_of

CONFIG = DynamoDBConfig(region_name="us-east-1", cursor_secret="ours")


class Numbers:
    """A course of 0 to 9; a place is how many lie before it."""

    can_go_back = True

    def __init__(self, *, backward: bool = False) -> None:
        self.backward = backward
        self.numbers = list(range(10))[::-1] if backward else list(range(10))

    def start(self, place: Any = None) -> int:
        return place or 0

    def place(self, state: int) -> int:
        return state

    def take(self, state: int, most: int | None, send: Any) -> Flow[Haul[int]]:
        yield from ()
        found = self.numbers[state : state + (3 if most is None else most)]
        after = state + len(found)
        onward = after if after < 10 else None
        return Haul(found[::-1] if self.backward else found, onward, 10 - state)


def page(key: str | None = None, size: int = 4, limit: int | None = None, **options: Any) -> ResultPage[int]:
    made: Any = Numbers
    arguments: dict[str, Any] = {"size": size, "limit": limit, "last_key": key, "lifetime": None, **options}
    found: ResultPage[int] = run(page_of(made, CONFIG, b"query", wire, **arguments), lambda effect: None)
    return found


def test_forward_and_back() -> None:
    first = page()
    second = page(first.next_key)
    third = page(second.next_key)
    assert [list(first), list(second), list(third)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert (first.previous_key, third.next_key, len(third), third.count) == (None, None, 2, 2)
    back = page(third.previous_key, size=3)
    assert (back.items, page(back.next_key).items) == ([5, 6, 7], [8, 9])
    start = page(back.previous_key, size=9)
    assert (start.items, start.previous_key) == ([0, 1, 2, 3, 4], None)


def test_a_limit_counts_in_both_directions() -> None:
    first = page(limit=6)
    second = page(first.next_key, limit=6)
    assert (second.items, second.next_key) == ([4, 5], None)
    back = page(second.previous_key, size=9, limit=6)
    assert (back.items, back.previous_key) == ([0, 1, 2, 3], None)
    assert page(back.next_key, limit=6).items == [4, 5]


def test_steps_back_keep_count_of_a_limit() -> None:
    third = page(page(page(limit=9).next_key, limit=9).next_key, limit=9)
    back = page(third.previous_key, size=2, limit=9)
    further = page(back.previous_key, size=2, limit=9)
    assert (third.items, back.items, further.items) == ([8], [6, 7], [4, 5])
    again = page(further.next_key, limit=9)
    assert (again.items, again.next_key) == ([6, 7, 8], None)
    assert page(further.previous_key, limit=9).previous_key is None


def test_keys_are_bound_to_the_limit_and_may_expire() -> None:
    with pytest.raises(ValidationError, match="another query"):
        page(page().next_key, limit=6)
    with pytest.raises(ValidationError, match="expired"):
        page(page(lifetime=timedelta(seconds=-1)).next_key)


def test_a_walk_ends_with_the_items_or_the_limit() -> None:
    for limit, expected in ((None, list(range(10))), (5, list(range(5))), (10, list(range(10)))):
        made: Any = Numbers()
        step: Any = steps_of(made, limit, wire)
        found: list[int] = []
        while step is not None:
            read = run(step.flow(wire), lambda effect: None)
            found += read.items
            step = read.next
        assert found == expected
