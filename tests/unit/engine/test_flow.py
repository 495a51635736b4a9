"""Flows driven by hand: no client, no server, no fake of either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import (
    Call,
    Do,
    Effect,
    Flow,
    Operation,
    Page,
    Read,
    Reply,
    Send,
    Sleep,
    Together,
    arun,
    awalk,
    run,
    stack,
    walk,
    wire,
)

GET = Call("GetItem", {"TableName": "t"}, "t")


class Length(Read[int]):
    def call(self) -> Call:
        return GET

    def parse(self, reply: Reply) -> int:
        return len(reply)


class Numbers(Read[Page[int]]):
    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def page(self) -> Page[int]:
        following = Numbers(self.first + 2, self.last) if self.first + 2 <= self.last else None
        return Page(list(range(self.first, min(self.first + 2, self.last + 1))), following)


def both(flow: Any, perform: Any) -> Iterator[Any]:
    """The outcome of a new flow on each driver."""
    yield run(flow(), perform)

    async def performed(effect: Effect) -> Any:
        await asyncio.sleep(0)
        return perform(effect)

    yield asyncio.run(arun(flow(), performed))


def test_an_operation_is_a_flow_that_sends_its_call_and_parses_the_reply() -> None:
    flow = Length().flow(wire)
    assert next(flow) == GET
    with pytest.raises(StopIteration) as end:
        flow.send(b"12345")
    assert end.value.value == 5


def test_an_operation_without_call_or_parse_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Operation[int]().call()
    with pytest.raises(NotImplementedError):
        Operation[int]().parse(b"")


def test_both_drivers_run_every_effect_in_order_and_return_the_result() -> None:
    def flow() -> Flow[list[Any]]:
        first = yield GET
        second = yield Sleep(1.5)
        third = yield Do(len, ("abc",))
        fourth = yield Together(())
        return [first, second, third, fourth]

    def perform(effect: Effect) -> Any:
        return type(effect).__name__

    for result in both(flow, perform):
        assert result == ["Call", "Sleep", "Do", "Together"]


def test_the_first_layer_is_the_outermost() -> None:
    seen: list[str] = []

    def named(name: str) -> Any:
        def layer(send: Send, call: Call) -> Flow[Reply]:
            seen.append(f"{name} in")
            reply = yield from send(call)
            seen.append(f"{name} out")
            return reply + name.encode()

        return layer

    assert run(stack([named("a"), named("b")])(GET), lambda effect: b"-") == b"-ba"
    assert seen == ["a in", "b in", "b out", "a out"]


def test_without_layers_a_call_goes_straight_to_the_driver() -> None:
    sent: list[Effect] = []
    run(stack([])(GET), sent.append)
    assert sent == [GET]


def test_a_layer_may_answer_without_sending_and_may_send_twice() -> None:
    def cached(send: Send, call: Call) -> Flow[Reply]:
        yield from ()
        return b"cached"

    def twice(send: Send, call: Call) -> Flow[Reply]:
        return (yield from send(call)) + (yield from send(call))

    def never(effect: Effect) -> Any:
        pytest.fail("nothing should be sent")

    assert run(stack([cached])(GET), never) == b"cached"
    assert run(stack([twice])(GET), lambda effect: b"x") == b"xx"


def test_a_failed_effect_raises_inside_the_flow_so_that_it_can_go_on() -> None:
    def flow() -> Flow[str]:
        try:
            yield GET
        except OSError as error:
            return f"handled {error}"
        return "not reached"

    def perform(effect: Effect) -> Any:
        raise OSError("broken")

    for result in both(flow, perform):
        assert result == "handled broken"


def test_an_error_that_a_flow_does_not_handle_reaches_the_caller_after_its_cleaning_up() -> None:
    cleaned: list[int] = []

    def flow() -> Flow[None]:
        try:
            yield GET
        finally:
            cleaned.append((yield Sleep(0)))

    def perform(effect: Effect) -> Any:
        if isinstance(effect, Sleep):
            return 7
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        run(flow(), perform)
    assert cleaned == [7]


def test_a_cancelled_task_unwinds_its_flow() -> None:
    unwound: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield Sleep(60)
        except asyncio.CancelledError:
            unwound.append("cancelled")
            raise
        finally:
            unwound.append("done")

    async def perform(effect: Effect) -> Any:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.ensure_future(arun(flow(), perform))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert unwound == ["cancelled", "done"]


def test_an_interrupt_in_an_effect_unwinds_the_flow() -> None:
    unwound: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield GET
        finally:
            unwound.append("done")

    def perform(effect: Effect) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(flow(), perform)
    assert unwound == ["done"]


@pytest.mark.parametrize("last", [0, 1, 2, 5])
def test_walking_pages_gives_every_item_and_reads_a_page_only_when_it_is_needed(last: int) -> None:
    read: list[int] = []

    def page(numbers: Any) -> Page[int]:
        read.append(numbers.first)
        return numbers.page()  # type: ignore[no-any-return]

    async def apage(numbers: Any) -> Page[int]:
        await asyncio.sleep(0)
        return page(numbers)

    items = walk(Numbers(0, last), page)
    assert not read
    assert next(items) == 0
    assert read == [0]
    assert list(items) == list(range(1, last + 1))

    async def collected(items: AsyncIterator[int]) -> list[int]:
        return [item async for item in items]

    assert asyncio.run(collected(awalk(Numbers(0, last), apage))) == list(range(last + 1))


def test_a_call_is_frozen_and_repeatable_unless_it_says_otherwise() -> None:
    assert GET.repeatable
    with pytest.raises(AttributeError):
        GET.table = "other"  # type: ignore[misc]
