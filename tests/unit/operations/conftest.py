"""A service that answers from a script, and the driver that runs an operation against it by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import pytest

from dynamodb_wrapper.engine.flow import Call, Flow, Operation, Reply, Sleep, Together

T = TypeVar("T")


class Scripted:
    """Answers each call with the next of the script: a dict, an error, or a function of the call.

    Attributes:
        sent: the calls, in order.
        waits: the seconds that the flow wanted to wait.
    """

    def __init__(self, script: Iterable[Any]) -> None:
        self.script = list(script)
        self.sent: list[Call] = []
        self.waits: list[float] = []

    def send(self, call: Call) -> Flow[Reply]:
        yield from ()
        self.sent.append(call)
        answer = self.script.pop(0)
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    def run(self, operation: Operation[T]) -> T:
        return self.drive(operation.flow(self.send))

    def drive(self, flow: Flow[T]) -> T:
        advance: Callable[[], Any] = partial(flow.send, None)
        try:
            while True:
                effect = advance()
                advance = partial(flow.send, None)
                if isinstance(effect, Sleep):
                    self.waits.append(effect.seconds)
                    continue
                assert isinstance(effect, Together)
                try:
                    advance = partial(flow.send, [self.drive(inner) for inner in effect.flows])
                except Exception as error:  # raised inside the flow, as the drivers do
                    advance = partial(flow.throw, error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [call.body for call in self.sent]


@pytest.fixture
def service() -> Callable[..., Scripted]:
    """`service(answer, ...)` is a scripted service."""
    return lambda *script: Scripted(script)
