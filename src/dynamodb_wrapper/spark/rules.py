"""The rules that each row of a table must fulfil, as its configuration says, and how Spark asks them.

Knows `validation_rules` and SQL expressions. Must not know where rows come from or go to. They are asked
within the plan, without a pass of its own: the first row that breaks one stops the job that computes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.spark.entries import Wrong

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

OWN = "pipeline"
"""What stands under this name is the pipeline's own, whatever its form."""
RULES = ("required_columns", "not_null", "ranges", "allowed_values", "patterns", "expressions", OWN)
LONGEST_VALUE = 100
"""How many characters of a value are told."""

_FIELD = "validation_rules"


def rules_of(table: TableConfig) -> dict[str, str]:
    """The rules for each row, by name, as SQL expressions.

    `validation_rules` may have `not_null` (columns), `ranges` (`{"n": {"min": 0, "max": 9}}`),
    `allowed_values` (`{"kind": ["a", "b"]}`), `patterns` (`{"id": "^[a-z]+$"}`) and `expressions` (SQL by
    name); `required_columns` are asked of the whole (`require_columns`), and `pipeline` has what the pipeline
    asks itself.

    Raises:
        ValidationError: names all that is not understood, for a rule that is passed over is believed kept.
    """
    wrong, given = Wrong(table, _FIELD), table.validation_rules
    wrong.unknown(given, RULES)
    _names(given.get("required_columns"), "required_columns", wrong)
    found = {
        f"{column} is not null": f"{quoted(column)} IS NOT NULL"
        for column in _names(given.get("not_null"), "not_null", wrong)
    }
    for rule, (form, read) in _BY_COLUMN.items():
        for column, value in wrong.mapping(given.get(rule), rule, form).items():
            found |= read(column, value, wrong)
    for name, expression in wrong.mapping(given.get("expressions"), "expressions", '{"name": "SQL"}').items():
        if isinstance(expression, str) and expression.strip():
            found[name] = expression
        else:
            wrong.note(f"expressions.{name}", f"is {expression!r}: give an SQL expression")
    wrong.refuse()
    return found


def require_columns(df: DataFrame, table: TableConfig) -> None:
    """Refuse a DataFrame that lacks columns which the table needs.

    Raises:
        ValidationError: names those that are missing.
    """
    wrong = Wrong(table, _FIELD)
    needed = _names(table.validation_rules.get("required_columns"), "required_columns", wrong)
    wrong.refuse()
    needed += [*table.partition_columns, *table.primary_key_columns]
    if missing := [column for column in dict.fromkeys(needed) if column not in df.columns]:
        text = f"add {', '.join(missing)}; it has {', '.join(df.columns)}"
        raise ValidationError(
            f"the data for table {table.table_id} lack columns: {text}",
            errors={column: [text] for column in missing},
        )


