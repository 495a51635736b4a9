"""A schema from a sample of items, and what in the sample does not go into one type.

Knows attribute values in wire form and Spark's types. Must not know calls. An attribute whose values are of
several types becomes a column of JSON text, which holds any of them; its comment says what was found. Columns
of sets, and those of structs, say so in their metadata, so that a write of them makes sets again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any, Final

from msgspec import Struct
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DecimalType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from dynamodb_wrapper.wire.arrow_forms import AS_SET, JSON_TEXT
from dynamodb_wrapper.wire.values import WireItem, WireValue

MOST_DIGITS: Final = 38
_LARGEST: Final = 2**63 - 1
_EXACT: Final = Context(prec=MOST_DIGITS)
_WORDS: Final = {"S": "text", "N": "number", "BOOL": "boolean", "B": "binary", "M": "map", "L": "list"}
_SETS: Final = {"SS": "S", "NS": "N", "BS": "B"}
_NO_ELEMENTS: Final[WireValue] = {"L": []}  # which a set of none is stored as


class Inferred(Struct, frozen=True):
    """A schema, and the attributes of the sample that do not fit one type.

    Parameters:
        schema: the key first, then the other attributes by name.
        misfits: what was found, by the attribute's place, such as `address.zip`.
        items: how many items the sample has.
    """

    schema: StructType
    misfits: Mapping[str, str]
    items: int


def infer(items: Sequence[WireItem], keys: Sequence[tuple[str, str]]) -> Inferred:
    """The schema that a sample shows.

    Parameters:
        items: in wire form.
        keys: the attributes of the primary key, each with its type: S, N or B.
    """
    misfits: dict[str, str] = {}
    fields = []
    for name, kind in keys:
        values = [item[name] for item in items]
        fields.append(_field(name, values, name, misfits) if values else StructField(name, _plain(kind)))
        fields[-1].nullable = False
    for name in sorted({name for item in items for name in item} - dict(keys).keys()):
        fields.append(_field(name, [item[name] for item in items if name in item], name, misfits))
    return Inferred(StructType(fields), misfits, len(items))


def _field(name: str, values: Sequence[WireValue], place: str, misfits: dict[str, str]) -> StructField:
    kind = _type(values, place, misfits)
    if kind is None:
        inside = (f"{place}.", f"{place}[")
        found = (f"{at} is {told}" for at, told in misfits.items() if at == place or at.startswith(inside))
        told = next(found, "nothing in the sample shows its type")
        return StructField(name, StringType(), True, {**JSON_TEXT, "comment": f"JSON, because {told}"})
    return StructField(name, kind, True, dict(AS_SET) if _has_sets(values) else None)


def _has_sets(values: Iterable[WireValue]) -> bool:
    """Whether values are sets, or lists of them."""
    return any(
        tag in _SETS or (tag == "L" and _has_sets(content))
        for value in values
        for tag, content in value.items()
    )


def _type(values: Sequence[WireValue], place: str, misfits: dict[str, str]) -> DataType | None:
    """The type that takes all values, or None where none but JSON text does."""
    tags = Counter(tag for value in values for tag in value if tag != "NULL")
    if tags.keys() & _SETS.keys() and tags["L"] == sum(value == _NO_ELEMENTS for value in values):
        del tags["L"]
    if len(tags) > 1:
        found = ", ".join(f"{count} {_word(tag)}" for tag, count in tags.most_common())
        misfits[place] = f"of several types in {len(values):,} items: {found}"
        return None
    if not tags:
        return None
    ((tag, _),) = tags.items()
    contents = [value[tag] for value in values if tag in value]
    if tag == "M":
        return _struct(contents, place, misfits)
    if tag == "L" or tag in _SETS:
        elements = contents if tag == "L" else [[{_SETS[tag]: each} for each in some] for some in contents]
        inner = _type([element for some in elements for element in some], f"{place}[]", misfits)
        return None if inner is None else ArrayType(inner)
    if tag != "N":
        return _plain(tag)
    if (number := _number(contents)) is None:
        misfits[place] = f"numbers too far apart for a decimal of {MOST_DIGITS} digits"
    return number


def _struct(contents: Iterable[WireItem], place: str, misfits: dict[str, str]) -> DataType | None:
    entries: dict[str, list[WireValue]] = {}
    for content in contents:
        for name, value in content.items():
            entries.setdefault(name, []).append(value)
    fields = [_field(name, entries[name], f"{place}.{name}", misfits) for name in sorted(entries)]
    return StructType(fields) if fields else None


def _plain(tag: str) -> DataType:
    kinds: Mapping[str, DataType] = {"S": StringType(), "N": LongType(), "B": BinaryType()}
    return kinds.get(tag, BooleanType())


def _number(texts: Sequence[str]) -> DataType | None:
    """long where all are whole and fit, else a decimal of 38 digits that has room for them, else None."""
    numbers = [Decimal(text) for text in texts]
    if all(number == number.to_integral_value() and number.copy_abs() <= _LARGEST for number in numbers):
        return LongType()
    places = max(max(0, -_exponent(number)) for number in numbers)
    whole = max(max(0, number.adjusted() + 1) for number in numbers)
    if places + whole > MOST_DIGITS:
        return None
    return DecimalType(MOST_DIGITS, min(max(places, 18), MOST_DIGITS - whole))


def _exponent(number: Decimal) -> int:
    exponent: Any = number.normalize(_EXACT).as_tuple().exponent
    return int(exponent)


def _word(tag: str) -> str:
    return f"set of {_WORDS[_SETS[tag]]}s" if tag in _SETS else _WORDS.get(tag, tag)
