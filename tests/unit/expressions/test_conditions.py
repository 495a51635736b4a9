from __future__ import annotations

from typing import Any, Literal

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import (
    AllOf,
    AnyOf,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Missing,
    Not,
    Params,
    Path,
    all_of,
    equals,
    one_of,
)
from dynamodb_wrapper.expressions.conditions import Expression, Size

A, B, NESTED = Path(("status",)), Path(("size",)), Path(("data", "name", 0))


def encoded(condition: Condition) -> tuple[str, list[str], list[Any]]:
    """The text, the names and the values of a condition."""
    params = Params()
    text = condition.encode(params)
    body = params.into({})
    names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
    assert list(names) == [f"#{number}" for number in range(len(names))]
    assert list(values) == [f":{number}" for number in range(len(values))]
    return text, list(names.values()), list(values.values())


@pytest.mark.parametrize(
    ("condition", "text", "names", "values"),
    [
        (Compare(A, "=", 1), "#0 = :0", ["status"], [{"N": "1"}]),
        (Compare(A, "<>", "x"), "#0 <> :0", ["status"], [{"S": "x"}]),
        (Compare(A, "<", A), "#0 < #0", ["status"], []),
        (Compare(A, ">=", B), "#0 >= #1", ["status", "size"], []),
        (Compare(NESTED, "<=", 2), "#0.#1[0] <= :0", ["data", "name"], [{"N": "2"}]),
        (Between(A, 1, 2), "#0 BETWEEN :0 AND :1", ["status"], [{"N": "1"}, {"N": "2"}]),
        (In(A, ("x", "y")), "#0 IN (:0, :1)", ["status"], [{"S": "x"}, {"S": "y"}]),
        (BeginsWith(A, "x"), "begins_with(#0, :0)", ["status"], [{"S": "x"}]),
        (BeginsWith(A, B), "begins_with(#0, #1)", ["status", "size"], []),
        (Contains(A, 1), "contains(#0, :0)", ["status"], [{"N": "1"}]),
        (Exists(A), "attribute_exists(#0)", ["status"], []),
        (Missing(NESTED), "attribute_not_exists(#0.#1[0])", ["data", "name"], []),
        (AttributeType(A, "NS"), "attribute_type(#0, :0)", ["status"], [{"S": "NS"}]),
        (Size(A, ">", 3), "size(#0) > :0", ["status"], [{"N": "3"}]),
        (
            AllOf((Exists(A), Exists(B))),
            "(attribute_exists(#0) AND attribute_exists(#1))",
            ["status", "size"],
            [],
        ),
        (
            AnyOf((Exists(A), Exists(B))),
            "(attribute_exists(#0) OR attribute_exists(#1))",
            ["status", "size"],
            [],
        ),
        (Not(Exists(A)), "(NOT attribute_exists(#0))", ["status"], []),
    ],
)
def test_a_condition_is_text_with_placeholders(
    condition: Condition, text: str, names: list[str], values: list[Any]
) -> None:
    assert encoded(condition) == (text, names, values)


def test_operators_join_and_turn_round() -> None:
    a, b, c = Exists(A), Exists(B), Missing(NESTED)
    assert a & b | ~c == AnyOf((AllOf((a, b)), Not(c)))
    assert a & b & c == AllOf((a, b, c))
    assert a | b | (a & b) == AnyOf((a, b, AllOf((a, b))))
    assert encoded(~(a | b))[0] == "(NOT (attribute_exists(#0) OR attribute_exists(#1)))"


def test_joining_with_and_or_is_refused_because_python_would_drop_one() -> None:
    with pytest.raises(TypeError, match=r"join conditions with & and \|"):
        _ = Exists(A) and Exists(B)
    with pytest.raises(TypeError):
        _ = not Exists(A)


@pytest.mark.parametrize("count", [0, 101])
def test_too_many_or_no_choices_are_refused(count: int) -> None:
    with pytest.raises(ValidationError, match=f"status IN got {count} choices: DynamoDB takes 1 to 100"):
        encoded(In(A, tuple(range(count))))


def test_a_hundred_choices_are_possible() -> None:
    assert encoded(In(A, tuple(range(100))))[0].count(":") == 100


