"""One library in a process of its own, doing rounds of work when it is told to.

    python -m benchmarks.child RIVAL ENDPOINT             lines "CASE COUNT" come in, lines of figures go out
    python -m benchmarks.child RIVAL ENDPOINT CASE COUNT  one round, for what a process does but once

A line that goes out has: client CPU in seconds, wall in seconds, peak memory in KiB, memory before in KiB,
and what the work returned; "missing" where the library has no such case, and "failed" where it raised. CPU is
that of the whole process and of processes it started: Rust's threads count. A garbage collection goes before
each round and is not counted.

Imports nothing that would hide the cost of importing a library: `cold` counts from here on.
"""

import sys
import time

BEGAN_CPU, BEGAN_WALL = time.process_time(), time.perf_counter()

import gc  # noqa: E402 - what follows is part of a cold start
import os  # noqa: E402
import resource  # noqa: E402
from typing import Any  # noqa: E402

COROUTINE = 0x80


class Worker:
    """A library, made when it is first needed, and the event loop it lives on if it awaits."""

    def __init__(self, rival: str, endpoint: str) -> None:
        from importlib import import_module

        self._library = import_module(f"benchmarks.rivals.{rival}").Rival(endpoint)
        self._runner: Any = None

    def has(self, case: str) -> bool:
        """Whether the library has such a case."""
        return hasattr(self._library, case)

    def work(self, case: str, count: int) -> Any:
        """Do a case so many times."""
        return self._finish(getattr(self._library, case), count)

    def close(self) -> None:
        """Close what the library has open."""
        self._finish(self._library.close)
        if self._runner is not None:
            self._runner.close()

    def _finish(self, function: Any, *args: Any) -> Any:
        if not function.__code__.co_flags & COROUTINE:
            return function(*args)
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.run(function(*args))


def cpu() -> float:
    """CPU seconds of this process, with its threads, and of the processes it started and has awaited."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def memory(field: str) -> int:
    """VmRSS or VmHWM (the peak) of this process in KiB; where there is no /proc the peak of all its life."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def reset_peak() -> None:
    """Let the peak begin anew, where the system can: see proc(5), clear_refs."""
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        return


def measured(worker: Worker, case: str, count: int) -> tuple[float, float, int, int, Any]:
    """One round."""
    gc.collect()
    reset_peak()
    before, start_cpu, start_wall = memory("VmRSS"), cpu(), time.perf_counter()
    result = worker.work(case, count)
    wall, used = time.perf_counter() - start_wall, cpu() - start_cpu
    return used, wall, memory("VmHWM"), before, result


def main() -> None:
    """See the module."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not mix with the figures
    rival, endpoint, *once = sys.argv[1:]
    if once and once[0] == "cold":
        worker = Worker(rival, endpoint)
        result = worker.work("get_sync" if worker.has("get_sync") else "get_async_1", 1)
        used, wall = cpu() - BEGAN_CPU, time.perf_counter() - BEGAN_WALL
        print(used, wall, memory("VmHWM"), 0, result, file=out)
        worker.close()
        return
    worker = Worker(rival, endpoint)
    for line in [" ".join(once)] if once else sys.stdin:
        case, count = line.split()
        if not worker.has(case):
            print("missing", file=out)
            continue
        try:
            figures = measured(worker, case, int(count))
        except Exception:  # one library's failure must not end the others' run
            import traceback

            traceback.print_exc()
            print("failed", file=out)
        else:
            print(*figures, file=out)
    worker.close()


if __name__ == "__main__":
    main()
