"""The command as a user runs it: version, help, and what is said when something is missing or wrong."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from dynamodb_wrapper.cli import main


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dynamodb-wrapper {version('dynamodb-wrapper')}\n"


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert "local" in told
    assert "demo" in told
    assert "schema" in told


def test_a_command_that_is_not_there_has_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-command"]) == 2
    assert "no-such-command" in capsys.readouterr().err


def test_without_typer_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('no typer', name='typer')")
    code = "import sys; from dynamodb_wrapper.cli import main; sys.exit(main(['--version']))"
    source = str(Path(sys.modules["dynamodb_wrapper"].__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {source!r}]; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "The command line needs typer, which is missing: pip install 'dynamodb-wrapper[cli]'\n"
    )
