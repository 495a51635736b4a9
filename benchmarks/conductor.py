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
    """A child process ended or did another amount of work than it was told to."""


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
    if line.strip() == "missing":
        return None
    parts = line.split()
    if len(parts) != 5:
        raise Failed(f"{rival} {method}: the process said {line!r} (its errors are above)")
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

    def __init__(
        self, endpoint: str, rivals: Sequence[str], *, quick: bool, say: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._rivals = rivals
        self._quick = quick
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
        self._say(f"{case.title}: {time.monotonic() - start:.0f} s")
        return rows

    def count(self, case: Case) -> int:
        """How many operations or items a round has."""
        return case.quick if self._quick else case.count

    def _times(self, case: Case) -> int:
        return case.quick_rounds if self._quick else case.rounds

    def _rows(self, case: Case) -> list[Row]:
        return [Row(rival, shape) for rival in self._rivals for shape in case.shapes or ("",)]

    def _rounds(self, case: Case) -> list[Row]:
        count, kept = self.count(case), []
        for row in self._rows(case):  # the first round makes what is kept, and shows who has the case
            if self._one(case, row, count) is not None:
                kept.append(row)
        for _ in range(self._times(case)):
            for row in kept:
                figures = self._one(case, row, count)
                assert figures is not None
                row.add(figures[:4], count / case.scale)
        return kept

    def _one(self, case: Case, row: Row, count: int) -> list[float] | None:
        method = f"{case.name}_{row.shape}" if row.shape else case.name
        figures = self._children[row.rival].round(method, count)
        wanted = count * items.PAGE if case.name.startswith("query") else count
        if figures is not None and figures[4] != wanted:
            raise Failed(f"{row.rival} {method}: {figures[4]:.0f} items instead of {wanted}")
        return figures

    def _once(self, case: Case) -> list[Row]:
        count, rows = self.count(case), self._rows(case)
        missing = set()
        for turn in range(self._times(case) + (case.name == "cold")):
            for row in rows:
                if row.rival in missing:
                    continue
                figures = self._fresh(case, row.rival, count)
                if figures is None:
                    missing.add(row.rival)
                elif turn or case.name != "cold":  # the first cold start may have to compile
                    row.add(figures[:4], count / case.scale)
        return [row for row in rows if row.rival not in missing]

    def _fresh(self, case: Case, rival: str, count: int) -> list[float] | None:
        command = ["-m", "benchmarks.child", rival, self._endpoint, case.name, str(count)]
        figures = read_line(self._python(command, rival), rival, case.name)
        if figures is not None and figures[4] != count:
            raise Failed(f"{rival} {case.name}: {figures[4]:.0f} instead of {count}")
        return figures

    def _imports(self, case: Case) -> list[Row]:
        rows = [row for row in self._rows(case) if row.rival in IMPORTS]
        for turn in range(self._times(case) + 1):
            for row in rows:
                line = self._python(["-c", _IMPORT.format(IMPORTS[row.rival])], row.rival)
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
import resource
print(cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0)
"""
