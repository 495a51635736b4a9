from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import AuthenticationError
from dynamodb_wrapper.wire.sharing import Shared, shared_asyncio, shared_blocking, shared_bucket

Settings = Callable[..., DynamoDBConfig]


def test_equal_configs_share_one_transport_and_one_budget(settings: Settings) -> None:
    first, second = shared_blocking(settings()), shared_blocking(settings())
    assert first is second
    assert first.users == 2
    assert shared_bucket(settings()) is not shared_bucket(settings(table_prefix="x"))
    bucket = shared_bucket(settings())
    assert shared_bucket(settings()) is bucket
    assert not first.release()
    assert second.release()


def test_another_config_has_another_transport(settings: Settings) -> None:
    first = shared_blocking(settings())
    for other in (
        settings(region_name="eu-west-1"),
        settings(retries=2),
        settings(aws_secret_access_key="OTHER"),
    ):
        assert shared_blocking(other) is not first


def test_after_the_last_use_the_next_has_a_new_one(settings: Settings) -> None:
    first = shared_blocking(settings())
    assert first.release()
    second = shared_blocking(settings())
    assert second is not first
    assert second.users == 1


def test_what_nobody_holds_any_more_is_forgotten(settings: Settings) -> None:
    shared_blocking(settings())
    gc.collect()
    assert shared_blocking(settings()).users == 1


def test_only_the_last_of_many_threads_is_told_to_close(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as threads:
        shared = list(threads.map(lambda _: shared_blocking(settings()), range(200)))
        assert len(set(map(id, shared))) == 1
        last = list(threads.map(Shared.release, shared))
    assert sum(last) == 1


def test_each_event_loop_has_its_own(settings: Settings) -> None:
    with asyncio.Runner() as first, asyncio.Runner() as second:
        one = shared_asyncio(settings(), first.get_loop())
        assert shared_asyncio(settings(), first.get_loop()) is one
        assert shared_asyncio(settings(), second.get_loop()) is not one
        assert shared_asyncio(settings(retries=2), first.get_loop()) is not one


def test_a_config_that_cannot_connect_leaves_nothing_behind(settings: Settings) -> None:
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            shared_blocking(settings(aws_secret_access_key=None))
    assert shared_blocking(settings()).users == 1
