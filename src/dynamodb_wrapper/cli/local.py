"""The commands `dynamodb-wrapper local start|stop|status`. Knows their options and words, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dynamodb_wrapper.local.engines import EngineChoice
from dynamodb_wrapper.local.running import answers
from dynamodb_wrapper.local.service import (
    DEFAULT_FOLDER,
    BackgroundEngine,
    find,
    start_background,
    stop_background,
)

__all__ = ["local"]

NOT_RUNNING = 3
NOT_ANSWERING = 4

local = typer.Typer(name="local", no_args_is_help=True, help="A real engine in the background.")


Folder = Annotated[
    Path, typer.Option("--data", help="The folder of the engine's state, log and data.", file_okay=False)
]


@local.command()
def start(
    engine: Annotated[
        EngineChoice, typer.Option(help="auto: the first of the others that can run here.")
    ] = EngineChoice.auto,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="A free one if not given.")] = None,
    data: Folder = DEFAULT_FOLDER,
    in_memory: Annotated[bool, typer.Option("--in-memory", help="Keep no data on disk.")] = False,
) -> None:
    """Start an engine, unless one runs from that folder already."""
    running, fresh = start_background(data, engine.value, port, in_memory=in_memory)
    typer.echo(f"{running.engine} {'runs' if fresh else 'is running already'} at {running.endpoint_url}")
    typer.echo(_data(running))
    typer.echo(f"export DYNAMODB_ENDPOINT_URL={running.endpoint_url}")
    typer.echo("export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local")


@local.command()
def stop(data: Folder = DEFAULT_FOLDER) -> None:
    """Stop the engine that was started from that folder; its data stay."""
    stopped = stop_background(data)
    typer.echo(f"stopped {stopped.engine} at {stopped.endpoint_url}" if stopped else _none_runs(data))


@local.command()
def status(data: Folder = DEFAULT_FOLDER) -> None:
    """Tell whether an engine runs: exit status 0 if it answers, 3 if none runs, 4 if it does not answer."""
    running = find(data)
    if running is None:
        typer.echo(_none_runs(data))
        raise typer.Exit(NOT_RUNNING)
    healthy = answers(running.endpoint_url)
    word = "runs" if healthy else "runs but does not answer"
    typer.echo(f"{running.engine} {word} at {running.endpoint_url} (process {running.pid})")
    typer.echo(_data(running))
    if not healthy:
        raise typer.Exit(NOT_ANSWERING)


def _none_runs(folder: Path) -> str:
    return f"no engine runs that was started from {folder.resolve()}: name another folder with --data"


def _data(running: BackgroundEngine) -> str:
    return f"data in {running.data}" if running.data else "data in memory only"
