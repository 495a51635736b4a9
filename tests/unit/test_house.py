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
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
SOURCE = HOME / "src"
PACKAGE = "dynamodb_wrapper"

# Each entry may import those before it; names on one line may not import each other.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("lazy",),
    ("exceptions",),
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
    "cli.runs": "tests/live/test_runs.py",
    "demo.spark": "tests/spark/test_demo.py",
    "demo.spark_run": "tests/spark/test_demo.py",
    "demo.spark_stages": "tests/spark/test_demo.py",
    "handlers.items": "tests/unit/handlers/test_writing.py",
    "handlers.pipeline_run_logs.leases": "tests/both/test_runs.py",
    "runs.context": "tests/both/test_runs.py",
    "runs.keeper": "tests/both/test_runs.py",
    "runs.lineage": "tests/both/test_lineage.py",
    "runs.watcher": "tests/both/test_runs.py",
    "spark.integration": "tests/spark/test_integration.py",
    "spark.runs": "tests/spark/test_integration.py",
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


def imports(name: str) -> Iterator[tuple[str, int]]:
    """The modules of the package that a module imports, wherever in it, each with its line."""
    path = modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            members = [f"{base}.{alias.name}" for alias in node.names]
            targets = [member if member in modules() else base for member in members]
        else:
            continue
        for target in targets:
            if target.split(".")[0] == PACKAGE and target != name:
                yield target, node.lineno


def room(name: str) -> str:
    return [*name.split("."), ""][1]


def each_module() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", modules())


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in modules()} <= set(LEVELS)


@each_module()
def test_a_room_imports_only_rooms_before_it(name: str) -> None:
    own = room(name)
    breaches = [
        f"{name}:{line} imports {target}"
        for target, line in imports(name)
        if room(target) != own and LEVELS[room(target)] >= LEVELS[own]
    ]
    assert not breaches


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: {target for target, _ in imports(name)} for name in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@each_module()
def test_a_module_is_short(name: str) -> None:
    assert len(modules()[name].read_text().splitlines()) < MOST_LINES


@each_module()
def test_a_module_says_what_it_knows(name: str) -> None:
    assert ast.get_docstring(tree(name)), f"{name} has no docstring"


@each_module()
def test_every_exported_name_exists_and_is_documented(name: str) -> None:
    if name == f"{PACKAGE}.spark" or name.startswith(f"{PACKAGE}.spark."):
        pytest.importorskip("pyspark")
    module = importlib.import_module(name)
    for exported in getattr(module, "__all__", ()):
        value = getattr(module, exported)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{exported} has no docstring"


@each_module()
def test_every_module_has_its_tests(name: str) -> None:
    if only_gathers(name):
        return
    short = name.removeprefix(f"{PACKAGE}.")
    if short in TESTED_BY:
        assert (HOME / TESTED_BY[short]).is_file()
        return
    assert any(next((HOME / "tests").glob(pattern), None) for pattern in places_of_tests(short)), (
        f"no test of {name}: expected tests/{places_of_tests(short)[0]}, or one in both/ or live/"
    )


def places_of_tests(short: str) -> list[str]:
    """Where the tests of a module may be, as patterns below `tests`.

    `wire.pool` is tested by tests/unit/wire/test_pool.py, or outside of the unit tests by test_pool.py or
    test_wire_pool.py, each with an ending of its own if there are several. A package inside of a room, such
    as a domain, may be tested as a whole under its own name.
    """
    *rooms, stem = short.split(".")
    unit = "/".join(["unit", *rooms])
    names = [stem.lstrip("_"), "_".join([*rooms, stem])]
    if len(rooms) > 1:
        names += [rooms[-1], f"{rooms[-1]}_{stem}"]
    elsewhere = [f"{kind}/**/test_{name}{end}.py" for kind in KINDS for name in names for end in ("", "_*")]
    return [f"{unit}/test_{stem.lstrip('_')}.py", f"{unit}/test_{stem.lstrip('_')}_*.py", *elsewhere]


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
        return min(float(python(code)) for _ in range(5))

    own, boto3 = cost(f"import {PACKAGE}"), cost("import boto3; boto3.client('dynamodb', 'us-east-1')")
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
