"""The commands `dynamodb-wrapper runs list|cancel|reap`. Knows their options and words, nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.leases import GRACE_SECONDS
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.models import RunStatus

__all__ = ["runs"]

runs = typer.Typer(name="runs", no_args_is_help=True, help="Runs of pipelines, by their log.")

OfPipeline = Annotated[str | None, typer.Option("--pipeline", help="Only runs of that pipeline.")]


@runs.command("list")
def list_runs(
    status: Annotated[RunStatus, typer.Option(help="Only runs of that status.")] = RunStatus.RUNNING,
    pipeline: OfPipeline = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """List runs: id, pipeline, status, start, and why those failed that did."""
    with PipelineRunLogsReadApi() as api:
        found, more = api.query_by_status(status, pipeline, limit=limit)
    for run in found:
        told = "" if run.error_message is None else f"  {run.error_message.splitlines()[0]}"
        start = "-" if run.start_time is None else run.start_time.isoformat(timespec="seconds")
        typer.echo(f"{run.run_id}  {run.pipeline_id}  {run.status}  {start}{told}")
    if more is not None:
        typer.echo(f"and more: the first {limit} are shown", err=True)


@runs.command()
def cancel(
    run_id: Annotated[str, typer.Argument(help="The run.")],
    pipeline: OfPipeline = None,
    by: Annotated[str | None, typer.Option(help="Who cancels it; told in the run's message.")] = None,
) -> None:
    """Cancel a run: the process that runs it notices within a heartbeat, and stops."""
    with PipelineRunLogsWriteApi() as api:
        message = None if by is None else f"cancelled by {by}"
        run = api.update_run_status(run_id, pipeline, RunStatus.CANCELLED, message)
    typer.echo(f"{run.run_id} is cancelled")


@runs.command()
def reap(
    pipeline: OfPipeline = None,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds for which a lease must be over.")
    ] = GRACE_SECONDS,
) -> None:
    """End the runs whose processes are gone: those that gave no sign of life while their lease lasted."""
    with PipelineRunLogsWriteApi() as api:
        reaped = api.reap_lost_runs(pipeline, grace_seconds=grace)
    for run in reaped:
        typer.echo(f"{run.run_id}  {run.pipeline_id}  {run.error_message}")
    typer.echo(f"{len(reaped)} lost {'run' if len(reaped) == 1 else 'runs'} ended", err=True)
