"""Runs the cases: one child process for each library, told by pipe to do a round, one after the other.

Knows processes and rounds. Must not know what a case means or how figures are shown. Interleaving is the
point: whatever the machine does beside, it does to all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import items
from benchmarks.cases import IMPORTS, Case

ROOT = Path(__file__).parent.parent
SEPARATE = ROOT / ".venv-bench" / "separate"
"""Folder of libraries that cannot live beside the others: aioboto3 pins an older boto3."""


@dataclass
class Row:
    """The figures of one library in one case, a value for each round.

    Attributes:
        cpu: seconds of client CPU for the case's unit.
        wall: seconds for the case's unit.
        peak: the most memory the process had, KiB.
        growth: how much of it the work added, KiB.
    """

    rival: str
    shape: str = ""
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    growth: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The row's name in goals."""
        return f"{self.rival} {self.shape}".strip()

    def add(self, figures: Sequence[float], units: float) -> None:
        """Take one round."""
        cpu, wall, peak, before = figures
        self.cpu.append(cpu / units)
        self.wall.append(wall / units)
        self.peak.append(int(peak))
        self.growth.append(max(0, int(peak - before)))

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "rival": self.rival,
            "shape": self.shape,
            "cpu_seconds": median(self.cpu),
            "wall_seconds": median(self.wall),
            "cpu_seconds_best": min(self.cpu),
            "peak_kib": max(self.peak),
            "growth_kib": max(self.growth),
            "cpu_rounds": self.cpu,
            "wall_rounds": self.wall,
        }


class Failed(Exception):
    """A library raised, its process ended, or it did another amount of work than it was told to."""


class Child:
    """A library's process."""

    def __init__(self, rival: str, endpoint: str) -> None:
        self.rival = rival
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", rival, endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(rival),
        )

    def round(self, method: str, count: int) -> list[float] | None:
        """Do one round; None where the library has no such case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{method} {count}\n")
        self._process.stdin.flush()
        return read_line(self._process.stdout.readline(), self.rival, method)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def read_line(line: str, rival: str, method: str) -> list[float] | None:
    """The figures of one line of a child."""
    parts = line.split()
    if parts == ["missing"]:
        return None
    if len(parts) != 5:
        raise Failed(f"{rival} failed in {method} (its errors are above)")
    return [float(part) for part in parts]


def environment(rival: str) -> dict[str, str]:
    """The environment of a child: the same keys for all, and no settings of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DYNAMODB_"))}
    paths = [str(ROOT)]
    if rival == "ours":
        paths.append(str(ROOT / "src"))
    if rival == "aioboto3":
        paths.append(str(SEPARATE))
    return kept | {
        "AWS_ACCESS_KEY_ID": items.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": items.SECRET_KEY,
        "AWS_DEFAULT_REGION": items.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "ignore",
    }


class Conductor:
    """Runs cases of some libraries against one engine.

    Parameters:
        say: told what is going on.
    """

    def __init__(self, endpoint: str, rivals: Sequence[str], *, say: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._rivals = rivals
        self._say = say
        self._children: dict[str, Child] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Children live in this block."""
        with ExitStack() as stack:
            for rival in self._rivals:
                self._children[rival] = Child(rival, self._endpoint)
                stack.callback(self._children[rival].close)
            yield

    def run(self, case: Case) -> list[Row]:
        """All rows of a case."""
        start = time.monotonic()
        rows = {"rounds": self._rounds, "once": self._once, "import": self._imports}[case.kind](case)
        self._say(f"{case.heading}: {time.monotonic() - start:.0f} s")
        return rows

    def _rows(self, case: Case) -> list[Row]:
        return [Row(rival, shape) for rival in self._rivals for shape in case.shapes or ("",)]

    def _rounds(self, case: Case) -> list[Row]:
        count, rows = case.count, self._rows(case)
        for turn in range(case.rounds + 1):  # the first makes what is kept, and shows who has the case
            for row in list(rows):
                method = f"{case.name}_{row.shape}" if row.shape else case.name
                figures = self._figures(row, method, count, self._children[row.rival].round)
                if figures is None:
                    rows.remove(row)
                elif turn:
                    row.add(figures, count / case.scale)
        return rows

    def _once(self, case: Case) -> list[Row]:
        count, rows = case.count, self._rows(case)
        compiling = case.name == "cold"  # the first cold start may have to compile
        for turn in range(case.rounds + compiling):
            for row in list(rows):
                figures = self._figures(row, case.name, count, partial(self._fresh, row.rival))
                if figures is None:
                    rows.remove(row)
                elif turn or not compiling:
                    row.add(figures, count / case.scale)
        return rows

    def _figures(
        self, row: Row, method: str, count: int, work: Callable[[str, int], list[float] | None]
    ) -> list[float] | None:
        """The figures of a round; None where the library has no such case, or failed and is not ours."""
        wanted = count * items.PAGE if method.startswith("query") else count
        try:
            figures = work(method, count)
            if figures is not None and figures[4] != wanted:
                raise Failed(f"{row.rival} {method}: {figures[4]:.0f} items instead of {wanted}")
        except Failed as failure:
            if row.rival == "ours":
                raise
            self._say(f"left out: {failure}")
            return None
        return figures[:4] if figures else None

    def _fresh(self, rival: str, method: str, count: int) -> list[float] | None:
        command = ["-m", "benchmarks.child", rival, self._endpoint, method, str(count)]
        return read_line(self._python(command, rival), rival, method)

    def _imports(self, case: Case) -> list[Row]:
        statements = IMPORTS[case.name]
        rows = [row for row in self._rows(case) if row.rival in statements]
        for turn in range(case.rounds + 1):
            for row in rows:
                line = self._python(["-c", _IMPORT.format(statements[row.rival])], row.rival)
                if turn:
                    row.add([float(part) for part in line.split()], 1)
        return rows

    def _python(self, arguments: list[str], rival: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(rival),
            check=False,
        )
        if done.returncode:
            raise Failed(f"{rival}: a process ended with {done.returncode} (its errors are above)")
        return done.stdout


_IMPORT = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{}
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
from benchmarks.child import memory
print(cpu, wall, memory("VmHWM"), 0)
"""
