"""What commands show: progress and tables on a terminal, plain lines and columns anywhere else.

Knows rich, which it imports when it first needs it. Must not know what it shows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich import progress as rich
    from rich.text import Text

STYLES = {
    "SUCCESS": "green",
    "FAILED": "bold red",
    "CANCELLED": "yellow",
    "SKIPPED": "yellow",
    "RUNNING": "cyan",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A table to show.

    Parameters:
        columns: the names; one that starts with ">" is aligned to the right, the sign is not shown.
        rows: a text for each column.
        note: a line below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""


class Progress(Protocol):
    """Where the work tells how far it is."""

    def working_on(self, what: str) -> None:
        """Name the step that begins."""

    def finished(self, line: str) -> None:
        """Show a line about a step of the total that ended."""


class Display:
    """Shows text, sections and progress.

    Parameters:
        stream: where to; a terminal gets colours and bars.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        from rich.console import Console

        self._console = Console(file=stream or sys.stdout, highlight=False, soft_wrap=False)

    def say(self, line: str) -> None:
        """Show one line."""
        if self._console.is_terminal:
            self._console.print(_styled(line))
        else:
            self._console.file.write(line + "\n")
            self._console.file.flush()

    def show(self, section: Section) -> None:
        """Show a table."""
        if self._console.is_terminal:
            self._show_table(section)
        else:
            self.say("\n".join(["", *plain(section)]))

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """Show the progress of `total` steps until the block ends."""
        if not self._console.is_terminal:
            yield _Lines(self)
            return
        from rich import progress as rich

        columns = (
            rich.BarColumn(),
            rich.MofNCompleteColumn(),
            rich.TimeElapsedColumn(),
            rich.TextColumn("{task.description}"),
        )
        with rich.Progress(*columns, console=self._console, transient=True) as bars:
            yield _Bar(self, bars, bars.add_task("", total=total))

    def _show_table(self, section: Section) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for at, column in enumerate(section.columns):
            right = column.startswith(">")
            widest = max((len(row[at]) for row in section.rows), default=0)
            table.add_column(
                column.removeprefix(">"),
                justify="right" if right else "left",
                overflow="fold",  # on a narrow terminal, rather than cut
                min_width=widest if right or at == 0 else None,
            )
        for row in section.rows:
            table.add_row(*map(_styled, row))
        self._console.print(f"\n{section.title}", style="bold", markup=False)
        self._console.print(table)
        if section.note:
            self._console.print(section.note, style="dim", markup=False)


def plain(section: Section) -> list[str]:
    """A section as aligned lines without colours or boxes."""
    return [
        section.title,
        *(f"  {line}" for line in aligned(section.columns, section.rows)),
        *([f"  {section.note}"] if section.note else []),
    ]


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns, as a `Section` has them, and the rows below them, as lines of text."""
    names = tuple(column.removeprefix(">") for column in columns)
    lines = [names, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    return [
        "  ".join(
            cell.rjust(width) if column.startswith(">") else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    ]


class _Lines:
    def __init__(self, display: Display) -> None:
        self._display = display

    def working_on(self, what: str) -> None:
        pass

    def finished(self, line: str) -> None:
        self._display.say(line)


class _Bar:
    def __init__(self, display: Display, bars: rich.Progress, task: rich.TaskID) -> None:
        self._display, self._bars, self._task = display, bars, task

    def working_on(self, what: str) -> None:
        self._bars.update(self._task, description=what)

    def finished(self, line: str) -> None:
        self._display.say(line)
        self._bars.advance(self._task)


def _styled(line: str) -> Text:
    from rich.text import Text

    text = Text(line)
    for word, style in STYLES.items():
        text.highlight_words([word], style)
    return text
