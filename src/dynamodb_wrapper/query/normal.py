"""Conditions in the form that planning needs: parts joined by AND, negations inside, nothing said twice.

Knows the nodes of conditions and what they name. Must not know indexes. Every step keeps the meaning exactly:
a comparison is false for a missing attribute, so `NOT a < 1` stays as it is and does not become `a >= 1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import astuple

from dynamodb_wrapper.expressions import (
    AllOf,
    AnyOf,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Missing,
    Not,
    Params,
    Path,
)
from dynamodb_wrapper.expressions.conditions import Expression, Size, StoredBool
from dynamodb_wrapper.expressions.params import Encode
from dynamodb_wrapper.query.judging import operand, rank

NEVER: Final = AnyOf(())
"""What no item fulfils."""
_WORD = re.compile(r"(?<![:#\w])[A-Za-z_]\w*")
_LEAVES = (
    Compare,
    Between,
    In,
    BeginsWith,
    Contains,
    Exists,
    Missing,
    AttributeType,
    Size,
    StoredBool,
)


def conjuncts(condition: Condition | None, encode: Encode) -> tuple[Condition, ...]:
    """The parts that must all hold; `(NEVER,)` where they cannot.

    Parameters:
        encode: gives values their wire form, as the model's codec does.
    """
    if condition is None:
        return ()
    return parts_of(_normal(condition, encode, negated=False), encode)


def parts_of(condition: Condition, encode: Encode) -> tuple[Condition, ...]:
    """The different parts of a condition that is in normal form."""
    if not isinstance(condition, AllOf):
        return (condition,)
    return tuple({signature(part, encode): part for part in condition.parts}.values())


def is_never(condition: Condition) -> bool:
    """Whether a condition in normal form cannot hold."""
    return isinstance(condition, AnyOf) and not condition.parts


def is_opaque(condition: Condition) -> bool:
    """Whether only the service understands a part of it."""
    return any(not isinstance(leaf, _LEAVES) for leaf in _leaves(condition))


def names_of(*conditions: Condition) -> frozenset[str]:
    """The attributes that conditions name; for a text also words that may be attributes."""
    return frozenset(name for condition in conditions for leaf in _leaves(condition) for name in _names(leaf))


def signature(condition: Condition, encode: Encode) -> bytes:
    """What two conditions have in common exactly when they ask for the same."""
    if isinstance(condition, In):  # it may have more choices than one request takes
        wires = [operand(condition.path, choice, encode) for choice in condition.choices]
        return msgspec.json.encode(["in", str(condition.path), [str(w) for w in wires]])
    if isinstance(condition, (AllOf, AnyOf)):
        parts = [signature(part, encode).decode() for part in condition.parts]
        return msgspec.json.encode([type(condition).__name__, parts])
    params = Params(encode)
    text = condition.encode(params)
    return msgspec.json.encode([text, params.into({})], order="sorted")


def implies_existence(condition: Condition, attribute: str) -> bool:
    """Whether the condition can hold only of items that have the attribute."""
    if isinstance(condition, AllOf):
        return any(implies_existence(part, attribute) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return all(implies_existence(part, attribute) for part in condition.parts)
    if isinstance(condition, (Missing, Not)) or not isinstance(condition, _LEAVES):
        return False
    if isinstance(condition, (Compare, Size)) and condition.comparator == "<>":
        return False
    return condition.path.attribute == attribute


def _normal(condition: Condition, encode: Encode, *, negated: bool) -> Condition:
    if isinstance(condition, Not):
        return _normal(condition.part, encode, negated=not negated)
    if isinstance(condition, (AllOf, AnyOf)):
        parts = [_normal(part, encode, negated=negated) for part in condition.parts]
        return _all(parts) if isinstance(condition, AllOf) is not negated else _any(parts)
    leaf = _simple(condition, encode)
    if not negated:
        return leaf
    return AllOf(()) if is_never(leaf) else Not(leaf)


def _all(parts: Iterable[Condition]) -> Condition:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))]
    if any(is_never(part) for part in flat):
        return NEVER
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _any(parts: Iterable[Condition]) -> Condition:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AnyOf) else (part,))]
    if any(isinstance(part, AllOf) and not part.parts for part in flat):
        return AllOf(())
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _simple(leaf: Condition, encode: Encode) -> Condition:
    if isinstance(leaf, In) and len(leaf.choices) < 2:
        return Compare(leaf.path, "=", leaf.choices[0]) if leaf.choices else NEVER
    if isinstance(leaf, Between) and not isinstance(leaf.low, Path) and not isinstance(leaf.high, Path):
        low, high = (rank(operand(leaf.path, bound, encode)) for bound in (leaf.low, leaf.high))
        if low is None or high is None or low[0] != high[0] or low > high:
            return NEVER  # the service would refuse it, though no value lies between
    return leaf


def _leaves(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from _leaves(part)
    elif isinstance(condition, Not):
        yield from _leaves(condition.part)
    else:
        yield condition


def _names(leaf: Condition) -> Iterator[str]:
    if not isinstance(leaf, _LEAVES):
        params = Params()
        leaf.encode(params)
        yield from params.into({}).get("ExpressionAttributeNames", {}).values()
        if isinstance(leaf, Expression):
            yield from _WORD.findall(leaf.text)
        return
    for value in astuple(leaf):
        for named in value if isinstance(value, tuple) else (value,):
            if isinstance(named, Path):
                yield named.attribute
