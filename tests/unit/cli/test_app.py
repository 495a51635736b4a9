"""How errors of the library end: one line on standard error and exit status 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.local import EngineError


@pytest.fixture
def broken(tmp_path: Path) -> list[str]:
    """A command that fails: its state file is damaged."""
    (tmp_path / "engine.json").write_text("{")
    return ["local", "status", "--data", str(tmp_path)]


def test_an_error_is_one_line_and_no_traceback(broken: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(broken) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: The state file ")
    assert told.err.count("\n") == 1


def test_with_debug_the_error_is_raised(broken: list[str]) -> None:
    with pytest.raises(EngineError, match="state file"):
        main(["--debug", *broken])
