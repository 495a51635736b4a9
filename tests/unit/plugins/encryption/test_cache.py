"""Data keys are kept by age and uses, and many callers at once ask the provider once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Do, Effect, arun, run
from dynamodb_wrapper.exceptions import DecryptionError
from dynamodb_wrapper.plugins.encryption.cache import MOST_UNWRAPPED, KeyCache
from dynamodb_wrapper.plugins.encryption.keys import DataKey


class Provider:
    """Makes numbered keys and counts how often it is asked."""

    def __init__(self, remote: bool = False, seconds: float = 0.0) -> None:
        self.remote = remote
        self.asked: list[tuple[str, Mapping[str, str], str]] = []
        self._seconds = seconds

    def new_key(self, context: Mapping[str, str]) -> DataKey:
        self.asked.append(("new", context, threading.current_thread().name))
        time.sleep(self._seconds)
        number = len(self.asked)
        return DataKey("k", b"wrapped%d" % number, b"plain%d" % number)

    def unwrapped(self, name: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self.asked.append((name, context, threading.current_thread().name))
        time.sleep(self._seconds)
        if wrapped == b"bad":
            raise DecryptionError("bad")
        return wrapped.replace(b"wrapped", b"plain")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def perform(effect: Effect) -> Any:
    assert isinstance(effect, Do)
    return effect.function(*effect.args)


async def aperform(effect: Effect) -> Any:
    assert isinstance(effect, Do)
    result = (effect.awaiting or effect.function)(*effect.args)
    return await result if asyncio.iscoroutine(result) else result


def test_a_data_key_serves_until_it_is_old() -> None:
    provider, clock = Provider(), Clock()
    cache = KeyCache(provider, 300, 1000, clock)
    first = run(cache.current("t"), perform)
    clock.now = 299.9
    assert run(cache.current("t"), perform) is first
    clock.now = 300.0
    assert run(cache.current("t"), perform) is not first
    assert provider.asked[0][1] == {"dynamodb-wrapper:table": "t"}


def test_a_data_key_serves_so_many_values() -> None:
    cache = KeyCache(Provider(), 300, 10, Clock())
    first = run(cache.current("t"), perform)
    cache.used("t", 9)
    assert run(cache.current("t"), perform) is first
    cache.used("t", 1)
    assert run(cache.current("t"), perform) is not first


def test_each_table_has_its_own() -> None:
    cache = KeyCache(Provider(), 300, 10, Clock())
    assert run(cache.current("t"), perform) is not run(cache.current("u"), perform)


def test_what_was_made_here_is_not_unwrapped_and_what_is_old_is_again() -> None:
    provider, clock = Provider(), Clock()
    cache = KeyCache(provider, 300, 10, clock)
    made = run(cache.current("t"), perform)
    assert run(cache.unwrap("t", "k", made.wrapped), perform) == made.plain
    assert len(provider.asked) == 1
    assert run(cache.unwrap("u", "k", made.wrapped), perform) == made.plain
    assert len(provider.asked) == 2
    clock.now = 301
    assert cache.kept("t", "k", made.wrapped) is None
    assert run(cache.unwrap("t", "k", made.wrapped), perform) == made.plain
    assert len(provider.asked) == 3


def test_a_refusal_is_not_kept() -> None:
    provider = Provider()
    cache = KeyCache(provider, 300, 10, Clock())
    for _ in range(2):
        with pytest.raises(DecryptionError):
            run(cache.unwrap("t", "k", b"bad"), perform)
    assert len(provider.asked) == 2


def test_no_more_than_so_many_are_kept() -> None:
    cache = KeyCache(Provider(), 300, 10, Clock())
    for number in range(MOST_UNWRAPPED + 1):
        run(cache.unwrap("t", "k", b"wrapped%d" % number), perform)
    assert cache.kept("t", "k", b"wrapped0") is None
    assert cache.kept("t", "k", b"wrapped%d" % MOST_UNWRAPPED) is not None


@pytest.mark.parametrize("wrapped", [None, b"wrapped9"])
def test_many_threads_at_once_ask_once(wrapped: bytes | None) -> None:
    provider = Provider(seconds=0.05)
    cache = KeyCache(provider, 300, 10)

    def ask() -> object:
        return run(cache.current("t") if wrapped is None else cache.unwrap("t", "k", wrapped), perform)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: ask(), range(32)))
    assert len(set(found)) == 1
    assert len(provider.asked) == 1


async def test_many_tasks_at_once_ask_once_in_a_thread_of_its_own() -> None:
    provider = Provider(remote=True, seconds=0.05)
    cache = KeyCache(provider, 300, 10)
    found = await asyncio.gather(*(arun(cache.current("t"), aperform) for _ in range(32)))
    assert len(set(found)) == 1
    [(_, _, thread)] = provider.asked
    assert thread != threading.current_thread().name


async def test_a_keyring_is_asked_where_the_loop_runs() -> None:
    provider = Provider(remote=False)
    await arun(KeyCache(provider, 300, 10).current("t"), aperform)
    assert provider.asked[0][2] == threading.current_thread().name
