"""Choosing an engine: what is missing is told with what to install and what would do instead."""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from dynamodb_wrapper.local import EngineError
from dynamodb_wrapper.local.engines import ENGINES, EngineChoice, EngineName, choose
from dynamodb_wrapper.local.packages import DYNAMODB_LOCAL, DYNOXIDE
from dynamodb_wrapper.testing import plugin

Put = Callable[[str, str], Path]


def here_is(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    """Let the machine look like another one."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)


def test_an_unknown_engine_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(EngineError, match=r"'postgres'.*auto, dynoxide, dynamodb-local, moto"):
        choose("postgres")  # type: ignore[arg-type]


def test_a_missing_java_is_told_with_what_would_do_instead(cache: Path, only_on_path: Put) -> None:
    only_on_path("npm", "")
    with pytest.raises(EngineError, match=r"dynamodb-local cannot run here: Java was not found: .*instead"):
        choose("dynamodb-local")


def test_a_java_that_only_asks_to_be_installed_counts_as_missing(cache: Path, only_on_path: Put) -> None:
    only_on_path("npm", "")
    only_on_path("java", "sys.exit('install a JDK first')")
    with pytest.raises(EngineError, match="Java was not found"):
        choose("dynamodb-local")


def test_a_missing_npm_is_told(cache: Path, only_on_path: Put) -> None:
    only_on_path("java", "")
    with pytest.raises(EngineError, match=r"npm was not found: .*Node\.js.*Engine moto would do"):
        choose("dynamodb-local")


def test_npm_is_not_needed_for_what_is_fetched_already(cache: Path, only_on_path: Put) -> None:
    only_on_path("java", "")
    (cache / DYNAMODB_LOCAL.folder).mkdir(parents=True)
    assert choose("dynamodb-local").name == "dynamodb-local"


def test_auto_is_dynoxide_where_its_binary_runs(
    cache: Path, only_on_path: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    here_is(monkeypatch, "linux", "x86_64")
    only_on_path("npm", "")
    assert choose("auto").name == "dynoxide"


def test_auto_is_dynamodb_local_elsewhere_and_the_reason_is_logged(
    cache: Path, only_on_path: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here_is(monkeypatch, "darwin", "arm64")
    only_on_path("npm", "")
    only_on_path("java", "")
    with caplog.at_level(logging.INFO, "dynamodb_wrapper.local"):
        assert choose("auto").name == "dynamodb-local"
    assert "dynoxide: its binary is for Linux on x86-64 only" in caplog.text


def test_auto_is_moto_where_there_is_neither_npm_nor_java(cache: Path, only_on_path: Put) -> None:
    assert choose("auto").name == "moto"


def test_a_damaged_package_is_told_with_the_folder_to_delete(cache: Path, only_on_path: Put) -> None:
    only_on_path("java", "")
    (cache / DYNAMODB_LOCAL.folder).mkdir(parents=True)
    with pytest.raises(EngineError, match=r"is damaged: it has no DynamoDBLocal\.jar. Delete it"):
        choose("dynamodb-local").prepare()


def test_dynoxide_listens_on_loopback_and_keeps_data_only_when_asked(cache: Path, tmp_path: Path) -> None:
    (cache / DYNOXIDE.folder).mkdir(parents=True)
    command = ENGINES["dynoxide"].prepare()
    assert command(8123, None)[1:] == ["--host", "127.0.0.1", "--port", "8123"]
    assert command(8123, tmp_path)[-2:] == ["--db-path", str(tmp_path / "dynoxide.db")]


def test_every_list_of_the_engines_names_is_the_same() -> None:
    names = list(get_args(EngineName))
    assert [choice.value for choice in EngineChoice] == names
    assert list(plugin.ENGINES) == names
    assert list(ENGINES) == [name for name in names if name != "auto"]
