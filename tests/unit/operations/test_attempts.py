from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import CancellationReason, ConnectionError, TransactionCanceledError
from dynamodb_wrapper.operations.attempts import LONGEST_WAIT_SECONDS, MOST_TRIES, Attempts
from dynamodb_wrapper.operations.steps import put_step
from dynamodb_wrapper.schema import schema_of


class User(BaseModel):
    name: str
    email: str | None = None
    badge: int | None = None

    class Meta:
        table_name = "users"
        partition_key = "name"
        unique: ClassVar = ["email", "badge"]


USERS: Any = schema_of(User)
ADA: dict[str, Any] = {"name": {"S": "ada"}, "email": {"S": "x"}}
NONE, FAILED = CancellationReason("None"), "ConditionalCheckFailed"
Service = Callable[..., Any]


def canceled(*reasons: CancellationReason) -> TransactionCanceledError:
    return TransactionCanceledError("no", reasons=reasons)


def changed(number: int) -> TransactionCanceledError:
    item = {"name": {"S": "ada"}, "email": {"S": str(number)}}
    return canceled(CancellationReason(FAILED, item=item))


def attempts(email: str = "y", badge: int | None = None) -> Attempts:
    return Attempts([put_step(USERS, "t", User(name="ada", email=email, badge=badge))], "token")


def test_an_item_that_changes_all_the_time_is_given_up_after_waits(service: Service) -> None:
    script = [answer for number in range(MOST_TRIES) for answer in ({"Item": ADA}, changed(number))]
    asked, trying = service(*script), attempts()
    with pytest.raises(TransactionCanceledError):
        asked.drive(trying.flow(asked.send))
    assert trying.outdated
    assert not trying.unsettled
    tokens = [body["ClientRequestToken"] for body in asked.bodies if "TransactItems" in body]
    assert tokens[0] == "token"
    assert len(set(tokens)) == MOST_TRIES
    assert len(asked.waits) == MOST_TRIES - 1
    assert max(asked.waits) <= LONGEST_WAIT_SECONDS


def test_after_a_lost_answer_the_same_request_is_sent_again(service: Service) -> None:
    lost = ConnectionError("lost")
    lost.outcome_unknown = True
    asked, trying = service({"Item": ADA}, lost, {}), attempts()
    with pytest.raises(ConnectionError):
        asked.drive(trying.flow(asked.send))
    before = trying.unsettled
    asked.drive(trying.flow(asked.send))
    assert (before, trying.unsettled) == (True, False)
    assert [call.action for call in asked.sent] == ["GetItem", "TransactWriteItems", "TransactWriteItems"]
    assert asked.bodies[1] == asked.bodies[2]


def test_after_one_that_was_certainly_not_applied_things_are_read_again(service: Service) -> None:
    asked, trying = service({}, ConnectionError("not sent"), {}, {}), attempts()
    with pytest.raises(ConnectionError):
        asked.drive(trying.flow(asked.send))
    assert not trying.unsettled
    asked.drive(trying.flow(asked.send))
    assert [call.action for call in asked.sent] == ["GetItem", "TransactWriteItems"] * 2


def test_what_was_refused_is_asked_for_again_with_the_token_that_was_given(service: Service) -> None:
    refused = canceled(CancellationReason("TransactionConflict"))
    asked, trying = service({}, refused, {}, {}), attempts()
    with pytest.raises(TransactionCanceledError):
        asked.drive(trying.flow(asked.send))
    asked.drive(trying.flow(asked.send))
    tokens = [body["ClientRequestToken"] for body in asked.bodies if "TransactItems" in body]
    assert tokens == ["token", "token"]


def test_an_item_that_is_gone_is_asked_about_once_however_many_guards_it_has(service: Service) -> None:
    guards = [
        CancellationReason(FAILED, item={"value": {"S": value}, "owner": {"M": {"name": {"S": "bob"}}}})
        for value in ("email#S#x", "badge#N#1E+0")
    ]
    asked = service({}, canceled(NONE, *guards), {}, {}, {}, {})
    asked.drive(attempts("x", 1).flow(asked.send))
    kinds = [next(iter(action)) for action in asked.bodies[-1]["TransactItems"]]
    assert kinds == ["Put", "Put", "Put", "ConditionCheck"]
    check = asked.bodies[-1]["TransactItems"][-1]["ConditionCheck"]
    assert check["Key"] == {"name": {"S": "bob"}}
    assert check["ConditionExpression"] == "(attribute_not_exists(#0) AND attribute_not_exists(#1))"
