from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.spark_tables import table

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.rules import rules_of


@pytest.mark.parametrize(
    ("rules", "expressions"),
    [
        ({"not_null": ["id"]}, ["`id` IS NOT NULL"]),
        ({"not_null": "id"}, ["`id` IS NOT NULL"]),
        ({"not_null": ["a.b", "x`y"]}, ["`a.b` IS NOT NULL", "`x``y` IS NOT NULL"]),
        (
            {"ranges": {"n": {"min": 0, "max": 9.5}}},
            ["`n` IS NULL OR `n` >= 0", "`n` IS NULL OR `n` <= 9.5"],
        ),
        ({"ranges": {"n": {"min": None, "max": Decimal("9.5")}}}, ["`n` IS NULL OR `n` <= 9.5"]),
        ({"ranges": {"day": {"min": "2013-01-01"}}}, ["`day` IS NULL OR `day` >= '2013-01-01'"]),
        ({"allowed_values": {"kind": ["a", "it's"]}}, [r"`kind` IS NULL OR `kind` IN ('a', 'it\'s')"]),
        ({"allowed_values": {"kind": "abc"}}, ["`kind` IS NULL OR `kind` IN ('abc')"]),
        ({"allowed_values": {"flag": [True, 1]}}, ["`flag` IS NULL OR `flag` IN (True, 1)"]),
        ({"patterns": {"id": r"^\d+$"}}, [r"`id` IS NULL OR `id` RLIKE '^\\d+$'"]),
        ({"expressions": {"ordered": "a < b"}}, ["a < b"]),
        ({"required_columns": ["id"]}, []),
        ({"pipeline": {"whatever": ["it", "asks"]}}, []),
        ({"not_null": None, "ranges": None, "expressions": None}, []),
        ({}, []),
    ],
)
def test_rules_are_expressions_that_hold_of_a_row_in_order(
    rules: dict[str, Any], expressions: list[str]
) -> None:
    assert list(rules_of(table(validation_rules=rules)).values()) == expressions


@pytest.mark.parametrize(
    ("rules", "place", "text"),
    [
        ({"not_nul": ["id"]}, "not_nul", "did you mean 'not_null'"),
        ({"ranges": {"id": {"minimum": 5}}}, "ranges.id.minimum", "did you mean 'min'"),
        ({"ranges": {"id": [0, 5]}}, "ranges.id", r"is \[0, 5\]: give \{"),
        ({"ranges": {"id": {}}}, "ranges.id", "has no bound"),
        ({"ranges": {"id": {"min": [1]}}}, "ranges.id.min", "give a number or a text"),
        ({"ranges": {"id": {"min": True}}}, "ranges.id.min", "give a number or a text"),
        ({"ranges": {"id": {"max": Decimal("Infinity")}}}, "ranges.id.max", "give a number or a text"),
        ({"ranges": ["id"]}, "ranges", "give {"),
        ({"not_null": {"id": True}}, "not_null", "give names of columns"),
        ({"not_null": ["id", 5]}, "not_null", "give names of columns"),
        ({"required_columns": 5}, "required_columns", "give names of columns"),
        ({"allowed_values": {"kind": []}}, "allowed_values.kind", "give a list"),
        ({"allowed_values": {"kind": {"a": 1}}}, "allowed_values.kind", "give a list"),
        ({"patterns": {"id": 5}}, "patterns.id", "regular expression"),
        ({"expressions": ["a < b"]}, "expressions", "give {"),
        ({"expressions": {"ordered": ""}}, "expressions.ordered", "give an SQL expression"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_table_place_and_mend(
    rules: dict[str, Any], place: str, text: str
) -> None:
    with pytest.raises(ValidationError, match=text) as refused:
        rules_of(table(validation_rules=rules))
    assert refused.value.errors.keys() == {f"validation_rules.{place}"}
    assert "the configuration of table t is wrong" in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        rules_of(table(validation_rules={"ranges": {"id": [0, 5]}, "max_rows": 5}))
    assert refused.value.errors.keys() == {"validation_rules.max_rows", "validation_rules.ranges.id"}
