from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from dynamodb_wrapper.engine.events import (
    AttemptEnded,
    CallStarted,
    Event,
    Measure,
    during,
    log_attempt,
    observed_attempts,
    observed_calls,
)
from dynamodb_wrapper.engine.flow import Call, Effect, Layer, run, stack
from dynamodb_wrapper.engine.retry import Retry
from dynamodb_wrapper.exceptions import ConnectionError, RetryableError

CALL = Call("PutItem", {"Item": {"secret": {"S": "hidden"}}}, "orders")


def answer(effect: Effect) -> Any:
    return b"12345"


def fail(effect: Effect) -> Any:
    raise ConnectionError("broken")


def test_an_answered_call_is_told_with_its_time_and_its_reply() -> None:
    events: list[AttemptEnded] = []
    assert run(stack([observed_attempts([events.append])])(CALL), answer) == b"12345"
    (event,) = events
    assert (event.call, event.reply, event.error) == (CALL, b"12345", None)
    assert event.seconds >= 0


def test_a_failed_call_is_told_with_its_error_and_still_fails() -> None:
    events: list[AttemptEnded] = []
    with pytest.raises(ConnectionError) as caught:
        run(stack([observed_attempts([events.append])])(CALL), fail)
    assert events[0].error is caught.value
    assert events[0].reply == b""


def test_attempts_are_told_inside_the_retries_and_calls_around_them() -> None:
    events: list[Event] = []
    answers: list[Any] = [RetryableError("once"), RetryableError("twice"), b"reply"]

    def perform(effect: Effect) -> Any:
        if not isinstance(effect, Call):
            return None
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    layers: list[Layer] = [
        observed_calls([events.append]),
        Retry(4, 30, chance=lambda: 0.0),
        observed_attempts([events.append]),
    ]
    run(stack(layers)(CALL), perform)
    assert events[0] == CallStarted(CALL)
    attempts = [event for event in events[1:] if isinstance(event, AttemptEnded)]
    assert [event.error.message if event.error else None for event in attempts] == ["once", "twice", None]


def test_every_observer_is_told() -> None:
    first: list[Event] = []
    second: list[Event] = []
    run(stack([observed_attempts([first.append, second.append])])(CALL), answer)
    assert first == second
    assert len(first) == 1


def test_an_observer_that_raises_is_logged_and_changes_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Event] = []

    def broken(event: Event) -> None:
        raise KeyError("observer")

    assert run(stack([observed_attempts([broken, told.append])])(CALL), answer) == b"12345"
    assert len(told) == 1
    assert "broken" in caplog.text


def test_the_context_manager_of_an_observer_is_open_until_what_it_was_told_of_ends() -> None:
    log: list[str] = []

    @contextmanager
    def span(event: Event) -> Iterator[None]:
        log.append("begun")
        try:
            yield
        except ConnectionError as error:
            log.append(error.message)
            raise
        finally:
            log.append("ended")

    def observer(event: Event) -> AbstractContextManager[None]:
        return span(event)

    with pytest.raises(ConnectionError):
        run(stack([observed_calls([observer])])(CALL), fail)
    assert log == ["begun", "broken", "ended"]
    with during([observer, observer], CallStarted(CALL)):
        log.append("inside")
    assert log[3:] == ["begun", "begun", "inside", "ended", "ended"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (AttemptEnded(CALL, 0.0123, b"." * 42), "PutItem orders 12.3 ms 42 bytes"),
        (
            AttemptEnded(CALL, 1.0, b"", ConnectionError("broken")),
            "PutItem orders 1000.0 ms connection_failed",
        ),
    ],
)
def test_the_log_tells_action_table_time_and_outcome_and_no_values(
    event: AttemptEnded, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper.calls"):
        log_attempt(CallStarted(CALL))
        log_attempt(event)
    assert [record.message for record in caplog.records] == [said]


def test_a_context_manager_of_an_observer_can_neither_break_nor_rescue_what_it_watches(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Swallowing(AbstractContextManager[None]):
        def __exit__(self, *error: object) -> bool:
            return True

    class Unready(AbstractContextManager[None]):
        def __enter__(self) -> None:
            raise KeyError("begin")

        def __exit__(self, *error: object) -> None:
            raise AssertionError("it never began")

    class Failing(AbstractContextManager[None]):
        def __exit__(self, *error: object) -> None:
            raise KeyError("end")

    observers: list[Any] = [lambda event: Swallowing(), lambda event: Unready(), lambda event: Failing()]
    with pytest.raises(ConnectionError, match="broken"):
        run(stack([observed_calls(observers)])(CALL), fail)
    assert ("Unready" in caplog.text, "Failing" in caplog.text) == (True, True)
    assert "never began" not in caplog.text


def test_an_event_has_nothing_to_count_unless_its_kind_says_so() -> None:
    class Poured(Event, frozen=True):
        litres: float

        def measures(self) -> Iterator[Measure]:
            yield Measure("poured_litres", {"glass": "tall"}, self.litres)

    assert [*CallStarted(CALL).measures()] == []
    assert [*Poured(0.3).measures()] == [Measure("poured_litres", {"glass": "tall"}, 0.3)]
