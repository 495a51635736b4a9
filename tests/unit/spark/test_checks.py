from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.spark_tables import table

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.checks import Check, checks_of, judged

LATE = {"name": "late", "expression": "delay < 60"}


def test_checks_have_an_expression_and_may_have_a_name_a_number_and_a_consequence() -> None:
    checks = [
        {"expression": "n > 0", "most": None, "description": "sold"},
        {**LATE, "most": "0.04", "on_failure": "fail"},
    ]
    assert checks_of(table(data_quality_checks=checks)) == [
        Check("n > 0", "n > 0"),
        Check("late", "delay < 60", Decimal("0.04"), fails=True),
    ]


def test_checks_of_the_pipeline_have_any_form_and_are_its_own() -> None:
    own: list[dict[str, Any]] = [
        {"name": "days", "least": "every day", "by": "pipeline", "on_failure": "page somebody"},
        {**LATE, "by": "pipeline", "most": 3},
    ]
    found = table(data_quality_checks=[*own, {"expression": "n > 0"}])
    assert checks_of(found) == [Check("n > 0", "n > 0")]
    assert checks_of(table(data_quality_checks=own[1:]), own=True) == [
        Check("late", "delay < 60", Decimal(3))
    ]


@pytest.mark.parametrize(
    ("check", "place", "text"),
    [
        ({**LATE, "on_failure": "explode"}, "on_failure", 'on_failure is "warn" or "fail"'),
        ({**LATE, "onFailure": "fail"}, "onFailure", "did you mean 'on_failure'"),
        ({**LATE, "max": 0.1}, "max", "did you mean 'most'"),
        ({**LATE, "sql": "true"}, "sql", "did you mean 'expression'"),
        ({"check_name": "x", "expression": "true"}, "check_name", "did you mean 'name'"),
        ({**LATE, "most": "5%"}, "most", r"is '5%' \(the check 'late'\): give a number of rows, or a share"),
        ({**LATE, "most": -1}, "most", "give a number of rows"),
        ({**LATE, "most": "NaN"}, "most", "give a number of rows"),
        ({**LATE, "most": True}, "most", "give a number of rows"),
        ({**LATE, "most": [1]}, "most", "give a number of rows"),
        ({**LATE, "name": 5}, "name", "give a text"),
        ({**LATE, "expression": " "}, "expression", "give SQL"),
        ({**LATE, "by": "me"}, "by", 'give "pipeline"'),
        ({"name": "a"}, "expression", r"is missing \(the check 'a'\): give SQL .* or \"by\": \"pipeline\""),
        ({"name": "a", "on_failure": "fail"}, "expression", "is missing"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_table_place_and_mend(
    check: dict[str, Any], place: str, text: str
) -> None:
    with pytest.raises(ValidationError, match=text) as refused:
        checks_of(table(data_quality_checks=[LATE, check]))
    assert refused.value.errors.keys() == {f"data_quality_checks.1.{place}"}
    assert "the configuration of table t is wrong" in str(refused.value)


@pytest.mark.parametrize(
    ("most", "broken", "passed"),
    [("0", 0, True), ("0", 1, False), ("0.05", 5, True), ("0.05", 6, False), ("7", 7, True), ("7", 8, False)],
)
def test_a_share_is_of_all_rows_and_a_number_is_of_rows(most: str, broken: int, passed: bool) -> None:
    (result,) = judged([Check("c", "x > 0", Decimal(most))], {"rows": 100, "check_0": broken})
    assert (result.passed, result.actual_value) == (passed, broken)
    assert str(result.expected_value).endswith(" of 100 rows")
    assert (result.error_message is None) is passed


def test_no_rows_break_nothing() -> None:
    (result,) = judged([Check("c", "x > 0")], {"rows": 0, "check_0": None})
    assert result.passed
