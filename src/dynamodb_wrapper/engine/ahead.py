"""Reading ahead: while the items of one page are used, the next page is read. Two twins, one for each face.

Knows pages and drivers. Must not know what a page holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send

T = TypeVar("T")


def walk_ahead(first: Read[Page[T]], send: Send, drive: Callable[[Flow[Any]], Any]) -> Iterator[T]:
    """The items of a page and of all that follow; one page at most is there that nobody asked for yet.

    Parameters:
        send: carries calls.
        drive: runs a flow to its end, also in another thread.
    """
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    page: Page[T] = drive(first.flow(send))
    if page.next is not None:
        with ThreadPoolExecutor(1, "dynamodb-wrapper-page") as pool:
            while page.next is not None:
                ahead = pool.submit(copy_context().run, drive, page.next.flow(send))
                yield from page.items
                page = ahead.result()
    yield from page.items


async def awalk_ahead(
    first: Read[Page[T]], send: Send, drive: Callable[[Flow[Any]], Awaitable[Any]]
) -> AsyncIterator[T]:
    """The awaiting twin of `walk_ahead`."""
    import asyncio

    page: Page[T] = await drive(first.flow(send))
    while page.next is not None:
        ahead = asyncio.ensure_future(drive(page.next.flow(send)))
        try:
            for item in page.items:
                yield item
            page = await ahead
        finally:
            ahead.cancel()
    for item in page.items:
        yield item