def ruled(df: DataFrame, table: TableConfig, columns: Sequence[str]) -> DataFrame:
    """The same rows, of which the first one that breaks a rule fails the job.

    The error names the table, the rule, and the row by its key and the columns that the rule names.

    Parameters:
        columns: of the DataFrame, which is not asked: Spark Connect 4.0 then forgets its observations.

    Raises:
        ValidationError: a rule cannot be asked of these columns.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    key = table.primary_key_columns
    for name, expression in rules_of(table).items():
        told = F.lit(f"table {table.table_id}: a row breaks the rule {name!r} ({expression})")
        shown = [column for column in columns if column in key or _mentions(expression, column)]
        try:
            message = F.concat(told, *_values(shown))
            broken = F.raise_error(message).cast("boolean")
            df = df.filter(F.when(holds(expression), F.lit(True)).otherwise(broken))
        except PySparkException as error:
            raise cannot_be_asked(table, _FIELD, name, expression, error) from error
    return df


def holds(expression: str) -> Column:
    """Whether an SQL expression is true of a row; one of which it is null is not in order."""
    from pyspark.sql import functions as F

    return F.coalesce(F.expr(expression), F.lit(False))


def cannot_be_asked(
    table: TableConfig, field: str, name: str, expression: str, error: Exception
) -> ValidationError:
    """The error for an SQL expression that Spark does not take for the columns that there are."""
    reason = str(error).strip().split("\n", 1)[0]
    text = f"{expression} cannot be asked of the columns of this table: {reason}"
    return ValidationError(
        f"the configuration of table {table.table_id} is wrong: {field}: {name!r}: {text}",
        error,
        errors={f"{field}.{name}": [text]},
    )


def quoted(column: str) -> str:
    """The name of a column in SQL."""
    return f"`{column.replace('`', '``')}`"


def _range(column: str, bounds: Any, wrong: Wrong) -> Iterator[tuple[str, str]]:
    path, form = f"ranges.{column}", '{"min": 0, "max": 9}, or one of the two'
    given = wrong.mapping(bounds, path, form)
    wrong.unknown(given, ("min", "max"), f"{path}.")
    if isinstance(bounds, Mapping) and not given:
        wrong.note(path, f"has no bound: give {form}")
    for name, words, sign in (("min", "at least", ">="), ("max", "at most", "<=")):
        bound = given.get(name)
        if bound is None:
            continue
        if _is_value(bound):
            yield f"{column} is {words} {bound}", _or_null(column, f"{sign} {_literal(bound)}")
        else:
            wrong.note(f"{path}.{name}", f"is {bound!r}: give a number or a text")


def _allowed(column: str, values: Any, wrong: Wrong) -> Iterator[tuple[str, str]]:
    listed = [*values] if isinstance(values, list | tuple | set | frozenset) else [values]
    if listed and all(isinstance(value, bool) or _is_value(value) for value in listed):
        sql = f"IN ({', '.join(map(_literal, listed))})"
        yield f"{column} has an allowed value", _or_null(column, sql)
    else:
        wrong.note(f"allowed_values.{column}", f"is {values!r}: give a list of numbers and texts")


def _pattern(column: str, pattern: Any, wrong: Wrong) -> Iterator[tuple[str, str]]:
    if isinstance(pattern, str) and pattern:
        yield f"{column} is like {pattern}", _or_null(column, f"RLIKE {_literal(pattern)}")
    else:
        wrong.note(f"patterns.{column}", f"is {pattern!r}: give a regular expression of Java")


_Read = Callable[[str, Any, Wrong], Iterator[tuple[str, str]]]
_BY_COLUMN: dict[str, tuple[str, _Read]] = {
    "ranges": ('{"column": {"min": 0, "max": 9}}', _range),
    "allowed_values": ('{"column": ["a", "b"]}', _allowed),
    "patterns": ('{"column": "^[a-z]+$"}', _pattern),
}
"""The rules that have one entry for each column: their form, and how such an entry is read."""


def _names(given: object, path: str, wrong: Wrong) -> list[str]:
    """The columns that a rule lists; a single text is one."""
    listed = [given] if isinstance(given, str) else given
    if listed is None:
        return []
    if isinstance(listed, list | tuple | set | frozenset) and all(
        isinstance(one, str) and one for one in listed
    ):
        return [*listed]
    wrong.note(path, f'is {given!r}: give names of columns, such as ["id"]')
    return []


def _or_null(column: str, condition: str) -> str:
    return f"{quoted(column)} IS NULL OR {quoted(column)} {condition}"


def _is_value(given: object) -> bool:
    """Whether it can be compared with: text, or a number that is one."""
    if isinstance(given, str):
        return True
    return isinstance(given, int | float | Decimal) and not isinstance(given, bool) and isfinite(given)


def _literal(value: object) -> str:
    if isinstance(value, bool | int | float | Decimal):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _mentions(expression: str, column: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", expression, re.IGNORECASE) is not None


def _values(columns: list[str]) -> Iterator[Column]:
    """The text that tells these columns of a row, such as ": origin=JFK, day=1"."""
    from pyspark.sql import functions as F

    for number, column in enumerate(columns):
        text = F.substring(F.col(quoted(column)).cast("string"), 1, LONGEST_VALUE)
        yield F.lit(f"{', ' if number else ': '}{column}=")
        yield F.coalesce(text, F.lit("null"))
