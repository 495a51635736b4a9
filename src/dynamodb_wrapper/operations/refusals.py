"""Refusals: what it means that the service did not write the item of a step.

Knows steps and the stored item that the service sends with its refusal. Must not know calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    NotUniqueError,
    TransactionCanceledError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.operations.steps import DeleteStep, Step, UpdateStep
from dynamodb_wrapper.operations.writes import as_stored
from dynamodb_wrapper.schema import WRITES
from dynamodb_wrapper.wire.values import WireItem, decode_item

FAILED: Final = "ConditionalCheckFailed"
MOST_TOLD: Final = 5


def named(step: Step[Any]) -> str:
    """The model and the key of a step's item."""
    return f"{step.schema.model.__name__} {resource_id(decode_item(step.key))!r}"


def owner_text(owner: Mapping[str, Any] | None) -> str:
    """Who has a value, for a message."""
    return f" by {resource_id(owner)!r}" if owner else ""


def was_applied(step: Step[Any], stored: WireItem | None, *, answer_lost: bool) -> bool:
    """Whether a write that was refused had been applied by an earlier attempt.

    Parameters:
        stored: the item as it is stored, or None where there is none.
        answer_lost: whether there was an earlier attempt of which nobody knows what became of it.

    Raises:
        WriteOutcomeUnknownError: it may have been, and the item does not tell.
    """
    lock = step.lock
    if lock is None or not answer_lost:
        return False
    if isinstance(step, DeleteStep):
        applied = True if stored is None else False if lock.is_the_same(stored) else None
    else:
        applied = None if stored is None else lock.was_applied(stored)
    if applied is None:
        raise WriteOutcomeUnknownError(
            f"the write of {named(step)} may or may not have been applied: its answer was lost, and the item "
            "was written by others since. Read it to see, then decide.",
            context={"table": step.table, "key": decode_item(step.key)},
        )
    return applied


def refusal(step: Step[Any], stored: WireItem | None, error: DynamoDBWrapperError) -> DynamoDBWrapperError:
    """The error for a step whose condition does not hold.

    Parameters:
        stored: the item as it is stored, or None where there is none.
    """
    key = decode_item(step.key)
    why, kind = _why(step, stored)
    if kind is ItemNotFoundError:
        return ItemNotFoundError(f"{named(step)} {why}", error, table_name=step.table, key=key)
    item = None if stored is None else as_stored(step.schema.codec, stored, step.table)
    return kind(
        f"{named(step)} {why}; nothing was written",
        error,
        error.context,
        resource_id=resource_id(key),
        current_item=item,
    )


def explain(error: TransactionCanceledError, steps: Sequence[Step[Any]]) -> None:
    """Let the error of a transaction say which steps stood in the way, and why.

    Parameters:
        error: with a reason for each step, items in wire form.
    """
    refused = [
        f"step {number} of {len(steps)} ({step.what}): {named(step)}{_told(step, reason)}"
        for number, (step, reason) in enumerate(zip(steps, error.reasons, strict=False), 1)
        if reason.code != "None"
    ]
    if len(refused) > MOST_TOLD:
        refused[MOST_TOLD:] = [f"and {len(refused) - MOST_TOLD} more steps, see `reasons`"]
    others = ["what is stored was changed by others all the time: try again"]
    error.message = f"the transaction was cancelled, nothing was applied: {'; '.join(refused or others)}"
    error.args = (error.message,)


def _told(step: Step[Any], reason: CancellationReason) -> str:
    """Why the item of a step was not written, to stand behind its name."""
    if reason.code == FAILED:
        return f" {_why(step, None if reason.item is None else dict(reason.item))[0]}"
    return f": {reason.message or reason.code}"


def _why(step: Step[Any], stored: WireItem | None) -> tuple[str, type[ItemNotFoundError | ConflictError]]:
    """Why a step was refused, and the kind of error that this is."""
    if stored is None and isinstance(step, UpdateStep):
        return f"is not in table {step.table}", ItemNotFoundError
    if why := _lock_refusal(step, stored):
        return why, ConflictError
    if step.condition is None and isinstance(step, UpdateStep):
        return "is not in the state that the update needs", ConflictError
    missing = " (there is no such item)" if stored is None else ""
    return f"does not meet the condition of the {step.what}{missing}", ConditionalCheckFailedError


def not_unique(
    step: Step[Any], message: str | None, detail: Mapping[str, Any] | None, error: DynamoDBWrapperError
) -> NotUniqueError:
    """The error for a value that another item has.

    Parameters:
        detail: the attribute, and the key of the item that has its value as `owner`, in wire form.
    """
    known = decode_item(detail or {})
    return NotUniqueError(
        f"{named(step)}: {message}",
        error,
        error.context,
        resource_id=resource_id(decode_item(step.key)),
        attribute=known.get("attribute", ""),
        owner=known.get("owner"),
    )


def _lock_refusal(step: Step[Any], stored: WireItem | None) -> str:
    """Why the lock refused the write; empty where it did not."""
    lock = step.lock
    if lock is None or (lock.read is None and lock.stored):
        return ""
    if stored is None:
        return "was removed since it was read" if lock.stored else ""
    version = stored.get(lock.attribute, {}).get("N")
    if version == str(lock.read) or (version is None and not lock.stored):
        anew = lock.stored and lock.history and stored.get(WRITES, {}).get("S") != lock.history
        return "was removed since it was read, and made anew" if anew else ""
    if lock.stored:
        return f"was changed since it was read: its {lock.attribute} is {version}, {lock.read} was read"
    return f"exists already, with {lock.attribute} {version}: read it first, or choose another key"
