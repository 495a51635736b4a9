"""The command that scripts/bench runs in the environment it has made."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import items
from benchmarks.cases import CASES, DISTRIBUTIONS, RIVALS, Case
from benchmarks.conductor import SEPARATE, Conductor, Failed
from benchmarks.report import judged, tables

RESULTS = SEPARATE.parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the JSON and the chart; 1 if a goal is missed and `--strict` is given."""
    options = _options(arguments)
    cases = [case.quickly() if options.quick else case for case in CASES]
    cases = [case for case in cases if not options.only or case.name in options.only]
    rivals = [name for name in RIVALS if _installed(name) and (not options.rival or name in options.rival)]
    if "ours" not in rivals:
        rivals.insert(0, "ours")
    began = time.monotonic()
    try:
        with _engine(cases) as endpoint:
            conductor = Conductor(endpoint, rivals, say=_say)
            with conductor.running():
                found = {case.name: [row.figures() for row in conductor.run(case)] for case in cases}
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    report = {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": options.quick,
        "seconds": round(time.monotonic() - began),
        "python": _python(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "engine": "dynoxide",
        "versions": _versions(),
        "cases": [_described(case, found[case.name]) for case in cases],
        "goals": judged(cases, found),
    }
    print(tables(report))
    _write(report, options.json)
    missed = sum(verdict["holds"] is False for verdict in report["goals"])
    print(f"\n{len(report['goals']) - missed} of {len(report['goals'])} goals hold; {report['seconds']} s")
    return 1 if missed and options.strict else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this library and its rivals.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and items: under five minutes")
    parser.add_argument(
        "--only", nargs="+", metavar="CASE", choices=[case.name for case in CASES], default=[]
    )
    parser.add_argument("--rival", nargs="+", metavar="RIVAL", choices=list(RIVALS), default=[])
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--strict", action="store_true", help="end with status 1 if a goal is missed")
    options = parser.parse_args(arguments)
    if options.json is None and not options.only and not options.rival:
        options.json = RESULTS / ("quick.json" if options.quick else "full.json")
    return options


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _installed(rival: str) -> bool:
    if rival == "aioboto3":
        return SEPARATE.is_dir()
    package = rival.partition("_")[0]
    return rival in ("ours", "floor") or importlib.util.find_spec(package) is not None


def _python() -> str:
    built = str(sysconfig.get_config_var("CONFIG_ARGS"))
    kind = "" if "enable-optimizations" in built else " (built without profile-guided optimisation)"
    return platform.python_version() + kind


def _versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for path in sorted(SEPARATE.glob("aio*-*.dist-info")):
        name, _, number = path.name.removesuffix(".dist-info").partition("-")
        if name in ("aioboto3", "aiobotocore"):
            found[name] = number
    return found


def _described(case: Case, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": case.name,
        "title": case.heading,
        "unit": case.unit,
        "note": case.note,
        "count": case.count,
        "rows": rows,
    }


@contextmanager
def _engine(cases: Sequence[Case]) -> Iterator[str]:
    """An engine that has the tables, filled as the cases need them."""
    from benchmarks.filling import fill
    from dynamodb_wrapper.local import start

    def wanted(*names: str) -> int:
        return max([0, *(case.count for case in cases if case.name in names)])

    sizes = {
        items.FLAT: max(items.PAGE, wanted("scan_threads", "scan_processes", "scan_arrow")),
        items.NESTED: items.PAGE,
        items.WRITTEN: items.PAGE,
        items.MANY: wanted("stream"),
    }
    with start("dynoxide") as engine:
        began = time.monotonic()
        fill(engine.endpoint_url, sizes)
        _say(f"engine filled with {sum(sizes.values()):,} items: {time.monotonic() - began:.0f} s")
        yield engine.endpoint_url


def _write(report: dict[str, Any], path: Path | None) -> None:
    if path is None:
        return
    from benchmarks.chart import chart
    from benchmarks.report import written

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written(report))
    path.with_suffix(".svg").write_text(chart(report))
    _say(f"written: {path} and {path.with_suffix('.svg').name}")


if __name__ == "__main__":
    sys.exit(main())
