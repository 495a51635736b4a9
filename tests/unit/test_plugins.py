"""What `dynamodb_wrapper.plugins` offers, and that asking for one plugin loads no other's packages."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from dynamodb_wrapper import plugins

NEEDED_BY_PLUGINS = ("cachetools", "cryptography", "opentelemetry", "prometheus_client", "redis", "structlog")


def test_every_exported_name_is_there_and_no_other_is_known() -> None:
    for name in plugins.__all__:
        assert getattr(plugins, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Absent'"):
        _ = plugins.Absent  # type: ignore[attr-defined]


def test_what_is_loaded_late_is_also_imported_for_type_checkers() -> None:
    tree = ast.parse(Path(plugins.__file__).read_text())
    imported = {
        alias.name: line.module or ""
        for node in tree.body
        if isinstance(node, ast.If)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert set(plugins.__all__) >= imported.keys()
    for name, home in imported.items():
        assert getattr(plugins, name) is getattr(importlib.import_module(home), name)
    late = subprocess.run(
        [sys.executable, "-c", "import dynamodb_wrapper.plugins as plugins; print(*vars(plugins))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(plugins.__all__).difference(late.stdout.split()) == imported.keys()


def test_the_package_imports_nothing_that_only_one_plugin_needs() -> None:
    code = (
        "import sys, dynamodb_wrapper.plugins, dynamodb_wrapper.client.blocking; "
        f"print([name for name in {NEEDED_BY_PLUGINS} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
