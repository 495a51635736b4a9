"""Keeps one engine for one owner: runs it as a child and ends it when the owner is gone.

Run as a script, never imported by the library, and kept to the standard library so that it starts in
milliseconds. Knows processes only. The owner holds the other end of standard input: when that closes, by
will or by death, the engine is ended, so no engine outlives a killed test run. The first line of standard
output is the engine's process id. `--detach` prints it and leaves the engine to itself instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

GRACE_SECONDS = 5
"""How long an engine may take to write its data and end, before it is killed."""


def main(arguments: list[str]) -> int:
    """Run the command in `arguments` and return its exit status."""
    detach = arguments[:1] == ["--detach"]
    command = arguments[1:] if detach else arguments
    try:
        engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except OSError as error:
        print(error, file=sys.stderr)
        return 127
    print(engine.pid, flush=True)
    if detach:
        os._exit(0)
    threading.Thread(target=_end_with_owner, args=(engine,), daemon=True).start()
    return engine.wait()


def _end_with_owner(engine: subprocess.Popen[bytes]) -> None:
    # Not through sys.stdin: its lock, held here, would abort the interpreter when the engine ends first.
    while os.read(0, 1024):
        pass
    engine.terminate()
    try:
        engine.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        engine.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
