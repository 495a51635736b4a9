"""Pages of an answer: with signed keys to the next and the previous one, as a chain to walk, or only counted.

Knows courses and cursors. Must not know how a query was put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send, Together
from dynamodb_wrapper.operations import Count
from dynamodb_wrapper.operations.entries import counting_reader
from dynamodb_wrapper.query.cost import Cost
from dynamodb_wrapper.query.courses import Course, course_of, packed, unpacked
from dynamodb_wrapper.query.cursors import Cursors
from dynamodb_wrapper.query.plan import Plan

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
DEFAULT_SIZE: Final = 100


class ResultPage(Struct, Generic[T], frozen=True, kw_only=True):
    """A page of an answer; iterating it gives its items.

    Parameters:
        items: in the order of the query.
        next_key: pass it to `paginate` for the page after this one; None at the end.
        previous_key: pass it to `paginate` for the page before this one; None at the start, and where the
            answer has no order to go back in.
        cost: what reading it cost.
    """

    items: list[T]
    next_key: str | None
    previous_key: str | None
    cost: Cost = Cost()

    @property
    def count(self) -> int:
        """How many items the page has."""
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class CourseMaker(Protocol[T_co]):
    """Makes the course of a query, in its order or against it."""

    def __call__(self, *, backward: bool = False) -> Any:
        """The course."""
        ...


def page_of(
    course_for: CourseMaker[T],
    config: DynamoDBConfig,
    identity: bytes,
    send: Send,
    *,
    size: int,
    limit: int | None,
    last_key: str | None,
    lifetime: timedelta | None,
) -> Flow[ResultPage[T]]:
    """Read one page.

    Parameters:
        identity: what the keys are bound to besides the limit.
        size: how many items a page has.
        limit: how many items all pages have together.
        last_key: the key of the page; the first one where it is None.
        lifetime: how long the page's keys may be used.
    """
    cursors, bound = Cursors(config), identity + msgspec.json.encode(limit)
    backward, place, before = False, None, 0
    if last_key is not None:
        opened = cursors.open(last_key, bound)
        backward, place, before = opened["back"], unpacked(opened["at"]), opened["before"]

    def key(back: bool, at: Any, items: int) -> str:
        content = {"back": back, "at": packed(at), "before": items if limit is not None else 0}
        return cursors.seal(content, bound, lifetime=lifetime)

    course: Course[T] = course_for(backward=backward)
    most = size
    if limit is not None:
        most = min(size, before if backward else limit - before)
    haul = yield from course.take(course.start(place), most, send)
    further = None if haul.onward is None else course.place(haul.onward)
    if backward:
        first = max(before - len(haul.items), 0)
        start = further is None or (limit is not None and not first)
        return ResultPage(
            items=haul.items,
            next_key=key(False, haul.before, before),
            previous_key=None if start else key(True, further, first),
        )
    after = before + len(haul.items)
    end = further is None or (limit is not None and after >= limit)
    back = last_key is not None and course.can_go_back
    return ResultPage(
        items=haul.items,
        next_key=None if end else key(False, further, after),
        previous_key=key(True, haul.before, before) if back else None,
    )


class Step(Read[Page[T]]):
    """One page of a walk through an answer; `left` items are wanted at most."""

    def __init__(self, course: Course[T], state: Any, left: int | None, send: Send) -> None:
        self.course, self.state, self.left, self.send = course, state, left, send

    def flow(self, send: Send) -> Flow[Page[T]]:
        """See `Operation.flow`; it sends as it was told when it was made."""
        haul = yield from self.course.take(self.state, self.left, self.send)
        left = None if self.left is None else self.left - len(haul.items)
        more = haul.onward is not None and left != 0
        return Page(haul.items, Step(self.course, haul.onward, left, self.send) if more else None)


def steps_of(course: Course[T], limit: int | None, send: Send) -> Read[Page[T]]:
    """The first page of a walk through an answer."""
    return Step(course, course.start(), limit, send)


def counted(plan: Plan, table: str, limit: int | None, send: Send) -> Flow[int]:
    """How many items a plan finds, up to a limit."""
    if limit is None and not plan.keys and not any(lane.judges for lane in plan.lanes):
        searches = [plan.search(lane, table, counting_reader, forward=True) for lane in plan.lanes]
        return sum((yield Together([Count(search).flow(send) for search in searches])))
    course: Course[Any] = course_of(plan, table, counting_reader)
    state, count = course.start(), 0
    while True:
        haul = yield from course.take(state, None if limit is None else limit - count, send)
        count += len(haul.items)
        if haul.onward is None or count == limit:
            return count
        state = haul.onward
