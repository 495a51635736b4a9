from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Assign, AssignIfMissing, Increment, Path, Remove
from dynamodb_wrapper.expressions.assignments import add, append, put, put_if_absent
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Computed, Operand
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations.changes import checked_changes
from dynamodb_wrapper.operations.intents import changes_of
from dynamodb_wrapper.schema import schema_of


class Account(DynamoDBModel):
    id: str
    paid: bool = False
    total: Decimal = Field(default=Decimal(0), ge=0)
    notes: list[str] = Field(default_factory=list)
    note: str | None = None
    seen: datetime | None = None
    revision: int = 0

    class Meta:
        table_name = "accounts"
        partition_key = "id"
        version = "revision"
        gsis = ({"name": "ByPaid", "partition_key": "paid"},)


SCHEMA = schema_of(Account)


def path(name: str) -> Path:
    return Path((name,))


def test_whole_attributes_are_stored_as_a_mapping_would_store_them() -> None:
    given: dict[str, Any] = {"paid": True, "total": Decimal("1.5"), "note": None}
    changes = [put(Account.paid).to(True), put(Account.total).to(Decimal("1.5")), put(Account.note).to(None)]
    assert changes_of(SCHEMA, changes) == changes_of(SCHEMA, given)
    assert changes_of(SCHEMA, changes) == (
        Assign(path("paid"), Wire({"S": "true"})),
        Assign(path("total"), Wire({"N": "1.5"})),
        Remove(path("note")),
    )


def test_other_changes_stay_what_they_are() -> None:
    changes = [append(Account.notes, "x"), put(Account.total).to(Account.total + 5)]
    assert checked_changes(SCHEMA, changes) == tuple(changes)
    (kept,) = checked_changes(SCHEMA, [put_if_absent(Account.note).to("x")])
    assert kept == AssignIfMissing(path("note"), Wire({"S": "x"}))


class Other(DynamoDBModel):
    unknown: int = 0


ANY: Any = Account


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (lambda: [put(Account.id).to("x")], "id is part of the key of Account and cannot change"),
        (lambda: [put(Other.unknown).to(3)], "Account has no attribute 'unknown'"),
        (lambda: [put(Account.revision).to(3)], "revision is counted up by every write"),
        (lambda: [add(Account.revision, 3)], "revision is counted up by every write"),
        (lambda: [put(Account.total).to(Decimal(-1))], "greater than or equal to 0"),
        (lambda: [put(Account.seen).to(datetime(2026, 1, 1))], "time zone"),
        (
            lambda: [put(Account.note).to("a"), put(Account.note).to("b")],
            "two changes of note and note overlap",
        ),
        (
            lambda: [
                append(Account.notes, "a"),
                put(Account.total).to(Decimal(1)),
                put(Account.notes[0]).to("b"),
            ],
            r"two changes of notes and notes\[0\] overlap",
        ),
        (lambda: [put(Account.note)], r"not <note that is to get a value: .to\(...\) is missing>"),
        (lambda: [ANY.total == 3], "not Compare"),
        (lambda: [True], "not True"),
        (lambda: put(Account.note).to("a"), r"write \["),
        (lambda: "note", r"write \["),
    ],
)
def test_what_the_model_does_not_allow_is_refused(changes: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        changes_of(SCHEMA, changes())


class Sparse(DynamoDBModel):
    id: str
    rank: int | None = 5
    count: int = 5

    class Meta:
        table_name = "ranked"
        partition_key = "id"
        gsis = ({"name": "ByRank", "partition_key": "rank"}, {"name": "ByCount", "partition_key": "count"})


def test_a_key_that_is_none_where_it_is_missing_counts_from_nothing() -> None:
    rank: Any = Sparse.rank
    given = [add(rank, 1), put(Sparse.count).to(rank + Sparse.count)]
    counted, summed = checked_changes(schema_of(Sparse), given)
    assert counted == Increment(path("rank"), Wire({"N": "1"}), 0)
    assert summed == Assign(path("count"), Computed(Operand(path("rank")), "+", Operand(path("count"), 5)))
