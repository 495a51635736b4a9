"""Two faces from one definition: a method that returns a flow, blocking on one class, awaitable on the other.

Knows flows, how a class drives them, and that a call of a method is an operation. Must not know what a flow
does.

    class Queries:
        @method
        def get(self, key: str) -> Flow[Item]: ...      # written once

    class ReadApi(Queries, Blocking): ...               # api.get("x") -> Item
    class AsyncReadApi(Queries, Awaiting): ...          # await api.get("x") -> Item
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import update_wrapper
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from dynamodb_wrapper.engine.events import Observer, OperationStarted, held, tell
from dynamodb_wrapper.engine.flow import Flow

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Blocking:
    """A class whose methods run their flows at once, and tell their observers of it.

    A client runs flows itself; any other class has `_drive`, the `drive` of the client that runs them.
    """

    observers: Sequence[Observer] = ()
    _drive: Callable[[Flow[Any]], Any]

    def drive(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return self._drive(flow)  # type: ignore[no-any-return]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _bind_methods(cls, _blocking)


class Awaiting:
    """The twin of `Blocking`: methods return coroutines that run their flows."""

    observers: Sequence[Observer] = ()
    _drive: Callable[[Flow[Any]], Coroutine[Any, Any, Any]]

    def drive(self, flow: Flow[T]) -> Coroutine[Any, Any, T]:
        """Run a flow to its end."""
        return self._drive(flow)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _bind_methods(cls, _awaiting)


class method(Generic[P, R]):
    """Turn `def f(self, ...) -> Flow[R]` into a method that runs the flow as its class does.

    Who looks at it while the program runs, as `help` does, sees what the method gives: `-> R`.
    """

    def __init__(self, build: Callable[Concatenate[Any, P], Flow[R]]) -> None:
        self.build = build
        if "return" in build.__annotations__:
            build.__annotations__["return"] = _result(build.__annotations__["return"])
        update_wrapper(self, build)  # type: ignore[arg-type]

    @overload
    def __get__(self, face: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, face: Blocking, owner: type | None = None) -> Callable[P, R]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type | None = None) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, face: Any, owner: type | None = None) -> Any:
        if face is None:
            return self
        raise TypeError(f"{owner} is neither Blocking nor Awaiting: its methods cannot run")


def _result(returned: Any) -> Any:
    """R of Flow[R], an annotation as text or as an object."""
    if isinstance(returned, str):
        return returned[5:-1] if returned.startswith("Flow[") else returned
    return getattr(returned, "__args__", (returned,))[-1]


def _bind_methods(cls: type, bind: Callable[[Callable[..., Flow[Any]]], Callable[..., Any]]) -> None:
    methods = (
        name for base in cls.__mro__ for name, value in vars(base).items() if isinstance(value, method)
    )
    for name in set(methods):
        member = getattr(cls, name)  # the most derived one
        if isinstance(member, method):
            setattr(cls, name, update_wrapper(bind(member.build), member.build))


def _blocking(build: Callable[..., Flow[T]]) -> Callable[..., T]:
    def call(self: Blocking, *args: Any, **kwargs: Any) -> T:
        try:
            if not (observers := self.observers):
                return self.drive(build(self, *args, **kwargs))
            managers = tell(observers, OperationStarted(build.__name__, type(self).__name__))
            if not managers:
                return self.drive(build(self, *args, **kwargs))
            with held(managers):
                return self.drive(build(self, *args, **kwargs))
        except TypeError as error:
            _check_arguments(error, build, self, args, kwargs)
            raise

    return call


def _awaiting(build: Callable[..., Flow[T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    async def call(self: Awaiting, *args: Any, **kwargs: Any) -> T:
        try:
            if not (observers := self.observers):
                return await self.drive(build(self, *args, **kwargs))
            managers = tell(observers, OperationStarted(build.__name__, type(self).__name__))
            if not managers:
                return await self.drive(build(self, *args, **kwargs))
            with held(managers):
                return await self.drive(build(self, *args, **kwargs))
        except TypeError as error:
            _check_arguments(error, build, self, args, kwargs)
            raise

    return call


def _check_arguments(
    error: TypeError, build: Callable[..., Any], face: object, args: Any, kwargs: Any
) -> None:
    """Raise the error again, told of the class that was used, if its cause is that arguments were wrong."""
    from inspect import Parameter, signature

    try:
        signature(build).bind(face, *args, **kwargs)
    except TypeError:
        parameters = list(signature(build).parameters.values())[1:]
        named = (f"{each.name}=" if each.kind is Parameter.KEYWORD_ONLY else each.name for each in parameters)
        told = str(error).replace(f"{build.__qualname__}()", f"{type(face).__name__}.{build.__name__}()")
        raise TypeError(f"{told}; it takes {', '.join(named)}") from None


class Use:
    """A class whose use ends with `close()`, or with its `with` block."""

    def close(self) -> None:
        """End the use of it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BlockingUse(Use, Blocking):
    """A blocking class whose use ends so."""


class AwaitingUse(Awaiting):
    """The twin of `BlockingUse`, for `async with`."""

    async def close(self) -> None:
        """End the use of it."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
