"""What plugins cost, by ratio; `scripts/bench plugins` has the figures."""

from __future__ import annotations

import pytest
from benchmarks.plugins import VARIANTS, Face, awaiting, blocking, chain, measured

from dynamodb_wrapper.plugins import Plugin

TRIES = ((3, 100), (10, 200), (10, 200))


def test_the_chain_has_five_plugins_of_which_each_does_something() -> None:
    plugins = chain()
    assert len({plugin.name for plugin in plugins}) == 5
    for plugin in plugins:
        given = [plugin.layers, plugin.attempts, plugin.observers]
        assert any(given) or type(plugin).bound is not Plugin.bound


@pytest.mark.parametrize("face", [blocking, awaiting])
def test_five_plugins_cost_a_few_times_what_a_call_costs_without_a_network(face: Face) -> None:
    least: dict[str, float] = {}
    for rounds, gets in TRIES:  # 3.4 times was measured
        least = measured(VARIANTS, face, rounds, gets)
        if least["all five"] < 8 * least["none"] and least["telemetry"] < 2 * least["idle"]:
            break
    assert least["all five"] < 8 * least["none"]
    assert least["telemetry"] < 2 * least["idle"]
