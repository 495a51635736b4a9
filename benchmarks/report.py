"""What a run found: goals judged, a table for the eye, and JSON for whatever comes after.

Knows figures. Must not know how they were measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.cases import RIVALS, Case, Goal

Figures = dict[str, Any]


def judged(cases: Sequence[Case], measured: dict[str, list[Figures]]) -> list[Figures]:
    """Every goal of the cases with what was reached; a rival that was not there is said to be missing."""
    return [_judge(case, goal, measured) for case in cases if case.name in measured for goal in case.goals]


def _judge(case: Case, goal: Goal, measured: dict[str, list[Figures]]) -> Figures:
    home, _, name = goal.against.rpartition(": ")
    ours = measured[case.name][0]
    verdict: Figures = {
        "case": case.heading,
        "against": label_of(name),
        "measure": goal.measure,
        "goal": goal.factor,
        "reached": None,
        "holds": None,
    }
    if goal.measure == "limit ms":
        verdict["reached"] = ours["cpu_seconds"] * 1000
        verdict["holds"] = verdict["reached"] < goal.factor
        return verdict
    theirs = next((row for row in measured.get(home or case.name, []) if name_of(row) == name), None)
    if theirs is None or ours["rival"] != "ours":
        return verdict
    rounds = "wall_rounds" if goal.measure == "wall" else "cpu_rounds"
    if goal.measure == "within":
        verdict["reached"] = ratio(ours[rounds], theirs[rounds])
        verdict["holds"] = verdict["reached"] <= goal.factor
    else:
        verdict["reached"] = ratio(theirs[rounds], ours[rounds])
        verdict["holds"] = verdict["reached"] >= goal.factor
    return verdict


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios round by round: what slowed one round slowed both of its sides."""
    return median(a / b for a, b in zip(above, below, strict=False))


def name_of(row: Figures) -> str:
    """The name of a row in goals."""
    return f"{row['rival']} {row['shape']}".strip()


def label_of(name: str) -> str:
    """The name of a row for a reader."""
    rival, _, shape = name.partition(" ")
    return f"{RIVALS[rival]}, {shape}" if shape else RIVALS.get(rival, "itself")


def time_of(seconds: float) -> str:
    """A time with the unit that suits it."""
    if seconds < 0.000_999_5:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"


def goal_of(verdict: Figures) -> str:
    """What was wanted, in words."""
    if verdict["measure"] == "limit ms":
        return f"under {verdict['goal']:g} ms"
    if verdict["measure"] == "within":
        return f"within {verdict['goal']:g}x"
    return f"{verdict['goal']:g}x less{' wall' if verdict['measure'] == 'wall' else ''}"


def reached_of(verdict: Figures) -> str:
    """What was reached, in words."""
    if verdict["reached"] is None:
        return "not measured"
    return (
        f"{verdict['reached']:.0f} ms" if verdict["measure"] == "limit ms" else f"{verdict['reached']:.2f}x"
    )


def holds_of(verdict: Figures) -> str:
    """Whether it holds, in a word."""
    return {True: "holds", False: "MISSED", None: "-"}[verdict["holds"]]


def written(report: Figures) -> str:
    """The report as a JSON file."""
    return json.dumps(_rounded(report), indent=1, ensure_ascii=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def tables(report: Figures) -> str:
    """Everything as text for a terminal."""
    lines: list[str] = []
    for case in report["cases"]:
        lines += ["", f"{case['title']} (per {case['unit']}; {case['count']:,} a round)"]
        ours = case["rows"][0]
        for row in case["rows"]:
            times, more = ratio(row["cpu_rounds"], ours["cpu_rounds"]), f"+{row['growth_kib'] / 1024:.1f}"
            lines.append(
                f"  {label_of(name_of(row)):34}{time_of(row['cpu_seconds']):>10} CPU"
                f"{time_of(row['wall_seconds']):>10} wall{row['peak_kib'] / 1024:>8.0f} MiB"
                f"{more:>8}{times:>8.2f}x"
            )
    lines += ["", "Goals"]
    lines += [
        f"  {verdict['case']:44}{verdict['against']:30}{goal_of(verdict):>16}{reached_of(verdict):>14}"
        f"  {holds_of(verdict)}"
        for verdict in report["goals"]
    ]
    return "\n".join(lines)