class TestEquals:
    def test_a_value(self) -> None:
        assert equals(A, "x") == Compare(A, "=", "x")
        assert equals(A, 0) == Compare(A, "=", 0)

    def test_none_is_nothing_or_null(self) -> None:
        text, _, values = encoded(equals(A, None))
        assert text == "(attribute_not_exists(#0) OR attribute_type(#0, :0))"
        assert values == [{"S": "NULL"}]

    @pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false")])
    def test_a_boolean_is_either_stored_form(self, value: bool, text: str) -> None:
        assert encoded(equals(A, value))[2] == [{"S": text}, {"BOOL": value}]

    def test_one_of_several_values_is_one_comparison(self) -> None:
        assert one_of(A, ["x", "y"]) == In(A, ("x", "y"))

    def test_one_of_more_than_a_hundred_is_split(self) -> None:
        text, _, values = encoded(one_of(A, range(150)))
        assert text.count(" OR ") == 149
        assert len(values) == 150

    def test_one_of_with_none_or_a_boolean_keeps_their_meaning(self) -> None:
        assert one_of(A, ["x", None, True]) == AnyOf((equals(A, "x"), equals(A, None), equals(A, True)))

    def test_one_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="the filter on status has an empty list of values"):
            one_of(A, [])


def test_all_of_leaves_out_what_is_not_given() -> None:
    assert all_of() is None
    assert all_of(None, None) is None
    assert all_of(None, Exists(A)) == Exists(A)
    assert all_of(Exists(A), None, Exists(B)) == AllOf((Exists(A), Exists(B)))


class TestExpression:
    def test_its_placeholders_are_renamed(self) -> None:
        given = Expression("#s = :s AND #n > :n", {"#s": "status", "#n": "size"}, {":s": "x", ":n": 1})
        assert encoded(AllOf((Compare(B, "=", 0), given))) == (
            "(#0 = :0 AND (#1 = :1 AND #0 > :2))",
            ["size", "status"],
            [{"N": "0"}, {"S": "x"}, {"N": "1"}],
        )

    @pytest.mark.parametrize("order", [(":a", ":ab"), (":ab", ":a")])
    def test_one_placeholder_may_begin_another(self, order: tuple[str, str]) -> None:
        values = dict.fromkeys(order, "")
        values |= {":a": "short", ":ab": "long"}
        text, _, stored = encoded(Expression("x = :a OR x = :ab", {}, values))
        short, long = (f":{list(values).index(mark)}" for mark in (":a", ":ab"))
        assert text == f"(x = {short} OR x = {long})"
        assert stored == [{"S": value} for value in values.values()]

    def test_a_placeholder_of_the_text_may_be_one_of_ours(self) -> None:
        given = Expression(":1 = #1 OR :0 = #0", {"#0": "a", "#1": "b"}, {":0": "zero", ":1": "one"})
        text, names, values = encoded(AllOf((Compare(B, "=", 0), given)))
        assert text == "(#0 = :0 AND (:2 = #2 OR :1 = #1))"
        assert names == ["size", "a", "b"]
        assert values == [{"N": "0"}, {"S": "zero"}, {"S": "one"}]

    def test_an_element_s_index_is_no_placeholder(self) -> None:
        assert encoded(Expression("attribute_exists(#a[10].#b)", {"#a": "x", "#b": "y"}, {}))[0] == (
            "(attribute_exists(#0[10].#1))"
        )

    def test_a_placeholder_that_is_not_given_is_refused_and_never_read_as_one_of_ours(self) -> None:
        with pytest.raises(ValidationError, match=r"placeholders that are not given: #b, :0"):
            encoded(AllOf((Compare(A, "=", 1), Expression("#a = :a OR #b = :0", {"#a": "a"}, {":a": 1}))))


def test_conditions_are_values() -> None:
    kind: Literal["S"] = "S"
    assert AttributeType(A, kind) == AttributeType(Path.of("status"), "S")
    assert len({Compare(A, "=", 1), Compare(A, "=", 1), Compare(A, "=", 2)}) == 2
    with pytest.raises(AttributeError):
        Exists(A).path = B  # type: ignore[misc]
