from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from dynamodb_wrapper.lazy import loader

PACKAGES = ["client", "expressions", "models", "operations", "spark", "spark.connector"]


def test_a_name_is_loaded_when_it_is_first_used_and_then_stays() -> None:
    code = (
        "import sys, dynamodb_wrapper.operations as operations\n"
        "assert 'dynamodb_wrapper.operations.reads' not in sys.modules\n"
        "from dynamodb_wrapper.operations import Query\n"
        "assert vars(operations)['Query'] is Query\n"
        "assert 'dynamodb_wrapper.operations.transactions' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_connector_loads_no_domains() -> None:
    code = (
        "import sys, pyspark_dynamodb\n"
        "assert 'dynamodb_wrapper.spark.connector.writing' in sys.modules\n"
        "assert not [name for name in sys.modules if name.startswith('dynamodb_wrapper.handlers')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'json' has no attribute 'nothing'"):
        loader("json", {"decoder": "JSONDecoder"})("nothing")


@pytest.mark.parametrize("package", PACKAGES)
def test_what_checkers_are_told_is_what_the_program_finds(package: str) -> None:
    module = importlib.import_module(f"dynamodb_wrapper.{package}")
    assert module.__file__ is not None
    told = {
        alias.name: node.module
        for node in ast.walk(ast.parse(Path(module.__file__).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(module.__name__ + ".")
        for alias in node.names
    }
    assert set(told) == set(module.__all__)
    for name, home in told.items():
        assert getattr(module, name) is getattr(importlib.import_module(home or ""), name)
