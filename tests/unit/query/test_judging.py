"""Conditions judged in Python; the property tests compare with the engines, here are the rules one by one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

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
    Path,
)
from dynamodb_wrapper.expressions.conditions import Expression, Size, StoredBool
from dynamodb_wrapper.expressions.params import Wire, encode_plainly
from dynamodb_wrapper.query.judging import judge_of, rank, same

ITEM: dict[str, Any] = {
    "text": {"S": "héllo"},
    "number": {"N": "1.50"},
    "flag": {"BOOL": True},
    "told": {"S": "false"},
    "none": {"NULL": True},
    "raw": {"B": "AAH/"},
    "list": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"deep": {"N": "3"}}}]},
    "map": {"M": {"inner": {"N": "7"}}},
    "names": {"SS": ["b", "a"]},
    "numbers": {"NS": ["1", "2.0"]},
    "other": {"N": "1.5"},
}


def at(text: str) -> Path:
    return Path.of(text)


def holds(condition: Condition) -> bool:
    return judge_of(condition, encode_plainly)(ITEM)


@pytest.mark.parametrize(
    "condition",
    [
        Compare(at("text"), "=", "héllo"),
        Compare(at("number"), "=", Decimal("1.5")),
        Compare(at("number"), "=", at("other")),
        Compare(at("number"), "=", Wire({"N": "15E-1"})),
        Compare(at("number"), "<>", "1.5"),
        Compare(at("gone"), "<>", 1),
        Compare(at("number"), "<", 2),
        Compare(at("number"), ">=", Decimal("1.50")),
        Compare(at("text"), "<", "i"),
        Compare(at("text"), ">", "hello"),
        Compare(at("raw"), "<", b"\x00\x02"),
        Compare(at("numbers"), "=", {2, 1}),
        Compare(at("list[2].deep"), "=", 3),
        Compare(at("map"), "=", {"inner": 7}),
        Compare(at("none"), "=", None),
        Between(at("number"), 1, 2),
        In(at("text"), ("x", "héllo")),
        BeginsWith(at("text"), "hé"),
        BeginsWith(at("raw"), b"\x00\x01"),
        Contains(at("text"), "ll"),
        Contains(at("raw"), b"\x01"),
        Contains(at("names"), "a"),
        Contains(at("numbers"), 2),
        Contains(at("list"), "two"),
        Contains(at("list"), Wire({"S": "two"})),
        Contains(at("list"), {"deep": 3}),
        Exists(at("list[0]")),
        Exists(at("none")),
        Missing(at("list[3]")),
        Missing(at("text.inner")),
        AttributeType(at("names"), "SS"),
        StoredBool(at("flag"), True),
        StoredBool(at("told"), False),
        Size(at("text"), "=", 5),
        Size(at("raw"), "=", 3),
        Size(at("list"), ">", 2),
        Not(Compare(at("gone"), "<", 1)),
        AllOf(()),
        AllOf((Exists(at("text")), Missing(at("gone")))),
        AnyOf((Missing(at("text")), Exists(at("flag")))),
    ],
)
def test_it_holds(condition: Condition) -> None:
    assert holds(condition)


@pytest.mark.parametrize(
    "condition",
    [
        Compare(at("number"), "=", "1.5"),
        Compare(at("number"), "<>", Decimal("1.5")),
        Compare(at("gone"), "=", None),
        Compare(at("gone"), "<", 1),
        Compare(at("flag"), "<", 1),
        Compare(at("text"), ">", 1),
        Compare(at("text"), "=", at("gone")),
        Between(at("text"), 1, 2),
        BeginsWith(at("number"), "1"),
        BeginsWith(at("gone"), ""),
        Contains(at("number"), 1),
        Contains(at("text"), 1),
        Contains(at("names"), 1),
        Contains(at("map"), "inner"),
        Contains(at("gone"), "x"),
        Exists(at("list[3]")),
        Missing(at("map.inner")),
        AttributeType(at("gone"), "S"),
        StoredBool(at("flag"), False),
        StoredBool(at("gone"), False),
        Size(at("number"), ">=", 0),
        Size(at("gone"), "<", 9),
        AnyOf(()),
    ],
)
def test_it_does_not_hold(condition: Condition) -> None:
    assert not holds(condition)


def test_text_of_the_services_language_cannot_be_judged() -> None:
    with pytest.raises(TypeError, match="only the service"):
        holds(Expression("a = b", {}, {}))


def test_text_sorts_by_its_bytes_and_numbers_by_their_value() -> None:
    texts = ["é", "z", "Z", "\U0001f600", "￿"]
    assert sorted(texts, key=lambda text: rank({"S": text}) or ()) == sorted(texts, key=str.encode)
    assert rank({"N": "10"}) > rank({"N": "9"})  # type: ignore[operator]
    assert rank({"BOOL": True}) is None


def test_equal_values_are_the_same_however_they_are_written() -> None:
    assert same({"L": [{"N": "1.0"}, {"NS": ["2", "1"]}]}) == same({"L": [{"N": "1"}, {"NS": ["1", "2.0"]}]})
    assert same({"N": "1"}) != same({"S": "1"})
