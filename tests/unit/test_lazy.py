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


@pytest.mark.parametrize(
    ("step", "without"),
    [
        ("import pyspark_dynamodb", "pyarrow numpy pydantic dynamodb_wrapper.config"),
        ("pyspark_dynamodb.DefaultSource({'table': 'orders'})", "pyarrow numpy pydantic"),
        ("import dynamodb_wrapper.spark.connector.writer", "pyarrow numpy pydantic dynamodb_wrapper.client"),
        ("import dynamodb_wrapper.spark.connector.writing", "dynamodb_wrapper.spark.connector.reading"),
        ("import dynamodb_wrapper.spark.connector.reader", "dynamodb_wrapper.spark.connector.writing"),
        ("import dynamodb_wrapper.spark.connector.driver", "dynamodb_wrapper.handlers pyarrow.compute"),
    ],
)
def test_a_step_of_the_connector_loads_what_it_needs_alone(step: str, without: str) -> None:
    """Spark starts a process for each: to find the source, to make it, to plan, to work and to commit."""
    code = f"import sys, pyspark_dynamodb\n{step}\nassert not set({without.split()}) & sys.modules.keys()"
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
