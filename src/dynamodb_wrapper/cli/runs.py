"""The commands `dynamodb-wrapper runs list|show|cancel|reap`. Knows their options and words, nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from dynamodb_wrapper.cli.run_details import RunDetails, figure, moment, show_run
from dynamodb_wrapper.display import aligned
from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.pipeline_run_logs.leases import GRACE_SECONDS
from dynamodb_wrapper.handlers.pipeline_run_logs.queries import PipelineRunLogsReadApi
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogView, RunStatus
from dynamodb_wrapper.schema import schema_of

__all__ = ["runs"]

COLUMNS = ("run", "pipeline", "status", "started", ">seconds", "message")

runs = typer.Typer(name="runs", no_args_is_help=True, help="Runs of pipelines, by their log.")

Run = Annotated[str, typer.Argument(help="The run.")]
OfPipeline = Annotated[str | None, typer.Option("--pipeline", help="Only runs of that pipeline.")]


@runs.command("list")
def list_runs(
    status: Annotated[RunStatus | None, typer.Option(help="Only runs of that status.")] = None,
    pipeline: OfPipeline = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """List runs, the newest first: id, pipeline, status, start, duration, and why those failed that did."""
    with PipelineRunLogsReadApi() as api:
        found, more = _newest(api, status, pipeline, limit)
        table = api.config.get_table_name(schema_of(PipelineRunLog).table_name)
        place = api.config.endpoint_url or api.config.region_name
    which = "".join(
        [f" with status {status}" if status else "", f" of pipeline {pipeline}" if pipeline else ""]
    )
    if not found:
        typer.echo(f"no runs{which} in table {table} at {place}", err=True)
        return
    for line in aligned(COLUMNS, [_row(run) for run in found]):
        typer.echo(line)
    number = f"{len(found)} {'run' if len(found) == 1 else 'runs'}{which}, newest first"
    typer.echo(f"{number}; and more: see --limit" if more else number, err=True)


@runs.command()
def show(
    run_id: Run,
    pipeline: OfPipeline = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that is logged, as JSON.")] = False,
) -> None:
    """Show one run: its times, its end, its stages, checks, metrics and tables."""
    with _Details() as api:
        run = api.get_details(run_id, pipeline)
    if as_json:
        typer.echo(run.model_dump_json(indent=2))
    else:
        show_run(run)


@runs.command()
def cancel(
    run_id: Run,
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


class _Details(PipelineRunLogsReadApi):
    """Reads one run with all that is logged of it."""

    @method
    def get_details(self, run_id: str, pipeline_id: str | None) -> Flow[RunDetails]:
        """Read it."""
        return self._get_run(run_id, pipeline_id, None, None, False, RunDetails)


def _newest(
    api: PipelineRunLogsReadApi, status: RunStatus | None, pipeline: str | None, limit: int
) -> tuple[list[PipelineRunLogView], bool]:
    """The newest runs, and whether there are more."""
    if status is not None:
        found, more = api.query_by_status(status, pipeline, limit=limit)
    elif pipeline is not None:
        found, more = api.query_by_pipeline(pipeline, limit=limit)
    else:  # no index has the runs of every status in the order of their start
        lists = [api.query_by_status(each, limit=limit) for each in RunStatus]
        found = sorted((run for runs, _ in lists for run in runs), key=_started, reverse=True)
        more = next((following for _, following in lists if following), None)
    return found[:limit], more is not None or len(found) > limit


def _started(run: PipelineRunLogView) -> float:
    return 0.0 if run.start_time is None else run.start_time.timestamp()


def _row(run: PipelineRunLogView) -> tuple[str, ...]:
    return (
        run.run_id,
        run.pipeline_id or "-",
        run.status or "-",
        moment(run.start_time),
        figure(run.duration_seconds),
        next(iter((run.error_message or "").splitlines()), ""),
    )
