"""Where each filter of a query belongs: in the key condition, in the filter expression, or nowhere.

Knows that DynamoDB refuses key attributes in a query's filter. Must not know views or cursors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Compare, Condition, Path, all_of, equals, one_of
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.validation import did_you_mean

Filters: TypeAlias = Mapping[str, object] | object | None
_MANY = (list, tuple, set, frozenset)


class FilterPlan(Struct, frozen=True):
    """The sort condition and the filter that together say what was asked."""

    sort: Condition | None
    filter: Condition | None


def plan_filters(
    schema: TableSchema[Any],
    index: Index | None,
    partition: Mapping[str, object],
    sort: Condition | None,
    filters: Filters,
) -> FilterPlan:
    """Put each filter where it belongs.

    Parameters:
        index: what is queried; None for a scan, where any attribute may be filtered.
        partition: the values of the query's partition attributes.
        sort: the sort condition there is already.
        filters: values by attribute (a list means any of them; None that there is none), or a condition.

    Raises:
        ValidationError: an attribute is not of the model, or a filter on a key attribute contradicts the
            query or cannot be expressed in it; or a condition is on a field of another model.
    """
    sort = condition_on(schema, sort)
    if not isinstance(filters, Mapping):
        return FilterPlan(sort, condition_on(schema, filters))
    keys = index.keys if index is not None else ()
    rest: list[Condition] = []
    for name, value in filters.items():
        if name not in schema.attributes:
            raise ValidationError(
                f"{schema.model.__name__} has no attribute {name!r} to filter on"
                f"{did_you_mean(str(name), schema.attributes)}",
                errors={str(name): ["unknown attribute"]},
            )
        if name not in keys:
            rest.append(filter_of(Path((name,)), value))
        elif name in partition:
            _same(name, partition[name], value)
        else:
            sort = _sorted_by(name, value, sort)
    return FilterPlan(sort, all_of(*rest))


def filter_of(path: Path, value: object) -> Condition:
    """The condition that a path holds that value, or one of a list of them."""
    return one_of(path, value) if isinstance(value, _MANY) else equals(path, value)


def _same(name: str, queried: object, filtered: object) -> None:
    allowed = filtered if isinstance(filtered, _MANY) else [filtered]
    if queried not in allowed:
        raise ValidationError(
            f"the filter asks for {name} = {filtered!r}, the query for {queried!r}: no item is both",
            errors={name: ["contradicts the query"]},
        )


def _sorted_by(name: str, value: object, sort: Condition | None) -> Condition:
    wanted = Compare(Path((name,)), "=", value)
    if sort is None and value is not None and not isinstance(value, _MANY):
        return wanted
    if sort == wanted:
        return wanted
    raise ValidationError(
        f"{name} is the sort key of the query: give one value for it and no other condition on it",
        errors={name: ["one value only, because it is the query's sort key"]},
    )
