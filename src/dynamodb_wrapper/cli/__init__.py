"""The command `dynamodb-wrapper`. Knows only whether its two packages, typer and rich, are installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters:
        arguments: those after the program's name; `sys.argv[1:]` if not given.

    Returns:
        0 if all went well, 1 after an error that was told in one line, 2 for a command that is not
        understood or when typer is not installed, 130 after Ctrl-C.
    """
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError as error:
        print(
            f"The command line needs {error.name}, which is missing: pip install 'dynamodb-wrapper[cli]'",
            file=sys.stderr,
        )
        return 2
    from dynamodb_wrapper.cli.app import run

    return run(sys.argv[1:] if arguments is None else list(arguments))
