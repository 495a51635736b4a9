"""Which sockets this process has open, for tests that none is left over."""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OPEN_FILES = Path("/proc/self/fd")

needs_list = pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="needs Linux's list of open files")


def open_sockets() -> set[str]:
    """The sockets that this process has open, by what the kernel calls them."""
    found = set()
    for entry in OPEN_FILES.iterdir():
        try:
            name = os.readlink(entry)
        except FileNotFoundError:
            continue
        if name.startswith("socket:"):
            found.add(name)
    return found


@contextmanager
def all_closed() -> Iterator[None]:
    """After the block no socket is open that was made in it, and none was left to the garbage collector."""
    gc.collect()
    before = open_sockets()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.disable()
        try:
            yield
            give_up = time.monotonic() + 10
            while (left := open_sockets() - before) and time.monotonic() < give_up:
                time.sleep(0.01)
        finally:
            gc.enable()
        gc.collect()
    lost = [str(warning.message) for warning in told if issubclass(warning.category, ResourceWarning)]
    assert (left, lost) == (set(), [])
