"""Plans: the actions of a transaction, made of steps and of the guards of their unique values.

The steps' actions stand first, in their order, so that the service's reasons stand as the steps do; then come
the guards. Must not know how a transaction is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from dynamodb_wrapper.exceptions import CancellationReason, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions import all_of
from dynamodb_wrapper.operations.expiry import expired, is_over
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.operations.refusals import FAILED, named, owner_text
from dynamodb_wrapper.operations.steps import Step
from dynamodb_wrapper.operations.transactions import TransactAction, check_count
from dynamodb_wrapper.operations.uniques import (
    Guard,
    GuardPlace,
    as_read,
    guards,
    still_has,
    unique_values,
)
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.values import WireItem, decode_item

NOT_UNIQUE: Final = "NotUnique"
LONGEST_TOKEN = 36


class Held(Struct, frozen=True):
    """What was found about a guard that stood in the way.

    Parameters:
        owner: the key of the item that the guard names.
        item: that item, or None where there is none.
    """

    owner: WireItem
    item: WireItem | None = None

    def keeps(self, schema: TableSchema[Any], table: str, guard: Guard) -> bool:
        """Whether the owner has the guard's value, and is not expired."""
        return guard.name in guards(schema, table, self.owner, self.item) and not is_over(schema, self.item)


class Obstacle(Struct, frozen=True):
    """A guard that stood in the way of a step.

    Parameters:
        owner: the key of the item that it names.
        is_claim: whether the step wants the value; else it gives it up.
    """

    step: Step[Any]
    guard: Guard
    owner: WireItem
    is_claim: bool


def check_steps(steps: Sequence[Step[Any]], token: str) -> None:
    """Refuse what the service would refuse: no or too many steps, two of one item, a token too long."""
    check_count(len(steps))
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise ValidationError(
            f"the token of a transaction has {len(token)} characters: 1 to {LONGEST_TOKEN} are possible",
            errors={"token": [f"1 to {LONGEST_TOKEN} characters"]},
        )
    seen: dict[tuple[str, bytes], int] = {}
    for position, step in enumerate(steps):
        first = seen.setdefault((step.table, mark(step.key)), position)
        if first != position:
            raise ValidationError(
                f"steps {first + 1} and {position + 1} of the transaction are of one item, {named(step)}: "
                "DynamoDB takes one action for each item; join them, or make two transactions"
            )


