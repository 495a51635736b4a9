"""What a query costs: guessed before from stated assumptions, and told by the service after.

Knows how reads are counted (Developer Guide, "DynamoDB read and write operations"): a query adds up the sizes
of all it reads, before the filter, and rounds up to 4 KB; a get rounds up each item; half of it where the
read need not be consistent. Must not do I/O.
"""

from __future__ import annotations

from math import ceil
from threading import Lock
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.query.plan import Lane, Plan

UNIT_BYTES = 4096
PAGE_BYTES = 1024 * 1024
KEYS_PER_BATCH = 100


class Assumptions(Struct, frozen=True, kw_only=True):
    """What an estimate takes the table to be, because nothing is asked of it.

    Parameters:
        item_bytes: the size of an item.
        entry_bytes: the size of an item's entry in an index that does not hold all of it.
        items_per_key: how many items have one partition key value, in the table or an index.
        items_in_table: how many there are.
    """

    item_bytes: int = 1024
    entry_bytes: int = 128
    items_per_key: int = 100
    items_in_table: int = 10_000


class Estimate(Struct, frozen=True):
    """What reading everything of a plan would take.

    Parameters:
        items: how many items are read, before what filters drop.
        requests: how many calls, a page of 1 MB or a batch of 100 keys each.
        read_units: the capacity in read request units.
    """

    items: int
    requests: int
    read_units: float

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.items + other.items, self.requests + other.requests, self.read_units + other.read_units
        )


class Cost(Struct, frozen=True):
    """What was spent.

    Parameters:
        requests: how many calls were answered.
        scanned: how many items queries and scans read, before what filters dropped.
        read_units: the capacity that the service told of, or None where it told nothing.
    """

    requests: int = 0
    scanned: int = 0
    read_units: float | None = None

    def __add__(self, other: Cost) -> Cost:
        told = [units for units in (self.read_units, other.read_units) if units is not None]
        return Cost(self.requests + other.requests, self.scanned + other.scanned, sum(told) if told else None)


class Meter:
    """Adds up what the calls of one execution cost; they may run side by side."""

    def __init__(self) -> None:
        self.cost = Cost()
        self._lock = Lock()

    def metered(self, send: Send) -> Send:
        """The same `send`, which asks for the consumed capacity and counts it here."""

        def counted(call: Call) -> Flow[Reply]:
            body = call.body | {"ReturnConsumedCapacity": "TOTAL"}
            reply = yield from send(replace(call, body=body))
            spent = _cost_of(reply)
            with self._lock:
                self.cost += spent
            return reply

        return counted


class _Consumed(Struct):
    ConsumedCapacity: dict[str, Any] | list[dict[str, Any]] | None = None
    ScannedCount: int = 0


_consumed = msgspec.json.Decoder(_Consumed)


def _cost_of(reply: Reply) -> Cost:
    told = _consumed.decode(reply)
    consumed = told.ConsumedCapacity or []
    parts = [consumed] if isinstance(consumed, dict) else consumed
    units = [float(part["CapacityUnits"]) for part in parts if "CapacityUnits" in part]
    return Cost(1, told.ScannedCount, sum(units) if units else None)


def estimate(plan: Plan, assumed: Assumptions, limit: int | None = None) -> Estimate:
    """What a plan would take.

    Parameters:
        limit: how many items are wanted; it counts only where nothing is filtered.
    """
    found = Estimate(0, 0, 0.0)
    if plan.keys:
        wanted = len(plan.keys) if limit is None or plan.asked(plan.judged) else min(limit, len(plan.keys))
        found += _got(wanted, assumed, plan.consistent)
    for lane in plan.lanes:
        found += _lane(plan, lane, assumed, limit)
    return found


def _lane(plan: Plan, lane: Lane, assumed: Assumptions, limit: int | None) -> Estimate:
    whole = assumed.items_per_key * lane.share if lane.key else assumed.items_in_table
    items = 1 if lane.one else max(1, ceil(whole))
    if limit is not None and not plan.asked(lane.filter) and not lane.judges:
        items = min(items, limit)
    size = items * (assumed.item_bytes if lane.index.projection == "ALL" else assumed.entry_bytes)
    pages = max(1, ceil(size / PAGE_BYTES))
    read = Estimate(items, pages, max(pages, ceil(size / UNIT_BYTES)) * _price(plan.consistent))
    if not lane.hydrated:
        return read
    fetched = _got(items, assumed, plan.consistent)
    return read + Estimate(0, fetched.requests, fetched.read_units)


def _got(items: int, assumed: Assumptions, consistent: bool) -> Estimate:
    units = items * ceil(assumed.item_bytes / UNIT_BYTES) * _price(consistent)
    return Estimate(items, ceil(items / KEYS_PER_BATCH), units)


def _price(consistent: bool) -> float:
    return 1.0 if consistent else 0.5
