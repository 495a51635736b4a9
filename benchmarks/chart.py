"""Draws the figures: for each case, how many times our CPU every library takes.

Knows figures and SVG. Colours suit light and dark pages; the text is the page's own colour.
"""

from __future__ import annotations

from html import escape
from typing import Any

from benchmarks.report import label_of, name_of, ratio, time_of

DRAWN = (
    "get_sync",
    "get_async_32",
    "put",
    "query_flat",
    "query_nested",
    "batch_write",
    "scan_processes",
    "import_names",
)
"""Cases in the chart: those that have goals, and of the imports the one that makes a client."""

WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 860, 250, 150, 15, 4, 34
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:13px;fill:#24292f}"
    ".ours{fill:#1a7f64}.rival{fill:#9aa7b4}.floor{fill:#d4a72c}"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#e6edf3}.rival{fill:#59636e}}"
)


def chart(report: dict[str, Any]) -> str:
    """An SVG of the report."""
    parts: list[str] = []
    top = 10
    for name in DRAWN:
        case = next((case for case in report["cases"] if case["name"] == name), None)
        if case is None or case["rows"][0]["rival"] != "ours":
            continue
        parts.append(
            f'<text class="title" x="10" y="{top + 15}">{escape(case["title"])}: '
            f"CPU per {escape(case['unit'])}</text>"
        )
        top += HEAD - 8
        ours = case["rows"][0]
        rows = [(row, ratio(row["cpu_rounds"], ours["cpu_rounds"])) for row in case["rows"]]
        most = max(times for _, times in rows)
        for row, times in sorted(rows, key=lambda pair: pair[1]):
            parts.append(_bar(row, times, most, top))
            top += BAR + GAP
        top += 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="Client CPU of each library as a multiple of ours">\n<style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bar(row: dict[str, Any], times: float, most: float, top: int) -> str:
    kind = row["rival"] if row["rival"] in ("ours", "floor") else "rival"
    length = max(1.0, (WIDTH - LEFT - RIGHT) * times / most)
    text = f"{times:.{1 if times >= 0.1 else 2}f}x, {time_of(row['cpu_seconds'])}"
    return (
        f'<text x="{LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(label_of(name_of(row)))}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        f'<text x="{LEFT + length + 6:.1f}" y="{top + 12}">{text}</text>'
    )
