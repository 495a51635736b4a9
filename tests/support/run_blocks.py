"""The blocks of runs and stages as async context managers, one scenario for both faces; what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import PipelineRunLog
from dynamodb_wrapper.runs import async_pipeline_run, pipeline_run


class Blocks:
    """The block of one face, and of its stages, as async context managers."""

    def __init__(self, name: str) -> None:
        self.name = name

    @asynccontextmanager
    async def run(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        if self.name == "async":
            async with async_pipeline_run(*args, **options) as run:
                yield run
        else:
            with pipeline_run(*args, **options) as run:
                yield run

    @asynccontextmanager
    async def stage(self, run: Any, name: str) -> AsyncIterator[Any]:
        if self.name == "async":
            async with run.stage(name) as stage:
                yield stage
        else:
            with run.stage(name) as stage:
                yield stage


def stored(where: DynamoDB | DynamoDBConfig, run_id: str = "r") -> PipelineRunLog:
    """What is stored now of a run of the pipeline "p"."""
    if isinstance(where, DynamoDBConfig):
        with DynamoDB(where) as db:
            return stored(db, run_id)
    found = where.get(PipelineRunLog, {"run_id": str(run_id), "pipeline_id": "p"}, consistent=True)
    assert found is not None
    return found
