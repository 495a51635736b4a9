"""docs/plugins.md does what it says on real engines, on both faces, given by config and by `use`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper import plugins
from dynamodb_wrapper.engine.flow import Flow, Tell
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import Event, MetricsPlugin, Plugin

GUIDE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


class Note(DynamoDBModel):
    key: str
    text: str = ""

    class Meta:
        table_name = "notes"
        partition_key = "key"


@pytest.fixture
def names() -> dict[str, Any]:
    """What the guide's code defines."""
    names: dict[str, Any] = {"__name__": "plugins_guide"}
    for block in BLOCKS:
        exec(compile(block, "docs/plugins.md", "exec", dont_inherit=True), names)
    return names


def test_the_plugin_of_the_guide_is_shorter_than_20_lines(names: dict[str, Any]) -> None:
    assert len(BLOCKS[0].splitlines()) < 20
    assert [plugin.name for plugin in names["db"].plugins] == ["large-replies"]


async def test_the_plugin_of_the_guide_serves_both_faces(
    db_with: Callable[..., Any], tables: Any, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (table,) = tables(Note)
    db = db_with(names["LargeReplies"](limit_bytes=100))
    await db.put(Note(key="short"))
    await db.put(Note(key="long", text="." * 100))
    for key in ("short", "long"):
        assert await db.get(Note, key) is not None
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"GetItem on {table}: 1\d\d bytes", line)


def test_the_transform_of_the_guide_lowers_what_is_stored(names: dict[str, Any]) -> None:
    (lower,) = names["LowerEmail"]().transforms
    assert lower.store("users", {"email": {"S": "Ada@X.org"}}) == {"email": {"S": "ada@x.org"}}


async def test_the_event_of_the_guide_is_counted(db_with: Callable[..., Any], names: dict[str, Any]) -> None:
    def telling() -> Flow[None]:
        yield Tell(names["LargeReply"]("orders", 600_000))

    metrics = MetricsPlugin()
    await db_with(metrics).drive(telling())
    assert 'dynamodb_large_replies_total{table="orders"} 1.0' in metrics.exposition().decode()


def test_the_guide_names_every_event_and_every_plugin_that_is_exported() -> None:
    kinds = [kind for name in plugins.__all__ if isinstance(kind := getattr(plugins, name), type)]
    described = [kind for kind in kinds if issubclass(kind, Plugin | Event)]
    assert len(described) > 8
    own = "dynamodb_wrapper.plugins.resilience"  # a package of several, named as one
    assert [kind for kind in described if kind.__name__ not in GUIDE and own not in kind.__module__] == []
