"""Which calls a read makes, and how they are shared between tasks.

Knows plans. Must not know Spark, nor how items become rows. A plan has classes in it that cannot be pickled:
each task makes it anew from the same source and moment, and takes its own part of it.
"""

from __future__ import annotations

import time
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.expressions import all_of
from dynamodb_wrapper.operations.expiry import not_expired
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.query.plan import Plan
from dynamodb_wrapper.query.planner import Wish, plan
from dynamodb_wrapper.spark.connector.conditions import condition_of_json
from dynamodb_wrapper.spark.connector.source import Source

BYTES_OF_A_SEGMENT: Final = 64 * 1024 * 1024
LEAST_SEGMENTS: Final = 2
MOST_SEGMENTS: Final = 64
KEYS_OF_A_TASK: Final = 1000
MOST_PROJECTED: Final = 600
"""Placeholders of more attributes would not go into the 4 KB of an expression (Developer Guide, "Quotas")."""


class Share(Struct, frozen=True):
    """One task's part of a plan.

    Parameters:
        number: which one, from 0.
        total: how many there are.
        now: the moment that says which items are expired, in seconds since 1970.
    """

    number: int
    total: int
    now: float


class Part(Struct, frozen=True):
    """What one task reads: a plan of its own, or one segment of the plan's scan."""

    plan: Plan
    segment: int = 0
    segments: int = 1


def shares(source: Source) -> list[Share]:
    """The tasks of a read; none where no item can fulfil the conditions.

    Raises:
        ValidationError: the filter or the index is none of the table's, or the option `stream` is given.
    """
    source.options.check_for("reading a table")
    now = time.time()
    total = _total(source, planned(source, now))
    return [Share(number, total, now) for number in range(total)]


def part_of(source: Source, share: Share) -> Part:
    """What a task reads."""
    whole = planned(source, share.now)
    if share.total == 1 and not _is_segmented(whole):
        return Part(whole)
    if whole.keys:
        keys = whole.keys[share.number * KEYS_OF_A_TASK : (share.number + 1) * KEYS_OF_A_TASK]
        return Part(replace(whole, keys=keys, operation="batch-get"))
    if _is_segmented(whole):
        return Part(whole, share.number, share.total)
    return Part(
        replace(whole, lanes=whole.lanes[share.number : share.number + 1], merged=False, operation="query")
    )


def planned(source: Source, now: float) -> Plan:
    """The whole plan."""
    schema, options = source.schema, source.options
    names = tuple(name for name, _ in source.columns)
    wish: dict[str, Any] = {
        "condition": None if options.filter is None else condition_of_json(schema, options.filter),
        "attributes": names if len(names) <= MOST_PROJECTED else None,
        "index": options.index,
        "consistent": options.consistent,
        "always": all_of(of_its_type(schema), None if options.include_expired else not_expired(schema, now)),
    }
    return plan(Wish(schema=schema, scan=True, **wish))


def _total(source: Source, whole: Plan) -> int:
    options = source.options
    if whole.operation == "nothing":
        return 0
    if options.max_items is not None:
        return 1
    if whole.keys:
        return -(-len(whole.keys) // KEYS_OF_A_TASK)
    if not _is_segmented(whole):
        return 1 if whole.operation == "scan" else len(whole.lanes)
    if options.segments is not None:
        return options.segments
    size = int(source.description.get("TableSizeBytes", 0))
    return max(LEAST_SEGMENTS, min(MOST_SEGMENTS, size // BYTES_OF_A_SEGMENT + 1))


def _is_segmented(whole: Plan) -> bool:
    """Whether it is a scan of which no item has to be looked at here."""
    return whole.operation == "scan" and not whole.lanes[0].judges
