"""What `dynamodb-wrapper plugins list` tells, and the commands that installed plugins bring."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.entry_points import InstalledPackage

from dynamodb_wrapper.cli import main

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


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Run:
    """`run(entries, *arguments)` runs the command where a package with these entry points is installed."""

    def __init__(self, package: InstalledPackage, output: pytest.CaptureFixture[str]) -> None:
        self.package = package
        self._output = output

    def __call__(self, entries: list[str], *arguments: str, switch: str = "") -> Done:
        self.package.names(*(f"{name} = bringing:{name}" for name in entries), switch=switch)
        status = main(arguments)
        told = self._output.readouterr()
        return Done(status, told.out, told.err)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.setenv("COLUMNS", "100")
    package = InstalledPackage(tmp_path, MODULE, monkeypatch)
    yield Run(package, capsys)
    package.forget()


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
    assert "reporting" in run(["Reporting"], "--help").stdout
    code = "import sys; from dynamodb_wrapper.cli import main; sys.exit(main())"
    arguments = ["reporting", "weekly", "--name", "orders"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=run.package.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "report of orders\n")


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
