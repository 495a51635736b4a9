"""What callers of the run APIs give, checked: statuses, ranges of time, ids.

Knows the words and what is allowed. Must not know how a run is read or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Between, Compare, Condition, Path
from dynamodb_wrapper.handlers.moments import moment
from dynamodb_wrapper.models import PipelineRunLog, RunStatus
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.validation import did_you_mean
from dynamodb_wrapper.wire.sizes import check_key

T = TypeVar("T")
Status: TypeAlias = RunStatus | str
TimeRange: TypeAlias = tuple[datetime | None, datetime | None]

TERMINAL = tuple(status for status in RunStatus if status.is_terminal)
OPEN = tuple(status for status in RunStatus if not status.is_terminal)


def run_status(given: Status) -> RunStatus:
    """The status of that value.

    Raises:
        ValidationError: there is no such status; the message names those that there are.
    """
    try:
        return RunStatus(given)
    except ValueError:
        known = ", ".join(RunStatus)
        hint = did_you_mean(str(given), [status.value for status in RunStatus])
        raise ValidationError(
            f"{given!r} is no status of a run: use one of {known}{hint}",
            errors={"status": [f"not one of {known}"]},
        ) from None


def within(
    attribute: str, time_range: TimeRange | None, *, parameters: Sequence[str] = ("time_range",)
) -> Condition | None:
    """The condition that a time lies in a range, both ends included; None where the range is open.

    Parameters:
        parameters: the name of the parameter that the range came in, or those of its two ends, for errors.

    Raises:
        ValidationError: it is no pair, an end is naive, or it ends before it starts.
    """
    if time_range is None:
        return None
    if not isinstance(time_range, tuple | list) or len(time_range) != 2:
        raise ValidationError(
            f"{parameters[0]} is {time_range!r}: give a pair (start, end), either of which may be None",
            errors={parameters[0]: ["give (start, end)"]},
        )
    earliest, latest = time_range
    start = None if earliest is None else moment(parameters[0], earliest)
    end = None if latest is None else moment(parameters[-1], latest)
    path = Path((attribute,))
    if start is None or end is None:
        known = start or end
        comparator = "<=" if start is None else ">="
        return None if known is None else Compare(path, comparator, known)  # type: ignore[arg-type]
    if end < start:
        raise ValidationError(
            f"{' to '.join(parameters)} ends ({end.isoformat()}) before it starts ({start.isoformat()})",
            errors={parameters[-1]: ["the range ends before it starts"]},
        )
    return Between(path, start, end)


def having(attribute: str, value: object) -> Condition:
    """The condition that an attribute has a value."""
    return Compare(Path((attribute,)), "=", value)


def required(name: str, given: T | None) -> T:
    """The argument, which has a default only because `pipeline_id` before it has.

    Raises:
        ValidationError: it was not given.
    """
    if given is None:
        raise ValidationError(
            f"{name} is required; pipeline_id comes before it, so where that is left out, give "
            f"{name} by its name: {name}=...",
            errors={name: ["is required"]},
        )
    return given


def partition_of(schema: TableSchema[PipelineRunLog], run_id: str) -> dict[str, Any]:
    """The partition of a run by its id alone.

    Raises:
        ValidationError: the id is empty, too long or no text.
    """
    check_key(
        schema.partition_key, schema.codec.encode_attribute(schema.partition_key, run_id), partition=True
    )
    return {schema.partition_key: run_id}


def ambiguous(run_id: str) -> ValidationError:
    """The error for an id that runs of several pipelines have."""
    return ValidationError(
        f"run {run_id!r} exists in more than one pipeline: give pipeline_id as well",
        errors={"pipeline_id": ["needed, because runs of several pipelines have this run_id"]},
    )
