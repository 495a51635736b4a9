"""The fixed vocabularies of the three domains; an enum is stored as its value."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DataFormat", "LogLevel", "RunStatus", "TableType"]


class TableType(StrEnum):
    """What a pipeline does with a table."""

    SOURCE = "source"
    DESTINATION = "destination"
    LOOKUP = "lookup"
    INTERMEDIATE = "intermediate"


class DataFormat(StrEnum):
    """How a table's data is stored."""

    PARQUET = "parquet"
    JSON = "json"
    CSV = "csv"
    AVRO = "avro"
    DELTA = "delta"


class RunStatus(StrEnum):
    """Where a run, or a stage of it, stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows: the run is over."""
        return self in _TERMINAL


class LogLevel(StrEnum):
    """How much a run logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


_TERMINAL = frozenset({RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED})
