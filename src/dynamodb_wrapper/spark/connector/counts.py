"""What became of the rows of a write: of one task, and of all of them together.

Knows counts and a file on the driver's machine. Must not know Spark, nor how rows are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from dynamodb_wrapper.engine.events import AttemptEnded
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, ProvisionedThroughputExceededError

MOST_SAMPLES: Final = 10
MOST_LETTERS: Final = 200


class Counts(msgspec.Struct):
    """What became of rows.

    Parameters:
        written: rows that were written.
        repeated: rows that were found written already, by a try before this one.
        rejected: rows that were rejected, by the code of their error.
        samples: a few of those, each with its key and the reason.
        tasks: how many tasks wrote.
        committed: whether every task ended well; what a failed one wrote is not in the counts.
        calls: how many requests were sent, also those that were sent again.
        throttles: how many of them the service answered with a throttle.
        seconds: how long the longest task took.
    """

    written: int = 0
    repeated: int = 0
    rejected: dict[str, int] = {}
    samples: list[str] = []
    tasks: int = 1
    committed: bool = True
    calls: int = 0
    throttles: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """All rows that were settled."""
        return self.written + self.repeated + sum(self.rejected.values())

    def reject(self, error: DynamoDBWrapperError, key: Mapping[str, Any]) -> None:
        """Count a row that was rejected."""
        self.rejected[error.code] = self.rejected.get(error.code, 0) + 1
        if len(self.samples) < MOST_SAMPLES:
            self.samples.append(f"{str(dict(key))[:MOST_LETTERS]}: {error.message}")


class Calls:
    """An observer that counts requests."""

    def __init__(self) -> None:
        self.sent = self.throttled = 0
        self._lock = Lock()

    def __call__(self, event: Any) -> None:
        """Count a request that was answered or failed."""
        if isinstance(event, AttemptEnded):
            with self._lock:
                self.sent += 1
                self.throttled += isinstance(event.error, ProvisionedThroughputExceededError)


def together(counts: Iterable[Counts], *, committed: bool = True) -> Counts:
    """The counts of all tasks."""
    every = Counts(tasks=0, committed=committed)
    for one in counts:
        every.written += one.written
        every.repeated += one.repeated
        every.tasks += one.tasks
        every.calls += one.calls
        every.throttles += one.throttles
        every.seconds = max(every.seconds, one.seconds)
        every.samples = [*every.samples, *one.samples][:MOST_SAMPLES]
        for code, rows in one.rejected.items():
            every.rejected[code] = every.rejected.get(code, 0) + rows
    return every


def put_report(path: str | None, counts: Counts) -> None:
    """Write the counts as JSON, if there is a place for them."""
    if path is not None:
        Path(path).write_bytes(msgspec.json.encode(counts))


def read_report(path: str | Path) -> Counts:
    """The counts that a write with the option `report` left there."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Counts)
