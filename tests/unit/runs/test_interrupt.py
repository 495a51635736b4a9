from __future__ import annotations

import gc
import signal
import sys
import time
from threading import Thread

import pytest

from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_by_name(number: signal.Signals) -> None:
    with Interrupts().listening(), pytest.raises(Interrupted) as caught:
        signal.raise_signal(number)
    assert caught.value.signal_name == number.name


class Removed:
    """An object at whose removal a signal comes."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_a_signal_that_comes_while_an_object_is_removed_is_raised_after_that() -> None:
    def work() -> None:
        Removed()
        gc.collect()
        time.sleep(30)
        pytest.fail("the signal was lost")

    hook = sys.unraisablehook
    with Interrupts().listening(), pytest.raises(Interrupted, match="SIGINT"):
        work()
    assert sys.unraisablehook == hook


def test_a_shielded_block_ends_before_the_signal_is_raised() -> None:
    done: list[str] = []

    def write(interrupts: Interrupts) -> None:
        with interrupts.shield(), interrupts.shield():
            signal.raise_signal(signal.SIGINT)
            done.append("written")

    interrupts = Interrupts()
    with interrupts.listening():
        with pytest.raises(Interrupted):
            write(interrupts)
        with interrupts.shield():  # the signal was raised once and is gone
            done.append("again")
    assert done == ["written", "again"]


def test_a_second_signal_does_not_wait() -> None:
    def write(interrupts: Interrupts) -> None:
        with interrupts.shield():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second signal waited")

    interrupts = Interrupts()
    with interrupts.listening(), pytest.raises(Interrupted):
        write(interrupts)


def test_once_told_to_ignore_signals_it_does_so_until_it_listens_no_more() -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts()
    with interrupts.listening():
        interrupts.ignore()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_the_former_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts().listening():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_may_listen_although_it_gets_no_signals() -> None:
    entered: list[bool] = []

    def listen() -> None:
        with Interrupts().listening():
            entered.append(True)

    thread = Thread(target=listen)
    thread.start()
    thread.join()
    assert entered == [True]


def test_what_is_to_be_prepared_is_prepared_just_before_a_signal_is_raised() -> None:
    done: list[str] = []
    interrupts = Interrupts(lambda: done.append("prepared"))

    def write() -> None:
        with interrupts.shield():
            signal.raise_signal(signal.SIGINT)
            done.append("written")

    with interrupts.listening():
        with pytest.raises(Interrupted):
            write()
        signal.raise_signal(signal.SIGINT)
    assert done == ["written", "prepared"]
