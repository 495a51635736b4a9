"""Many writes, each for itself: what became of every one.

Knows flows and errors. Must not know models or what is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.exceptions import BulkWriteError, ConflictError, DynamoDBWrapperError, ItemNotFoundError

PASSED_OVER: Final = object()


def each(what: str, ids: Sequence[str], flows: Sequence[Flow[Any]]) -> Flow[dict[str, Any]]:
    """Run all, whichever of them fail.

    Parameters:
        what: what is written, for the error.
        ids: the id of each flow, all different.

    Returns:
        The results by id.

    Raises:
        BulkWriteError: some failed; tells of every id.
    """
    outcomes = yield Together([_outcome(flow) for flow in flows])
    by_id = dict(zip(ids, outcomes, strict=True))
    failed = {name: got for name, got in by_id.items() if isinstance(got, DynamoDBWrapperError)}
    if failed:
        raise bulk_error(what, [name for name in by_id if name not in failed], failed)
    return by_id


def unless_changed(flow: Flow[Any]) -> Flow[Any]:
    """The flow's result, or PASSED_OVER where its item is gone or not in the state that its write needs."""
    try:
        return (yield from flow)
    except (ItemNotFoundError, ConflictError):
        return PASSED_OVER


def bulk_error(
    what: str, succeeded: Sequence[str], failed: Mapping[str, DynamoDBWrapperError]
) -> BulkWriteError:
    """The error for many writes of which some failed."""
    first = next(iter(failed.values()))
    total = len(failed) + len(succeeded)
    return BulkWriteError(
        f"{len(failed)} of {total} writes of {what} failed; the first: {first.message}",
        first,
        succeeded=succeeded,
        failed=failed,
    )


def _outcome(flow: Flow[Any]) -> Flow[Any]:
    try:
        return (yield from flow)
    except DynamoDBWrapperError as error:
        return error
