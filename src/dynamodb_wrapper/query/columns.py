"""The answer of a query as Arrow columns.

Knows plans and the reader of columns. Must not know how a query was put together.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send
from dynamodb_wrapper.operations import All
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.query.courses import LaneCourse, course_of
from dynamodb_wrapper.query.pages import steps_of
from dynamodb_wrapper.query.plan import Plan


def batches_of(plan: Plan, table: str, reader: Any, limit: int | None, send: Send) -> Flow[list[Any]]:
    """The record batches of a plan's items, up to a limit, in its order.

    Parameters:
        reader: a `wire.arrow.ArrowReader`; pages that nothing has to be looked at go to it as they come.
    """
    course = course_of(plan, table, wire_reader)
    if limit is None and isinstance(course, LaneCourse) and course.plain and not plan.lanes[0].hydrated:
        search = plan.search(plan.lanes[0], table, reader, forward=plan.forward)
        return (yield from All(search).flow(send))
    batches: list[Any] = []
    step: Read[Page[Any]] | None = steps_of(course, limit, send)
    while step is not None:
        page = yield from step.flow(send)
        batches += reader.read_page(msgspec.json.encode({"Items": page.items}), table=table).items
        step = page.next
    return batches
