"""Writes docs/benchmarks.md and its chart from the figures of a run: no number there is written by hand.

scripts/bench docs FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.chart import chart
from benchmarks.report import (
    goal_of,
    holds_of,
    label_of,
    name_of,
    ratio,
    reached_of,
    time_of,
    written,
)

DOCS = Path(__file__).parent.parent / "docs"

PAGE = """\
# Benchmarks

<!-- Written by `scripts/bench docs` from docs/benchmarks.json; do not edit. -->

How much of a client's CPU a call takes, for this library and for others, on one engine and the same items, in
one run. Wall time on a local engine says more about the engine than about a client; what a library adds to
each call is CPU, and on a busy server or a small Lambda that is what is paid for.

![Client CPU of each library as a multiple of ours](benchmarks.svg)

## Goals

{goals}

## How it is measured

`scripts/bench` makes an environment of its own for the rivals, starts an engine ({engine}), fills it, and
starts one process for each library. For each case every library does a round, one library after the other,
and that again and again: whatever else the machine does, it does to all of them. A figure is the median of
the rounds, a ratio the median of the ratios round by round. CPU is `time.process_time` of the library's
process, threads and worker processes included, garbage collection on. Every library must see the same number
of items.

- Ours is the default client: validation, signatures, checksums, retries, deadlines, and an observer attached.
- Values of ours are checked once: the decoder refuses what is not of a field's type, and a model that asks
  for no more than types is made of them at once. One with validators or constraints goes to pydantic too.
- Models are validated where a library has models. boto3 and aiodynamo give dicts; the boto3 client gives the
  service's typed form.
- FLAT items have ten scalars, with a Decimal, a bool, a nullable string and a time among them; NESTED ones
  have a list and a map of maps. A partition has 1,000 of either.
- "bare socket + signature" is the floor: the same requests with real signatures over a socket, replies
  received and thrown away.
- Each adapter is one file in [`benchmarks/rivals/`](../benchmarks/rivals), written as that library's
  documentation has it. If one of them could be better, tell us.
- Arrow columns have their types by the model here, and by pyarrow's guess from boto3's dicts.

    scripts/bench --quick        # every row, in under five minutes
    scripts/bench                # everything: 100,000 items scanned, 1,000,000 streamed
    scripts/bench docs FILE      # this page from the figures of a run

This page is from a {kind} run of {seconds} s on {made}: Python {python}, {system}. {versions}.

## Figures

"x ours" is CPU as a multiple of ours. "peak" is the most memory that the process had, and "added" what the
work added to it.
{figures}
"""


def page(report: dict[str, Any]) -> str:
    """The page as Markdown."""
    return PAGE.format(
        goals=_goals(report),
        engine=report["engine"],
        kind="quick" if report["quick"] else "full",
        seconds=report["seconds"],
        made=report["made"][:10],
        python=report["python"],
        system=report["system"],
        versions=", ".join(f"{name} {number}" for name, number in report["versions"].items()),
        figures="".join(_figures(case) for case in report["cases"]),
    )


def _goals(report: dict[str, Any]) -> str:
    rows = ["| case | against | goal | measured | |", "| --- | --- | --- | ---: | --- |"]
    rows += [
        f"| {verdict['case']} | {verdict['against']} | {goal_of(verdict)} | {reached_of(verdict)} "
        f"| {holds_of(verdict)} |"
        for verdict in report["goals"]
    ]
    return "\n".join(rows)


def _figures(case: dict[str, Any]) -> str:
    note = f" ({case['note']})" if case["note"] else ""
    lines = [
        f"\n### {case['title'][0].upper()}{case['title'][1:]}\n",
        f"Per {case['unit']}{note}; {case['count']:,} a round.\n",
        "| library | CPU | x ours | wall | peak | added |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in case["rows"]:
        times = ratio(row["cpu_rounds"], case["rows"][0]["cpu_rounds"])
        lines.append(
            f"| {label_of(name_of(row))} | {time_of(row['cpu_seconds'])} | {times:.2f} "
            f"| {time_of(row['wall_seconds'])} | {row['peak_kib'] / 1024:.0f} MiB "
            f"| {row['growth_kib'] / 1024:.1f} MiB |"
        )
    return "\n".join(lines) + "\n"


def main(path: Path) -> None:
    """Write the page, the chart and the figures they are from."""
    report = json.loads(path.read_text())
    (DOCS / "benchmarks.json").write_text(written(report))
    (DOCS / "benchmarks.md").write_text(page(report))
    (DOCS / "benchmarks.svg").write_text(chart(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
