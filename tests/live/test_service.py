"""The background engine: one for each folder, found again by other processes, and never another's process."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamodb_wrapper.local import EngineError
from dynamodb_wrapper.local.processes import started_at
from dynamodb_wrapper.local.running import answers
from dynamodb_wrapper.local.service import find, start_background, stop_background


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "engine"
    stop_background(tmp_path / "engine")


def test_an_engine_is_started_once_found_and_stopped(folder: Path) -> None:
    assert find(folder) is None
    started, fresh = start_background(folder, "moto")
    assert fresh
    assert answers(started.endpoint_url)
    assert find(folder) == started
    assert start_background(folder) == (started, False)

    assert stop_background(folder) == started
    assert not answers(started.endpoint_url)
    assert find(folder) is None
    assert stop_background(folder) is None


def test_asking_for_another_engine_than_the_running_one_is_refused(folder: Path) -> None:
    started, _ = start_background(folder, "moto")
    with pytest.raises(EngineError, match=r"Engine moto runs from .* Stop it first"):
        start_background(folder, "dynoxide")
    with pytest.raises(EngineError, match="Stop it first"):
        start_background(folder, port=started.port + 1)


def test_an_engine_that_does_not_start_leaves_no_state_and_tells_its_output(folder: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(EngineError, match=r"(?s)moto ended.*in use"),
    ):
        start_background(folder, "moto", taken.getsockname()[1])
    assert find(folder) is None
    assert not (folder / "engine.json").exists()


def test_a_process_that_got_the_id_of_an_engine_that_died_is_not_taken_for_it(folder: Path) -> None:
    start_background(folder, "moto")
    state = json.loads((folder / "engine.json").read_text())
    stop_background(folder)
    (folder / "engine.json").write_text(json.dumps(state | {"pid": os.getpid()}))

    assert find(folder) is None
    assert stop_background(folder) is None
    assert started_at(os.getpid())


def test_a_state_file_that_cannot_be_read_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / "engine.json").write_text("{")
    with pytest.raises(EngineError, match=r"engine\.json cannot be read.*Delete it"):
        find(folder)
    (folder / "engine.json").unlink()


def test_a_folder_that_is_made_keeps_itself_out_of_git_and_a_users_own_is_left_as_it_is(
    folder: Path, tmp_path: Path
) -> None:
    start_background(folder, "moto")
    assert (folder / ".gitignore").read_text() == "*\n"
    own = tmp_path / "own"
    own.mkdir()
    start_background(own, "moto")
    stop_background(own)
    assert not (own / ".gitignore").exists()


def test_stopping_where_nothing_ever_ran_makes_no_folder(tmp_path: Path) -> None:
    assert stop_background(tmp_path / "never") is None
    assert not (tmp_path / "never").exists()
