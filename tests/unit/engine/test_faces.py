from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from dynamodb_wrapper.engine.faces import Awaiting, AwaitingUse, Blocking, BlockingUse, method
from dynamodb_wrapper.engine.flow import Do, Effect, Flow, arun, run

T = TypeVar("T")


class Greetings:
    greeting = "hello"

    @method
    def greet(self, name: str, *, loud: bool = False) -> Flow[str]:
        """Greet somebody.

        Parameters:
            name: whom.
        """
        text = yield Do(lambda: f"{self.greeting}, {name}")
        return str(text).upper() if loud else str(text)

    @method
    def greet_all(self, *names: str) -> Flow[list[str]]:
        """Greet them all."""
        return self._each(names)

    def plain(self) -> str:
        return "neither blocks nor awaits"

    def _each(self, names: tuple[str, ...]) -> Flow[list[str]]:
        texts = []
        for name in names:
            texts.append((yield Do(lambda name=name: f"{self.greeting}, {name}")))
        return texts


class BlockingFace(Blocking):
    def drive(self, flow: Flow[T]) -> T:
        return run(flow, perform)


class AwaitingFace(Awaiting):
    async def drive(self, flow: Flow[T]) -> T:
        async def performed(effect: Effect) -> Any:
            await asyncio.sleep(0)
            return perform(effect)

        return await arun(flow, performed)


class Greeter(Greetings, BlockingFace):
    pass


class AsyncGreeter(Greetings, AwaitingFace):
    pass


def perform(effect: Effect) -> Any:
    assert isinstance(effect, Do)
    return effect.function(*effect.args)


async def test_one_definition_blocks_on_one_face_and_awaits_on_the_other() -> None:
    assert Greeter().greet("Ada") == "hello, Ada"
    assert await AsyncGreeter().greet("Ada") == "hello, Ada"
    assert Greeter().greet("Ada", loud=True) == "HELLO, ADA"
    assert await AsyncGreeter().greet("Ada", loud=True) == "HELLO, ADA"
    assert Greeter().greet_all("Ada", "Bob") == await AsyncGreeter().greet_all("Ada", "Bob")
    assert Greeter().plain() == AsyncGreeter().plain()


def test_only_the_awaiting_face_has_coroutine_functions() -> None:
    assert inspect.iscoroutinefunction(AsyncGreeter.greet)
    assert inspect.iscoroutinefunction(AsyncGreeter().greet)
    assert not inspect.iscoroutinefunction(Greeter.greet)


@pytest.mark.parametrize("face", [Greeter, AsyncGreeter])
def test_name_documentation_and_signature_are_kept(face: Any) -> None:
    assert face.greet.__name__ == "greet"
    assert face.greet.__qualname__ == "Greetings.greet"
    assert "whom." in (inspect.getdoc(face.greet) or "")
    assert list(inspect.signature(face.greet).parameters) == ["self", "name", "loud"]
    assert list(inspect.signature(face().greet).parameters) == ["name", "loud"]


async def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="nmae"):
        Greeter().greet(nmae="Ada")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nmae"):
        await AsyncGreeter().greet(nmae="Ada")  # type: ignore[call-arg]


async def test_wrong_arguments_are_told_of_the_class_that_was_used() -> None:
    takes = r"it takes name, loud=$"
    with pytest.raises(
        TypeError, match=rf"^Greeter.greet\(\) takes 2 positional arguments but 3 were given; {takes}"
    ):
        Greeter().greet("Ada", True)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=rf"^AsyncGreeter.greet\(\) got an unexpected .* 'lod'.*; {takes}"):
        await AsyncGreeter().greet("Ada", lod=True)  # type: ignore[call-arg]


async def test_a_type_error_of_the_flow_itself_stays_as_it_is() -> None:
    class Unhappy(Greetings):
        @method
        def fail(self, text: Any) -> Flow[str]:
            """Fail."""
            yield Do(lambda: text + 5)
            return ""

    class Blocked(Unhappy, BlockingFace):
        pass

    with pytest.raises(TypeError, match="can only concatenate list"):
        Blocked().fail([])


