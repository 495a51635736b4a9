"""Plugins for tests: one that notes what reaches the service, and can hold replies back."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dynamodb_wrapper.engine.flow import Call, Do, Flow, Reply, Send, Sleep
from dynamodb_wrapper.engine.plugins import Plugin


class Recorder(Plugin):
    """Notes each attempt; put it after the plugins whose calls are of interest."""

    name, version = "recorder", "1"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.attempts = [self._note]

    def take(self) -> list[str]:
        """The actions that were noted since this was asked for last."""
        taken, self.calls = self.calls, []
        return [call.action for call in taken]

    def _note(self, send: Send, call: Call) -> Flow[Reply]:
        self.calls.append(call)
        return (yield from send(call))


class Gate(Plugin):
    """Holds back an action while it is closed.

    Parameters:
        before: whether its requests are held and not its replies.
    """

    name, version = "gate", "1"

    def __init__(self, action: str, *, before: bool = False) -> None:
        self._action, self._before = action, before
        self._open, self._arrived = threading.Event(), threading.Event()
        self._open.set()
        self._error: Exception | None = None
        self.attempts = [self._hold]

    def close(self, error: Exception | None = None) -> None:
        """Hold it from now on; raise that error in place of the replies of those that were held."""
        self._error = error
        self._arrived.clear()
        self._open.clear()

    def open(self) -> None:
        """Let everything go its way."""
        self._open.set()

    async def until_held(self) -> None:
        """Come back when one is held."""
        assert await asyncio.to_thread(self._arrived.wait, 20)

    def _hold(self, send: Send, call: Call) -> Flow[Reply]:
        if call.action != self._action or self._open.is_set():
            return (yield from send(call))
        error = self._error
        if self._before:
            yield from self._wait()
        reply = yield from send(call)
        if not self._before:
            yield from self._wait()
        if error is not None:
            raise error
        return reply

    def _wait(self) -> Flow[None]:
        self._arrived.set()
        yield Do(self._open.wait, (20,), lambda seconds: asyncio.to_thread(self._open.wait, seconds))


class Delays(Plugin):
    """Waits a little before and after each attempt, so that calls overtake each other."""

    name, version = "delays", "1"

    def __init__(self, seed: int, longest: float) -> None:
        self._random, self._longest = random.Random(seed), longest
        self.attempts = [self._delay]

    def _delay(self, send: Send, call: Call) -> Flow[Reply]:
        yield Sleep(self._random.random() * self._longest)
        reply = yield from send(call)
        yield Sleep(self._random.random() * self._longest)
        return reply


async def side_by_side(face: Any, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of calls that run at once: in threads on the blocking face, in tasks on the other."""
    if face.name != "sync":
        return list(await asyncio.gather(*(call() for call in calls)))
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(calls)) as pool:
        settled = await asyncio.gather(*(loop.run_in_executor(pool, call) for call in calls))
    return [await each for each in settled]
