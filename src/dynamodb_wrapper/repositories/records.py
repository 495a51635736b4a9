"""One structured log record for each use of a repository: what was asked, of which table, how long, how many.

Knows stdlib logging and flows. Must not know models: keys and values of items are never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.repositories.normalising import Normalised

__all__ = ["logged"]

P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger("dynamodb_wrapper.repositories")
_logger.addHandler(logging.NullHandler())


class logged(method[P, R]):
    """As `method`, and each use is a record of the logger `dynamodb_wrapper.repositories`.

    A record has the attributes `operation` (the method), `table` (the full name), `duration_ms` and `count`
    (the items that were given back or changed); it is of level INFO, or of WARNING with `error`, the code of
    the error that was raised.
    """

    def __init__(self, build: Callable[Concatenate[Any, P], Flow[R]]) -> None:
        super().__init__(build)

        @wraps(build)
        def recorded(repository: Any, /, *args: P.args, **kwargs: P.kwargs) -> Flow[R]:
            about: dict[str, object] = {"operation": build.__name__, "table": repository.table_name}
            start = perf_counter()
            try:
                result = yield from build(repository, *args, **kwargs)
            except DynamoDBWrapperError as error:
                about |= {"duration_ms": _since(start), "count": 0, "error": error.code}
                _logger.warning("%s of %s failed after %.1f ms: %s", *_told(about, "error"), extra=about)
                raise
            about |= {"duration_ms": _since(start), "count": count_of(result)}
            _logger.info("%s of %s took %.1f ms for %d", *_told(about, "count"), extra=about)
            return result

        self.build = recorded


def count_of(result: object) -> int:
    """How many items a result stands for: a number is one itself, None and False are none."""
    if isinstance(result, int):
        return int(result)
    if isinstance(result, list):
        return len(result)
    if isinstance(result, Normalised):
        return result.written
    return int(result is not None)


def _since(start: float) -> float:
    return (perf_counter() - start) * 1000


def _told(about: dict[str, object], last: str) -> tuple[object, ...]:
    return tuple(about[name] for name in ("operation", "table", "duration_ms", last))
