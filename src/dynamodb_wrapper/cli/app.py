"""The root of the command line: its commands, its options, and how an error is told.

Knows typer and which commands exist. Must not know what a command does. Every error of this library ends
as one line on standard error and exit status 1; `--debug` shows the traceback instead.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from dynamodb_wrapper.cli.local import local
from dynamodb_wrapper.cli.plugins import plugins, with_commands
from dynamodb_wrapper.cli.runs import runs
from dynamodb_wrapper.cli.schema import schema
from dynamodb_wrapper.demo.command import demo
from dynamodb_wrapper.exceptions import DynamoDBWrapperError

__all__ = ["app", "run"]

app = typer.Typer(
    name="dynamodb-wrapper",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A data layer for Amazon DynamoDB.",
)
app.add_typer(local)
app.add_typer(plugins)
app.add_typer(runs)
app.command("demo")(demo)
app.command("schema")(schema)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dynamodb-wrapper {version('dynamodb-wrapper')}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and the log.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A data layer for Amazon DynamoDB."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(name)s: %(message)s")


def run(arguments: list[str]) -> int:
    """Run the command that the arguments name and return the exit status; see `cli.main`."""
    try:
        with_commands(app)(arguments, prog_name="dynamodb-wrapper")
    except DynamoDBWrapperError as error:
        if "--debug" in arguments:
            raise
        print(f"error: {' '.join(error.message.split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
