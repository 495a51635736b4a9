"""Conditions judged here, of an item in wire form, exactly as the service judges them.

Knows DynamoDB's comparison rules (Developer Guide, "Comparison operator and function reference"): values of
different types are never equal nor in an order, numbers compare as numbers, text by its UTF-8 bytes, and a
comparison with a missing attribute is false, but for `<>`. Must not know models or indexes.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

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
    Path,
)
from dynamodb_wrapper.expressions.conditions import Comparator, Size, StoredBool
from dynamodb_wrapper.expressions.params import Encode, Wire
from dynamodb_wrapper.wire.plaintext import MARK
from dynamodb_wrapper.wire.values import WireValue, encode_value

WireItem: TypeAlias = Mapping[str, WireValue]
Judge: TypeAlias = Callable[[WireItem], bool]
Rank: TypeAlias = tuple[str, Any]
_Value: TypeAlias = Callable[[WireItem], WireValue | None]


def judge_of(condition: Condition, encode: Encode) -> Judge:
    """A function that says whether the condition holds of an item.

    Parameters:
        condition: of nodes that are not text of the service's own language.
        encode: gives values their wire form, as the model's codec does.
    """
    if isinstance(condition, AllOf):
        parts = [judge_of(part, encode) for part in condition.parts]
        return lambda item: all(part(item) for part in parts)
    if isinstance(condition, AnyOf):
        parts = [judge_of(part, encode) for part in condition.parts]
        return lambda item: any(part(item) for part in parts)
    if isinstance(condition, Not):
        inner = judge_of(condition.part, encode)
        return lambda item: not inner(item)
    return _leaf(condition, encode)


def operand(path: Path, value: object, encode: Encode) -> WireValue | Path:
    """The wire form of a value to compare a path with; another path stays one."""
    if isinstance(value, Path):
        return value
    if isinstance(value, Wire):
        return value.value
    return encode(path.attribute, value) if path.is_whole else encode_value(value, str(path))


def part(path: Path, value: object) -> WireValue | Path:
    """As `operand`, for a part of what the path holds, which is encoded by its own type."""
    if isinstance(value, Path):
        return value
    return value.value if isinstance(value, Wire) else encode_value(value, str(path))


def rank(value: WireValue | Path | None) -> Rank | None:
    """What a text, number or binary sorts by among its own type; None for what has no order."""
    if value is None or isinstance(value, Path):
        return None
    ((tag, content),) = value.items()
    if tag == "S":
        return tag, content.encode()
    if tag == "N":
        return tag, Decimal(content)
    return (tag, _bytes(content)) if tag == "B" else None


def same(value: WireValue) -> Any:
    """What equal values have in common, however they are written."""
    ((tag, content),) = value.items()
    if tag == "N":
        return tag, Decimal(content)
    if tag == "B":
        return tag, _bytes(content)
    if tag == "L":
        return tag, [same(element) for element in content]
    if tag == "M":
        return tag, {name: same(entry) for name, entry in content.items()}
    if tag in ("SS", "NS", "BS"):
        return tag, frozenset(same({tag[0]: element}) for element in content)
    return tag, content


def _leaf(leaf: Condition, encode: Encode) -> Judge:
    if isinstance(leaf, Compare):
        return _compare(_at(leaf.path), leaf.comparator, _operand(leaf.path, leaf.value, encode))
    if isinstance(leaf, Between):
        value = _at(leaf.path)
        low, high = (_operand(leaf.path, bound, encode) for bound in (leaf.low, leaf.high))
        above, below = _compare(value, ">=", low), _compare(value, "<=", high)
        return lambda item: above(item) and below(item)
    if isinstance(leaf, In):
        return _one_of(leaf, encode)
    if isinstance(leaf, StoredBool):
        forms = [{"BOOL": leaf.value}, {"S": "true" if leaf.value else "false"}]
        stored = _at(leaf.path)
        return lambda item: stored(item) in forms
    if isinstance(leaf, (Exists, Missing)):
        found, wanted = _at(leaf.path), isinstance(leaf, Exists)
        return lambda item: (found(item) is not None) is wanted
    if isinstance(leaf, BeginsWith):
        return _begins(_at(leaf.path), _part(leaf.path, leaf.prefix))
    if isinstance(leaf, Contains):
        return _contains(_at(leaf.path), _part(leaf.path, leaf.part))
    if isinstance(leaf, AttributeType):
        typed, tag = _at(leaf.path), leaf.type
        return lambda item: tag in (typed(item) or ())
    if isinstance(leaf, Size):
        return _compare(_size(_at(leaf.path)), leaf.comparator, _part(leaf.path, leaf.size))
    raise TypeError(f"{type(leaf).__name__} is text that only the service can judge")


def _at(path: Path) -> _Value:
    steps = path.steps[1:]

    def value(item: WireItem) -> WireValue | None:
        found = item.get(path.attribute)
        for step in steps:
            if found is None:
                return None
            if isinstance(step, int):
                elements = found.get("L", ())
                found = elements[step] if step < len(elements) else None
            else:
                found = found.get("M", {}).get(step)
        return found

    return value


def _operand(path: Path, value: object, encode: Encode) -> _Value:
    wire = operand(path, value, encode)
    if isinstance(wire, Path):
        return _at(wire)
    plain: WireValue = wire.get(MARK, wire)  # what is judged has been decrypted
    return lambda _item: plain


def _part(path: Path, value: object) -> _Value:
    wire = part(path, value)
    return _at(wire) if isinstance(wire, Path) else lambda _item: wire


def _compare(left: _Value, comparator: Comparator, right: _Value) -> Judge:
    if comparator in ("=", "<>"):
        wanted = comparator == "="

        def equal(item: WireItem) -> bool:
            one, other = left(item), right(item)
            return (one is not None and other is not None and same(one) == same(other)) is wanted

        return equal
    holds = _ORDERS[comparator]

    def ordered(item: WireItem) -> bool:
        one, other = rank(left(item)), rank(right(item))
        return one is not None and other is not None and one[0] == other[0] and holds(one[1], other[1])

    return ordered


def _one_of(leaf: In, encode: Encode) -> Judge:
    value, choices = _at(leaf.path), [_operand(leaf.path, choice, encode) for choice in leaf.choices]
    tests = [_compare(value, "=", choice) for choice in choices]
    return lambda item: any(test(item) for test in tests)


def _begins(value: _Value, prefix: _Value) -> Judge:
    def begins(item: WireItem) -> bool:
        one, other = rank(value(item)), rank(prefix(item))
        if one is None or other is None or one[0] != other[0] or one[0] == "N":
            return False
        return bool(one[1].startswith(other[1]))

    return begins


def _contains(value: _Value, part: _Value) -> Judge:
    def contains(item: WireItem) -> bool:
        whole, wanted = value(item), part(item)
        if whole is None or wanted is None:
            return False
        ((tag, content),) = whole.items()
        if tag in ("S", "B"):
            inner = rank(wanted)
            return inner is not None and inner[0] == tag and inner[1] in rank(whole)[1]  # type: ignore[index]
        if tag in ("SS", "NS", "BS"):
            return same(wanted) in same(whole)[1]
        return tag == "L" and same(wanted) in [same(element) for element in content]

    return contains


def _size(value: _Value) -> _Value:
    def size(item: WireItem) -> WireValue | None:
        found = value(item)
        if found is None:
            return None
        ((tag, content),) = found.items()
        if tag in ("N", "BOOL", "NULL"):
            return None
        return {"N": str(len(_bytes(content) if tag == "B" else content))}

    return size


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else a2b_base64(content)


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
