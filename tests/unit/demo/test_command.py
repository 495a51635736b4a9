from __future__ import annotations

import signal

import pytest
import typer

from dynamodb_wrapper.demo.command import one_signal, parse_months
from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("1-12", list(range(1, 13))),
        ("2", [2]),
        ("7, 1-3", [1, 2, 3, 7]),
        ("1-2,2-3", [1, 2, 3]),
        ("4-4", [4]),
    ],
)
def test_months_are_listed_once_and_in_order(text: str, months: list[int]) -> None:
    assert parse_months(text) == months


@pytest.mark.parametrize("text", ["", "0", "13", "1-13", "3-1", "may", "1-", "-2", "1,,2", "1-2-3", "²"])
def test_what_names_no_months_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_months(text)


def test_after_one_signal_the_others_are_ignored_also_where_a_run_has_heard_it() -> None:
    def run() -> None:
        try:
            with Interrupts().listening():
                signal.raise_signal(signal.SIGTERM)
        except Interrupted as error:
            raise SystemExit(143) from error

    interrupts = Interrupts()
    with interrupts.listening():
        with pytest.raises(Interrupted, match="SIGTERM"), one_signal(interrupts):
            run()
        signal.raise_signal(signal.SIGINT)