async def test_a_subclass_of_a_face_adds_and_overrides_methods() -> None:
    class More(Greeter):
        @method
        def greet(self, name: str, *, loud: bool = False) -> Flow[str]:
            """Greet otherwise."""
            return f"good day, {(yield Do(lambda: name))}"

        @method
        def part(self, name: str) -> Flow[str]:
            """Say goodbye."""
            return f"goodbye, {(yield Do(lambda: name))}"

    assert More().greet("Ada") == "good day, Ada"
    assert More().part("Ada") == "goodbye, Ada"
    assert Greeter().greet("Ada") == "hello, Ada"


async def test_a_definition_below_the_faces_overrides_the_one_it_inherits() -> None:
    class Polite(Greetings):
        @method
        def greet(self, name: str, *, loud: bool = False) -> Flow[str]:
            """Greet politely."""
            return f"good day, {(yield Do(lambda: name))}"

    class PoliteGreeter(Polite, BlockingFace):
        pass

    class AsyncPoliteGreeter(Polite, AwaitingFace):
        pass

    assert PoliteGreeter().greet("Ada") == "good day, Ada"
    assert await AsyncPoliteGreeter().greet("Ada") == "good day, Ada"


def test_a_plain_method_of_a_subclass_overrides_too() -> None:
    class Silent(Greeter):
        def greet(self, name: str, *, loud: bool = False) -> str:
            return ""

    assert Silent().greet("Ada") == ""
    assert Silent().greet_all("Ada") == ["hello, Ada"]


def test_a_class_that_is_neither_face_says_so() -> None:
    with pytest.raises(TypeError, match="neither Blocking nor Awaiting"):
        Greetings().greet  # type: ignore[call-overload]  # noqa: B018


def test_on_the_class_of_definitions_it_is_the_definition_itself() -> None:
    assert isinstance(Greetings.greet, method)


async def test_a_face_without_a_driver_cannot_run() -> None:
    class Bare(Greetings, Blocking):
        pass

    class AsyncBare(Greetings, Awaiting):
        pass

    with pytest.raises(AttributeError, match="'Bare' object has no attribute '_drive'"):
        Bare().greet("Ada")
    with pytest.raises(AttributeError, match="'AsyncBare' object has no attribute '_drive'"):
        await AsyncBare().greet("Ada")


async def test_a_face_whose_flows_a_client_runs_needs_no_driver_of_its_own() -> None:
    class Told(Greetings, Blocking):
        _drive = BlockingFace().drive

    class AsyncTold(Greetings, Awaiting):
        _drive = AwaitingFace().drive

    told, awaited = Told(), AsyncTold()
    told.greeting = awaited.greeting = "Good day"
    assert told.greet("Ada") == await awaited.greet("Ada")


async def test_a_use_ends_with_its_block_also_where_that_raises() -> None:
    class Door(BlockingUse):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    class AsyncDoor(AwaitingUse):
        closed = 0

        async def close(self) -> None:
            self.closed += 1

    door, awaited = Door(), AsyncDoor()
    with suppress(KeyError), door as entered:
        assert entered is door
        raise KeyError
    with suppress(KeyError):
        async with awaited as entered_too:
            assert entered_too is awaited
            raise KeyError
    assert door.closed == awaited.closed == 1


def test_what_is_shown_to_be_returned_is_what_the_method_gives() -> None:
    faces: tuple[Any, ...] = (Greeter, AsyncGreeter)
    for cls in faces:
        assert inspect.signature(cls.greet).return_annotation == "str"
        assert inspect.signature(cls.greet_all).return_annotation == "list[str]"
        assert list(inspect.signature(cls.greet).parameters) == ["self", "name", "loud"]


def test_an_annotation_that_is_no_text_is_understood_too() -> None:
    def ask(self: Any) -> Any:
        return None

    ask.__annotations__["return"] = Flow[int]
    assert inspect.signature(method(ask).build).return_annotation is int
