"""One call for many who ask the same at once: the first one makes it, the others wait for its answer.

Knows threads and event loops. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from math import inf
from threading import get_ident
from time import monotonic
from typing import Final

from dynamodb_wrapper.engine.flow import Do, Flow


class Outcome:
    """Why a flight brought nothing."""


FAILED: Final = Outcome()
CANCELLED: Final = Outcome()


class Flight:
    """A call that is on its way, made by the thread or task that created this."""

    def __init__(self) -> None:
        self._future: Future[bytes | Outcome] = Future()
        self._future.set_running_or_notify_cancel()  # so that one who waits cannot cancel it for all
        self._thread = get_ident()

    def land(self, value: bytes | Outcome) -> None:
        """Give the answer, or why there is none, to all who wait."""
        self._future.set_result(value)

    def wait(self, deadline: float) -> Flow[bytes | Outcome]:
        """The answer; FAILED also where waiting for it is no use.

        Parameters:
            deadline: until when, on the clock of `time.monotonic`.
        """
        outcome: bytes | Outcome = yield Do(self._wait, (deadline,), self._await)
        return outcome

    def _wait(self, deadline: float) -> bytes | Outcome:
        if self._thread == get_ident() and not self._future.done():
            return FAILED  # the caller blocks the event loop that the answer would come by
        try:
            return self._future.result(_left(deadline))
        except FutureTimeout:
            return FAILED

    async def _await(self, deadline: float) -> bytes | Outcome:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._future), _left(deadline))
        except TimeoutError:
            return FAILED


def _left(deadline: float) -> float | None:
    return None if deadline == inf else max(deadline - monotonic(), 0)
