from __future__ import annotations

from dynamodb_wrapper.engine.events import Measure
from dynamodb_wrapper.plugins.resilience.events import BreakerChanged, Delayed, Hedged


def test_each_event_says_what_is_to_be_counted() -> None:
    assert list(BreakerChanged("e", "t", "open", 5).measures()) == [
        Measure("breaker_state", {"endpoint": "e", "table": "t"}, 2.0, gauge=True)
    ]
    assert list(Delayed("t", "rate-limit", 0.5).measures()) == [
        Measure("delay_seconds", {"table": "t", "plugin": "rate-limit"}, 0.5)
    ]
    assert list(Hedged("t", "GetItem").measures()) == [
        Measure("hedged_reads", {"table": "t", "action": "GetItem"})
    ]
