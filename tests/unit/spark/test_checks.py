from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataFormat, TableConfig, TableType
from dynamodb_wrapper.spark.checks import Check, checks_of, judged, rules_of


def table(rules: dict[str, Any] | None = None, checks: list[dict[str, Any]] | None = None) -> TableConfig:
    return TableConfig(
        table_id="t",
        pipeline_id="p",
        table_name="events",
        table_type=TableType.SOURCE,
        data_format=DataFormat.CSV,
        location="/events",
        validation_rules=rules or {},
        data_quality_checks=checks or [],
    )


@pytest.mark.parametrize(
    ("rules", "expressions"),
    [
        ({"not_null": ["id"]}, ["`id` IS NOT NULL"]),
        (
            {"ranges": {"n": {"min": 0, "max": 9.5}}},
            ["`n` IS NULL OR `n` >= 0", "`n` IS NULL OR `n` <= 9.5"],
        ),
        ({"ranges": {"day": {"min": "2013-01-01"}}}, ["`day` IS NULL OR `day` >= '2013-01-01'"]),
        ({"allowed_values": {"kind": ["a", "it's"]}}, [r"`kind` IS NULL OR `kind` IN ('a', 'it\'s')"]),
        ({"patterns": {"id": r"^\d+$"}}, [r"`id` IS NULL OR `id` RLIKE '^\\d+$'"]),
        ({"expressions": {"ordered": "a < b"}}, ["a < b"]),
        ({"required_columns": ["id"]}, []),
        ({}, []),
    ],
)
def test_rules_are_expressions_that_hold_of_a_row_in_order(
    rules: dict[str, Any], expressions: list[str]
) -> None:
    assert list(rules_of(table(rules)).values()) == expressions


def test_an_unknown_rule_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValidationError, match="did you mean 'not_null'"):
        rules_of(table({"not_nul": ["id"]}))


def test_checks_without_an_expression_are_the_pipelines_own() -> None:
    found = checks_of(
        table(
            checks=[
                {"name": "own", "most": 0},
                {"expression": "n > 0"},
                {"name": "late", "expression": "delay < 60", "most": 0.04, "on_failure": "fail"},
            ]
        )
    )
    assert found == [
        Check("n > 0", "n > 0"),
        Check("late", "delay < 60", Decimal("0.04"), fails=True),
    ]


def test_an_unknown_consequence_is_refused() -> None:
    with pytest.raises(ValidationError, match='on_failure is "warn" or "fail"'):
        checks_of(table(checks=[{"name": "x", "expression": "true", "on_failure": "explode"}]))


@pytest.mark.parametrize(
    ("most", "broken", "passed"),
    [("0", 0, True), ("0", 1, False), ("0.05", 5, True), ("0.05", 6, False), ("7", 7, True), ("7", 8, False)],
)
def test_a_share_is_of_all_rows_and_a_number_is_of_rows(most: str, broken: int, passed: bool) -> None:
    (result,) = judged([Check("c", "x > 0", Decimal(most))], {"rows": 100, "check_0": broken})
    assert (result.passed, result.actual_value) == (passed, broken)
    assert (result.error_message is None) is passed


def test_no_rows_break_nothing() -> None:
    (result,) = judged([Check("c", "x > 0")], {"rows": 0, "check_0": None})
    assert result.passed
