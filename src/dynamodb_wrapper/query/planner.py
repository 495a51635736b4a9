"""The planner: from a table's description and conditions to the cheapest calls that give the exact answer.

Knows which index has which items and attributes. Must not do I/O, nor know builders or faces. The order of
preference: full keys, then an index that has all that is needed, then the narrowest range. An index that
lacks items which the query asks for is never chosen by itself: an item with any part of the index's key
missing is not in it (Developer Guide, "Take advantage of sparse indexes").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, AnyOf, Condition, all_of
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.query.judging import rank
from dynamodb_wrapper.query.normal import (
    conjuncts,
    implies_existence,
    is_never,
    is_opaque,
    names_of,
    parts_of,
    signature,
)
from dynamodb_wrapper.query.plan import Lane, Operation, Plan, spread
from dynamodb_wrapper.query.reach import Parts, Reach, key_of, reaches
from dynamodb_wrapper.query.suggest import always_there, needed_indexes
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.wire.values import WireItem

MOST_QUERIES: Final = 100
"""How many queries one plan may send side by side; keys that are got by batch have no such limit."""
MOST_OF_SHARDS: Final = 1000
"""The same where each of them is one for every shard of an index."""


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked of the planner.

    Parameters:
        schema: the table's description.
        condition: what must hold of the items.
        attributes: those that the answer needs; None for all there are.
        index: the only index to use, where one is named.
        consistent: whether the latest writes must be read.
        forward: the order that was asked for; None for whichever.
        scan: whether reading the whole table is allowed.
        always: what must hold too, whatever is asked: that items are of the model, and have not expired. No
            index is chosen by it.
    """

    schema: TableSchema[Any]
    condition: Condition | None = None
    attributes: tuple[str, ...] | None = None
    index: str | None = None
    consistent: bool = False
    forward: bool | None = None
    scan: bool = False
    always: Condition | None = None


class _Way(Struct, frozen=True):
    """One way to the answer, with what it is preferred by: the lesser the better."""

    lanes: tuple[tuple[Lane, Reach], ...]
    keys: tuple[WireItem, ...]
    judged: Parts
    rank: tuple[float, ...]


def plan(wish: Wish) -> Plan:
    """The plan for a wish.

    Raises:
        ValidationError: only a scan would do and none is allowed (the message has the Meta of an index that
            would serve), a scan was asked for an order, or an index cannot be read consistently.
    """
    schema = wish.schema
    named = schema.index(wish.index) if wish.index is not None else None
    if wish.consistent and named is not None and not named.local:
        raise ValidationError(
            f"a consistent read of the global index {wish.index} is not possible: leave one of them out",
            errors={"consistent": ["not possible on a global index"]},
        )
    encode = schema.codec.encode_attribute
    parts = conjuncts(wish.condition, encode)
    common: dict[str, Any] = {
        "schema": schema,
        "always": conjuncts(wish.always, encode),
        "attributes": wish.attributes,
        "forward": wish.forward is not False,
        "consistent": wish.consistent,
    }
    if any(map(is_never, parts)):
        return Plan(operation="nothing", **common)
    parts = conjuncts(all_of(wish.condition, wish.always), encode)
    way = _best(wish, parts, named)
    if way is None:
        way = _united(wish, parts, named, MOST_QUERIES)
    if way is None:
        return Plan(operation="scan", lanes=(_scan(wish, parts, named),), **common)
    return _plan_of(wish, way, common)


def _plan_of(wish: Wish, way: _Way, common: dict[str, Any]) -> Plan:
    if way.keys:
        keys = way.keys if common["forward"] else way.keys[::-1]
        return Plan(
            operation="get" if len(keys) == 1 else "batch-get", keys=keys, judged=way.judged, **common
        )
    indexes = {lane.index.name for lane, _ in way.lanes}
    if len(indexes) > 1 and wish.forward is not None:
        named = ", ".join(str(name or "the table") for name in sorted(indexes, key=str))
        raise ValidationError(
            f"the alternatives of this query are read from {named}, which have no order in common: "
            "leave out order(), or sort the answer",
            errors={"order": ["the query needs several indexes"]},
        )
    lanes = tuple(each for lane in _without_repeats(wish, way.lanes) for each in spread(lane))
    merged = len(lanes) > 1 and len(indexes) == 1 and bool(lanes[0].index.sort)
    operations: tuple[Operation, ...] = ("nothing", "query", "fan-out")
    return Plan(operation=operations[min(len(lanes), 2)], lanes=lanes, merged=merged, **common)


def _best(wish: Wish, parts: Parts, named: Index | None) -> _Way | None:
    """The best way by one index alone."""
    schema = wish.schema
    candidates = [named] if named is not None else [schema.primary, *schema.indexes.values()]
    if wish.consistent:
        candidates = [index for index in candidates if index.name is None or index.local]
    if named is None:
        candidates = [index for index in candidates if not index.filling]
    ways = [_way(wish, index, parts, position) for position, index in enumerate(candidates)]
    if named is None:
        ways.append(_by_keys(wish, parts))
    return min((way for way in ways if way is not None), key=lambda way: way.rank, default=None)


