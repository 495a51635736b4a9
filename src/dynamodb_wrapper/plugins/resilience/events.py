"""What the plugins of resilience tell observers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from dynamodb_wrapper.engine.events import Event, Measure

BreakerState: TypeAlias = Literal["closed", "half-open", "open"]
_STATES: dict[str, float] = {"closed": 0.0, "half-open": 1.0, "open": 2.0}


class BreakerChanged(Event, frozen=True):
    """A circuit breaker opened, let a first call try again, or closed.

    Parameters:
        endpoint: the URL or the Region.
        table: whose calls it is about.
        failures: how many failed one after another.
    """

    endpoint: str
    table: str
    state: BreakerState
    failures: int

    def measures(self) -> Iterable[Measure]:
        """The state: 0 closed, 1 half-open, 2 open."""
        labels = {"endpoint": self.endpoint, "table": self.table}
        yield Measure("breaker_state", labels, _STATES[self.state], gauge=True)


class Delayed(Event, frozen=True):
    """A call waits before it is sent.

    Parameters:
        table: whose call.
        plugin: the name of the plugin that holds it back.
        seconds: how long.
    """

    table: str
    plugin: str
    seconds: float

    def measures(self) -> Iterable[Measure]:
        """The seconds waited."""
        yield Measure("delay_seconds", {"table": self.table, "plugin": self.plugin}, self.seconds)


class Hedged(Event, frozen=True):
    """A read was sent a second time, because the first one took long."""

    table: str
    action: str

    def measures(self) -> Iterable[Measure]:
        """One."""
        yield Measure("hedged_reads", {"table": self.table, "action": self.action})
