"""Ctrl-C and SIGTERM as one exception that never lands in the middle of a write.

Knows signals. Must not know DynamoDB or the pipeline.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop; `signal_name` is "SIGINT" or "SIGTERM"."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"interrupted by {signal_name}")
        self.signal_name = signal_name


class Interrupts:
    """Turns SIGINT and SIGTERM into `Interrupted` while it is entered.

    Inside `shield()` a signal waits until the block ends, so that a write is never left with an unknown
    outcome; a second signal no longer waits. Outside the main thread, where Python delivers no signals,
    entering changes nothing.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._pending: Interrupted | None = None

    @contextmanager
    def listening(self) -> Iterator[Interrupts]:
        """Handle the signals until the block ends, then put the former handlers back."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let the block finish before a signal is raised."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self.raise_pending()

    def raise_pending(self) -> None:
        """Raise the signal that came inside a shield, if one did."""
        if self._pending is not None and not self._depth:
            error, self._pending = self._pending, None
            raise error

    def _handle(self, number: int, frame: FrameType | None) -> None:
        error = Interrupted(signal.Signals(number).name)
        if self._depth and self._pending is None:
            self._pending = error
            return
        self._pending = None
        raise error
