"""Attempts: steps on their way to the service together, until they are applied or certainly are not.

What unique values stood before is read first, and read again where it was changed meanwhile, or where a guard
names an owner that does not have its value any more. After an answer that was lost, the very same request is
sent again, so that the steps are applied once at most. Must not know who asks for them.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from typing import Any, Final

from dynamodb_wrapper.engine.flow import Flow, Send, Sleep
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, TransactionCanceledError
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.plans import Held, Obstacle, Plan, check_steps
from dynamodb_wrapper.operations.reads import GetItem
from dynamodb_wrapper.operations.steps import PutStep, Step
from dynamodb_wrapper.operations.transactions import TransactWrite
from dynamodb_wrapper.operations.uniques import GuardPlace
from dynamodb_wrapper.operations.versions import name_of
from dynamodb_wrapper.wire.values import WireItem

MOST_TRIES: Final = 10
BASE_SECONDS: Final = 0.01
LONGEST_WAIT_SECONDS: Final = 1.0


class Attempts:
    """All attempts at some steps; running the flow again after a failure goes on with them.

    Parameters:
        steps: 1 to 100, with the guards of unique values, and no two of one item.
        token: of the request; one with other guards, where those have changed, has a token of its own.

    Attributes:
        steps: as they are sent.
        outdated: whether the steps were given up because what they change kept changing.

    Raises:
        ValidationError: the service would refuse the steps.
    """

    def __init__(self, steps: Sequence[Step[Any]], token: str) -> None:
        check_steps(steps, token)
        name = name_of(token)  # the same for the same token, as the service wants the whole request
        self.steps = [step.named(name) if _makes(step) else step for step in steps]
        self._token = self._sent_token = token
        self._held: dict[GuardPlace, Held] = {}
        self._sent: Plan | None = None
        self.outdated = False

    @property
    def unsettled(self) -> bool:
        """Whether the last request may have been applied, or may still be, and nobody knows."""
        return self._sent is not None

    def flow(self, send: Send) -> Flow[None]:
        """Apply all steps or none; the reasons of a failure have their items in wire form."""
        for number in range(MOST_TRIES):
            if self._sent is None:
                self._sent = yield from self._plan(send)
                self._sent_token = str(uuid.uuid4()) if number else self._token
            plan = self._sent
            try:
                yield from send(TransactWrite(plan.actions, self._sent_token).call())
            except DynamoDBWrapperError as error:
                canceled = isinstance(error, TransactionCanceledError)
                if canceled or not error.outcome_unknown:
                    self._sent = None
                if not isinstance(error, TransactionCanceledError):
                    raise
                self.outdated = plan.is_outdated(error)
                if number + 1 < MOST_TRIES and (yield from self._may_succeed(send, plan, error)):
                    yield Sleep(random.random() * min(BASE_SECONDS * 2.0**number, LONGEST_WAIT_SECONDS))
                    continue
                error.reasons = tuple(plan.reasons(error))
                raise
            self._sent = None
            for step in self.steps:
                step.succeeded()
            return

    def _plan(self, send: Send) -> Flow[Plan]:
        befores: list[WireItem | None] = []
        for step in self.steps:
            befores.append((yield from read_stored(send, step.table, step.key)) if step.claims else None)
        return Plan(self.steps, befores, self._held)

    def _may_succeed(self, send: Send, plan: Plan, error: TransactionCanceledError) -> Flow[bool]:
        """Whether another plan may: things changed meanwhile, or the guards in the way need not be there."""
        if self.outdated:
            self._held.clear()
            return True
        obstacles = plan.obstacles(error)
        for obstacle in obstacles:
            held = yield from _held(send, obstacle)
            if held is None:
                return False
            self._held[obstacle.guard.place] = held
        return bool(obstacles)


def _makes(step: Step[Any]) -> bool:
    """Whether the step makes an item with a version, which is to be told from one that is made anew."""
    return isinstance(step, PutStep) and step.lock is not None and not step.lock.stored


def read_stored(send: Send, table: str, key: WireItem) -> Flow[WireItem | None]:
    """The item of a key as it is stored, in wire form."""
    get = GetItem(table=table, key=key, reader=wire_reader, consistent=True)
    return (yield from get.flow(send))


def _held(send: Send, obstacle: Obstacle) -> Flow[Held | None]:
    """What is to be known to pass a guard; None where another item has the value that is wanted."""
    if not obstacle.is_claim:
        return Held(obstacle.owner)
    step = obstacle.step
    item = yield from read_stored(send, step.table, obstacle.owner)
    held = Held(obstacle.owner, item)
    return None if held.keeps(step.schema, step.table, obstacle.guard) else held
