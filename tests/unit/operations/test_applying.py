from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    TransactionCanceledError,
)
from dynamodb_wrapper.operations.applying import Apply, ApplyOne
from dynamodb_wrapper.operations.attempts import MOST_TRIES
from dynamodb_wrapper.operations.steps import delete_step, put_step, update_step
from dynamodb_wrapper.schema import schema_of


class User(BaseModel):
    name: str
    email: str | None = None

    class Meta:
        table_name = "users"
        partition_key = "name"
        unique: ClassVar = ["email"]


class Doc(BaseModel):
    id: str
    version: int = 0

    class Meta:
        table_name = "docs"
        partition_key = "id"
        version = "version"


USERS: Any = schema_of(User)
DOCS: Any = schema_of(Doc)
ADA: dict[str, Any] = {"name": {"S": "ada"}, "email": {"S": "x"}}
Service = Callable[..., Any]


def changed(number: int) -> TransactionCanceledError:
    item = {"name": {"S": "ada"}, "email": {"S": str(number)}}
    return TransactionCanceledError("no", reasons=[CancellationReason("ConditionalCheckFailed", item=item)])


def test_an_item_that_changes_all_the_time_is_a_conflict(service: Service) -> None:
    script = [answer for number in range(MOST_TRIES) for answer in ({"Item": ADA}, changed(number))]
    with pytest.raises(ConflictError, match="'ada' was changed by others all the time") as caught:
        service(*script).run(ApplyOne(put_step(USERS, "t", User(name="ada", email="y"))))
    assert caught.value.current_item == User(name="ada", email=str(MOST_TRIES - 1))


def test_an_instance_gets_its_version_only_when_it_was_stored(service: Service) -> None:
    doc = Doc(id="a")
    with pytest.raises(ConditionalCheckFailedError):
        service(ConditionalCheckFailedError("no")).run(ApplyOne(put_step(DOCS, "t", doc)))
    assert doc.version == 0
    service({}).run(Apply([put_step(DOCS, "t", doc)]))
    assert doc.version == 1


def test_a_call_with_a_lock_is_traced(service: Service) -> None:
    asked = service({}, {})
    asked.run(ApplyOne(put_step(DOCS, "t", Doc(id="a"))))
    asked.run(ApplyOne(delete_step(DOCS, "t", "a")))
    assert [call.traced for call in asked.sent] == [True, False]


def test_a_delete_of_nothing_sends_no_transaction(service: Service) -> None:
    asked = service({})
    assert asked.run(ApplyOne(delete_step(USERS, "t", "ada"))) is False


def test_an_item_that_vanishes_after_its_update_is_not_found(service: Service) -> None:
    asked = service({"Item": ADA}, {}, {})
    with pytest.raises(ItemNotFoundError, match="changed, and then removed"):
        asked.run(ApplyOne(update_step(USERS, "t", "ada", {"email": "y"})))


def test_another_reason_is_passed_on(service: Service) -> None:
    error = TransactionCanceledError("no", reasons=[CancellationReason("ThrottlingError")])
    with pytest.raises(TransactionCanceledError):
        service({}, error).run(ApplyOne(put_step(USERS, "t", User(name="ada", email="y"))))
