from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    Add,
    Assign,
    AssignIfMissing,
    Change,
    Concat,
    DeleteFromSet,
    Increment,
    Params,
    Path,
    Remove,
    Update,
)

A, B, NESTED, ELEMENT = Path.of("status"), Path.of("size"), Path.of("rows[0].size"), Path.of("rows[0]")


def encoded(*changes: Change) -> tuple[str, list[Any]]:
    params = Params()
    text = Update(changes).encode(params)
    return text, list(params.into({}).get("ExpressionAttributeValues", {}).values())


@pytest.mark.parametrize(
    ("change", "text", "values"),
    [
        (Assign(A, "x"), "SET #0 = :0", [{"S": "x"}]),
        (Assign(NESTED, 1), "SET #0[0].#1 = :0", [{"N": "1"}]),
        (Assign(A, B), "SET #0 = #1", []),
        (AssignIfMissing(A, "x"), "SET #0 = if_not_exists(#0, :0)", [{"S": "x"}]),
        (Increment(A, 2), "SET #0 = if_not_exists(#0, :0) + :1", [{"N": "0"}, {"N": "2"}]),
        (
            Increment(A, Decimal("-0.5"), start=10),
            "SET #0 = if_not_exists(#0, :0) + :1",
            [{"N": "10"}, {"N": "-0.5"}],
        ),
        (
            Concat(A, ["x", 1]),
            "SET #0 = list_append(if_not_exists(#0, :0), :1)",
            [{"L": []}, {"L": [{"S": "x"}, {"N": "1"}]}],
        ),
        (Remove(ELEMENT), "REMOVE #0[0]", []),
        (Add(A, 1), "ADD #0 :0", [{"N": "1"}]),
        (Add(A, {"x"}), "ADD #0 :0", [{"SS": ["x"]}]),
        (DeleteFromSet(A, frozenset({1})), "DELETE #0 :0", [{"NS": ["1"]}]),
    ],
)
def test_a_change_is_text_with_placeholders(change: Change, text: str, values: list[Any]) -> None:
    assert encoded(change) == (text, values)


def test_changes_are_gathered_by_clause() -> None:
    text, values = encoded(
        Assign(A, 1), Remove(B), Add(NESTED, 2), Assign(ELEMENT, 3), Remove(Path.of("note"))
    )
    assert text == "SET #0 = :0, #2[0] = :2 REMOVE #1, #3 ADD #2[0].#1 :1"
    assert values == [{"N": "1"}, {"N": "2"}, {"N": "3"}]


def test_nothing_to_change_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing to change: name at least one field"):
        encoded()


@pytest.mark.parametrize(
    ("change", "repeatable"),
    [
        (Assign(A, 1), True),
        (Assign(NESTED, 1), True),
        (Assign(ELEMENT, 1), False),
        (AssignIfMissing(A, 1), True),
        (AssignIfMissing(ELEMENT, 1), False),
        (Increment(A, 1), False),
        (Concat(A, [1]), False),
        (Remove(A), True),
        (Remove(NESTED), True),
        (Remove(ELEMENT), False),
        (Add(A, 1), False),
        (Add(A, Decimal(1)), False),
        (Add(A, {1}), True),
        (Add(A, frozenset({"x"})), True),
        (DeleteFromSet(A, frozenset({1})), True),
    ],
)
def test_a_change_knows_whether_making_it_twice_is_harmless(change: Change, repeatable: bool) -> None:
    assert change.repeatable is repeatable
    assert Update((Assign(B, 1), change)).repeatable is repeatable