def _by_keys(wish: Wish, parts: Parts) -> _Way | None:
    """The way by full primary keys, if the conditions name them all."""
    schema = wish.schema
    found = reaches(schema, schema.primary, parts)
    if not found:
        return None
    keys: dict[bytes, WireItem] = {}
    for reach in found:
        key = key_of(reach, schema)
        if key is None or any(map(is_opaque, reach.rest)):
            return None
        keys[mark(key)] = key
    encode = schema.codec.encode_attribute
    left = {tuple(signature(part, encode) for part in reach.rest): reach.rest for reach in found}
    judged = next(iter(left.values())) if len(left) == 1 else parts
    if any(map(is_opaque, judged)):
        return None
    ordered: list[WireItem] = list(keys.values())
    if schema.sort_key is not None:
        sort = schema.sort_key
        ordered.sort(key=lambda key: rank(key[sort]) or ())
    return _Way((), tuple(ordered), judged, (0, 0, 0, 0, 0, 0))


def _way(wish: Wish, index: Index, parts: Parts, position: int) -> _Way | None:
    """The way by queries of one index, if the conditions give its partition key and it has every item."""
    if wish.index is None and not has_every_item(wish.schema, index, parts):
        return None
    found = reaches(wish.schema, index, parts, _most(index))
    if found is None:
        return None
    lanes = []
    for reach in found:
        lane = _lane(wish, index, reach)
        if lane is None:
            return None
        lanes.append((lane, reach))
    hydrated = any(lane.hydrated for lane, _ in lanes)
    judged = sum(len(lane.judged) for lane, _ in lanes)
    share = sum(reach.share for _, reach in lanes) * 0.1 ** (len(index.partition) - 1)
    return _Way(tuple(lanes), (), (), (1, hydrated, share, len(lanes), judged, position))


def _lane(wish: Wish, index: Index, reach: Reach) -> Lane | None:
    """How one reach is read: what the service filters, what is judged here, and whether items are fetched."""
    held = attributes_in(wish.schema, index)
    named = [(part, names_of(part)) for part in reach.rest]
    filtered = [
        part
        for part, names in named
        if not names & set(index.stored_keys) and (held is None or names <= held)
    ]
    judged = [part for part, _ in named if not any(part is other for other in filtered)]
    if any(map(is_opaque, judged)):
        return None
    hydrated = held is not None and not (
        wish.attributes is not None and {*wish.attributes, *names_of(*judged)} <= held
    )
    return Lane(
        index=index,
        key=reach.key_condition(),
        filter=tuple(filtered),
        judged=_judged_anew(reach) if hydrated else tuple(judged),
        hydrated=hydrated,
        share=reach.share,
        one=index.name is None and key_of(reach, wish.schema) is not None,
    )


def _judged_anew(reach: Reach) -> Parts:
    """What must hold of an item as its table has it: an index follows its table with a delay."""
    return tuple(part for part in reach.parts if not is_opaque(part))


def _united(wish: Wish, parts: Parts, named: Index | None, most: int) -> _Way | None:
    """The way by a different index for each alternative of an OR."""
    encode = wish.schema.codec.encode_attribute
    for at, part in enumerate(parts):
        if not isinstance(part, AnyOf) or len(part.parts) > most or is_opaque(part):
            continue
        ways: list[_Way] = []
        for alternative in part.parts:
            branch = (*parts[:at], *parts_of(alternative, encode), *parts[at + 1 :])
            way = _queried(wish, branch, named) or _united(wish, branch, named, most)
            if way is None:
                break
            ways.append(way)
        else:
            lanes = tuple(lane for way in ways for lane in way.lanes)
            if len(lanes) <= most:
                return _Way(lanes, (), (), (1, 0, 0, len(lanes), 0, 0))
    return None


def _queried(wish: Wish, parts: Parts, named: Index | None) -> _Way | None:
    """As `_best`, with keys as queries of one item each, so that they can stand beside other queries."""
    way = _best(wish, parts, named)
    if way is None or not way.keys:
        return way
    return _way(wish, wish.schema.primary, parts, 0)


def _without_repeats(wish: Wish, lanes: Sequence[tuple[Lane, Reach]]) -> tuple[Lane, ...]:
    """The lanes, each told what those before it return already."""
    encode = wish.schema.codec.encode_attribute
    found: list[Lane] = []
    for position, (lane, reach) in enumerate(lanes):
        own = {signature(part, encode) for part in reach.parts}
        excluded: dict[bytes, AllOf] = {}
        for _, before in lanes[:position]:
            if reach.differs_from(before):
                continue
            differing = AllOf(tuple(p for p in before.parts if signature(p, encode) not in own))
            excluded[signature(differing, encode)] = differing
        if any(not differing.parts for differing in excluded.values()):
            continue  # whatever this one returns, one before it has returned
        found.append(_excluding(wish, lane, reach, tuple(excluded.values())))
    return tuple(found)


