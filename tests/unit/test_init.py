from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import subprocess
import sys
from importlib.metadata import version

import pytest

import dynamodb_wrapper

NAMES: list[str] = vars(dynamodb_wrapper)["__all__"]


def test_every_exported_name_is_there_and_documented() -> None:
    values = {name: getattr(dynamodb_wrapper, name) for name in NAMES}
    named = {
        name: value for name, value in values.items() if inspect.isclass(value) or inspect.isfunction(value)
    }
    assert not [name for name, value in named.items() if value.__name__ != name or not value.__doc__]
    homes = {name: importlib.import_module(value.__module__) for name, value in named.items()}
    assert not [name for name, value in named.items() if getattr(homes[name], name) is not value]


def test_type_checkers_and_the_interpreter_find_the_same_names_in_the_same_places() -> None:
    checked = {
        alias.asname: node.module
        for node in ast.walk(ast.parse(inspect.getsource(dynamodb_wrapper)))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert checked == {
        name: f"dynamodb_wrapper.{module}"
        for module, names in dynamodb_wrapper._MODULES.items()
        for name in names.split()
    }


def test_the_names_are_what_dir_shows() -> None:
    assert set(NAMES) <= set(dir(dynamodb_wrapper))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'dynamodb_wrapper' has no attribute 'Nothing'"):
        _ = dynamodb_wrapper.Nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        exec("from dynamodb_wrapper import Nothing")


def test_a_star_import_gives_every_name() -> None:
    code = "from dynamodb_wrapper import *; print(DynamoDB.__name__, GSI.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["DynamoDB", "GSI"]


def test_importing_the_package_loads_none_of_its_rooms() -> None:
    rooms = "[name for name in sys.modules if name.startswith('dynamodb_wrapper.')]"
    code = f"import sys, dynamodb_wrapper; print({rooms})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['dynamodb_wrapper.lazy']"


def test_the_version_is_that_of_the_distribution() -> None:
    assert dynamodb_wrapper.__version__ == version("dynamodb-wrapper")


def test_errors_travel_between_processes() -> None:
    error = dynamodb_wrapper.ConflictError(
        "there", context={"table": "t"}, resource_id="a", current_item={"id": "a"}
    )
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, copy.context, copy.resource_id, copy.current_item) == (
        "there",
        {"table": "t"},
        "a",
        {"id": "a"},
    )
