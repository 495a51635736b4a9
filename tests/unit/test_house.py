"""The house rules: rooms, cycles, sizes, names, documentation, tests, and what an import costs.

The rules are read from the source, so a new module is held to them from its first day. A room imports only
rooms that stand before it in `ROOMS`; imports inside functions and for type checkers count as well.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from math import inf
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
SOURCE = HOME / "src"
PACKAGE = "dynamodb_wrapper"

# Each entry may import those before it; names on one line may not import each other.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("lazy",),
    ("exceptions",),
    ("redaction",),
    ("validation",),
    ("timezones",),
    ("config",),
    ("engine",),
    ("wire",),
    ("schema",),
    ("expressions",),
    ("operations",),
    ("query",),
    ("client",),
    ("plugins",),
    ("core",),
    ("models",),
    ("utils",),
    ("handlers",),
    ("repositories",),
    ("runs",),
    ("spark",),
    ("streams",),
    ("migrations",),
    ("security",),
    ("local",),
    ("testing",),
    ("web",),
    ("display",),
    ("demo",),
    ("cli",),  # the door to all of them: its commands call the other rooms
    ("",),  # the package itself, which only gathers names
)
LEVELS = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

MOST_LINES = 400

# Modules whose behaviour is shown by a test of another name, and by which.
TESTED_BY: dict[str, str] = {
    PACKAGE: "tests/unit/test_house.py",
    "cli": "tests/unit/cli/test_cli.py",
    "client.awaiting": "tests/unit/test_client.py",
    "client.blocking": "tests/unit/test_client.py",
    "client.host": "tests/unit/test_client.py",
    "client.requests": "tests/both/test_client.py",
    "client.shards": "tests/both/test_sharding.py",
    "query.gathered": "tests/both/test_sharding.py",
    "cli.run_details": "tests/live/test_cli_runs.py",
    "cli.runs": "tests/live/test_cli_runs.py",
    "demo.spark": "tests/spark/test_demo.py",
    "demo.spark_stages": "tests/spark/test_demo.py",
    "demo.spark_work": "tests/spark/test_demo.py",
    "demo.work": "tests/live/demo/test_run.py",
    "handlers.items": "tests/unit/handlers/test_writing.py",
    "handlers.pipeline_run_logs.leases": "tests/both/test_runs.py",
    "runs.context": "tests/both/test_runs.py",
    "runs.keeper": "tests/both/test_runs.py",
    "runs.lineage": "tests/both/test_lineage.py",
    "runs.recorder": "tests/both/test_runs.py",
    "runs.snapshot": "tests/both/test_runs_figures.py",
    "runs.watcher": "tests/both/test_runs.py",
    "spark.figures": "tests/spark/test_run_figures.py",
    "spark.integration": "tests/spark/test_integration.py",
    "spark.joining": "tests/spark/test_integration_sessions.py",
    "spark.logged": "tests/spark/test_integration_logged.py",
    "spark.runs": "tests/spark/test_integration.py",
    "spark.saving": "tests/spark/test_integration_statistics.py",
    "spark.sources": "tests/spark/test_integration_sources.py",
    "spark.statistics": "tests/spark/test_integration_statistics.py",
}

KINDS = ("both", "live", "typing", "spark", "web")

FORBIDDEN = {
    "a path of one machine": re.compile(
        "|".join(("/wo" + "rk/", "/ro" + "ot/", r"/ho" + r"me/\w", "/Us" + "ers/"))
    ),
    "a folder outside of the project": re.compile(r"\.\./sha" + "red"),
    "the host of a package registry": re.compile(
        "|".join(
            (r"registry\.(npm" + "js|yarn" + r"pkg)", r"(test\.)?py" + r"pi\.org", r"python" + r"hosted\.org")
        )
    ),
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((SOURCE / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text())


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from statements(child)


@cache
def imports(name: str) -> list[tuple[str, int]]:
    """The modules of the package that a module imports, wherever in it, each with its line."""
    found = []
    package = name if modules()[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(tree(name)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            members = [f"{base}.{alias.name}" for alias in node.names]
            targets = [member if member in modules() else base for member in members]
        else:
            continue
        found += [
            (target, node.lineno) for target in targets if target.split(".")[0] == PACKAGE and target != name
        ]
    return found


def room(name: str) -> str:
    return [*name.split("."), ""][1]


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in modules()} <= set(LEVELS)


def test_a_room_imports_only_rooms_before_it() -> None:
    breaches = [
        f"{name}:{line} imports {target}"
        for name in modules()
        for target, line in imports(name)
        if room(target) != room(name) and LEVELS[room(target)] >= LEVELS[room(name)]
    ]
    assert not breaches


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: {target for target, _ in imports(name)} for name in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_a_module_is_short() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert not {name: count for name, count in lines.items() if count >= MOST_LINES}


def test_a_module_says_what_it_knows() -> None:
    assert not [name for name in modules() if not ast.get_docstring(tree(name))], "these have no docstring"


def needs_spark(name: str) -> bool:
    return name == f"{PACKAGE}.spark" or name.startswith(f"{PACKAGE}.spark.")


@pytest.mark.parametrize("spark", [False, True], ids=["plain", "spark"])
def test_every_exported_name_exists_and_is_documented(spark: bool) -> None:
    if spark:
        pytest.importorskip("pyspark")
    undocumented = []
    for name in modules():
        if needs_spark(name) is not spark:
            continue
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            assert hasattr(module, exported), f"{name}.{exported} does not exist"
            value = getattr(module, exported)
            if (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value):
                undocumented.append(f"{name}.{exported}")
    assert not undocumented, "these have no docstring"


def test_every_module_has_its_tests() -> None:
    names = [name.removeprefix(f"{PACKAGE}.") for name in modules() if not only_gathers(name)]
    assert not [
        f"{name}: {TESTED_BY[name]} does not exist"
        for name in names
        if name in TESTED_BY and not (HOME / TESTED_BY[name]).is_file()
    ]
    untested = [name for name in names if name not in TESTED_BY and not has_tests(name)]
    assert not untested, (
        "no tests of these: expected tests/unit/<room>/test_<module>.py, or one in both/ or live/"
    )


def has_tests(short: str) -> bool:
    """Whether a module has tests of its name.

    `wire.pool` is tested by tests/unit/wire/test_pool.py, or outside of the unit tests by test_pool.py or
    test_wire_pool.py, each with an ending of its own if there are several. A package inside of a room, such
    as a domain, may be tested as a whole under its own name.
    """
    *rooms, stem = short.split(".")
    names = [stem.lstrip("_"), "_".join([*rooms, stem])]
    if len(rooms) > 1:
        names += [rooms[-1], f"{rooms[-1]}_{stem}"]
    near = files_of_tests("/".join(["unit", *rooms]), "test_*.py")
    far = [test for kind in KINDS for test in files_of_tests(kind, "**/test_*.py")]
    return is_named(names[:1], near) or is_named(names, far)


@cache
def files_of_tests(folder: str, pattern: str) -> list[str]:
    """The names of the files of tests, as `test_pool`."""
    return [path.stem for path in (HOME / "tests" / folder).glob(pattern)]


def is_named(names: list[str], tests: list[str]) -> bool:
    return any(f"{test}_".startswith(f"test_{name}_") for test in tests for name in names)


def only_gathers(name: str) -> bool:
    """Whether a module defines nothing of its own: a package that gathers names, or an empty one."""
    own = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return modules()[name].name == "__init__.py" and not any(
        isinstance(node, own) for node in tree(name).body
    )


@pytest.mark.parametrize(
    "script", [*(HOME / "scripts").iterdir(), HOME / ".ci" / "run"], ids=lambda path: path.name
)
def test_every_script_can_be_run_and_says_what_it_does(script: Path) -> None:
    assert os.access(script, os.X_OK)
    text = script.read_text()
    if text.startswith("#!/usr/bin/env bash\n"):
        assert text.splitlines()[1].startswith("# ")
        assert "set -euo pipefail" in text
        subprocess.run(["bash", "-n", script], check=True)
    else:
        assert text.startswith("#!/usr/bin/env python3\n")
        assert ast.get_docstring(ast.parse(text))


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


NEEDED_BY_FEW = (
    "boto3",
    "botocore",
    "cryptography",
    "typer",
    "rich",
    "croniter",
    "dotenv",
    "moto",
    "pyspark",
    "pytest",
)


def test_importing_the_package_imports_nothing_that_is_not_always_needed() -> None:
    lazy = (*NEEDED_BY_FEW, "ssl", "asyncio")
    code = f"import sys, {PACKAGE}; print([name for name in {lazy} if name in sys.modules])"
    assert python(code) == "[]"


def test_loading_every_name_of_the_package_imports_nothing_that_only_some_need() -> None:
    load = f"import sys, {PACKAGE} as own; [getattr(own, name) for name in own.__all__]"
    assert python(f"{load}; print([name for name in {NEEDED_BY_FEW} if name in sys.modules])") == "[]"


def test_importing_the_package_is_cheap(record_property: Callable[[str, object], None]) -> None:
    def cost(statement: str) -> float:
        code = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
        return float(python(code))

    own = boto3 = inf
    for _ in range(5):  # a busy machine may slow down either
        own = min(own, cost(f"import {PACKAGE}"))
        boto3 = min(boto3, cost("import boto3; boto3.client('dynamodb', 'us-east-1')"))
        if own < boto3 / 2:
            break
    print(f"CPU of an import: {PACKAGE} {own * 1000:.0f} ms; boto3 with a client {boto3 * 1000:.0f} ms")
    record_property("import_ms", round(own * 1000))
    assert own < boto3 / 2


def test_no_file_names_a_machine_a_neighbour_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=HOME, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    found = []
    for line in listed.stdout.splitlines():
        path = HOME / line
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [
            f"{line}: {what}: {hit[0]}"
            for what, pattern in FORBIDDEN.items()
            if (hit := pattern.search(text))
        ]
    assert not found
