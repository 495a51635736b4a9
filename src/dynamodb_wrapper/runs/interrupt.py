"""Ctrl-C, SIGTERM and SIGHUP as one exception that never lands in the middle of a write.

Knows signals. Must not know DynamoDB or the pipeline.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, a polite kill, and a terminal that was closed; Windows has no SIGHUP."""

AGAIN_SECONDS = 0.01
"""How long after Python has dropped an exception it is raised once more."""


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop; `signal_name` is "SIGINT", "SIGTERM" or "SIGHUP"."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"interrupted by {signal_name}")
        self.signal_name = signal_name


class Interrupts:
    """Turns the first of `SIGNALS` into `Interrupted` while it listens, and ignores later ones.

    A signal that the process ignores, such as SIGHUP under `nohup`, stays ignored.

    Inside `shield()` the signal waits until the block ends, so that a write is not left with an unknown
    outcome; a second signal ends that wait. Once it is raised, further signals are ignored, so that an
    impatient user does not keep the program from tidying up. Outside the main thread, where Python delivers
    no signals, listening changes nothing.

    Python drops what is raised while it removes an object, as its garbage collector does at any time; a
    signal that comes just then is raised a moment later.

    Parameters:
        prepare: called in the main thread just before a signal is raised there, wherever that is.
    """

    def __init__(self, prepare: Callable[[], None] | None = None) -> None:
        self._prepare = prepare
        self._shields = 0
        self._waiting: Interrupted | None = None
        self._raised = False

    @contextmanager
    def listening(self) -> Iterator[Interrupts]:
        """Handle the signals until the block ends, then put the former handlers back."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._handle) for number in heard}
        self._former_hook, sys.unraisablehook = sys.unraisablehook, self._dropped
        try:
            yield self
        finally:
            if sys.unraisablehook == self._dropped:
                sys.unraisablehook = self._former_hook
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let the block end before a signal is raised."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._waiting is not None and not self._shields:
            self._raise(self._waiting)

    def ignore(self) -> None:
        """Ignore signals from now on: what is over is being tidied up already."""
        self._raised = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._raised:
            return
        error = Interrupted(signal.Signals(number).name)
        if self._shields and self._waiting is None:
            self._waiting = error
        else:
            self._raise(error)

    def _raise(self, error: Interrupted) -> None:
        self._waiting = None
        self._raised = True
        if self._prepare is not None:
            self._prepare()
        raise error

    def _dropped(self, what: sys.UnraisableHookArgs) -> None:
        """As `sys.unraisablehook`: told of what was raised where nothing can be."""
        if not isinstance(what.exc_value, Interrupted):
            self._former_hook(what)
            return
        self._raised = False
        # not a Thread: its locks may be held by whatever was under way when the object was removed
        _thread.start_new_thread(_send_again, (signal.Signals[what.exc_value.signal_name],))


def _send_again(number: signal.Signals) -> None:
    time.sleep(AGAIN_SECONDS)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(number)
