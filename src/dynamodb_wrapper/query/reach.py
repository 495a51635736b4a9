"""What one query of a table or an index can reach: key values by equality, then one range, and what is left.

Knows which conditions a key condition takes (Developer Guide, "Key condition expressions"), and how an OR or
an IN over keys becomes several queries. Must not choose between indexes nor know what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.expressions import AnyOf, BeginsWith, Between, Compare, Condition, In, Path
from dynamodb_wrapper.expressions.conditions import Comparator
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.query.judging import judge_of, operand, rank, same
from dynamodb_wrapper.query.judging import part as wire_part
from dynamodb_wrapper.query.made import on_key, value_of, wire_of
from dynamodb_wrapper.query.normal import NEVER, is_never, is_opaque, names_of, parts_of
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.schema.shards import LONGEST_SHARDED
from dynamodb_wrapper.schema.templates import Template
from dynamodb_wrapper.wire.sizes import PARTITION_KEY_LIMIT, SORT_KEY_LIMIT
from dynamodb_wrapper.wire.values import WireValue

MOST_KEYS: Final = 10_000
"""How many keys a condition may be spread over; they are read by batch-get."""
Parts: TypeAlias = tuple[Condition, ...]
_SINGLE_BOUND, _BETWEEN, _EQUAL = 1 / 3, 1 / 4, 1 / 10


class Reach(Struct, frozen=True):
    """What one query reads.

    Parameters:
        equal: the key attributes with one value, in wire form, in the order of the index's keys.
        range: the condition on the sort attribute after them, or None.
        rest: the conditions that the key condition does not express.
        parts: all that must hold of its items: what the keys say, and the rest.
        share: the share of the items under a partition key value that it is guessed to read: 1/3 for a bound,
            1/4 for two, 1/10 for a value (Selinger et al., "Access Path Selection in a Relational Database
            Management System", 1979).
    """

    equal: Mapping[str, WireValue]
    range: Condition | None
    rest: Parts
    parts: Parts
    share: float

    def key_condition(self) -> Parts:
        """The parts of the key condition."""
        equal = (Compare(Path((name,)), "=", Wire(value)) for name, value in self.equal.items())
        return (*equal, self.range) if self.range is not None else tuple(equal)

    def differs_from(self, other: Reach) -> bool:
        """Whether no item can be in both, because a key attribute has different values."""
        return any(
            same(value) != same(other.equal[name])
            for name, value in self.equal.items()
            if name in other.equal
        )


def reaches(
    schema: TableSchema[Any], index: Index, parts: Parts, most: int = MOST_KEYS
) -> list[Reach] | None:
    """The queries of an index that together read every item of it that fulfils the parts.

    Parameters:
        parts: the conditions in normal form that must all hold.
        most: how many there may be.

    Returns:
        None where a partition attribute is not given by equality, or they would be too many; an empty list
        where no item can fulfil the parts.
    """
    spread = _Spread(schema, most)
    branches = [parts]
    for name in index.partition:
        branches = spread.by_key(branches, name, needed=True)
        if spread.failed:
            return None
    narrowed = [narrow for branch in branches for narrow in spread.by_sort(branch, index.sort)]
    if len(narrowed) > most:
        narrowed = branches
    found = (_reach(schema, index, branch) for branch in narrowed)
    return [reach for reach in found if reach is not None]


class _Spread:
    """Takes alternatives apart where that gives key attributes a value or a range."""

    def __init__(self, schema: TableSchema[Any], most: int) -> None:
        self.schema = schema
        self.most = most
        self.failed = False

    def by_value(self, branches: Iterable[Parts], name: str, *, needed: bool) -> list[Parts]:
        found: list[Parts] = []
        for branch in branches:
            if any(map(is_never, branch)):
                continue
            if any(value_of(part, name) is not None for part in branch):
                found.append(branch)
                continue
            for at, part in enumerate(branch):
                alternatives = self.alternatives(part, name)
                if alternatives is not None:
                    around = (branch[:at], branch[at + 1 :])
                    inner = [(*around[0], *alternative, *around[1]) for alternative in alternatives]
                    found += self.by_value(inner, name, needed=needed)
                    break
            else:
                self.failed |= needed
                found.append(branch)
            if len(found) > self.most:
                self.failed = True
            if self.failed:
                break
        return found

    def by_key(self, branches: list[Parts], name: str, *, needed: bool) -> list[Parts]:
        """As `by_value`; a key that a template makes of fields is given by them."""
        template = self.schema.templates.get(name)
        if template is None or any(name in names_of(*branch) for branch in branches):
            return self.by_value(branches, name, needed=needed)
        if needed and template.is_prefix:
            self.failed = True
            return branches
        for field in template.fields:
            spread = self.by_value(branches, field, needed=needed)
            if self.failed:
                self.failed = needed
                break
            if not all(any(value_of(part, field) is not None for part in branch) for branch in spread):
                break
            branches = spread
        return [
            branch if said is None else (*branch, said)
            for branch in branches
            for said in [on_key(self.schema, template, branch)]
        ]

    def alternatives(self, part: Condition, name: str) -> list[Parts] | None:
        """The alternatives of a part, if each gives the attribute a value."""
        if isinstance(part, In) and part.path.steps == (name,):
            if any(isinstance(choice, Path) for choice in part.choices):
                return None
            wires = [
                operand(part.path, choice, self.schema.codec.encode_attribute) for choice in part.choices
            ]
            different = {mark({name: wire}): wire for wire in wires if not isinstance(wire, Path)}
            return [(Compare(part.path, "=", Wire(wire)),) for wire in different.values()]
        if not isinstance(part, AnyOf) or is_opaque(part):
            return None
        encode = self.schema.codec.encode_attribute
        found = [parts_of(alternative, encode) for alternative in part.parts]
        if all(self.gives_value(alternative, name) for alternative in found):
            return found
        return None

    def gives_value(self, parts: Parts, name: str) -> bool:
        return any(
            value_of(part, name) is not None or self.alternatives(part, name) is not None for part in parts
        )

    def by_sort(self, branch: Parts, sort: Sequence[str]) -> list[Parts]:
        if not sort:
            return [branch]
        name, encode = sort[0], self.schema.codec.encode_attribute
        if name in self.schema.templates:
            return self.by_key([branch], name, needed=False)
        valued = self.by_value([branch], name, needed=False)
        if self.failed:
            self.failed, valued = False, [branch]
        if all(any(value_of(part, name) is not None for part in parts) for parts in valued):
            return [narrow for parts in valued for narrow in self.by_sort(parts, sort[1:])]
        if any(_is_range(part, name) for part in branch):
            return [branch]
        for at, part in enumerate(branch):
            if not isinstance(part, AnyOf) or is_opaque(part) or len(part.parts) > self.most:
                continue
            inner = [parts_of(alternative, encode) for alternative in part.parts]
            if all(
                any(_is_range(leaf, name) or value_of(leaf, name) is not None for leaf in alternative)
                for alternative in inner
            ):
                return [(*branch[:at], *alternative, *branch[at + 1 :]) for alternative in inner]
        return [branch]


def _is_range(part: Condition, name: str) -> bool:
    if isinstance(part, Compare):
        bounds: tuple[object, ...] = (part.value,)
        ranges = part.comparator not in ("=", "<>")
    elif isinstance(part, Between):
        bounds, ranges = (part.low, part.high), True
    elif isinstance(part, BeginsWith):
        bounds, ranges = (part.prefix,), True
    else:
        return False
    return ranges and part.path.steps == (name,) and not any(isinstance(bound, Path) for bound in bounds)


def _reach(schema: TableSchema[Any], index: Index, parts: Parts) -> Reach | None:
    """What the parts leave of the index; None if no item can fulfil them."""
    if any(map(is_never, parts)):
        return None
    equal: dict[str, WireValue] = {}
    rest, share = list(parts), 1.0
    bounded: Condition | None = None
    for name in index.keys:
        limit = _longest(index, name)
        given = next((part for part in rest if value_of(part, name) is not None), None)
        if given is None:
            bounded, used, portion = _range(schema, name, rest, limit)
            if bounded is NEVER:
                return None
            rest = [part for part in rest if not any(part is other for other in used)]
            share *= portion
            break
        value = wire_of(schema, given, name)
        if not _can_be_key(value, schema.key_types[name], limit):
            return None
        equal[name] = value
        rest = [part for part in rest if part is not given]
        if template := schema.templates.get(name):
            said = _fields_of(schema, template, value, parts)
            rest = [part for part in rest if not _is_said(schema, part, said)]
        share *= _EQUAL if name in index.sort else 1.0
    left: list[Condition] = []
    for part in rest:
        names = names_of(part)
        if is_opaque(part) or schema.ttl in names or not names <= equal.keys():
            left.append(part)  # what expires meanwhile must not change how many queries there are
        elif not judge_of(part, schema.codec.encode_attribute)(equal):
            return None
    return Reach(equal, bounded, tuple(left), parts, share)


def _longest(index: Index, name: str) -> int:
    """The most bytes that a key attribute of an index has."""
    if name not in index.partition:
        return SORT_KEY_LIMIT
    return PARTITION_KEY_LIMIT if index.shards is None else LONGEST_SHARDED


def _fields_of(
    schema: TableSchema[Any], template: Template, key: WireValue, parts: Parts
) -> Mapping[str, Any]:
    """The values of the fields that a key was made of, which it says in full; none if others made it."""
    if on_key(schema, template, parts) != Compare(Path((template.attribute,)), "=", Wire(key)):
        return {}
    firsts = (
        (name, next(part for part in parts if value_of(part, name) is not None)) for name in template.fields
    )
    return {name: same(wire_of(schema, part, name)) for name, part in firsts}


def _is_said(schema: TableSchema[Any], part: Condition, said: Mapping[str, Any]) -> bool:
    return any(
        value_of(part, name) is not None and same(wire_of(schema, part, name)) == value
        for name, value in said.items()
    )


def _can_be_key(value: WireValue | Path | None, kind: str, limit: int) -> bool:
    """Whether a key attribute can have the value: of its type, not empty, not too long."""
    ranked = None if isinstance(value, Path) else rank(value)
    if ranked is None or ranked[0] != kind:
        return False
    return kind == "N" or 0 < len(ranked[1]) <= limit


_Bound: TypeAlias = tuple[Any, bool, Any, Condition]
"""The rank of a bound, whether it is left out itself, its wire form, and the part that gives it."""


def _range(
    schema: TableSchema[Any], name: str, parts: Iterable[Condition], limit: int
) -> tuple[Condition | None, list[Condition], float]:
    """The one range condition on an attribute, the parts that it expresses in full, and its share."""
    kind, encode, path = schema.key_types[name], schema.codec.encode_attribute, Path((name,))
    low: list[_Bound] = []
    high: list[_Bound] = []
    prefixes: list[tuple[Any, Condition]] = []
    for part in parts:
        if not _is_range(part, name):
            continue
        if isinstance(part, BeginsWith):
            prefix = wire_part(path, part.prefix)
            if kind != "N" and _can_be_key(prefix, kind, limit):
                prefixes.append((rank(prefix), part))
            continue
        bounds = [(comparator, operand(path, bound, encode)) for comparator, bound in _bounds(part)]
        if not all(_can_be_key(wire, kind, limit) for _, wire in bounds):
            continue
        for comparator, wire in bounds:
            side = low if comparator in (">", ">=") else high
            side.append((rank(wire), len(comparator) == 1, wire, part))
    if prefixes:
        longest = max(prefixes, key=lambda found: len(found[0][1]))[1]
        return longest, [longest], _BETWEEN
    return _between(path, low, high)


def _between(
    path: Path, low: Sequence[_Bound], high: Sequence[_Bound]
) -> tuple[Condition | None, list[Condition], float]:
    start = max(low, key=lambda bound: bound[:2], default=None)
    end = min(high, key=lambda bound: (bound[0], not bound[1]), default=None)
    if start is not None and end is not None:
        if start[0] > end[0] or (start[0] == end[0] and (start[1] or end[1])):
            return NEVER, [], 0.0
        used = _expressed(low, start[0], high, end[0])
        return Between(path, Wire(start[2]), Wire(end[2])), used, _BETWEEN
    only = start or end
    if only is None:
        return None, [], 1.0
    comparator: Comparator = ("<" if only[1] else "<=") if start is None else (">" if only[1] else ">=")
    return (
        Compare(path, comparator, Wire(only[2])),
        [bound[3] for bound in (*low, *high)],
        _SINGLE_BOUND,
    )


def _bounds(part: Condition) -> tuple[tuple[str, object], ...]:
    if isinstance(part, Between):
        return (">=", part.low), ("<=", part.high)
    assert isinstance(part, Compare)
    return ((part.comparator, part.value),)


def _expressed(low: Sequence[_Bound], start: Any, high: Sequence[_Bound], end: Any) -> list[Condition]:
    """The parts that a BETWEEN says in full: not those that leave out the very bound of it."""
    edges = [(bound, start) for bound in low] + [(bound, end) for bound in high]
    left_out = {id(bound[3]) for bound, edge in edges if bound[1] and bound[0] == edge}
    return [bound[3] for side in (low, high) for bound in side if id(bound[3]) not in left_out]


def key_of(reach: Reach, schema: TableSchema[Any]) -> dict[str, WireValue] | None:
    """The primary key that a reach of the table is for, if it is for one item."""
    if reach.equal.keys() != set(schema.key_fields):
        return None
    return {name: reach.equal[name] for name in schema.key_fields}
