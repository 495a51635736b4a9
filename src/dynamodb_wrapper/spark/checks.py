"""The data-quality checks of a table, as its configuration says, and how Spark counts what breaks them.

Knows `data_quality_checks` and SQL expressions. Must not know where data come from or go to, nor runs. Checks
are counted while the data are computed anyway, and judged when that is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.models import DataQualityResult, TableConfig
from dynamodb_wrapper.spark.entries import Wrong
from dynamodb_wrapper.spark.rules import OWN, cannot_be_asked, holds

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ROWS = "rows"
ENTRIES = ("name", "description", "expression", "most", "on_failure", "by")

_FIELD = "data_quality_checks"
_MEANT = {
    "check_name": "name",
    "condition": "expression",
    "sql": "expression",
    "max": "most",
    "threshold": "most",
    "severity": "on_failure",
}


@dataclass(frozen=True, slots=True)
class Check:
    """That at most so many rows break an SQL expression.

    Parameters:
        expression: holds of a row that is in order; a row of which it is null is not.
        most: how many rows may break it: a share of all rows where it is less than 1.
        fails: whether a failure is an error, rather than a result that is noted.
    """

    name: str
    expression: str
    most: Decimal = Decimal(0)
    fails: bool = False

    def result(self, rows: int, broken: int) -> DataQualityResult:
        """The outcome for so many rows, of which so many are not in order."""
        allowed = self.most * rows if self.most < 1 else self.most
        passed = broken <= allowed
        told = None if passed else f"{broken} of {rows} rows break: {self.expression}"
        return DataQualityResult(
            check_name=self.name,
            passed=passed,
            expected_value=f"at most {allowed.normalize():f} of {rows} rows",
            actual_value=broken,
            error_message=told,
        )


def checks_of(table: TableConfig, *, own: bool = False) -> list[Check]:
    """The checks that Spark counts whenever the table is read or written.

    `{"name": "late", "expression": "delay < 60", "most": 0.04, "on_failure": "fail"}`; `most` is 0 and
    `on_failure` is "warn" where they are left out. One with `"by": "pipeline"` is the pipeline's own,
    whatever else it has: the pipeline asks it, perhaps of other data.

    Parameters:
        own: the pipeline's own instead, of which those that have an `expression`.

    Raises:
        ValidationError: names whatever is not understood, because a check that is passed over is believed
            passed.
    """
    wrong, found = Wrong(table, _FIELD, _MEANT), []
    for number, given in enumerate(table.data_quality_checks):
        if "by" in given and given["by"] != OWN:
            wrong.note(f"{number}.by", f'is {given["by"]!r}: give "{OWN}" or leave it out')
        is_own = given.get("by") == OWN
        if own == is_own and not (own and "expression" not in given):
            if not own:
                wrong.unknown(given, ENTRIES, f"{number}.")
            found.append(_check(given, number, wrong))
    wrong.refuse()
    return found


def counted(checks: Sequence[Check]) -> dict[str, Column]:
    """The aggregations that count all rows, and for each check those that break it."""
    from pyspark.sql import functions as F

    broken = {
        f"check_{number}": F.sum(F.when(holds(check.expression), 0).otherwise(1))
        for number, check in enumerate(checks)
    }
    return {ROWS: F.count(F.lit(1)), **broken}


def judged(checks: Sequence[Check], figures: Mapping[str, Any]) -> list[DataQualityResult]:
    """The results of checks from what `counted` gave."""
    rows = int(figures[ROWS])
    return [check.result(rows, int(figures[f"check_{number}"] or 0)) for number, check in enumerate(checks)]


def require_expressions(df: DataFrame, table: TableConfig, checks: Sequence[Check]) -> None:
    """Refuse checks that cannot be asked of these columns; nothing is computed.

    Raises:
        ValidationError: names the check.
    """
    from pyspark.errors import PySparkException

    for check in checks:
        try:
            df.agg(*counted([check]).values())
        except PySparkException as error:
            raise cannot_be_asked(table, _FIELD, check.name, check.expression, error) from error


def _check(given: Mapping[str, Any], number: int, wrong: Wrong) -> Check:
    expression = given.get("expression")
    if not isinstance(expression, str) or not expression.strip():
        has = f"is {expression!r}" if "expression" in given else "is missing"
        mend = f'give SQL that is true of a row in order, or "by": "{OWN}" if the pipeline asks it itself'
        wrong.note(f"{number}.expression", f"{has}{_naming(given)}: {mend}")
    name = given.get("name", expression)
    if not isinstance(name, str | None) or name == "":
        wrong.note(f"{number}.name", f"is {name!r}: give a text")
    on_failure = given.get("on_failure") or "warn"
    if on_failure not in ("warn", "fail"):
        text = f'is {on_failure!r}{_naming(given)}: on_failure is "warn" or "fail"'
        wrong.note(f"{number}.on_failure", text)
    return Check(str(name), str(expression), _most(given, number, wrong), on_failure == "fail")


def _most(given: Mapping[str, Any], number: int, wrong: Wrong) -> Decimal:
    value = given.get("most")
    try:
        most = Decimal(0 if value is None else str(value))
    except InvalidOperation:
        most = Decimal("NaN")
    if isinstance(value, bool) or not most.is_finite() or most < 0:
        text = f"is {value!r}{_naming(given)}: give a number of rows, or a share of them such as 0.05"
        wrong.note(f"{number}.most", text)
        return Decimal(0)
    return most


def _naming(given: Mapping[str, Any]) -> str:
    """Which check it is, if it says so."""
    return f" (the check {given['name']!r})" if given.get("name") else ""
