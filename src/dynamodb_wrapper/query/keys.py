"""Key conditions built from a model's description.

Knows which attributes an index has as keys. Must not know what is done with the items found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, BeginsWith, Between, Compare, Condition, Path
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.wire.sizes import check_key

SortCondition: TypeAlias = Literal["eq", "lt", "lte", "gt", "gte", "between", "begins_with"]

_COMPARATORS: Final[Mapping[str, Callable[[Path, Any], Condition]]] = {
    "eq": lambda path, value: Compare(path, "=", value),
    "lt": lambda path, value: Compare(path, "<", value),
    "lte": lambda path, value: Compare(path, "<=", value),
    "gt": lambda path, value: Compare(path, ">", value),
    "gte": lambda path, value: Compare(path, ">=", value),
    "begins_with": lambda path, value: BeginsWith(path, value),
}


def sort_condition(attribute: str, condition: str, value: object, value2: object = None) -> Condition:
    """A condition on one attribute by its name in this library's APIs.

    Parameters:
        condition: eq, lt, lte, gt, gte, between or begins_with.
        value: what to compare with; for between the lower bound.
        value2: for between the upper bound; not for the others.

    Raises:
        ValidationError: the condition is not known, or has one value too many or too few.
    """
    path = Path((attribute,))
    if condition not in get_args(SortCondition):
        raise ValidationError(
            f"{condition!r} is no sort condition: use one of {', '.join(get_args(SortCondition))}",
            errors={"sort_condition": [f"unknown condition {condition!r}"]},
        )
    if (condition == "between") is (value2 is None):
        raise ValidationError(
            f"{condition} on {attribute} takes {'two values' if condition == 'between' else 'one value'}",
            errors={"sort_value2": ["needed by between, and by no other condition"]},
        )
    if condition == "between":
        return Between(path, value, value2)
    return _COMPARATORS[condition](path, value)


def key_condition(
    schema: TableSchema[Any], index: Index, partition: Mapping[str, object], sort: Condition | None = None
) -> Condition:
    """The condition of a query.

    Parameters:
        partition: the value of every partition attribute of the index.
        sort: what must hold of the sort attributes.

    Raises:
        ValidationError: a partition attribute has no value, or an attribute is given that is none.
    """
    missing = [name for name in index.partition if partition.get(name) is None]
    where = f"index {index.name}" if index.name else "the table"
    if extra := [str(name) for name in partition if name not in index.partition]:
        raise ValidationError(
            f"a query of {schema.model.__name__} on {where} is for {' and '.join(index.partition)}, "
            f"not {', '.join(extra)}: give conditions on other attributes as sort or filters",
            errors={name: ["not a partition key of what is queried"] for name in extra},
        )
    if missing:
        raise ValidationError(
            f"a query of {schema.model.__name__} on {where} needs {' and '.join(index.partition)}; "
            f"missing: {', '.join(missing)}",
            errors={name: ["needed by the query"] for name in missing},
        )
    for name in index.partition:
        check_key(name, schema.codec.encode_attribute(name, partition[name]), partition=True)
    if isinstance(sort, Compare) and isinstance(sort.value, str):
        check_key(str(sort.path), {"S": sort.value}, partition=False)
    parts = [Compare(Path((name,)), "=", partition[name]) for name in index.partition]
    return AllOf((*parts, sort)) if sort is not None else parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def best_index(schema: TableSchema[Any], partition: str, sort: str | None) -> Index:
    """The index (or the table) with that partition attribute, if possible with that sort attribute too.

    Raises:
        ValidationError: neither the table nor an index has that partition attribute.
    """
    candidates = [
        index
        for index in (schema.primary, *schema.indexes.values())
        if index.partition == (partition,) and not index.filling
    ]
    if not candidates:
        known = sorted(
            {name for index in (schema.primary, *schema.indexes.values()) for name in index.partition}
        )
        raise ValidationError(
            f"neither the table of {schema.model.__name__} nor an index has the partition key {partition!r}; "
            f"there are: {', '.join(known)}",
            errors={"partition_key": [f"no index on {partition!r}"]},
        )
    return next(
        (index for index in candidates if sort is not None and index.sort[:1] == (sort,)), candidates[0]
    )
