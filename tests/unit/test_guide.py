"""docs/guide.md says what the code does: its tables, its names and its recipe."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper import PipelineConfig, PipelineRunLog, RunStatus, config, exceptions
from dynamodb_wrapper.local import EngineError
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.operations.steps import delete_step
from dynamodb_wrapper.schema import schema_of

HOME = Path(__file__).parents[2]
GUIDE = (HOME / "docs" / "guide.md").read_text()
ERRORS = [
    cls
    for name in exceptions.__all__
    if issubclass(cls := getattr(exceptions, name), exceptions.DynamoDBWrapperError)
    and cls is not exceptions.DynamoDBWrapperError
]


@pytest.mark.parametrize("error", [*ERRORS, EngineError], ids=lambda error: error.__name__)
def test_an_error_is_told_with_its_code(error: type[exceptions.DynamoDBWrapperError]) -> None:
    assert re.search(rf"^\| `{error.__name__}`[^|]*\| `{error.code}` \|", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("variable", [name for names in config._VARIABLES.values() for name in names])
def test_a_variable_of_the_environment_is_told(variable: str) -> None:
    assert f"`{variable}`" in GUIDE.partition("## Environment variables")[2]


def test_the_keys_that_it_shows_are_keys() -> None:
    [shown] = re.findall(
        r"```python\n(.*?)```", GUIDE.partition("## Keys")[2].partition("\n## ")[0], re.DOTALL
    )
    run = PipelineRunLog(run_id="run-7", pipeline_id="p", status=RunStatus.RUNNING, trigger_type="api")
    keys: list[object] = []

    class Db:
        def get(self, model: Any, key: object) -> None:
            keys.append(wire_key(schema_of(model), key))

        def delete(self, model: Any, key: object) -> None:
            keys.append(delete_step(schema_of(model), "t", key).key)

    exec(shown, {"db": Db(), "PipelineConfig": PipelineConfig, "PipelineRunLog": PipelineRunLog, "run": run})
    assert len(keys) == 3


@pytest.fixture
def own_domain() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("own_domain", HOME / "examples" / "own_domain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def test_the_recipe_gives_one_method_two_faces(own_domain: dict[str, Any]) -> None:
    [recipe] = re.findall(r"```python\n(.*?)```", GUIDE.partition("## A domain")[2], re.DOTALL)
    names = dict(own_domain)
    exec(recipe, names)
    for api, method in (("BookReadApi", "cheapest"), ("BookWriteApi", "reprice")):
        assert not inspect.iscoroutinefunction(getattr(names[api], method))
        assert inspect.iscoroutinefunction(getattr(names[f"Async{api}"], method))
