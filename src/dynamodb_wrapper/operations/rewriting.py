"""Rewriting the items of a table: page after page, the items of a page at the same time.

Knows items in wire form and how outcomes are added up. Must not know what is rewritten, nor why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send, Together
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.wire.values import WireItem, decode_item

Rewrite: TypeAlias = Callable[[WireItem], Flow[bool | None]]
"""Rewrites an item; true if it did, None if it had to be and was left."""


class Rewritten(Struct, frozen=True):
    """What became of the items.

    Parameters:
        read: how many were read.
        written: how many of them were rewritten.
        left: the keys, as text, of those that had to be and were left.
        next: reads the items that follow; None at the end.
    """

    read: int
    written: int
    left: tuple[str, ...]
    next: Read[Page[WireItem]] | None


def rewrite_pages(
    send: Send,
    first: Read[Page[WireItem]],
    rewrite: Rewrite,
    key_fields: Sequence[str],
    most: int | None = None,
) -> Flow[Rewritten]:
    """Rewrite the items of a page and of those that follow.

    Parameters:
        first: reads the first page.
        key_fields: the key attributes of the table.
        most: read no further page after so many items; all where it is None.
    """
    step: Read[Page[WireItem]] | None = first
    read = written = 0
    left: list[str] = []
    while step is not None and (most is None or read < most):
        page: Page[WireItem] = yield from step.flow(send)
        outcomes = yield Together([rewrite(item) for item in page.items])
        read += len(outcomes)
        written += sum(outcome is True for outcome in outcomes)
        left += [
            resource_id(decode_item({name: item[name] for name in key_fields}))
            for item, outcome in zip(page.items, outcomes, strict=True)
            if outcome is None
        ]
        step = page.next
    return Rewritten(read, written, tuple(left), step)