class Plan:
    """What to send for steps whose items were as given before.

    Parameters:
        befores: for each step that may change unique values its item as it is stored, or None where there is
            none; None for the other steps.
        held: guards whose owners do not have their values any more, so that they may be taken, or that are
            other items', so that they cannot be given up.

    Attributes:
        actions: the steps' actions, then those of the guards.

    Raises:
        ValidationError: two steps take one value, or the guards make more than 100 actions.
    """

    def __init__(
        self,
        steps: Sequence[Step[Any]],
        befores: Sequence[WireItem | None],
        held: Mapping[GuardPlace, Held] = MappingProxyType({}),
    ) -> None:
        self._steps = steps
        self._befores = befores
        self._held = held
        self._owners: list[tuple[int, Guard, bool]] = []
        self.actions: list[TransactAction] = [
            step.action(still_has(step.schema, before) if step.claims else None)
            for step, before in zip(steps, befores, strict=True)
        ]
        self._add_guards()
        self.actions += self._left_behind()
        check_count(len(self.actions), " with the guards of unique values")

    def is_outdated(self, error: TransactionCanceledError) -> bool:
        """Whether a step was refused because unique values are not what they were before."""
        behind = error.reasons[len(self._steps) + len(self._owners) :]
        return any(reason.code == FAILED for reason in behind) or any(
            reason.code == FAILED
            and step.claims
            and (
                (reason.item is None) != (before is None)
                or unique_values(step.schema, reason.item) != unique_values(step.schema, before)
            )
            for step, before, reason in zip(self._steps, self._befores, error.reasons, strict=False)
        )

    def reasons(self, error: TransactionCanceledError) -> list[CancellationReason]:
        """A reason for each step, its item in wire form; one of a guard becomes that of its step."""
        count = len(self._steps)
        reasons = list(error.reasons[:count])
        for reason, (position, guard, _) in zip(error.reasons[count:], self._owners, strict=False):
            if reason.code != "None" and reasons[position].code == "None":
                secret = guard.attribute in self._steps[position].schema.encrypted
                reasons[position] = _reason_of_guard(reason, guard, secret=secret)
        return reasons

    def obstacles(self, error: TransactionCanceledError) -> list[Obstacle]:
        """The guards that stood in the way; none where anything else did."""
        count = len(self._steps)
        if any(reason.code != "None" for reason in error.reasons[:count]):
            return []
        found: list[Obstacle] = []
        for reason, (position, guard, is_claim) in zip(error.reasons[count:], self._owners, strict=False):
            if reason.code == FAILED and reason.item is not None:
                step, owner = self._steps[position], dict(reason.item["owner"]["M"])
                other = self._step_of(step.table, owner)
                if is_claim and other is not None and not other.claims:
                    return []
                found.append(Obstacle(step, guard, owner, is_claim))
        return found

    def _add_guards(self) -> None:
        taken: dict[tuple[str, str], tuple[int, Guard]] = {}
        given_up: dict[tuple[str, str], tuple[int, Guard]] = {}
        for position, (step, before) in enumerate(zip(self._steps, self._befores, strict=True)):
            if not step.claims:
                continue
            old, new = step.guards(before), step.guards(step.item_after(before))
            for name in new.keys() - old.keys():
                place = new[name].place
                if place in taken:
                    raise _given_twice(taken[place][0], position, new[name])
                taken[place] = position, new[name]
            given_up |= {old[name].place: (position, old[name]) for name in old.keys() - new.keys()}
        for place, (position, guard) in taken.items():
            giver, held = given_up.pop(place, None), self._held.get(place)
            by = held.owner if held is not None else giver and giver[1].owner
            self._owners.append((position, guard, True))
            self.actions.append(guard.claim(held_by=by))
        for place, (position, guard) in given_up.items():
            if place not in self._held:
                self._owners.append((position, guard, False))
                self.actions.append(guard.release())

    def _left_behind(self) -> list[TransactAction]:
        """That those whose guards are taken still do not have the values; one that is expired is removed."""
        found: dict[bytes, tuple[Step[Any], Held, list[str]]] = {}
        for position, guard, is_claim in self._owners:
            if is_claim and (held := self._held.get(guard.place)) is not None:
                step = self._steps[position]
                if self._step_of(step.table, held.owner) is None:  # else that step asks for it
                    found.setdefault(mark(held.owner), (step, held, []))[2].append(guard.attribute)
        return [_still_left(step, held, attributes) for step, held, attributes in found.values()]

    def _step_of(self, table: str, key: WireItem) -> Step[Any] | None:
        same = (step for step in self._steps if step.table == table and mark(step.key) == mark(key))
        return next(same, None)


def _reason_of_guard(reason: CancellationReason, guard: Guard, *, secret: bool) -> CancellationReason:
    if reason.code != FAILED:
        return reason
    found = decode_item(reason.item).get("owner") if reason.item else None
    owner = found and {name: found.get(name) for name in guard.owner}  # the service keeps no order in maps
    value = "" if secret else f" {next(iter(guard.value.values()))!r}"
    return CancellationReason(
        NOT_UNIQUE,
        f"{guard.attribute}{value} is in use{owner_text(owner)}: choose another value",
        {"attribute": {"S": guard.attribute}} | (dict(reason.item) if reason.item else {}),
    )


def _still_left(step: Step[Any], held: Held, attributes: Sequence[str]) -> TransactAction:
    schema, over = step.schema, is_over(step.schema, held.item)
    return TransactAction(
        table=step.table,
        reader=schema.codec,
        key=held.owner,
        check_only=not over,
        condition=all_of(expired(schema) if over else None, *as_read(held.item, attributes)),
        encode=schema.codec.encode_attribute,
    )


def _given_twice(first: int, second: int, guard: Guard) -> ValidationError:
    return ValidationError(
        f"steps {first + 1} and {second + 1} of the transaction give two items one value of "
        f"{guard.attribute}, which is unique",
        errors={guard.attribute: ["given to two items"]},
    )
