"""Plans: the actions of a transaction, made of steps and of the guards of their unique values.

The steps' actions stand first, in their order, so that the service's reasons stand as the steps do; then come
the guards. Must not know how a transaction is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dynamodb_wrapper.exceptions import CancellationReason, TransactionCanceledError, ValidationError
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.operations.refusals import named, owner_text
from dynamodb_wrapper.operations.steps import Step
from dynamodb_wrapper.operations.transactions import TransactAction, check_count
from dynamodb_wrapper.operations.uniques import Guard, still_has, unique_values
from dynamodb_wrapper.wire.values import WireItem, decode_item

NOT_UNIQUE: Final = "NotUnique"
LONGEST_TOKEN = 36


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
                f"actions {first} and {position} of the transaction are of one item, {named(step)}: DynamoDB "
                "takes one action for each item; join them, or make two transactions"
            )


class Plan:
    """What to send for steps whose items were as given before.

    Parameters:
        befores: for each step that may change unique values its item as it is stored, or None where there is
            none; None for the other steps.

    Attributes:
        actions: the steps' actions, then those of the guards.

    Raises:
        ValidationError: two steps take one value, or the guards make more than 100 actions.
    """

    def __init__(self, steps: Sequence[Step[Any]], befores: Sequence[WireItem | None]) -> None:
        self._steps = steps
        self._befores = befores
        self._owners: list[tuple[int, Guard]] = []
        self.actions: list[TransactAction] = [
            step.action(still_has(step.schema, before) if step.claims else None)
            for step, before in zip(steps, befores, strict=True)
        ]
        self._add_guards()
        check_count(len(self.actions), " with the guards of unique values")

    def is_outdated(self, error: TransactionCanceledError) -> bool:
        """Whether a step was refused because its item's unique values are not what they were before."""
        return any(
            reason.code == "ConditionalCheckFailed"
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
        for reason, (position, guard) in zip(error.reasons[count:], self._owners, strict=False):
            if reason.code != "None" and reasons[position].code == "None":
                secret = guard.attribute in self._steps[position].schema.encrypted
                reasons[position] = _reason_of_guard(reason, guard, secret=secret)
        return reasons

    def _add_guards(self) -> None:
        taken: dict[tuple[str, str], tuple[int, Guard]] = {}
        given_up: dict[tuple[str, str], tuple[int, Guard]] = {}
        for position, (step, before) in enumerate(zip(self._steps, self._befores, strict=True)):
            if not step.claims:
                continue
            old, new = step.guards(before), step.guards(step.item_after(before))
            for name in new.keys() - old.keys():
                place = new[name].table, name
                if place in taken:
                    raise _given_twice(taken[place][0], position, new[name])
                taken[place] = position, new[name]
            given_up |= {(old[name].table, name): (position, old[name]) for name in old.keys() - new.keys()}
        for place, (position, guard) in taken.items():
            giver = given_up.pop(place, None)
            self._add(position, guard, guard.claim(held_by=giver and giver[1].owner))
        for position, guard in given_up.values():
            self._add(position, guard, guard.release())

    def _add(self, position: int, guard: Guard, action: TransactAction) -> None:
        self._owners.append((position, guard))
        self.actions.append(action)


def _reason_of_guard(reason: CancellationReason, guard: Guard, *, secret: bool) -> CancellationReason:
    if reason.code != "ConditionalCheckFailed":
        return reason
    found = decode_item(reason.item).get("owner") if reason.item else None
    owner = found and {name: found.get(name) for name in guard.owner}  # the service keeps no order in maps
    value = "" if secret else f" {next(iter(guard.value.values()))!r}"
    return CancellationReason(
        NOT_UNIQUE,
        f"{guard.attribute}{value} is in use{owner_text(owner)}: choose another value",
        {"attribute": {"S": guard.attribute}} | (dict(reason.item) if reason.item else {}),
    )


def _given_twice(first: int, second: int, guard: Guard) -> ValidationError:
    return ValidationError(
        f"actions {first} and {second} of the transaction give two items one value of {guard.attribute}, "
        "which is unique",
        errors={guard.attribute: ["given to two items"]},
    )
