"""What the data of a table must fulfil, as its configuration says, and how Spark looks at that.

Knows rules, checks and SQL expressions. Must not know where data come from or go to.

Rules (`validation_rules`) are asked of each row while it is written: the first row that breaks one stops the
write, and nothing of it is committed where the format commits as a whole, as files do. Checks
(`data_quality_checks`) are counted in the same pass, and judged when it is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DataQualityResult, TableConfig
from dynamodb_wrapper.validation import did_you_mean

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ROWS = "rows"
RULES = ("required_columns", "not_null", "ranges", "allowed_values", "patterns", "expressions")


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
            expected_value=f"at most {allowed.normalize():f}",
            actual_value=broken,
            error_message=told,
        )


def rules_of(table: TableConfig) -> dict[str, str]:
    """The rules for each row, by name, as SQL expressions.

    `validation_rules` may have `not_null` (columns), `ranges` (`{"n": {"min": 0, "max": 9}}`),
    `allowed_values` (`{"kind": ["a", "b"]}`), `patterns` (`{"id": "^[a-z]+$"}`) and `expressions` (SQL by
    name); `required_columns` are asked of the whole (`require_columns`).
    """
    rules = table.validation_rules
    if unknown := [name for name in rules if name not in RULES]:
        raise _wrong(
            table, unknown[0], f"no such rule{did_you_mean(unknown[0], RULES)}; there are {', '.join(RULES)}"
        )
    found = {f"{column} is not null": f"`{column}` IS NOT NULL" for column in rules.get("not_null", ())}
    for column, bounds in rules.get("ranges", {}).items():
        if (low := bounds.get("min")) is not None:
            found[f"{column} is at least {low}"] = f"`{column}` IS NULL OR `{column}` >= {_literal(low)}"
        if (high := bounds.get("max")) is not None:
            found[f"{column} is at most {high}"] = f"`{column}` IS NULL OR `{column}` <= {_literal(high)}"
    for column, values in rules.get("allowed_values", {}).items():
        listed = ", ".join(map(_literal, values))
        found[f"{column} has an allowed value"] = f"`{column}` IS NULL OR `{column}` IN ({listed})"
    for column, pattern in rules.get("patterns", {}).items():
        found[f"{column} is like {pattern}"] = f"`{column}` IS NULL OR `{column}` RLIKE {_literal(pattern)}"
    return found | dict(rules.get("expressions", {}))


def checks_of(table: TableConfig) -> list[Check]:
    """The checks that Spark can count: those with an `expression`.

    `{"name": "late", "expression": "delay < 60", "most": 0.04, "on_failure": "fail"}`; `most` is 0 and
    `on_failure` is "warn" where they are left out. A check without an expression is the pipeline's own.
    """
    found = []
    for given in table.data_quality_checks:
        if "expression" not in given:
            continue
        if given.get("on_failure", "warn") not in ("warn", "fail"):
            raise _wrong(
                table, str(given.get("name")), 'on_failure is "warn" or "fail"', "data_quality_checks"
            )
        found.append(
            Check(
                name=str(given.get("name", given["expression"])),
                expression=str(given["expression"]),
                most=Decimal(str(given.get("most", 0))),
                fails=given.get("on_failure") == "fail",
            )
        )
    return found


def require_columns(df: DataFrame, table: TableConfig) -> None:
    """Refuse a DataFrame that lacks columns which the table needs.

    Raises:
        ValidationError: names those that are missing.
    """
    needed = [*table.validation_rules.get("required_columns", ()), *table.partition_columns]
    needed += table.primary_key_columns
    if missing := [column for column in dict.fromkeys(needed) if column not in df.columns]:
        text = f"add {', '.join(missing)}; it has {', '.join(df.columns)}"
        raise ValidationError(
            f"the data for table {table.table_id} lack columns: {text}",
            errors={column: [text] for column in missing},
        )


def ruled(df: DataFrame, table: TableConfig) -> DataFrame:
    """The same rows, of which the first one that breaks a rule fails the job."""
    from pyspark.sql import functions as F

    for name, expression in rules_of(table).items():
        message = f"table {table.table_id}: a row breaks the rule {name!r} ({expression})"
        kept = F.coalesce(F.expr(expression), F.lit(False))
        df = df.filter(F.when(kept, F.lit(True)).otherwise(F.raise_error(F.lit(message)).cast("boolean")))
    return df


def counted(checks: Sequence[Check]) -> dict[str, Column]:
    """The aggregations that count all rows, and for each check those that break it."""
    from pyspark.sql import functions as F

    broken = {
        f"check_{number}": F.sum(F.when(F.coalesce(F.expr(check.expression), F.lit(False)), 0).otherwise(1))
        for number, check in enumerate(checks)
    }
    return {ROWS: F.count(F.lit(1)), **broken}


def judged(checks: Sequence[Check], figures: Mapping[str, Any]) -> list[DataQualityResult]:
    """The results of checks from what `counted` gave."""
    rows = int(figures[ROWS])
    return [check.result(rows, int(figures[f"check_{number}"] or 0)) for number, check in enumerate(checks)]


def _literal(value: object) -> str:
    if isinstance(value, bool | int | float | Decimal):
        return str(value)
    quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _wrong(table: TableConfig, name: str, text: str, where: str = "validation_rules") -> ValidationError:
    return ValidationError(
        f"table {table.table_id} has the wrong entry {name!r} in {where}: {text}",
        errors={f"{where}.{name}": [text]},
    )
