"""What the plugin makes of events; tests/both/test_plugins_metrics.py has what it counts on real engines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import AttemptEnded, Event, Measure, OperationStarted, during
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError, ThrottlingReason
from dynamodb_wrapper.plugins import MetricsPlugin

CALL = Call("Query", {}, "orders")


class CacheRead(Event, frozen=True):
    table: str
    outcome: str

    def measures(self) -> Iterator[Measure]:
        yield Measure("cache_reads", {"table": self.table, "outcome": self.outcome})


class BreakerChanged(Event, frozen=True):
    state: float

    def measures(self) -> Iterator[Measure]:
        yield Measure("breaker_state", {"table": "orders"}, self.state, gauge=True)


def tell(metrics: MetricsPlugin, *events: Event) -> dict[str, list[dict[str, Any]]]:
    for event in events:
        for observer in metrics.observers:
            observer(event)
    return metrics.snapshot()


def test_events_of_other_plugins_are_counted_by_what_they_say() -> None:
    told = tell(
        MetricsPlugin(),
        CacheRead("orders", "hit"),
        CacheRead("orders", "hit"),
        CacheRead("orders", "miss"),
        BreakerChanged(1),
        BreakerChanged(2),
    )
    assert told["cache_reads"] == [
        {"table": "orders", "outcome": "hit", "value": 2.0},
        {"table": "orders", "outcome": "miss", "value": 1.0},
    ]
    assert told["breaker_state"] == [{"table": "orders", "value": 2}]


@pytest.mark.parametrize(
    ("reasons", "counted"),
    [
        ((), [("orders", "", "unspecified")]),
        (
            (
                ThrottlingReason("Table", "arn:aws:dynamodb:eu-west-1:1:table/other"),
                ThrottlingReason("Index", "arn:aws:dynamodb:eu-west-1:1:table/other/index/ByCity"),
            ),
            [("other", "", "Table"), ("other", "ByCity", "Index")],
        ),
    ],
)
def test_a_throttle_is_counted_for_the_table_or_index_that_it_names(reasons: Any, counted: Any) -> None:
    error = ProvisionedThroughputExceededError("slow down", reasons=reasons)
    rows = tell(MetricsPlugin(), AttemptEnded(CALL, 0.1, b"", error))["throttles"]
    assert [(row["table"], row["index"], row["reason"]) for row in rows] == counted


def test_an_error_of_somebody_else_ends_an_operation_as_exception() -> None:
    metrics = MetricsPlugin()
    with pytest.raises(KeyError), during(metrics.observers, OperationStarted("get", "DynamoDB")):
        raise KeyError("secret")
    (row,) = metrics.snapshot()["operation_duration_seconds"]
    assert (row["operation"], row["owner"], row["outcome"]) == ("get", "DynamoDB", "exception")


def test_nothing_is_lost_when_threads_count_at_once() -> None:
    metrics = MetricsPlugin()
    threads = [
        Thread(target=tell, args=(metrics, *[AttemptEnded(CALL, 0.1, b"12")] * 2000)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = metrics.snapshot()
    assert [told["attempts"][0]["value"], told["reply_bytes"][0]["value"]] == [8000, 16000]


def test_without_contents_it_may_come_after_the_first_call_and_asks_for_nothing() -> None:
    bodies: list[Any] = []

    def answer(call: Call, deadline: float) -> bytes:
        bodies.append(call.body)
        return b'{"Responses": {}}'

    metrics = MetricsPlugin(contents=False)
    with DynamoDB(DynamoDBConfig.for_local_development(), transport=answer) as db:
        db.send(Call("GetItem", {}, "orders"))
        db.use(metrics).drive(db.send(Call("GetItem", {}, "orders")))
    assert bodies == [{}]
    assert [row["value"] for row in metrics.snapshot()["attempts"]] == [1]
    assert metrics.snapshot()["items"] == []


@pytest.mark.parametrize("reply", [b'{"ConsumedCapacity": 7}', b'{"Count": "many"}', b"[]", b"no JSON"])
def test_a_reply_of_another_shape_is_left_to_who_asked_for_it(reply: bytes) -> None:
    metrics = MetricsPlugin()
    config = DynamoDBConfig.for_local_development()
    with DynamoDB(config, transport=lambda call, deadline: reply).use(metrics) as db:
        assert db.drive(db.send(CALL)) == reply
    assert metrics.snapshot()["attempts"][0]["value"] == 1


def test_a_snapshot_needs_no_prometheus_client_and_a_registry_says_how_to_get_it() -> None:
    code = """
import sys
sys.modules["prometheus_client"] = None
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins import MetricsPlugin
metrics = MetricsPlugin()
print(sorted(metrics.snapshot())[0])
try:
    metrics.registry
except ValidationError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "attempt_duration_seconds"
    assert "pip install 'dynamodb-wrapper[metrics]'" in done.stdout
