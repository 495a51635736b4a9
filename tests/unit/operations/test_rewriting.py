"""Rewriting page after page: what became of the items is added up, and where to go on is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.operations import Scan
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.rewriting import Rewritten, rewrite_pages
from dynamodb_wrapper.wire.values import WireItem

SCAN = Scan(table="t", reader=wire_reader, key_fields=("id",))
OUTCOMES = {"a": True, "b": False, "c": None, "d": True}


def page(*ids: str, more: bool) -> dict[str, object]:
    items = [{"id": {"S": each}, "n": {"N": "1"}} for each in ids]
    last = {"LastEvaluatedKey": {"id": {"S": ids[-1]}}} if more else {}
    return {"Items": items, "Count": len(items), **last}


def rewrite(item: WireItem) -> Flow[bool | None]:
    yield from ()
    return OUTCOMES[item["id"]["S"]]


def test_all_pages_are_read_and_their_outcomes_added_up(service: Callable[..., Any]) -> None:
    asked = service(page("a", "b", more=True), page("c", "d", more=False))
    done: Rewritten = asked.drive(rewrite_pages(asked.send, SCAN, rewrite, ("id",)))
    assert done == Rewritten(read=4, written=2, left=("c",), next=None)


def test_no_further_page_is_read_when_there_are_enough(service: Callable[..., Any]) -> None:
    asked = service(page("a", "b", more=True), page("c", "d", more=True))
    done: Rewritten = asked.drive(rewrite_pages(asked.send, SCAN, rewrite, ("id",), 2))
    assert (done.read, done.written, done.left, len(asked.sent)) == (2, 1, (), 1)
    assert done.next is not None
    rest: Rewritten = asked.drive(rewrite_pages(asked.send, done.next, rewrite, ("id",), 1))
    assert (rest.read, rest.left) == (2, ("c",))
    assert asked.bodies[1]["ExclusiveStartKey"] == {"id": {"S": "b"}}
