from __future__ import annotations

from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Assign, AssignIfMissing, Increment, Params, Path, Remove, Update
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.schema import GSI, schema_of


class Task(DynamoDBModel):
    team: str
    name: str
    state: str | None = None
    rank: int = 0
    text: str = ""

    class Meta:
        table_name = "tasks"
        partition_key = "pk"
        gsis: ClassVar = [GSI("ByState", "by_state", "by_rank")]
        templates: ClassVar = {
            "pk": "{team}#{name}",
            "by_state": "{team}#{state}",
            "by_rank": "{state}#{rank:04d}",
        }


SCHEMA: Any = schema_of(Task)
KEY = {"team": "a", "name": "x"}
READ = Task(team="a", name="x", state="open", rank=3)


def assign(name: str, value: Any) -> Assign:
    return Assign(Path((name,)), Wire(value))


OPEN, FIRST = assign("state", {"S": "open"}), assign("rank", {"N": "1"})


def text(changes: Any) -> str:
    return Update(tuple(changes)).encode(Params())


def test_a_change_of_other_fields_changes_no_key() -> None:
    change = assign("text", {"S": "x"})
    assert rekeyed(SCHEMA, KEY, [change]).changes == (change,)


def test_keys_are_made_of_what_changes_and_of_the_items_key() -> None:
    made = rekeyed(SCHEMA, KEY, [OPEN, FIRST])
    assert made.guard is None
    assert made.changes[2:] == (assign("by_state", {"S": "a#open"}), assign("by_rank", {"S": "open#0001"}))


def test_of_the_item_that_was_read_the_other_fields_are_known_and_guarded() -> None:
    made = rekeyed(SCHEMA, READ, [FIRST])
    assert made.changes[1:] == (assign("by_rank", {"S": "open#0001"}),)
    assert made.guard is not None
    assert made.guard.encode(Params()) == "#0 = :0"
    stateless = rekeyed(SCHEMA, READ.model_copy(update={"state": None}), [FIRST])
    assert stateless.changes[1:] == (Remove(Path(("by_rank",))),)
    assert stateless.guard is not None
    assert stateless.guard.encode(Params()) == "attribute_not_exists(#0)"


def test_a_field_without_a_value_takes_the_key_away() -> None:
    made = rekeyed(SCHEMA, READ, [Remove(Path(("state",)))])
    assert made.changes[1:] == (Remove(Path(("by_state",))), Remove(Path(("by_rank",))))
    assert text(made.changes) == "REMOVE #0, #1, #2"


def test_what_is_not_known_is_asked_for() -> None:
    with pytest.raises(
        ValidationError, match="by_rank of Task is made of state and rank: an update of rank needs state"
    ):
        rekeyed(SCHEMA, KEY, [FIRST])


@pytest.mark.parametrize("change", [Increment(Path(("rank",)), 1), AssignIfMissing(Path(("state",)), "x")])
def test_a_computed_value_is_refused(change: Any) -> None:
    with pytest.raises(ValidationError, match="do not let it be computed"):
        rekeyed(SCHEMA, READ, [change])


def test_a_value_that_no_key_can_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not contain '#'"):
        rekeyed(SCHEMA, READ, [assign("state", {"S": "a#b"})])
