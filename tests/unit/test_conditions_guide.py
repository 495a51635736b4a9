"""docs/conditions.md runs as printed, and its tables hold of the functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Change, Condition, condition_of
from dynamodb_wrapper.operations.intents import changes_of
from dynamodb_wrapper.schema import schema_of

GUIDE = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text()


@pytest.fixture
def names() -> dict[str, Any]:
    """What the guide's code defines."""
    names: dict[str, Any] = {"__name__": "conditions_guide"}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "docs/conditions.md", "exec", dont_inherit=True), names)
    return names


def test_the_code_of_the_guide_runs(names: dict[str, Any]) -> None:
    assert all(isinstance(condition, Condition) for condition in names["conditions"])
    assert len(changes_of(schema_of(names["Order"]), names["changes"])) == len(names["changes"])


def test_what_the_tables_name_are_conditions_and_changes(names: dict[str, Any]) -> None:
    rows = re.findall(r"^\| (`.*?`) \|", GUIDE, re.MULTILINE)
    snippets = [text for row in rows for text in re.findall(r"`(.*?)`", row)]
    assert len(snippets) > 15
    for snippet in snippets:
        if "field" in snippet or snippet.startswith("!="):
            continue
        assert condition_of(eval(snippet, names)) is not None, snippet


@pytest.mark.parametrize("instead", ["order.total < 5", "Order.total is None", "not order.paid"])
def test_what_is_said_to_be_refused_is(names: dict[str, Any], instead: str) -> None:
    names["order"] = names["Order"](id="1", address=names["Address"](city="x"))
    with pytest.raises(ValidationError, match="a condition was expected"):
        condition_of(eval(instead, names))


def test_a_change_of_the_guide_is_a_change(names: dict[str, Any]) -> None:
    assert all(isinstance(change, Change) for change in names["changes"])
