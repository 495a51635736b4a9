"""An engine in the background, for `dynamodb-wrapper local start|stop|status`.

Knows the state file: one engine for each folder, which holds that file, the engine's log and its data.
Must not know the command line. A process is named by its id and its start, so that a recycled id is never
ended, and only what was started from the folder is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dynamodb_wrapper.local.engines import EngineName, choose
from dynamodb_wrapper.local.errors import EngineError
from dynamodb_wrapper.local.packages import locked
from dynamodb_wrapper.local.processes import end, free_port, spawn_detached, started_at
from dynamodb_wrapper.local.running import prepare_data, wait_until_ready

__all__ = ["DEFAULT_FOLDER", "BackgroundEngine", "find", "start_background", "stop_background"]

DEFAULT_FOLDER = Path(".dynamodb-wrapper")
"""Where the state, the log and the data of a project's engine are, below the current folder."""

_STATE = "engine.json"
_LOG = "engine.log"


@dataclass(frozen=True, slots=True)
class BackgroundEngine:
    """An engine that runs in the background.

    Parameters:
        engine: its name.
        endpoint_url: its address.
        port: the port of that address.
        pid: its process id.
        started: when the process was started, as the system tells it; opaque.
        data: the folder of its data, None if they are in memory only.
    """

    engine: str
    endpoint_url: str
    port: int
    pid: int
    started: str
    data: str | None = None


def find(folder: Path = DEFAULT_FOLDER) -> BackgroundEngine | None:
    """Return the engine that was started from that folder, None if none runs."""
    try:
        state = BackgroundEngine(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise EngineError(
            f"The state file {folder / _STATE} cannot be read: {error}. Delete it if no engine runs.", error
        ) from error
    return state if started_at(state.pid) == state.started else None


def start_background(
    folder: Path = DEFAULT_FOLDER,
    engine: EngineName = "auto",
    port: int | None = None,
    *,
    in_memory: bool = False,
) -> tuple[BackgroundEngine, bool]:
    """Start an engine that outlives this process, unless one runs from that folder.

    Parameters:
        folder: where the state, the log and the data go; made if it is not there.
        engine: which engine; "auto" takes the first that can run here.
        port: the port to listen on; a free one is found if not given.
        in_memory: keep no data on disk. An engine that cannot keep data never does.

    Returns:
        the engine, and whether it was started now.

    Raises:
        EngineError: it cannot run here or did not start, or one runs that is not what was asked for.
    """
    _prepare_folder(folder)
    with locked(folder / "engine.lock"):
        running = find(folder)
        if running:
            _must_fit(running, engine, port, folder)
            return running, False
        chosen = choose(engine)
        data = None if in_memory or not chosen.keeps_data else folder.resolve()
        prepare_data(chosen, data)
        number = port or free_port()
        with (folder / _LOG).open("wb") as output:
            pid = spawn_detached(chosen.prepare()(number, data), output, chosen.environment)
        url = f"http://127.0.0.1:{number}"
        started = started_at(pid)
        state = BackgroundEngine(chosen.name, url, number, pid, started or "", str(data) if data else None)
        try:
            wait_until_ready(chosen, url, lambda: None if started_at(pid) == started is not None else 1)
        except BaseException as error:
            if started:
                end(pid, started)
            if isinstance(error, EngineError):
                said = (folder / _LOG).read_text(errors="replace").strip()[-2000:]
                raise EngineError(f"{error.message} Its output: {said or '(nothing)'}", error) from error
            raise
        (folder / _STATE).write_text(json.dumps(asdict(state), indent=2) + "\n")
        return state, True


def stop_background(folder: Path = DEFAULT_FOLDER) -> BackgroundEngine | None:
    """End the engine that was started from that folder and wait for it; its data stay.

    Returns:
        the engine that was ended, None if none ran.
    """
    if not folder.is_dir():
        return None
    with locked(folder / "engine.lock"):
        running = find(folder)
        if running:
            end(running.pid, running.started)
        (folder / _STATE).unlink(missing_ok=True)
        return running


def _prepare_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise EngineError(f"The folder {folder} cannot be made: {error}.", error) from error


def _must_fit(running: BackgroundEngine, engine: EngineName, port: int | None, folder: Path) -> None:
    if engine in ("auto", running.engine) and port in (None, running.port):
        return
    raise EngineError(
        f"Engine {running.engine} runs from {folder} at {running.endpoint_url} already. "
        "Stop it first: dynamodb-wrapper local stop."
    )
