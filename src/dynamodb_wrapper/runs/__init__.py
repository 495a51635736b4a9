"""Pipelines that log themselves: a run is begun, kept alive, and ended as its block ends.

Knows the run APIs. Must not know Spark: `dynamodb_wrapper.spark` adds that.
"""

from dynamodb_wrapper.runs.context import AsyncRun, Run, async_pipeline_run, pipeline_run
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher

__all__ = ["AsyncRun", "Run", "RunWatcher", "Stage", "async_pipeline_run", "pipeline_run"]
