"""A stand-in for the npm command and an archive for it to give, so that no test here needs a network."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dynamodb_wrapper.local.packages import Package


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for engines."""
    monkeypatch.setenv("DYNAMODB_WRAPPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "engines"


@pytest.fixture
def archive() -> Callable[..., bytes]:
    """`archive({name: content})` is an npm archive with these files."""

    def build(files: dict[str, bytes]) -> bytes:
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode="w:gz") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return target.getvalue()

    return build


@pytest.fixture
def pinned() -> Callable[[bytes], Package]:
    """`pinned(archive)` is a package that is pinned to that archive."""

    def build(content: bytes) -> Package:
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        return Package("@some/engine", "1.0.0", f"sha512-{digest}")

    return build


@pytest.fixture
def only_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """`only_on_path(name, body)` puts a Python script on PATH, alone with those put there before."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, body: str) -> Path:
        script = folder / name
        script.write_text(f"#!{sys.executable}\nimport sys, time, pathlib\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return script

    return put


@pytest.fixture
def npm(tmp_path: Path, only_on_path: Callable[[str, str], Path]) -> Callable[[bytes], Path]:
    """`npm(archive)` makes `npm pack` give that archive; the returned file has a line for each call."""
    calls = tmp_path / "npm-calls"

    def give(content: bytes) -> Path:
        source = tmp_path / "archive.tgz"
        source.write_bytes(content)
        only_on_path(
            "npm",
            f"open({os.fspath(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            "time.sleep(0.3)\n"
            "folder = pathlib.Path(sys.argv[sys.argv.index('--pack-destination') + 1])\n"
            f"(folder / 'some-engine-1.0.0.tgz').write_bytes(open({os.fspath(source)!r}, 'rb').read())",
        )
        return calls

    return give
