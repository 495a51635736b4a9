"""The normal form of conditions: parts, negations, constants, and what they name."""

from __future__ import annotations

import pytest

from dynamodb_wrapper.expressions import (
    AllOf,
    AnyOf,
    Between,
    Compare,
    Condition,
    Exists,
    In,
    Missing,
    Not,
    Path,
)
from dynamodb_wrapper.expressions.conditions import Expression, Size
from dynamodb_wrapper.expressions.params import Wire, encode_plainly
from dynamodb_wrapper.query.normal import (
    NEVER,
    conjuncts,
    implies_existence,
    is_never,
    is_opaque,
    names_of,
    parts_of,
    signature,
)

A, B, C = (Compare(Path((name,)), "=", 1) for name in "abc")


def normal(condition: Condition) -> list[bytes]:
    return [signature(part, encode_plainly) for part in conjuncts(condition, encode_plainly)]


def signed(*conditions: Condition) -> list[bytes]:
    return [signature(condition, encode_plainly) for condition in conditions]


def test_ands_become_parts_said_once() -> None:
    assert normal(A & (B & (A & C))) == signed(A, B, C)
    assert conjuncts(None, encode_plainly) == ()
    assert parts_of(A, encode_plainly) == (A,)


def test_negations_go_inside_and_stay_at_comparisons() -> None:
    assert normal(~(A | B)) == signed(Not(A), Not(B))
    assert normal(~(A & B)) == signed(AnyOf((Not(A), Not(B))))
    assert normal(~~A) == signed(A)


def test_ors_are_flat() -> None:
    assert normal(A | (B | C)) == signed(AnyOf((A, B, C)))


@pytest.mark.parametrize(
    "condition",
    [
        In(Path(("a",)), ()),
        Between(Path(("a",)), 3, 1),
        Between(Path(("a",)), 3, "x"),
        A & In(Path(("b",)), ()),
        AnyOf(()),
        ~AllOf(()),
    ],
)
def test_what_cannot_hold_is_never(condition: Condition) -> None:
    assert [is_never(part) for part in conjuncts(condition, encode_plainly)] == [True]


def test_what_cannot_hold_leaves_alternatives_and_what_always_holds_is_left_out() -> None:
    assert normal(A | In(Path(("b",)), ())) == signed(A)
    assert normal(A & ~NEVER) == signed(A)
    assert normal(A | ~Between(Path(("b",)), 2, 1)) == []


def test_one_choice_is_an_equality() -> None:
    assert normal(In(Path(("a",)), (1,))) == signed(A)
    assert signed(Compare(Path(("a",)), "=", Wire({"N": "1"}))) == signed(A)


def test_the_attributes_that_are_named() -> None:
    text = Expression("#x > other", {"#x": "some"}, {})
    compared = Compare(Path.of("a.b[0]"), "<", Path.of("c.d"))
    assert names_of(compared, ~In(Path(("e",)), (1, Path(("f",))))) == {"a", "c", "e", "f"}
    assert {"some", "other"} <= names_of(text)
    assert is_opaque(A & ~text)
    assert not is_opaque(A & B)


def test_which_conditions_only_hold_of_what_there_is() -> None:
    a = Path(("a",))
    for condition in (
        A,
        A & B,
        A | Compare(a, "<", 3),
        Exists(a),
        Size(a, ">", 0),
        Compare(Path.of("a.x"), "=", 1),
    ):
        assert implies_existence(condition, "a")
    for condition in (A | B, ~A, Missing(a), Compare(a, "<>", 1), B, Size(a, "<>", 0)):
        assert not implies_existence(condition, "a")
