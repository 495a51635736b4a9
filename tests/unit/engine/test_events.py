from __future__ import annotations

import logging
from typing import Any

import pytest

from dynamodb_wrapper.engine.events import CallEnded, log_call, observed
from dynamodb_wrapper.engine.flow import Call, Effect, run, stack
from dynamodb_wrapper.engine.retry import Retry
from dynamodb_wrapper.exceptions import ConnectionError, RetryableError

CALL = Call("PutItem", {"Item": {"secret": {"S": "hidden"}}}, "orders")


def answer(effect: Effect) -> Any:
    return b"12345"


def fail(effect: Effect) -> Any:
    raise ConnectionError("broken")


def test_an_answered_call_is_told_with_its_time_and_the_size_of_the_reply() -> None:
    events: list[CallEnded] = []
    assert run(stack([observed([events.append])])(CALL), answer) == b"12345"
    (event,) = events
    assert (event.call, event.reply_bytes, event.error) == (CALL, 5, None)
    assert event.seconds >= 0


def test_a_failed_call_is_told_with_its_error_and_still_fails() -> None:
    events: list[CallEnded] = []
    with pytest.raises(ConnectionError) as caught:
        run(stack([observed([events.append])])(CALL), fail)
    assert events[0].error is caught.value
    assert events[0].reply_bytes == 0


def test_innermost_it_is_told_of_every_attempt() -> None:
    events: list[CallEnded] = []
    answers: list[Any] = [RetryableError("once"), RetryableError("twice"), b"reply"]

    def perform(effect: Effect) -> Any:
        if not isinstance(effect, Call):
            return None
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run(stack([Retry(4, 30, chance=lambda: 0.0), observed([events.append])])(CALL), perform)
    assert [event.error.message if event.error else None for event in events] == ["once", "twice", None]


def test_every_observer_is_told() -> None:
    first: list[CallEnded] = []
    second: list[CallEnded] = []
    run(stack([observed([first.append, second.append])])(CALL), answer)
    assert first == second
    assert len(first) == 1


def test_an_observer_that_fails_is_logged_and_fails_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    told: list[CallEnded] = []

    def broken(event: CallEnded) -> None:
        raise RuntimeError("no disk")

    assert run(stack([observed([broken, told.append])])(CALL), answer) == b"12345"
    assert len(told) == 1
    assert "no disk" in caplog.text


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (CallEnded(CALL, 0.0123, 42), "PutItem orders 12.3 ms 42 bytes"),
        (CallEnded(CALL, 1.0, 0, ConnectionError("broken")), "PutItem orders 1000.0 ms connection_failed"),
    ],
)
def test_the_log_names_action_table_time_and_outcome_but_no_values(
    event: CallEnded, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        log_call(event)
    assert caplog.messages == [said]
    assert "hidden" not in caplog.text
