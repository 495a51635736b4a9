from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from dynamodb_wrapper.models import rules
from dynamodb_wrapper.models.rules import Rule, breaches

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["0 6 * * 1-5", "*/15 * * * *", "0 6 * * MON-FRI", "0 0 1 jan *", "0 6 * * 1-5 30"]
)
def test_cron_expressions_of_five_and_six_fields_pass(text: str) -> None:
    assert rules.cron_expression(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily",
        "@daily",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * * * * 60",
        "H H * * *",
        "R * * * *",
        "cron(0 6 * * ? *)",
        "rate(5 minutes)",
        "a b c d e",
    ],
)
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="is not a cron expression"):
        rules.cron_expression(text)


@pytest.mark.parametrize("prefix", rules.LOCATION_PREFIXES)
def test_locations_that_spark_knows_pass(prefix: str) -> None:
    assert rules.storage_location(f"{prefix}data") == f"{prefix}data"


@pytest.mark.parametrize("text", ["data/x", "http://host/x", "S3://bucket", "c:\\data", " s3://b"])
def test_other_locations_are_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="s3a://"):
        rules.storage_location(text)


def test_one_of_names_what_is_allowed_and_suggests() -> None:
    check = rules.one_of(("MEMORY_ONLY", "DISK_ONLY"))
    assert check("DISK_ONLY") == "DISK_ONLY"
    with pytest.raises(
        PydanticCustomError, match=r"one of MEMORY_ONLY, DISK_ONLY; did you mean 'DISK_ONLY'\?"
    ):
        check("disk_only")


@pytest.mark.parametrize(
    ("rule", "values", "holds"),
    [
        (rules.ENOUGH_MEMORY, (Decimal("2"), 4), True),
        (rules.ENOUGH_MEMORY, (Decimal("1.99"), 4), False),
        (rules.ENOUGH_MEMORY, (None, 4), True),
        (rules.ENOUGH_MEMORY, (Decimal("1"), None), True),
        (rules.ARCHIVED_BEFORE_RETENTION_ENDS, (29, 30), True),
        (rules.ARCHIVED_BEFORE_RETENTION_ENDS, (30, 30), False),
        (rules.ARCHIVED_BEFORE_RETENTION_ENDS, (30, None), True),
        (rules.ENDS_AFTER_START, (LATE, EARLY), True),
        (rules.ENDS_AFTER_START, (EARLY, EARLY), True),
        (rules.ENDS_AFTER_START, (EARLY, LATE), False),
        (rules.ENDS_AFTER_START, (EARLY, None), True),
        (rules.FAILED_IS_EXPLAINED, ("why", "failed"), True),
        (rules.FAILED_IS_EXPLAINED, (None, "failed"), False),
        (rules.FAILED_IS_EXPLAINED, ("  ", "failed"), False),
        (rules.FAILED_IS_EXPLAINED, (None, "success"), True),
        (rules.FAILED_WITHIN_PROCESSED, (3, 3), True),
        (rules.FAILED_WITHIN_PROCESSED, (4, 3), False),
        (rules.FAILED_WITHIN_PROCESSED, (4, None), True),
    ],
)
def test_rules_over_several_fields(rule: Rule, values: tuple[Any, ...], holds: bool) -> None:
    found = breaches((rule,), dict(zip(rule.fields, values, strict=True)))
    assert list(found) == ([] if holds else [rule.fields[0]])


def test_only_rules_that_look_at_a_changed_field_are_asked() -> None:
    values = {"memory_gb": Decimal(1), "cpu_cores": 64, "archive_after_days": 9, "retention_days": 3}
    both = (rules.ENOUGH_MEMORY, rules.ARCHIVED_BEFORE_RETENTION_ENDS)
    assert set(breaches(both, values)) == {"memory_gb", "archive_after_days"}
    assert set(breaches(both, values, among={"cpu_cores"})) == {"memory_gb"}
    assert breaches(both, values, among={"tags"}) == {}
