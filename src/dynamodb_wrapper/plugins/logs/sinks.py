"""Where records go: the standard library's logging, or structlog.

Knows loggers. Must not know what is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

from dynamodb_wrapper.plugins.options import missing_extra

PREFIX: Final = "dynamodb_"


class Sink(Protocol):
    """Takes records."""

    def wants(self, level: int) -> bool:
        """Whether records of that level, one of `logging`, are kept; the others are not even made."""
        ...

    def write(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        """Take one record: what happened as a text for people, and as fields for machines."""
        ...


class StandardSink:
    """A logger of the standard library.

    Parameters:
        logger: the logger, or its name. Fields become attributes of the record with "dynamodb_" before their
            name, as `extra` makes them.
    """

    def __init__(self, logger: logging.Logger | str = "dynamodb_wrapper") -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self.wants = self._logger.isEnabledFor

    def write(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        """See `Sink.write`."""
        self._logger.log(level, message, extra={PREFIX + name: value for name, value in fields.items()})


class StructlogSink:
    """A logger of structlog; fields are its key-value pairs.

    Parameters:
        logger: a bound logger; `structlog.get_logger("dynamodb_wrapper")` where none is given.

    Raises:
        ValidationError: structlog is not installed.
    """

    def __init__(self, logger: Any = None) -> None:
        if logger is None:
            try:
                import structlog
            except ModuleNotFoundError as error:
                raise missing_extra("StructlogSink", "structlog", "structlog", error) from error
            logger = structlog.get_logger("dynamodb_wrapper")
        self._logger = logger

    def wants(self, level: int) -> bool:
        """See `Sink.wants`; what structlog's own configuration leaves out is left to it."""
        for name in ("is_enabled_for", "isEnabledFor"):
            if (enabled := getattr(self._logger, name, None)) is not None:
                return bool(enabled(level))
        return True

    def write(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        """See `Sink.write`."""
        self._logger.log(level, message, **fields)
