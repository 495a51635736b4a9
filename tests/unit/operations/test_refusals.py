from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    TransactionCanceledError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.operations.refusals import explain, refusal, was_applied
from dynamodb_wrapper.operations.steps import Step, delete_step, put_step, update_step
from dynamodb_wrapper.schema import WRITES, schema_of


class Doc(BaseModel):
    id: str
    version: int = 0

    class Meta:
        table_name = "docs"
        partition_key = "id"
        version = "version"


SCHEMA: Any = schema_of(Doc)
READ = Doc(id="a", version=3)
FAILED = ConditionalCheckFailedError("no")


def stored(version: int, tokens: str = "") -> dict[str, Any]:
    return {"id": {"S": "a"}, "version": {"N": str(version)}, "_writes": {"S": tokens}}


@pytest.mark.parametrize(
    ("step", "item", "kind", "text"),
    [
        (put_step(SCHEMA, "t", READ), stored(4), ConflictError, "its version is 4, 3 was read"),
        (put_step(SCHEMA, "t", READ), stored(3), ConditionalCheckFailedError, "does not meet the condition"),
        (put_step(SCHEMA, "t", READ), None, ConflictError, "was removed since it was read"),
        (put_step(SCHEMA, "t", Doc(id="a")), stored(2), ConflictError, "exists already, with version 2"),
        (update_step(SCHEMA, "t", READ, {}), None, ItemNotFoundError, "is not in table t"),
        (update_step(SCHEMA, "t", READ, {}), stored(3), ConflictError, "not in the state that the update"),
        (delete_step(SCHEMA, "t", READ), stored(4), ConflictError, "its version is 4"),
        (delete_step(SCHEMA, "t", "a"), stored(4), ConditionalCheckFailedError, "does not meet"),
    ],
)
def test_the_error_says_what_stands_in_the_way(
    step: Any, item: Any, kind: type[Exception], text: str
) -> None:
    error = refusal(step, item, FAILED)
    assert type(error) is kind
    assert text in error.message


def test_the_error_of_a_transaction_names_the_steps_that_failed_and_why() -> None:
    steps: list[Step[Any]] = [put_step(SCHEMA, "t", Doc(id=name)) for name in "abcdefgh"]
    steps[3] = update_step(SCHEMA, "t", "d", {})
    failed = CancellationReason("ConditionalCheckFailed", "The conditional request failed")
    reasons = [
        CancellationReason("None"),
        CancellationReason("NotUnique", "name 'x' is in use by 'z': choose another value"),
        CancellationReason("ConditionalCheckFailed", item=stored(2) | {"id": {"S": "c"}}),
        *[failed] * 4,
        CancellationReason("ThrottlingError"),
    ]
    error = TransactionCanceledError("the service's words", reasons=reasons)
    explain(error, steps)
    assert str(error) == error.message
    assert error.message.split("; ") == [
        "the transaction was cancelled, nothing was applied: "
        "step 2 of 8 (put): Doc 'b': name 'x' is in use by 'z': choose another value",
        "step 3 of 8 (put): Doc 'c' exists already, with version 2: read it first, or choose another key",
        "step 4 of 8 (update): Doc 'd' is not in table t",
        "step 5 of 8 (put): Doc 'e' does not meet the condition of the put (there is no such item)",
        "step 6 of 8 (put): Doc 'f' does not meet the condition of the put (there is no such item)",
        "and 2 more steps, see `reasons`",
    ]
    explain(error, steps[7:])
    assert "changed by others" in error.message
    error.reasons = (CancellationReason("ThrottlingError"),)
    explain(error, steps[7:])
    assert error.message.endswith("step 1 of 1 (put): Doc 'h': ThrottlingError")


class TestWasApplied:
    def test_without_a_lost_answer_it_was_not(self) -> None:
        step = put_step(SCHEMA, "t", READ).named("AAwrit1xxx")
        assert was_applied(step, stored(9, "others"), answer_lost=False) is False

    def test_the_token_tells(self) -> None:
        step = put_step(SCHEMA, "t", READ).named("AAwrit1xxx")
        assert was_applied(step, stored(4, "3 AAwrit1xxx4"), answer_lost=True) is True
        assert was_applied(step, stored(4, "3 AAwrit2xxx4"), answer_lost=True) is False

    @pytest.mark.parametrize("item", [stored(9, "others"), None])
    def test_where_it_cannot_be_told_that_is_the_error(self, item: Any) -> None:
        step = put_step(SCHEMA, "t", READ).named("AAwrit1xxx")
        with pytest.raises(WriteOutcomeUnknownError, match="Doc 'a' may or may not have been applied"):
            was_applied(step, item, answer_lost=True)

    def test_what_is_gone_was_deleted(self) -> None:
        step = delete_step(SCHEMA, "t", READ)
        assert was_applied(step, None, answer_lost=True) is True
        with pytest.raises(WriteOutcomeUnknownError):
            was_applied(step, stored(4), answer_lost=True)

    def test_what_is_still_the_item_that_was_read_was_not_deleted(self) -> None:
        read = READ.model_copy()
        vars(read)[WRITES] = "2 AAwrit1xxx3"
        step = delete_step(SCHEMA, "t", read)
        assert was_applied(step, stored(4, "2 AAwrit2xxx4 AAwrit1xxx3"), answer_lost=True) is False
