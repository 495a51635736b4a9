from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import CancellationReason, TransactionCanceledError, ValidationError
from dynamodb_wrapper.operations.plans import Plan, check_steps
from dynamodb_wrapper.operations.steps import delete_step, put_step, update_step
from dynamodb_wrapper.schema import schema_of


class User(BaseModel):
    name: str
    email: str | None = None

    class Meta:
        table_name = "users"
        partition_key = "name"
        unique: ClassVar = ["email"]


SCHEMA: Any = schema_of(User)
ADA = {"name": {"S": "ada"}, "email": {"S": "x"}}
FAILED = "ConditionalCheckFailed"


def put(name: str, email: str | None = None) -> Any:
    return put_step(SCHEMA, "t", User(name=name, email=email))


def kinds(plan: Plan) -> list[tuple[str, str]]:
    return [(kind, body["TableName"]) for action in plan.actions for kind, body in action.body().items()]


def canceled(*reasons: CancellationReason) -> TransactionCanceledError:
    return TransactionCanceledError("no", reasons=reasons)


def test_the_steps_stand_first_then_the_guards() -> None:
    plan = Plan(
        [put("ada", "y"), delete_step(SCHEMA, "t", "bob")], [ADA, {"name": {"S": "bob"}, "email": {"S": "z"}}]
    )
    assert kinds(plan) == [
        ("Put", "t"),
        ("Delete", "t"),
        ("Put", "t_unique"),
        ("Delete", "t_unique"),
        ("Delete", "t_unique"),
    ]


def test_a_value_that_stays_needs_no_guard() -> None:
    assert kinds(Plan([put("ada", "x")], [ADA])) == [("Put", "t")]


def test_a_value_that_changes_hands_is_one_action() -> None:
    plan = Plan([put("bob", "x"), delete_step(SCHEMA, "t", "ada")], [None, ADA])
    assert kinds(plan) == [("Put", "t"), ("Delete", "t"), ("Put", "t_unique")]
    values = plan.actions[2].body()["Put"]["ExpressionAttributeValues"]
    assert list(values.values()) == [{"M": {"name": {"S": name}}} for name in ("bob", "ada")]


def test_one_value_for_two_items_is_refused() -> None:
    with pytest.raises(ValidationError, match="give two items one value of email"):
        Plan([put("ada", "x"), put("bob", "x")], [None, None])


@pytest.mark.parametrize(
    ("before", "now", "outdated"),
    [
        (ADA, ADA, False),
        (None, ADA, True),
        (ADA, None, True),
        (ADA, {"name": {"S": "ada"}}, True),
        (None, None, False),
    ],
)
def test_a_plan_is_outdated_where_unique_values_changed(before: Any, now: Any, outdated: bool) -> None:
    plan = Plan([put("ada", "y")], [before])
    assert plan.is_outdated(canceled(CancellationReason(FAILED, item=now))) is outdated


def test_the_reason_of_a_guard_becomes_that_of_its_step() -> None:
    plan = Plan([put("bob"), put("ada", "x")], [None, None])
    guard = {"value": {"S": "email#S#x"}, "owner": {"M": {"name": {"S": "cyd"}}}}
    error = canceled(
        CancellationReason("None"), CancellationReason("None"), CancellationReason(FAILED, item=guard)
    )
    first, second = plan.reasons(error)
    assert first == CancellationReason("None")
    assert (second.code, second.message) == (
        "NotUnique",
        "email 'x' is in use by 'cyd': choose another value",
    )


def test_a_step_s_own_reason_is_kept() -> None:
    plan = Plan([put("ada", "x")], [None])
    error = canceled(CancellationReason(FAILED, item=ADA), CancellationReason(FAILED))
    assert plan.reasons(error) == [CancellationReason(FAILED, item=ADA)]


def test_two_steps_of_one_item_are_refused() -> None:
    with pytest.raises(ValidationError, match="steps 1 and 3 of the transaction are of one item, User 'ada'"):
        check_steps([put("ada"), put("bob"), update_step(SCHEMA, "t", "ada", {"email": "y"})], "token")
