"""Reading ahead, on both faces; what a query makes of it is shown in tests/unit/query."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dynamodb_wrapper.engine.ahead import awalk_ahead, walk_ahead
from dynamodb_wrapper.engine.flow import Call, Flow, Page, Read, Reply, Send, arun, run


class Counting(Read[Page[int]]):
    """Pages of one number each."""

    def __init__(self, number: int, last: int, read: list[int]) -> None:
        self.number, self.last, self.read = number, last, read

    def flow(self, send: Send) -> Flow[Page[int]]:
        yield from ()
        self.read.append(self.number)
        following = Counting(self.number + 1, self.last, self.read) if self.number < self.last else None
        return Page([self.number], following)


def send(call: Call) -> Flow[Reply]:
    yield from ()
    raise AssertionError("nothing is sent here")


def blocking(flow: Flow[Any]) -> Any:
    return run(flow, lambda effect: None)


async def awaiting(flow: Flow[Any]) -> Any:
    async def perform(effect: object) -> None:
        return None

    return await arun(flow, perform)


@pytest.mark.parametrize("last", [0, 1, 5])
def test_every_item_comes_in_order(last: int) -> None:
    assert list(walk_ahead(Counting(0, last, []), send, blocking)) == list(range(last + 1))


@pytest.mark.parametrize("last", [0, 1, 5])
async def test_awaiting_every_item_comes_in_order(last: int) -> None:
    found = awalk_ahead(Counting(0, last, []), send, awaiting)
    assert [number async for number in found] == list(range(last + 1))


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_no_more_than_one_page_is_there_that_nobody_asked_for(asked: int) -> None:
    read: list[int] = []
    found = walk_ahead(Counting(0, 9, read), send, blocking)
    assert [next(found) for _ in range(asked)] == list(range(asked))
    found.close()  # type: ignore[attr-defined]
    assert read == list(range(asked + 1))


@pytest.mark.parametrize("asked", [1, 2, 3])
async def test_awaiting_no_more_than_one_page_is_there_that_nobody_asked_for(asked: int) -> None:
    read: list[int] = []
    found = awalk_ahead(Counting(0, 9, read), send, awaiting)
    assert [await anext(found) for _ in range(asked)] == list(range(asked))
    await asyncio.sleep(0.01)
    await found.aclose()  # type: ignore[attr-defined]
    assert read == list(range(asked + 1))
