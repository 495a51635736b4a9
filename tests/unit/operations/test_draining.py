from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Flow, Sleep, Together
from dynamodb_wrapper.exceptions import (
    ProvisionedThroughputExceededError,
    ServiceError,
    UnprocessedError,
)
from dynamodb_wrapper.operations.draining import MOST_ROUNDS, WIDEST, Drained, drain


class Service:
    """Does what `left(batch)` says it leaves over; notes how many go at once and how long the waits are."""

    def __init__(self, left: Any) -> None:
        self.left = left
        self.done: list[int] = []
        self.widths: list[int] = []
        self.sizes: list[int] = []
        self.waits: list[float] = []

    def exchange(self, batch: Sequence[int]) -> Flow[Sequence[int]]:
        yield from ()
        self.sizes.append(len(batch))
        left = self.left(list(batch))
        if isinstance(left, Exception):
            raise left
        self.done += [entry for entry in batch if entry not in left]
        return left  # type: ignore[no-any-return]

    def drain(self, count: int, deadline: float = inf) -> Drained[int]:
        return self.drive(drain(range(count), 10, self.exchange, "things were not done", deadline))  # type: ignore[no-any-return]

    def drive(self, flow: Flow[Any]) -> Any:
        result: Any = None
        try:
            while True:
                effect = flow.send(result)
                result = None
                if isinstance(effect, Sleep):
                    self.waits.append(effect.seconds)
                else:
                    assert isinstance(effect, Together)
                    self.widths.append(effect.limit)
                    result = [self.drive(inner) for inner in effect.flows]
        except StopIteration as end:
            return end.value


def test_all_goes_in_full_batches_side_by_side() -> None:
    service = Service(lambda batch: [])
    drained = service.drain(1005)
    assert (drained.left, drained.error) == ([], None)
    assert service.done == list(range(1005))
    assert service.sizes == [10] * 100 + [5]
    assert set(service.widths) == {WIDEST}
    assert service.waits == []


def test_while_all_goes_well_more_are_handed_out_at_once() -> None:
    service = Service(lambda batch: [])
    service.drain(10 * 8 * (4 + 8 + 16 + 32 + 32))
    assert len(service.widths) == 5


def test_nothing_sends_nothing() -> None:
    service = Service(lambda batch: [])
    assert service.drain(0).left == []
    assert service.widths == []


def test_fewer_go_at_once_while_the_service_throttles_and_more_again_when_it_does_not() -> None:
    rounds = [0]

    def left(batch: list[int]) -> Any:
        rounds[0] += 1
        return ProvisionedThroughputExceededError("no") if rounds[0] <= 32 + 16 + 8 + 4 else []

    service = Service(left)
    assert service.drain(2000).left == []
    assert service.widths[:5] == [8, 4, 2, 1, 1]
    assert service.widths[5:12] == [2, 3, 4, 5, 6, 7, 8]
    assert sorted(service.done) == list(range(2000))
    assert len(service.waits) == 4


def test_what_is_left_over_goes_first_in_its_order() -> None:
    service = Service(lambda batch: batch[5:])
    assert service.drain(20).left == []
    assert sorted(service.done) == list(range(20))
    assert service.sizes[:4] == [10, 10, 10, 1] or service.sizes[:3] == [10, 10, 10]


def test_when_nothing_moves_any_more_the_rest_is_reported_in_order() -> None:
    service = Service(lambda batch: [entry for entry in batch if entry >= 3])
    drained = service.drain(8)
    assert drained.left == [3, 4, 5, 6, 7]
    assert isinstance(drained.error, UnprocessedError)
    assert drained.error.unprocessed == (3, 4, 5, 6, 7)
    assert "5 things were not done" in drained.error.message
    assert len(service.sizes) == MOST_ROUNDS + 1


def test_at_the_deadline_the_rest_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    service = Service(lambda batch: batch)
    drained = service.drain(5, monotonic() + 0.01)
    assert drained.left == [0, 1, 2, 3, 4]
    assert len(service.sizes) == 1


def test_an_error_that_waiting_does_not_mend_ends_it_and_what_succeeded_is_not_left() -> None:
    error = ServiceError("broken")
    service = Service(lambda batch: error if 25 in batch else [])
    drained = service.drain(1000)
    assert drained.error is error
    assert drained.left[:10] == list(range(20, 30))
    assert sorted([*drained.left, *service.done]) == list(range(1000))
    assert len(service.sizes) == 32
