"""docs/resilience.md runs as printed, and the numbers and names in it are those of the plugins."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper import exceptions, plugins
from dynamodb_wrapper.engine.plugins import Plugin

TEXT = (Path(__file__).parents[2] / "docs" / "resilience.md").read_text()
RESILIENT = [
    value
    for name in plugins.__all__
    if inspect.isclass(value := getattr(plugins, name))
    and issubclass(value, Plugin)
    and ".resilience." in value.__module__
]


def test_its_example_is_a_client_with_every_plugin() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/resilience.md", "exec", dont_inherit=True), names)
    assert {type(plugin) for plugin in names["db"].plugins} == set(RESILIENT)


@pytest.mark.parametrize("plugin", RESILIENT, ids=lambda plugin: plugin.__name__)
def test_every_plugin_is_told_of(plugin: type[Plugin]) -> None:
    assert f"`{plugin.__name__}`" in TEXT or f"`{plugin.__name__}(" in TEXT


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+Error)`", TEXT))))
def test_every_error_that_it_names_is_there(name: str) -> None:
    assert hasattr(exceptions, name)


@pytest.mark.parametrize(
    ("plugin", "setting", "said"),
    [
        ("CircuitBreaker", "failures", "After 5 failures in a row (`failures`)"),
        ("CircuitBreaker", "open_seconds", "nothing is sent for 10 s (`open_seconds`)"),
        ("HedgedReads", "extra", "(`extra=0.05`)"),
        ("HedgedReads", "quantile", "longer than 95 % of them"),
        ("RetryPlugin", "budget", "RetryPlugin(budget=500)"),
    ],
)
def test_a_number_that_it_tells_is_the_default(plugin: str, setting: str, said: str) -> None:
    default = inspect.signature(getattr(plugins, plugin)).parameters[setting].default
    assert said in " ".join(TEXT.split())
    assert f"{default:g}" in said or f"{default * 100:g} %" in said
