"""Transactions as users write them: steps gathered one after another, applied together or not at all.

Knows steps and faces. Must not know expressions or the wire.

    db.transaction().put(order).update(Stock, "apple", {"count": 3}).check(Customer, "ada", active).execute()

    with db.transaction() as transaction:   # applied at the end; a body that raises sends nothing
        transaction.put(order)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.faces import Awaiting, Blocking, method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.applying import apply_together
from dynamodb_wrapper.operations.attempts import Attempts
from dynamodb_wrapper.operations.changes import Changes
from dynamodb_wrapper.operations.steps import Step, check_step, delete_step, put_step, update_step
from dynamodb_wrapper.schema import schema_of, schema_of_item

M = TypeVar("M", bound=BaseModel)


class Steps:
    """What both faces of a transaction share: each method but `execute` adds a step and returns itself.

    A wrong step is refused when it is added. What DynamoDB would refuse as a whole is refused before it is
    sent: more than 100 actions, two of one item, one unique value for two items.
    """

    observers: Sequence[Observer]

    def _start(self, client: Requests, token: str | None) -> None:
        self._client, self.observers = client, client.observers
        self._token = str(uuid.uuid4()) if token is None else token
        self._steps: list[Step[Any]] = []
        self._attempts: Attempts | None = None
        self._executed = False

    @property
    def token(self) -> str:
        """The idempotency token: within ten minutes one transaction of that token is applied once."""
        return self._token

    def __len__(self) -> int:
        return len(self._steps)

    def put(self, item: BaseModel, *, condition: object = None) -> Self:
        """Store an item, replacing one with the same key.

        Parameters:
            condition: what must hold of the stored item, of this library's conditions or boto3's.
        """
        schema = schema_of_item(item)
        table = self._client.table_name(type(item))
        return self._add(put_step(schema, table, item, condition))

    def update(self, model: type[M], key: object, changes: Changes, *, condition: object = None) -> Self:
        """Change the named attributes of an item that exists, and no others.

        Parameters:
            key: the partition key's value, a mapping where there is a sort key too, or the item as it was
                read: where Meta has a version, that must then still be the stored one.
            changes: new values by attribute, where None takes the attribute away if reading gives None then;
                or a list of changes such as `put(Order.total).to(5)`.
        """
        schema, table = schema_of(model), self._client.table_name(model)
        return self._add(update_step(schema, table, key, changes, condition))

    def delete(self, model: type[M], key: object, *, condition: object = None) -> Self:
        """Remove an item; `key` as for `update`."""
        return self._add(delete_step(schema_of(model), self._client.table_name(model), key, condition))

    def check(self, model: type[M], key: object, condition: object = None) -> Self:
        """Apply the others only if the condition holds of this item; `key` as for `update`."""
        return self._add(check_step(schema_of(model), self._client.table_name(model), key, condition))

    @method
    def execute(self) -> Flow[None]:
        """Apply all or nothing. After a failure it may be executed again: it is applied once at most.

        Raises:
            ValidationError: DynamoDB would refuse it, or it was applied already; nothing was sent.
            TransactionCanceledError: nothing was applied; `reasons` has one for each step, in their order.
        """
        return self._apply()

    def _apply(self) -> Flow[None]:
        self._refuse_if_applied()
        self._attempts = self._attempts or Attempts(tuple(self._steps), self._token)
        yield from apply_together(self._client.send, self._attempts)
        self._executed = True

    def _at_the_end(self) -> Flow[None]:
        if self._steps and not self._executed:
            yield from self._apply()

    def _refuse_if_applied(self) -> None:
        if self._executed:
            raise ValidationError(
                "this transaction was applied already: make a new one with db.transaction()"
            )

    def _add(self, step: Step[Any]) -> Self:
        self._refuse_if_applied()
        if self._attempts is not None and self._attempts.unsettled:
            raise ValidationError(
                "nobody knows whether this transaction was applied: execute it again before it gets more "
                "steps, or make a new one"
            )
        self._attempts = None
        self._steps.append(step)
        return self


class Transaction(Steps, Blocking):
    """The blocking face of a transaction; see `DynamoDB.transaction`."""

    def __init__(self, client: Requests, drive: Callable[[Flow[Any]], Any], token: str | None = None) -> None:
        self._drive = drive
        self._start(client, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.drive(self._at_the_end())


class AsyncTransaction(Steps, Awaiting):
    """The awaiting face of a transaction; see `AsyncDynamoDB.transaction`."""

    def __init__(self, client: Requests, drive: Callable[[Flow[Any]], Any], token: str | None = None) -> None:
        self._drive = drive
        self._start(client, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.drive(self._at_the_end())
