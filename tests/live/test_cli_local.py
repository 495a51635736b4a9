"""`local start|stop|status`, shown with moto's server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.local.running import answers

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """`run("start", ...)` is the exit status and what was printed; what was started is stopped in the end."""

    def call(*arguments: str) -> tuple[int, str]:
        status = main(["local", *arguments, "--data", str(tmp_path / "engine")])
        told = capsys.readouterr()
        return status, told.out + told.err

    yield call
    call("stop")


def none_runs(tmp_path: Path) -> str:
    folder = tmp_path / "engine"
    return f"no engine runs that was started from {folder}: name another folder with --data\n"


def test_start_says_where_it_runs_and_what_to_export_and_a_second_start_that_it_runs_already(
    run: Run,
) -> None:
    status, told = run("start", "--engine", "moto")
    assert status == 0
    url = re.search(r"moto runs at (\S+)", told)
    assert url
    assert answers(url[1])
    assert f"export DYNAMODB_ENDPOINT_URL={url[1]}" in told
    assert "data in memory only" in told

    status, told = run("start")
    assert status == 0
    assert f"moto is running already at {url[1]}" in told


def test_status_is_0_while_it_runs_and_3_when_it_does_not(run: Run, tmp_path: Path) -> None:
    assert run("status") == (3, none_runs(tmp_path))
    run("start", "--engine", "moto")
    status, told = run("status")
    assert status == 0
    assert "moto runs at http://127.0.0.1:" in told
    run("stop")
    assert run("status")[0] == 3


def test_stop_ends_it_and_says_so_when_nothing_runs(run: Run, tmp_path: Path) -> None:
    run("start", "--engine", "moto")
    status, told = run("stop")
    assert status == 0
    assert told.startswith("stopped moto at ")
    assert run("stop") == (0, none_runs(tmp_path))


def test_another_engine_than_the_running_one_is_refused_in_one_line(run: Run) -> None:
    run("start", "--engine", "moto")
    status, told = run("start", "--engine", "dynoxide")
    assert status == 1
    assert told.startswith("error: Engine moto runs from ")
    assert told.count("\n") == 1


def test_an_engine_that_there_is_not_is_refused_with_those_there_are(run: Run) -> None:
    status, told = run("start", "--engine", "postgres")
    assert status == 2
    assert "dynamodb-local" in told


def test_in_another_folder_the_one_that_was_looked_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command, status in (("status", 3), ("stop", 0)):
        assert main(["local", command]) == status
        told = capsys.readouterr().out
        assert f"started from {tmp_path / '.dynamodb-wrapper'}: name another folder with --data" in told
