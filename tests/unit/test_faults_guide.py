"""docs/faults.md names a test for every row, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
ROWS = [
    line
    for line in (HOME / "docs" / "faults.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| Fault |", "| Rule |"))
]


@cache
def names_in(path: str) -> set[str]:
    """The names of a file's tests, as pytest has them."""
    body = ast.parse((HOME / path).read_text()).body
    found = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    for group in (node for node in body if isinstance(node, ast.ClassDef)):
        methods = (node for node in group.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        found |= {f"{group.name}::{method.name}" for method in methods}
    return found


def test_there_are_rows_to_test() -> None:
    assert len(ROWS) >= 35


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_a_row_names_tests_that_exist(row: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", row)
    assert named
    assert [name for path, name in named if name not in names_in(path)] == []
    assert all(name.rpartition("::")[2].startswith("test_") for _, name in named)
