"""What `dynamodb-wrapper plugins list` tells, and the commands that installed plugins bring."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

MODULE = """
import typer
from dynamodb_wrapper.plugins import Plugin

report, audit = typer.Typer(), typer.Typer(name="audit")


@report.command()
def weekly(name: str = "all") -> None:
    print("report of", name)


@report.command()
def daily() -> None:
    print("daily report")


@audit.callback()
def about() -> None:
    pass


@audit.command()
def check() -> None:
    print("checked")


class Reporting(Plugin):
    name, version = "reporting", "1.2"
    commands = [report]
    observers = [print]


class Both(Plugin):
    name, version = "both", "0.1"
    commands = [report, audit]


class Local(Plugin):
    name, version = "local", "3.0"
    commands = [report]
    layers = [lambda send, call: send(call)]


class Plain(Plugin):
    name, version = "plain", "4.0"
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(entries, *arguments)` runs the command where a package with these entry points is installed."""
    (tmp_path / "bringing.py").write_text(MODULE)
    about = tmp_path / "bringing-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bringing\nVersion: 1.0\n")

    def command(entries: list[str], *arguments: str, switch: str = "") -> subprocess.CompletedProcess[str]:
        lines = ["[dynamodb_wrapper.plugins]", *(f"{name} = bringing:{name}" for name in entries), ""]
        (about / "entry_points.txt").write_text("\n".join(lines))
        code = "import sys; from dynamodb_wrapper.cli import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | {"PYTHONPATH": str(tmp_path), "DYNAMODB_PLUGINS": switch, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return command


def test_installed_plugins_are_listed_with_what_they_bring(run: Run) -> None:
    listed = run(["Reporting", "Local", "Plain"], "plugins", "list")
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == [
        "local 3.0: layers, commands",
        "plain 4.0: nothing",
        "reporting 1.2: observers, commands",
    ]


def test_where_no_plugin_is_installed_that_is_said(run: Run) -> None:
    assert run([], "plugins", "list").stdout.startswith("no plugins: ")
    assert run(["Plain"], "plugins", "list", switch="off").stdout.startswith("no plugins: ")


def test_the_commands_of_a_plugin_stand_under_its_name(run: Run) -> None:
    done = run(["Reporting"], "reporting", "weekly", "--name", "orders")
    assert (done.returncode, done.stdout) == (0, "report of orders\n")
    assert "reporting" in run(["Reporting"], "--help").stdout


def test_several_applications_of_a_plugin_stand_side_by_side(run: Run) -> None:
    assert run(["Both"], "both", "daily").stdout == "daily report\n"
    assert run(["Both"], "both", "audit", "check").stdout == "checked\n"


def test_a_plugin_hides_no_command_of_ours(run: Run, tmp_path: Path) -> None:
    done = run(["Local"], "local", "status", "--data", str(tmp_path / "none"))
    assert "no engine runs" in done.stdout + done.stderr
    assert "'local' are hidden" in done.stderr


def test_a_plugin_that_cannot_be_loaded_stops_only_the_command_that_lists_plugins(
    run: Run, tmp_path: Path
) -> None:
    other = run(["Absent"], "local", "status", "--data", str(tmp_path / "none"))
    assert "no engine runs" in other.stdout + other.stderr
    assert other.stderr.startswith("warning: the plugin 'Absent'")
    listed = run(["Absent"], "plugins", "list")
    assert listed.returncode == 1
    assert "DYNAMODB_PLUGINS=off" in listed.stderr
