"""What every API is made of: a client of its own or a given one, and two faces."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import dynamodb_wrapper
from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncPipelineConfigReadApi,
    DynamoDB,
    DynamoDBConfig,
    PipelineConfigReadApi,
    ValidationError,
)
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.handlers.pipeline_config.queries import PipelineConfigQueries

PAIRS = [
    name
    for name in dir(dynamodb_wrapper)
    if name.endswith("Api") and not name.startswith("Async") and name not in ("ReadApi", "WriteApi")
]


def refuse(call: Call, deadline: float) -> bytes:
    raise AssertionError(f"{call.action} was sent")


async def arefuse(call: Call, deadline: float) -> bytes:
    return refuse(call, deadline)


def methods(cls: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(cls, callable)
        if not name.startswith("_") and name != "iterate"
    }


@pytest.mark.parametrize("name", PAIRS)
def test_both_faces_have_the_same_methods_parameters_and_docs(name: str) -> None:
    blocking, awaiting = (methods(getattr(dynamodb_wrapper, face)) for face in (name, f"Async{name}"))
    assert blocking.keys() == awaiting.keys()
    for method, member in blocking.items():
        if method in ("drive", "close", "view", "model", "dto"):
            continue
        twin = awaiting[method]
        assert inspect.signature(member) == inspect.signature(twin)
        assert inspect.getdoc(member) == inspect.getdoc(twin)
        assert inspect.getdoc(member), f"{name}.{method} has no docstring"
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(member)


def test_an_api_without_a_config_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "from_env_")
    with PipelineConfigReadApi() as api:
        assert api.config.table_prefix == "from_env_"


def test_an_api_has_the_config_of_the_client_that_it_was_given() -> None:
    config = DynamoDBConfig(table_prefix="given_")
    assert PipelineConfigReadApi(client=DynamoDB(config, transport=refuse)).config is config
    assert AsyncPipelineConfigReadApi(client=AsyncDynamoDB(config, transport=arefuse)).config is config


def test_without_a_face_methods_do_not_run() -> None:
    faceless: Any = PipelineConfigQueries()
    with pytest.raises(TypeError, match="Blocking nor Awaiting"):
        faceless.get_by_id("p1")


def test_a_mistake_in_the_arguments_is_told_without_a_request() -> None:
    with PipelineConfigReadApi(client=DynamoDB(DynamoDBConfig(), transport=refuse)) as api:
        with pytest.raises(ValidationError):
            api.get_by_id("")
        with pytest.raises(ValidationError):
            api.query_active_pipelines(limit=0)
        with pytest.raises(ValidationError):
            api.scan_for_all_pipelines(last_key="x")


async def test_a_mistake_is_raised_when_it_is_awaited_and_not_before() -> None:
    async with AsyncPipelineConfigReadApi(client=AsyncDynamoDB(DynamoDBConfig(), transport=arefuse)) as api:
        coming = api.get_by_id("")
        with pytest.raises(ValidationError):
            await coming
