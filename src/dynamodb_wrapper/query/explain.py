"""A plan in words: what will be sent, what is judged here, and what it is guessed to cost.

Knows plans and estimates. Must not send anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from dynamodb_wrapper.expressions import AllOf, AnyOf, Condition, In, Not, Params, Path
from dynamodb_wrapper.query.cost import Assumptions, Estimate, estimate
from dynamodb_wrapper.query.normal import names_of, signature
from dynamodb_wrapper.query.plan import Lane, Operation, Plan
from dynamodb_wrapper.wire.values import WireValue, decode_item, decode_value

_MOST_SHOWN: Final = 4


class Explanation(Struct, frozen=True, kw_only=True):
    """What a query will do; `str()` of it is for people.

    Parameters:
        operation: nothing, get, batch-get, query, fan-out or scan.
        table: the table's full name.
        indexes: the index of each query, None for the table itself.
        keys: the key condition of each query, or the keys that are got.
        filter: what the service drops, after it has been read and paid for.
        hides: what is not returned whatever is asked, by the filter or in Python: what is expired
            (`Meta.ttl`), and items of other models in the same table.
        checked: what is judged in Python, because no filter can say it of that index.
        projection: the attributes that are read; None for all.
        fetched: whether items are fetched from the table by key, because the index lacks some of them.
        order: the attributes by which the items come, and in which direction; None for no order.
        estimate: what reading everything would take.
        assumptions: what the estimate rests on.
    """

    operation: Operation
    table: str
    indexes: tuple[str | None, ...]
    keys: tuple[str, ...]
    filter: str | None
    checked: str | None
    hides: str | None
    projection: tuple[str, ...] | None
    fetched: bool
    order: str | None
    estimate: Estimate
    assumptions: Assumptions

    @property
    def index(self) -> str | None:
        """The index, where there is one only; None for the table."""
        return self.indexes[0] if self.indexes else None

    def __str__(self) -> str:
        lines = [self._what()]
        more = len(self.keys) - _MOST_SHOWN
        shown = list(self.keys[:_MOST_SHOWN]) + ([f"and {more:,} more"] if more > 0 else [])
        for position, key in enumerate(shown):
            lines.append(_line("" if position else "key", key))
        for label, text in (
            ("filter", self.filter),
            ("checked", self.checked and f"{self.checked} (in Python)"),
            ("hides", self.hides),
            ("reads", "all attributes" if self.projection is None else ", ".join(self.projection)),
            ("fetches", "the items from the table by key: the index lacks some" if self.fetched else None),
            ("order", self.order),
        ):
            if text and self.operation != "nothing":
                lines.append(_line(label, text))
        if self.operation != "nothing":
            lines += _guess(self.estimate, self.assumptions, self.operation)
        return "\n".join(lines)

    def _what(self) -> str:
        if self.operation == "nothing":
            return f"nothing is read of {self.table}: no item can fulfil the conditions"
        places = [f"index {name}" if name else "the table" for name in dict.fromkeys(self.indexes)]
        count = f"{len(self.keys)} queries" if self.operation == "fan-out" else self.operation
        if self.operation == "batch-get":
            count = f"batch-get of {len(self.keys):,} keys"
        return f"{count} on {self.table}" + "".join(f", {place}" for place in places if any(self.indexes))


def explanation(plan: Plan, table: str, assumptions: Assumptions, limit: int | None = None) -> Explanation:
    """The explanation of a plan.

    Parameters:
        table: the table's full name.
        limit: how many items are wanted.
    """
    encode = plan.schema.codec.encode_attribute
    filters = [_said(plan.asked(lane.filter), encode) for lane in plan.lanes]
    checked = [_said(plan.asked(plan.judged), encode)]
    checked += [_said(plan.asked(_not_sent(lane, encode)), encode) for lane in plan.lanes]
    if any(lane.excluded for lane in plan.lanes):
        checked.append("what an earlier query returned does not come again")
    keys = [_said(lane.key, encode) or "" for lane in plan.lanes if lane.key]
    keys += [_key_said(key) for key in plan.keys]
    projections = [plan.projection(lane) for lane in plan.lanes if not lane.hydrated]
    projections += [plan.item_projection()] if plan.keys or len(projections) < len(plan.lanes) else []
    read = dict.fromkeys(str(path) for paths in projections for path in paths)
    if any(not paths for paths in projections):
        read = {}
    return Explanation(
        operation=plan.operation,
        table=table,
        indexes=tuple(lane.index.name for lane in plan.lanes),
        keys=tuple(keys),
        filter=_joined(filters),
        checked=_joined(checked),
        hides=_hidden(plan),
        projection=tuple(read) or None,
        fetched=any(lane.hydrated for lane in plan.lanes),
        order=_order(plan),
        estimate=estimate(plan, assumptions, limit),
        assumptions=assumptions,
    )


def describe(condition: Condition, encode: Any) -> str:
    """A condition as people read it."""
    if isinstance(condition, (AllOf, AnyOf)):
        word = " AND " if isinstance(condition, AllOf) else " OR "
        return "(" + word.join(describe(part, encode) for part in condition.parts) + ")"
    if isinstance(condition, Not):
        return f"NOT {describe(condition.part, encode)}"
    if isinstance(condition, In) and len(condition.choices) > _MOST_SHOWN:
        return f"{condition.path} IN ({len(condition.choices):,} values)"
    return condition.encode(_Readable(encode))


class _Readable(Params):
    """Puts names and values where others put placeholders."""

    def name(self, attribute: str) -> str:
        """The attribute itself."""
        return str(Path((attribute,)))

    def wire_value(self, value: WireValue) -> str:
        """The value as Python shows it."""
        return _shown(decode_value(value))


def _shown(value: object) -> str:
    return str(value) if isinstance(value, (int, float)) or hasattr(value, "as_tuple") else repr(value)


def _not_sent(lane: Lane, encode: Any) -> tuple[Condition, ...]:
    """What is judged here without having been part of the request."""
    sent = {signature(part, encode) for part in (*lane.key, *lane.filter)}
    return tuple(part for part in lane.judged if signature(part, encode) not in sent)


def _hidden(plan: Plan) -> str | None:
    schema, named = plan.schema, names_of(*plan.always)
    texts = {schema.type_attribute: "items of other models", schema.ttl: f"what is past its {schema.ttl}"}
    return ", ".join(text for name, text in texts.items() if name in named) or None


def _said(parts: tuple[Condition, ...], encode: Any) -> str | None:
    return " AND ".join(describe(part, encode) for part in parts) or None


def _key_said(key: Mapping[str, WireValue]) -> str:
    return " AND ".join(f"{name} = {_shown(value)}" for name, value in decode_item(key).items())


def _joined(texts: list[str | None]) -> str | None:
    different = list(dict.fromkeys(text for text in texts if text))
    if len(different) > _MOST_SHOWN:
        different = [*different[:_MOST_SHOWN], f"and {len(different) - _MOST_SHOWN:,} more"]
    return "; ".join(different) or None


def _order(plan: Plan) -> str | None:
    if plan.keys or not plan.lanes or not all(lane.key for lane in plan.lanes):
        return None
    direction = "ascending" if plan.forward else "descending"
    lane: Lane = plan.lanes[0]
    if len(plan.lanes) > 1 and not plan.merged:
        return "one query after the other"
    return f"{', '.join(lane.index.sort)}, {direction}" if lane.index.sort else None


def _line(label: str, text: str) -> str:
    return f"  {label:<9} {text}"


def _guess(guess: Estimate, assumed: Assumptions, operation: Operation) -> list[str]:
    requests = f"{guess.requests:,} request{'s' if guess.requests != 1 else ''}"
    items = f"{guess.items:,} item{'s' if guess.items != 1 else ''}"
    facts = [f"{assumed.item_bytes:,} bytes an item"]
    if operation in ("query", "fan-out"):
        facts.append(f"{assumed.items_per_key:,} items a partition key value")
    if operation == "scan":
        facts.append(f"{assumed.items_in_table:,} items in the table")
    return [
        _line("estimate", f"{items} in {requests}, {guess.read_units:,g} read units"),
        _line("", f"if there are {', '.join(facts)}"),
    ]
