"""Flows: procedures that yield effects instead of doing I/O, and the two drivers that run them.

Knows how a procedure runs. Must not know models, expressions or the network: only the `perform` that a
driver is given touches the clock or the wire. One flow serves the blocking and the awaiting driver alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from functools import partial
from math import inf
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Reply: TypeAlias = bytes


class Call(Struct, frozen=True, gc=False):
    """One request to the service.

    Parameters:
        action: the service's name of the operation, such as "GetItem".
        body: the request as the service's JSON protocol has it.
        table: the table it concerns, for errors, events and layers.
        repeatable: whether sending it again is harmless when the first outcome is unknown.
        deadline: when its time is over, attempts and waits included, on the clock of `time.monotonic`.
        traced: whether every attempt of unknown outcome must reach the layers as an error, even where sending
            it again is harmless.
        region: the AWS Region that it goes to; the home Region where it is empty.
        partition_key: the name of the table's partition key, where an item in the body does not tell it.
    """

    action: str
    body: dict[str, Any]
    table: str = ""
    repeatable: bool = True
    deadline: float = inf
    traced: bool = False
    region: str = ""
    partition_key: str = ""


class Sleep(Struct, frozen=True):
    """Wait for that many seconds."""

    seconds: float


class Do(Struct, frozen=True):
    """Call a function.

    Parameters:
        function: what the blocking driver calls.
        args: its arguments.
        awaiting: what the awaiting driver calls in its place, where there is a way that does not block; it
            may return an awaitable.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    awaiting: Callable[..., Any] | None = None


class Together(Struct, frozen=True):
    """Run flows side by side, at most `limit` at once; the result is the list of theirs, in order.

    After an error no further flow is started. When those already running have ended, the error of the flow
    that stands first is raised.
    """

    flows: Sequence[Flow[Any]]
    limit: int = 8


class Race(Struct, frozen=True):
    """Run a flow, and another one against it when the first has given nothing after that many seconds.

    The first result is the race's; the flow without one is given up. Awaiting, it is cancelled, and has ended
    when the race does; blocking, it ends by itself in its own thread, and what it gives is dropped. After an
    error the other flow goes on, if it has begun; when both fail, the error of the first is raised.
    """

    first: Flow[Any]
    second: Flow[Any]
    after: float


class Tell(Struct, frozen=True):
    """Tell the client's observers of an event of `engine.events`."""

    event: Any


Effect: TypeAlias = Call | Sleep | Do | Together | Race | Tell
Flow: TypeAlias = Generator[Effect, Any, T]
Send: TypeAlias = Callable[[Call], Flow[Reply]]
Layer: TypeAlias = Callable[[Send, Call], Flow[Reply]]


def wire(call: Call) -> Flow[Reply]:
    """The innermost `send`: hand the call to the driver."""
    reply: Reply = yield call
    return reply


def stack(layers: Sequence[Layer], send: Send = wire) -> Send:
    """Wrap `send` in layers; the first layer is the outermost."""
    for layer in reversed(layers):
        send = partial(layer, send)
    return send


class Operation(Generic[T_co]):
    """One thing asked of the service, as a value.

    `call` builds the request and `parse` reads the reply; an operation that loops overrides `flow`.
    """

    __slots__ = ()

    def call(self) -> Call:
        """The request; building it sends nothing."""
        raise NotImplementedError

    def parse(self, reply: Reply) -> T_co:
        """What the reply means."""
        raise NotImplementedError

    def flow(self, send: Send) -> Flow[T_co]:
        """The whole procedure, with `send` carrying each call through the layers."""
        return self.parse((yield from send(self.call())))


class Read(Operation[T_co]):
    """An operation that changes nothing."""

    __slots__ = ()


class Write(Operation[T_co]):
    """An operation that changes a table or an item."""

    __slots__ = ()


class Page(Struct, Generic[T], frozen=True):
    """Some items, and the operation that reads the following ones (None at the end)."""

    items: list[T]
    next: Read[Page[T]] | None = None


def run(flow: Flow[T], perform: Callable[[Effect], Any]) -> T:
    """Run a flow to its end, blocking; `perform` carries out one effect and returns its result."""
    try:
        effect = next(flow)
        while True:
            try:
                result = perform(effect)
            except BaseException as error:  # it raises inside the flow, so that layers can handle it
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def arun(flow: Flow[T], perform: Callable[[Effect], Awaitable[Any]]) -> T:
    """Run a flow to its end, awaiting; the twin of `run`."""
    try:
        effect = next(flow)
        while True:
            try:
                result = await perform(effect)
            except BaseException as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def walk(page: Read[Page[T]] | None, read: Callable[[Read[Page[T]]], Page[T]]) -> Iterator[T]:
    """The items of a page and of all that follow, read as they are asked for."""
    while page:
        yield from (got := read(page)).items
        page = got.next


async def awalk(
    page: Read[Page[T]] | None, read: Callable[[Read[Page[T]]], Awaitable[Page[T]]]
) -> AsyncIterator[T]:
    """The awaiting twin of `walk`."""
    while page:
        for item in (got := await read(page)).items:
            yield item
        page = got.next
