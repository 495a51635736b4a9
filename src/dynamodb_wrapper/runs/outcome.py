"""How a run ends, from what its block raised.

Knows exceptions and statuses. Must not know how an end is written.
"""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass
from typing import Any

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs.figures import as_text, cut

LONGEST_MESSAGE = 2000
LONGEST_TRACE = 10_000
"""As `PipelineRunLogUpsert` has them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A final status, and why."""

    status: RunStatus
    message: str | None = None
    trace: str | None = None
    error_class: str | None = None

    def values(self) -> dict[str, Any]:
        """The fields of a run that tell it."""
        told = {"error_message": self.message, "error_stack_trace": self.trace}
        return {"status": self.status, **{name: text for name, text in told.items() if text is not None}}


def outcome_of(error: BaseException | None, interrupted_by: str | None = None) -> Outcome:
    """The outcome of a block that ended with that error, or well.

    Parameters:
        error: what it raised; leaving the program with status 0 is a success.
        interrupted_by: the signal that cancelled the task, where one did.
    """
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return Outcome(RunStatus.SUCCESS)
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError | GeneratorExit):
        by = f"interrupted by {interrupted_by}" if interrupted_by else as_text(error) or "cancelled"
        return Outcome(RunStatus.CANCELLED, by)
    error_class = spark_error_class(error)
    message = as_text(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    if error_class is not None and error_class not in message:
        message = f"[{error_class}] {message}"
    trace = as_text("".join(traceback.format_exception(error)))
    return Outcome(RunStatus.FAILED, cut(message, LONGEST_MESSAGE), _end(trace, LONGEST_TRACE), error_class)


def spark_error_class(error: BaseException) -> str | None:
    """Spark's own name of an error, such as "DIVIDE_BY_ZERO"; None for errors that are not Spark's."""
    for name in ("getCondition", "getErrorClass"):
        if callable(ask := getattr(error, name, None)):
            found = ask()
            return found if isinstance(found, str) else None
    return None


def _end(text: str, longest: int) -> str:
    """The end of a text: of a trace it is the place where the error was raised."""
    return text if len(text) <= longest else "..." + text[3 - longest :]