def _excluding(wish: Wish, lane: Lane, reach: Reach, excluded: tuple[AllOf, ...]) -> Lane:
    held = attributes_in(wish.schema, lane.index)
    hydrated = lane.hydrated or (held is not None and not names_of(*excluded) <= held)
    judged = lane.judged if hydrated is lane.hydrated else _judged_anew(reach)
    return Lane(
        index=lane.index,
        key=lane.key,
        filter=lane.filter,
        judged=judged,
        excluded=excluded,
        hydrated=hydrated,
        share=lane.share,
        one=lane.one,
    )


def _scan(wish: Wish, parts: Parts, named: Index | None) -> Lane:
    if not wish.scan:
        raise _refused(wish)
    if wish.forward is not None:
        raise ValidationError(
            "a scan has no order: give the partition key of the table or of an index, or leave out order()",
            errors={"order": ["not possible for a scan"]},
        )
    index = named or wish.schema.primary
    held = attributes_in(wish.schema, index)
    filtered = [part for part in parts if held is None or names_of(part) <= held]
    judged = [part for part in parts if not any(part is other for other in filtered)]
    hydrated = held is not None and not (
        wish.attributes is not None and {*wish.attributes, *names_of(*judged)} <= held
    )
    return Lane(index=index, filter=tuple(filtered), judged=tuple(judged), hydrated=hydrated)


def _refused(wish: Wish) -> ValidationError:
    schema, name = wish.schema, wish.schema.model.__name__
    parts = conjuncts(wish.condition, schema.codec.encode_attribute)
    given = ", ".join(sorted(names_of(*parts))) or "nothing"
    keys = "; ".join(
        f"{index.name or 'the table'}: {' + '.join(_asked_by(schema, index))}"
        for index in (schema.primary, *schema.indexes.values())
    )
    text = None
    mend = _hindrance(wish, parts)
    if mend is None:
        mend = "Give a value for a partition key, or"
        text = needed_indexes(schema, parts, lambda branch: _best(wish, branch, None) is not None)
        if text is not None:
            there = "and to a table that is there (db.create_index)"
            mend = f"Add the index to {name}.Meta:\n\n{text}\n\n{there}, or"
    return ValidationError(
        f"this query of {name} would read the whole {'table' if wish.index is None else 'index'}: the "
        f"conditions are on {given}, and queries start from a value of ({keys}), in an index that has every "
        f"item asked for. {mend} allow it with .allow_scan()",
        errors={"where": ["no index serves these conditions"]},
        context={"operation": "Scan", "meta": text},
    )


def _hindrance(wish: Wish, parts: Parts) -> str | None:
    """What to do about a query that an index would serve, were it not for something else that was asked."""
    schema = wish.schema
    if wish.index is not None:
        needed = " + ".join(_asked_by(schema, schema.index(wish.index)))
        return f"The query may use {wish.index} only: give a value for {needed}, leave out index(), or"
    if wish.consistent and _best(replace(wish, consistent=False), parts, None) is not None:
        return (
            "An index that would serve is global and cannot be read consistently: leave out consistent(), or"
        )
    for index in schema.indexes.values():
        found = reaches(schema, index, parts) or ()
        if len(found) > 1 and has_every_item(schema, index, parts):
            return (
                f"It would be {len(found):,} queries of {index.name}, more than are sent for one question: "
                f"ask for at most {_most(index)} values at a time, or"
            )
    return None


def _most(index: Index) -> int:
    """How many queries of an index one plan may send."""
    return MOST_QUERIES if index.shards is None else min(MOST_QUERIES, MOST_OF_SHARDS // index.shards.count)


def attributes_in(schema: TableSchema[Any], index: Index) -> frozenset[str] | None:
    """The attributes that an index has of its items; None for all."""
    if index.projection == "ALL":
        return None
    copied = () if index.projection == "KEYS_ONLY" else index.projection
    return frozenset((*copied, *index.keys, *index.stored_keys, *schema.key_fields))


def has_every_item(schema: TableSchema[Any], index: Index, parts: Iterable[Condition]) -> bool:
    """Whether every item of the table that fulfils the parts is in the index."""
    held = list(parts)
    return all(
        name in schema.key_fields
        or always_there(schema, name)
        or any(implies_existence(part, name) for part in held)
        or _is_made(schema, name, held)
        for name in index.keys
    )


def _is_made(schema: TableSchema[Any], name: str, parts: Sequence[Condition]) -> bool:
    """Whether a template makes the key of every item that fulfils the parts."""
    template = schema.templates.get(name)
    return template is not None and all(
        not slot.optional or any(implies_existence(part, slot.attribute) for part in parts)
        for slot in template.slots
    )


def _asked_by(schema: TableSchema[Any], index: Index) -> Iterable[str]:
    """What gives an index its partition: attributes, or the fields of their templates."""
    for name in index.partition:
        template = schema.templates.get(name)
        yield from (name,) if template is None or template.is_prefix else template.fields
