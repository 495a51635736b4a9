"""Races on the blocking face: two flows in threads of their own, of which the first result counts.

Knows threads. Must not know what a flow does. A thread cannot be stopped, so that of a flow that lost goes on
until the flow ends; it keeps neither the caller nor the end of the process waiting.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.engine.flow import Flow, Race

IDLE_SECONDS: Final = 10.0

Job: TypeAlias = Callable[[], None]
Outcome: TypeAlias = tuple[bool, Any, BaseException | None]


class Workers:
    """Daemon threads that wait for jobs; another one is made when none is free."""

    def __init__(self) -> None:
        self._free: deque[SimpleQueue[Job]] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._free.clear)

    def start(self, job: Job) -> None:
        """Run a job, which raises nothing, in some thread."""
        try:
            inbox = self._free.pop()
        except IndexError:
            Thread(target=self._work, args=(job,), name="dynamodb-wrapper race", daemon=True).start()
        else:
            inbox.put(job)

    def _work(self, job: Job) -> None:
        inbox: SimpleQueue[Job] = SimpleQueue()
        while True:
            job()
            del job  # what it holds must not wait for the next one
            self._free.append(inbox)
            try:
                job = inbox.get(timeout=IDLE_SECONDS)
            except Empty:
                try:
                    self._free.remove(inbox)
                except ValueError:  # somebody took it a moment ago, and puts a job into it
                    job = inbox.get()
                else:
                    return


_workers = Workers()


def race(drive: Callable[[Flow[Any]], Any], effect: Race) -> Any:
    """The result of a race.

    Parameters:
        drive: runs a flow to its end.
    """
    outcomes: SimpleQueue[Outcome] = SimpleQueue()
    _start(drive, effect.first, True, outcomes)
    try:
        outcome = outcomes.get(timeout=effect.after)
    except Empty:
        _start(drive, effect.second, False, outcomes)
        outcome = outcomes.get()
        if outcome[2] is not None:
            other = outcomes.get()
            outcome = other if other[2] is None or other[0] else outcome
    _, result, error = outcome
    if error is not None:
        raise error
    return result


def _start(
    drive: Callable[[Flow[Any]], Any], flow: Flow[Any], is_first: bool, outcomes: SimpleQueue[Outcome]
) -> None:
    context = copy_context()

    def job() -> None:
        try:
            outcomes.put((is_first, context.run(drive, flow), None))
        except BaseException as error:
            outcomes.put((is_first, None, error))

    _workers.start(job)
