from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.engine.retry import RetryPolicy
from dynamodb_wrapper.exceptions import RetryableError, ValidationError
from dynamodb_wrapper.models.base import DynamoDBModel
from dynamodb_wrapper.plugins.resilience.retry import RetryPlugin

CONFIG = DynamoDBConfig.for_local_development(retries=3, timeout_seconds=9.0)


class Note(DynamoDBModel):
    key: str

    class Meta:
        table_name = "notes"
        partition_key = "key"


class Failing:
    """A transport that fails every time."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append(call)
        raise RetryableError("down")


def attempts(plugin: Plugin, use: Any) -> int:
    failing = Failing()
    with DynamoDB(CONFIG, transport=failing) as db, pytest.raises(RetryableError):
        use(db.use(plugin))
    return len(failing.calls)


def test_the_first_policy_that_fits_holds_and_the_config_where_none_does() -> None:
    plugin = RetryPlugin(
        RetryPolicy(actions=["GetItem"], tables=["notes"], attempts=2, base_seconds=0.001),
        RetryPolicy(actions=["GetItem"], attempts=9, base_seconds=0.001),
        RetryPolicy(actions=["PutItem"], tables=["others"], attempts=9, base_seconds=0.001),
    )
    assert attempts(plugin, lambda db: db.get(Note, "a")) == 2
    assert attempts(plugin, lambda db: db.put(Note(key="a"))) == 3


def test_a_policy_may_have_another_deadline() -> None:
    deadlines: list[float] = []

    def transport(call: Call, deadline: float) -> bytes:
        deadlines.append(deadline)
        return json.dumps({}).encode()

    with DynamoDB(CONFIG, transport=transport) as db:
        db.use(RetryPlugin(RetryPolicy(actions=["GetItem"], timeout_seconds=1.0)))
        db.get(Note, "a")
        db.put(Note(key="a"))
    assert 7.9 < deadlines[1] - deadlines[0] < 8.5


def test_one_budget_serves_all_clients_that_use_the_plugin() -> None:
    plugin = RetryPlugin(RetryPolicy(base_seconds=0.001), budget=14 * 3)
    assert [attempts(plugin, lambda db: db.get(Note, "a")) for _ in range(3)] == [3, 2, 1]


def test_two_plugins_with_retries_are_refused() -> None:
    second = RetryPlugin()
    second.name = "second"
    with DynamoDB(CONFIG, transport=Failing()) as db:
        db.use(RetryPlugin())
        with pytest.raises(ValidationError, match="'retry' and 'second' both bring retries"):
            db.use(second)
        assert [plugin.name for plugin in db.plugins] == ["retry"]


@pytest.mark.parametrize("policy", [RetryPolicy(attempts=0), RetryPolicy(timeout_seconds=-1.0)])
def test_a_policy_that_cannot_hold_is_refused(policy: RetryPolicy) -> None:
    with pytest.raises(ValidationError, match="number above 0"):
        RetryPlugin(policy)
