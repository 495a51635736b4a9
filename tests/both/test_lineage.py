"""Runs told as OpenLineage events, on both faces: to a real server, to a file, and to nobody."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from tests.support.receiver import Receiver
from tests.support.run_blocks import Blocks

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import RunLostError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, RunStatus
from dynamodb_wrapper.runs.lineage import OpenLineage, dataset_name

FACET = {
    "type": "object",
    "required": ["_producer", "_schemaURL"],
    "properties": {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {
            "type": "string",
            "pattern": r"^https://openlineage\.io/spec/facets/[\d-]+/\w+\.json#",
        },
    },
}
JOB = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}},
}
RUN_ID = {"type": "string", "format": "uuid"}
ROWS = {"allOf": [FACET, {"properties": {"rowCount": {"type": "integer"}}}]}


def datasets(side: str, facet: str) -> dict[str, Any]:
    facets = {"type": "object", "properties": {facet: ROWS}, "additionalProperties": FACET}
    return {"type": "array", "items": {"allOf": [JOB, {"properties": {side: facets}}]}}


PARENT = {
    "required": ["run", "job"],
    "properties": {"run": {"required": ["runId"], "properties": {"runId": RUN_ID}}, "job": JOB},
}
ERROR = {
    "required": ["message", "programmingLanguage"],
    "properties": {
        "message": {"type": "string"},
        "programmingLanguage": {"type": "string"},
        "stackTrace": {"type": "string"},
    },
}
RUN_EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {
                "runId": RUN_ID,
                "facets": {
                    "type": "object",
                    "properties": {"parent": PARENT, "errorMessage": ERROR},
                    "additionalProperties": FACET,
                },
            },
        },
        "job": JOB,
        "inputs": datasets("inputFacets", "inputStatistics"),
        "outputs": datasets("outputFacets", "outputStatistics"),
    },
}
"""What https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets that are used here require."""


@pytest.fixture(params=["sync", "async"])
def blocks(request: pytest.FixtureRequest) -> Blocks:
    return Blocks(request.param)


@pytest.fixture(autouse=True)
def _tables(tables: Callable[..., list[str]]) -> None:
    tables(PipelineRunLog, PipelineConfig)


def checked(events: list[Any]) -> list[tuple[str, str]]:
    """Type and job of each event, all of which the schema allows."""
    validator = Draft202012Validator(RUN_EVENT, format_checker=FormatChecker())
    for event in events:
        validator.validate(event)
    return [(event["eventType"], event["job"]["name"]) for event in events]


async def test_a_server_is_told_of_a_run_its_stages_and_its_tables(
    blocks: Blocks, config: DynamoDBConfig
) -> None:
    with Receiver() as server:
        watcher = OpenLineage(server.url, namespace="nightly", headers={"Authorization": "Bearer x"})
        async with blocks.run("p", config=config, watchers=[watcher]) as run:
            run.input("s3://lake/raw/flights", rows=7)
            async with blocks.stage(run, "join"):
                pass
            run.output("daily_delays", rows=3)
        assert watcher.flush(10)
    events = server.received
    assert checked(events) == [
        ("START", "p"),
        ("START", "p.join"),
        ("COMPLETE", "p.join"),
        ("RUNNING", "p"),
        ("COMPLETE", "p"),
    ]
    assert {event["run"]["runId"] for event in events if event["job"]["name"] == "p"} == {run.run_id}
    parent = events[1]["run"]["facets"]["parent"]
    assert parent["run"] == {"runId": run.run_id}
    assert parent["job"] == {"namespace": "nightly", "name": "p"}
    assert events[1]["run"]["runId"] == events[2]["run"]["runId"] != run.run_id
    assert (events[0]["inputs"], events[3]["outputs"]) == ([], [])
    (read,), (written,) = events[4]["inputs"], events[4]["outputs"]
    assert (read["namespace"], read["name"]) == ("s3://lake", "raw/flights")
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 7
    assert (written["namespace"], written["name"]) == ("nightly", "daily_delays")
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer x"}


async def test_a_file_is_told_why_a_run_failed(
    blocks: Blocks, config: DynamoDBConfig, tmp_path: Path
) -> None:
    path = tmp_path / "lineage.jsonl"
    watcher = OpenLineage(path)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with blocks.run("p", config=config, watchers=[watcher]) as run, blocks.stage(run, "divide"):
                _ = 1 / 0
    assert watcher.flush(10)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    once = [("START", "p"), ("START", "p.divide"), ("FAIL", "p.divide"), ("RUNNING", "p"), ("FAIL", "p")]
    assert checked(events) == once * 2
    error = events[4]["run"]["facets"]["errorMessage"]
    assert error["message"] == "ZeroDivisionError: division by zero"
    assert "_ = 1 / 0" in error["stackTrace"]
    assert events[2]["run"]["facets"]["errorMessage"]["message"] == error["message"]


async def test_a_run_that_is_cancelled_is_aborted_here_as_well(
    blocks: Blocks, config: DynamoDBConfig, tmp_path: Path
) -> None:
    path = tmp_path / "lineage.jsonl"
    watcher = OpenLineage(str(path))
    with pytest.raises(KeyboardInterrupt):
        async with blocks.run("p", config=config, watchers=[watcher]):
            raise KeyboardInterrupt

    async def work() -> None:
        async with blocks.run(
            "p", config=config, watchers=[watcher], run_id="r", heartbeat_seconds=20
        ) as run:
            with PipelineRunLogsWriteApi(config) as api:
                api.update_run_status("r", "p", RunStatus.CANCELLED, "by ops")
            async with blocks.stage(run, "late"):
                pass

    with pytest.raises(RunLostError):
        await work()
    assert watcher.flush(10)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    told = checked(events)
    assert [kind for kind, job in told if job == "p"] == ["START", "ABORT", "START", "RUNNING", "ABORT"]
    assert UUID(events[-1]["run"]["runId"]) == UUID(events[2]["run"]["runId"])
    assert "by ops" in events[-1]["run"]["facets"]["errorMessage"]["message"]


async def test_a_server_that_is_not_there_neither_fails_nor_holds_up_the_run(
    blocks: Blocks, config: DynamoDBConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        watcher = OpenLineage(url, timeout_seconds=3, patience_seconds=0)
        with caplog.at_level(logging.WARNING, "dynamodb_wrapper.runs"):
            async with blocks.run("p", config=config, watchers=[watcher]) as run:
                for number in range(10):
                    async with blocks.stage(run, str(number)):
                        pass
                assert not watcher.flush(0)
            assert run.status is RunStatus.SUCCESS
            assert watcher.flush(30)
    assert [text for text in caplog.messages if "lineage" in text] == [
        "lineage events cannot be sent, the run goes on: timed out"
    ]


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("orders", ("space", "orders")),
        ("s3://bucket/a/b", ("s3://bucket", "a/b")),
        ("file:///data/x.csv", ("file", "/data/x.csv")),
        ("kafka://broker:9092", ("kafka://broker:9092", "/")),
        ("https://***@host/a", ("https://host", "a")),
        ("abfss://container@account/a", ("abfss://container@account", "a")),
        ("a/b:c", ("space", "a/b:c")),
    ],
)
def test_a_table_that_is_a_url_has_its_own_namespace(table: str, named: tuple[str, str]) -> None:
    assert dataset_name(table, "space") == named
