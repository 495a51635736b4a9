"""The configuration that is kept with a run, which grows while the run goes on.

Knows its parts and how large they may be. Must not know what they say, nor how they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

LARGEST = 100_000
"""Characters: a quarter of what an item may have, so that there is room for what the run records."""


class Snapshot:
    """What is stored of the pipeline, and parts that are added to it; used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stored: Mapping[str, Any] | None = None
        self._parts: dict[str, dict[str, Any]] = {}

    def begin(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The whole with what is stored of the pipeline."""
        with self._lock:
            self._stored = stored
            return {**stored, **self._parts}

    def add(self, name: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The whole with more in one of its parts; None before `begin`.

        Raises:
            ValueError: that would be too large; it was not added.
        """
        with self._lock:
            parts = {**self._parts, name: {**self._parts.get(name, {}), **values}}
            whole = {**(self._stored or {}), **parts}
            if len(str(whole)) > LARGEST:
                what = ", ".join(values)[:100]
                raise ValueError(f"its configuration is too large to be kept, without this: {name}, {what}")
            self._parts = parts
            return None if self._stored is None else whole
