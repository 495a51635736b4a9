"""Applying steps: several together or not at all, or one alone, with what their models' Meta wants kept.

Steps with unique values are written with their guards in one transaction. A locked write is sent again after
a lost answer: the notes in the item tell whether the first attempt was applied.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Flow, Send, Write
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    TransactionCanceledError,
    ValidationError,
)
from dynamodb_wrapper.operations.attempts import Attempts, read_stored
from dynamodb_wrapper.operations.changes import Changes
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.operations.plans import NOT_UNIQUE
from dynamodb_wrapper.operations.refusals import explain, named, not_unique, refusal, was_applied
from dynamodb_wrapper.operations.steps import (
    DeleteStep,
    PutStep,
    Step,
    UpdateStep,
    delete_step,
    put_step,
    update_step,
)
from dynamodb_wrapper.operations.versions import writers
from dynamodb_wrapper.operations.writes import as_stored, unreadable
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)


class Apply(Write[None], Struct, frozen=True):
    """Apply all steps or none.

    Parameters:
        steps: 1 to 100, with the guards of unique values, and no two of one item.
        token: makes sending it again harmless for ten minutes; at most 36 characters.

    Raises:
        ValidationError: the service would refuse the steps; nothing was sent.
        TransactionCanceledError: no step was applied; a reason for each, its item decoded. The code for a
            value that another item has is "NotUnique".
    """

    steps: Sequence[Step[Any]]
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    def flow(self, send: Send) -> Flow[None]:
        """See `Operation.flow`."""
        return apply_together(send, Attempts(self.steps, self.token))


def put_alone(send: Send, schema: TableSchema[M], table: str, instance: M, condition: object) -> Flow[None]:
    """Store one item; raises as `ApplyOne`."""
    yield from ApplyOne(put_step(schema, table, instance, condition)).flow(send)


def update_alone(
    send: Send,
    schema: TableSchema[M],
    table: str,
    key: object,
    changes: Changes,
    condition: object,
) -> Flow[M]:
    """Change one item that exists and return it as it is afterwards; raises as `ApplyOne`."""
    step = update_step(schema, table, key, changes, condition)
    return (yield from ApplyOne(step).flow(send))  # type: ignore[no-any-return]


def delete_alone(
    send: Send, schema: TableSchema[M], table: str, key: object, condition: object
) -> Flow[bool]:
    """Remove one item and return whether there was one; raises as `ApplyOne`."""
    step = delete_step(schema, table, key, condition)
    return (yield from ApplyOne(step).flow(send))  # type: ignore[no-any-return]


class ApplyOne(Write[Any], Struct, frozen=True):
    """Apply one step alone.

    A put returns nothing, an update the item as it is afterwards, a delete whether there was one.

    Raises:
        ConflictError: the item was changed since it was read; carries it as it is stored.
        NotUniqueError: another item has a value that must be unique.
        ConditionalCheckFailedError: the condition does not hold; carries the item as it is stored.
        ItemNotFoundError: no item has the key of an update.
    """

    step: Step[Any]

    def flow(self, send: Send) -> Flow[Any]:
        """See `Operation.flow`."""
        if self.step.claims:
            return (yield from self._with_guards(send))
        with writers.token() as token:
            return (yield from self._alone(send, self.step.named(token)))

    def _alone(self, send: Send, step: Step[Any]) -> Flow[Any]:
        write = step.single()
        try:
            reply = yield from send(replace(write.call(), traced=step.lock is not None))
        except ConditionalCheckFailedError as error:
            stored: WireItem | None = error.current_item
            if not was_applied(step, stored, answer_lost=error.outcome_unknown):
                raise refusal(step, stored, error) from error
            step.succeeded()
            return True if isinstance(step, DeleteStep) else self._result(stored)
        step.succeeded()
        found = write.parse(reply)
        return found if isinstance(step, UpdateStep) else self._result(found)

    def _with_guards(self, send: Send) -> Flow[Any]:
        step = self.step
        stored = read_stored(send, step.table, step.key)
        before = (yield from stored) if isinstance(step, DeleteStep) else None
        if isinstance(step, DeleteStep) and before is None and step.lock is None and step.condition is None:
            return False
        attempts = Attempts([step], str(uuid.uuid4()))
        try:
            yield from attempts.flow(send)
        except TransactionCanceledError as error:
            raise (_gave_up(step, error) if attempts.outdated else _of_one(step, error)) from error
        if not isinstance(step, UpdateStep):
            return self._result(before)
        after = yield from read_stored(send, step.table, step.key)
        if after is None:
            raise ItemNotFoundError(
                f"{named(step)} was changed, and then removed by somebody else",
                table_name=step.table,
                key=decode_item(step.key),
            )
        return self._result(after)

    def _result(self, found: Any) -> Any:
        if isinstance(self.step, DeleteStep):
            return found is not None
        if isinstance(self.step, PutStep):
            return None
        try:
            return self.step.schema.codec.decode(found, table=self.step.table)
        except ValidationError as misfit:
            raise unreadable(misfit, f" to {self.step.table}") from misfit


def apply_together(send: Send, attempts: Attempts) -> Flow[None]:
    """Apply steps that may have been tried before; errors as for `Apply`."""
    try:
        yield from attempts.flow(send)
    except TransactionCanceledError as error:
        explain(error, attempts.steps)
        error.reasons = tuple(
            _decoded(reason, step) for reason, step in zip(error.reasons, attempts.steps, strict=False)
        )
        raise


def _gave_up(step: Step[Any], error: TransactionCanceledError) -> ConflictError:
    stored = error.reasons[0].item
    return ConflictError(
        f"{named(step)} was changed by others all the time; nothing was written: try again",
        error,
        error.context,
        resource_id=resource_id(decode_item(step.key)),
        current_item=None if stored is None else as_stored(step.schema.codec, dict(stored), step.table),
    )


def _of_one(step: Step[Any], error: TransactionCanceledError) -> DynamoDBWrapperError:
    reason = error.reasons[0] if error.reasons else CancellationReason("None")
    if reason.code == NOT_UNIQUE:
        return not_unique(step, reason.message, reason.item, error)
    if reason.code == "ConditionalCheckFailed":
        return refusal(step, None if reason.item is None else dict(reason.item), error)
    explain(error, [step])
    return error


def _decoded(reason: CancellationReason, step: Step[Any]) -> CancellationReason:
    if reason.item is None:
        return reason
    if reason.code == NOT_UNIQUE:
        return CancellationReason(reason.code, reason.message, decode_item(reason.item))
    item: Any = as_stored(step.schema.codec, dict(reason.item), step.table)
    return CancellationReason(reason.code, reason.message, item)
