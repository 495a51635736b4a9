"""boto3's conditions become ours; what an engine makes of them stands in tests/both/test_conditions.py."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key, Size

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AllOf,
    AnyOf,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Contains,
    Exists,
    In,
    Missing,
    Not,
    Path,
    condition_of,
)
from dynamodb_wrapper.expressions import conditions as own

A, B = Path(("a",)), Path(("b",))


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (Attr("a").eq(1), Compare(A, "=", 1)),
        (Attr("a").ne(1), Compare(A, "<>", 1)),
        (Attr("a").lt(1), Compare(A, "<", 1)),
        (Attr("a").lte(1), Compare(A, "<=", 1)),
        (Attr("a").gt(1), Compare(A, ">", 1)),
        (Attr("a").gte(1), Compare(A, ">=", 1)),
        (Attr("a").eq(Attr("b")), Compare(A, "=", B)),
        (Attr("a").eq(None), Compare(A, "=", None)),
        (Attr("a").between(1, 2), Between(A, 1, 2)),
        (Attr("a").between(Attr("b"), 2), Between(A, B, 2)),
        (Attr("a").is_in([1, 2]), In(A, (1, 2))),
        (Attr("a").begins_with("x"), BeginsWith(A, "x")),
        (Attr("a").contains("x"), Contains(A, "x")),
        (Attr("a").exists(), Exists(A)),
        (Attr("a").not_exists(), Missing(A)),
        (Attr("a").attribute_type("S"), AttributeType(A, "S")),
        (Attr("a").size().gt(1), own.Size(A, ">", 1)),
        (Attr("a").size().eq(Attr("b")), own.Size(A, "=", B)),
        (Attr("a").size().between(1, 2), AllOf((own.Size(A, ">=", 1), own.Size(A, "<=", 2)))),
        (Attr("a.b[1].c").exists(), Exists(Path(("a", "b", 1, "c")))),
        (Key("a").eq("x"), Compare(A, "=", "x")),
        (Key("a").between("x", "y"), Between(A, "x", "y")),
        (Key("a").begins_with("x"), BeginsWith(A, "x")),
        (~Attr("a").exists(), Not(Exists(A))),
        (Attr("a").exists() & Attr("b").exists(), AllOf((Exists(A), Exists(B)))),
        (Attr("a").exists() | ~Attr("b").exists(), AnyOf((Exists(A), Not(Exists(B))))),
        (
            Attr("a").exists() | Attr("b").exists() | Attr("a").eq(1),
            AnyOf((Exists(A), Exists(B), Compare(A, "=", 1))),
        ),
        (
            Attr("a").exists() & (Attr("b").exists() & Attr("a").eq(1)),
            AllOf((Exists(A), AllOf((Exists(B), Compare(A, "=", 1))))),
        ),
    ],
)
def test_a_condition_of_boto3_becomes_ours(given: Any, ours: own.Condition) -> None:
    assert condition_of(given) == ours


def test_ours_and_none_stay_as_they_are() -> None:
    ours = Exists(A)
    assert condition_of(ours) is ours
    assert condition_of(None) is None


@pytest.mark.parametrize("given", [True, False])
def test_a_boolean_is_the_result_of_comparing_an_instance_and_is_refused(given: bool) -> None:
    with pytest.raises(ValidationError, match="an instance's field was compared instead of an attribute"):
        condition_of(given)


@pytest.mark.parametrize("given", ["a = 1", {"a": 1}, 3, Attr("a")])
def test_what_is_no_condition_is_refused(given: object) -> None:
    with pytest.raises(ValidationError, match=f"a condition was expected, not {type(given).__name__}"):
        condition_of(given)


def test_a_size_on_the_right_is_refused_because_it_cannot_be_said_in_ours() -> None:
    with pytest.raises(ValidationError, match="on the left of a comparison only"):
        condition_of(Attr("a").eq(Size(Attr("b"))))


def test_a_size_has_no_beginning() -> None:
    with pytest.raises(ValidationError, match="size of a cannot be asked for with 'begins_with'"):
        condition_of(Attr("a").size().begins_with("1"))


def test_an_operator_that_boto3_learns_later_is_refused() -> None:
    class Later:
        def get_expression(self) -> dict[str, Any]:
            return {"operator": "sounds_like", "values": (Attr("a"), "x"), "format": ""}

    with pytest.raises(ValidationError, match="boto3's condition 'sounds_like' is not known here"):
        condition_of(Later())
