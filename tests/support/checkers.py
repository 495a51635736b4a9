"""Asks both type checkers about a file that exists to be checked.

A line of such a file that must be refused ends with `# type: ignore[...]`: with
`# pyright: reportUnnecessaryTypeIgnoreComment=true` at its top, both report an ignore that is not needed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]

both_checkers = pytest.mark.parametrize(
    "checker", [["mypy", "--strict", "--no-error-summary"], ["pyright"]], ids=["mypy", "pyright"]
)


def assert_checks(checker: list[str], file: str) -> None:
    """Fail with what the checker says of the file, if it says anything."""
    done = subprocess.run(
        [sys.executable, "-m", *checker, file],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
