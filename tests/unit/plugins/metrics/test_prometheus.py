from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from dynamodb_wrapper.engine.events import AttemptEnded, Event, Measure
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.plugins import MetricsPlugin


class Full(Event, frozen=True):
    def measures(self) -> list[Measure]:
        return [Measure("queue_length", {"table": "orders"}, 7, gauge=True)]


def test_figures_are_in_the_registry_that_is_given() -> None:
    registry = CollectorRegistry()
    metrics = MetricsPlugin(registry, seconds=(0.1, 1.0))
    for event in (AttemptEnded(Call("Query", {}, "orders"), 0.5, b"123"), Full()):
        metrics.observers[0](event)
    labels = {"action": "Query", "table": "orders"}
    assert registry.get_sample_value("dynamodb_attempts_total", labels) == 1
    assert registry.get_sample_value("dynamodb_reply_bytes_total", labels) == 3
    assert registry.get_sample_value("dynamodb_queue_length", {"table": "orders"}) == 7
    for bound, count in (("0.1", 0), ("1.0", 1), ("+Inf", 1)):
        bucket = registry.get_sample_value("dynamodb_attempt_duration_seconds_bucket", labels | {"le": bound})
        assert bucket == count
    assert registry.get_sample_value("dynamodb_attempt_duration_seconds_sum", labels) == 0.5
    assert metrics.registry is registry


def test_two_plugins_do_not_share_a_registry_by_accident() -> None:
    registry = CollectorRegistry()
    MetricsPlugin(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        MetricsPlugin(registry)


def test_each_plugin_has_a_registry_of_its_own() -> None:
    assert MetricsPlugin().registry is not MetricsPlugin().registry


def test_a_name_that_prometheus_cannot_have_does_not_spoil_the_page() -> None:
    class Odd(Event, frozen=True):
        def measures(self) -> list[Measure]:
            return [Measure("odd-reads %", {"per-table": "orders"})]

    metrics = MetricsPlugin()
    metrics.observers[0](Odd())
    assert b'dynamodb_odd_reads___total{per_table="orders"} 1.0' in metrics.exposition()
