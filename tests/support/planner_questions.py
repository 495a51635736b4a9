"""Tables of many shapes, items, random questions about them, and an oracle written apart from the library.

`maybe` is often missing, so that the indexes on it are sparse; some indexes have only their keys, some a part
of the items; some models share a table, where templates make their keys.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, NamedTuple

from hypothesis import strategies as st

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
from dynamodb_wrapper.expressions.conditions import Size, StoredBool
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import GSI, LSI


class Thing(DynamoDBModel):
    id: str
    number: int
    kind: str
    flag: bool
    maybe: str | None = None
    weight: int = 0
    tags: set[str] | None = None


class Plain(Thing):
    class Meta:
        table_name = "plain"
        partition_key = "id"
        gsis: ClassVar = [
            GSI("ByKind", "kind", "number"),
            GSI("ByFlag", "flag", "weight", "KEYS_ONLY"),
            GSI("ByMaybe", "maybe", "number", ["weight"]),
        ]


class Sparse(Thing):
    class Meta:
        table_name = "sparse"
        partition_key = "id"
        gsis: ClassVar = [GSI("KindMaybe", "kind", "maybe"), GSI("FlagMaybe", "flag", "maybe")]


class Sorted(Thing):
    class Meta:
        table_name = "sorted"
        partition_key = "kind"
        sort_key = "id"
        lsis: ClassVar = [LSI("LocalNumber", "number"), LSI("LocalMaybe", "maybe", "KEYS_ONLY")]
        gsis: ClassVar = [GSI("ByFlag", "flag", "number", ["kind", "weight"])]


class Several(Thing):
    class Meta:
        table_name = "several"
        partition_key = "id"
        gsis: ClassVar = [GSI("Many", ["kind", "flag"], ["number", "maybe"]), GSI("ByWeight", "weight")]


class SharedTable:
    table_name = "shared"
    partition_key = "pk"
    sort_key = "sk"
    gsis: ClassVar = [GSI("One", "gsi1pk", "gsi1sk"), GSI("Two", "gsi2pk", "gsi2sk", "KEYS_ONLY")]


class ByWeight(Thing):
    class Meta(SharedTable):
        templates: ClassVar = {
            "pk": "K#{kind}",
            "sk": "W#{weight:03d}#{id}",
            "gsi1pk": "M#{maybe}",
            "gsi1sk": "{id}",
            "gsi2pk": "F#{flag}#{kind}",
            "gsi2sk": "{weight:03d}",
        }


class ById(Thing):
    class Meta(SharedTable):
        templates: ClassVar = {
            "pk": "I#{id}",
            "sk": "{kind}#{weight:03d}",
            "gsi1pk": "M#{maybe}",
            "gsi1sk": "{kind}",
        }


class InKind(Thing):
    class Meta(SharedTable):
        templates: ClassVar = {
            "pk": "K#{kind}",
            "sk": "X#{id}",
            "gsi2pk": "F#{flag}#{kind}",
            "gsi2sk": "X#{id}",
        }


class Repeating(Thing):
    class Meta(SharedTable):
        templates: ClassVar = {
            "pk": "R#{kind}#{flag}",
            "sk": "{id}#{kind}#{weight:03d}",
            "gsi1pk": "{maybe}#{kind}",
            "gsi1sk": "{kind}#{weight:03d}#{id}",
            "gsi2pk": "{id}",
            "gsi2sk": "{flag}#{maybe}",
        }


IDS = [f"i{n:02}" for n in range(40)]
KINDS, NUMBERS, WEIGHTS = ["a", "ab", "b"], [-2, 0, 1, 2, 10], [0, 1, 5]
MAYBES, TAGS = ["m", "n", "mm"], ["x", "y", "z"]


def things(model: type[Thing], seed: int = 7) -> list[Thing]:
    dice = random.Random(seed)
    return [
        model(
            id=name,
            number=dice.choice(NUMBERS),
            kind=dice.choice(KINDS),
            flag=dice.random() < 0.5,
            maybe=dice.choice([None, *MAYBES]),
            weight=dice.choice(WEIGHTS),
            tags=set(dice.sample(TAGS, dice.randint(1, 2))) if dice.random() < 0.5 else None,
        )
        for name in IDS
    ]


class Layout(NamedTuple):
    """The Meta of a table, as a value."""

    keys: tuple[str, str | None]
    gsis: tuple[tuple[tuple[str, ...], tuple[str, ...], str | tuple[str, ...]], ...]
    lsis: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    templates: tuple[tuple[str, str], ...] = ()


@cache
def laid_out(layout: Layout) -> type[Thing]:
    """The model of a layout, with a table of its own."""

    class Made(Thing):
        class Meta:
            table_name = f"made-{hash(layout)}"
            partition_key, sort_key = layout.keys
            gsis: ClassVar = [
                GSI(f"Global{at}", [*partition], [*sort] or None, projected(projection))
                for at, (partition, sort, projection) in enumerate(layout.gsis)
            ]
            lsis: ClassVar = [
                LSI(f"Local{at}", name, projected(projection))
                for at, (name, projection) in enumerate(layout.lsis)
            ]
            templates: ClassVar = dict(layout.templates)

    return Made


def projected(projection: str | tuple[str, ...]) -> Any:
    return projection if isinstance(projection, str) else [*projection]


PROJECTIONS = st.one_of(
    st.sampled_from(["ALL", "KEYS_ONLY"]),
    st.lists(st.sampled_from(["number", "flag", "maybe", "weight", "tags"]), min_size=1, unique=True).map(
        tuple
    ),
)
KEY_FIELDS = ["id", "kind", "number", "flag", "maybe", "weight"]


@st.composite
def plain_layouts(draw: st.DrawFn) -> Layout:
    """Tables and indexes by fields; index keys of up to four attributes."""
    keys = draw(
        st.sampled_from([("id", None), ("id", "number"), ("kind", "id"), ("flag", "id"), ("weight", "id")])
    )
    gsis = []
    for _ in range(draw(st.integers(0, 3))):
        fields = draw(st.lists(st.sampled_from(KEY_FIELDS), min_size=1, max_size=4, unique=True))
        middle = draw(st.integers(1, len(fields)))
        gsis.append((tuple(fields[:middle]), tuple(fields[middle:]), draw(PROJECTIONS)))
    sorts = st.sampled_from([name for name in KEY_FIELDS if name not in keys])
    lsis = draw(st.lists(st.tuples(sorts, PROJECTIONS), max_size=2)) if keys[1] else []
    return Layout(keys, tuple(gsis), tuple(lsis))


@st.composite
def made_layouts(draw: st.DrawFn) -> Layout:
    """Tables and indexes whose keys templates make."""
    forms = {"weight": draw(st.sampled_from(["weight:03d", "weight:d"]))}

    def text(names: list[str]) -> str:
        return "#".join(f"{{{forms.get(name, name)}}}" for name in names)

    required = ["id", "kind", "flag", "weight"]
    partition = draw(st.lists(st.sampled_from(required), min_size=1, max_size=2, unique=True))
    sort = draw(st.lists(st.sampled_from(required), min_size=1, max_size=3, unique=True))
    if "id" not in partition + sort:
        sort.append("id")
    templates = {"pk": "T#" + text(partition), "sk": text(sort)}
    gsis = []
    for at in range(draw(st.integers(0, 2))):
        fields = st.lists(st.sampled_from([*required, "maybe"]), min_size=1, max_size=3, unique=True).map(
            text
        )
        templates |= {f"g{at}pk": "G#" + draw(fields), f"g{at}sk": draw(fields)}
        gsis.append(((f"g{at}pk",), (f"g{at}sk",), draw(PROJECTIONS)))
    return Layout(("pk", "sk"), tuple(gsis), templates=tuple(templates.items()))


LAYOUTS = st.one_of(plain_layouts(), made_layouts())


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from([*IDS[:6], "i", "zz"]),
    "kind": st.sampled_from([*KINDS, "c"]),
    "number": st.sampled_from([*NUMBERS, 5]),
    "flag": st.booleans(),
    "maybe": st.sampled_from([*MAYBES, "q"]),
    "weight": st.sampled_from(WEIGHTS),
}


@st.composite
def leaves(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from([*VALUES, "kind", "id", "number"]))
    path, values = Path((name,)), VALUES[name]
    value = draw(values)
    text, other = name in ("id", "kind", "maybe"), "kind" if name == "maybe" else "maybe"
    choices: list[Callable[[], Condition]] = [
        lambda: Compare(path, "=", value),
        lambda: Compare(path, "=", value),
        lambda: Compare(path, draw(st.sampled_from(["<>", "<", "<=", ">", ">="])), value),
        lambda: Compare(path, draw(st.sampled_from(["<", "<=", ">", ">="])), value),
        lambda: Between(path, value, draw(values)),
        lambda: In(path, tuple(draw(st.lists(values, min_size=1, max_size=4)))),
        lambda: In(path, tuple(draw(st.lists(values, min_size=1, max_size=4)))),
        lambda: Exists(path),
        lambda: Missing(path),
    ]
    if name == "flag":
        choices = [lambda: Compare(path, "=", value), lambda: StoredBool(path, value)]
    if text:
        choices += [
            lambda: BeginsWith(path, draw(st.sampled_from(["a", "i0", "m", "i", "b"]))),
            lambda: Contains(path, draw(st.sampled_from(["a", "0", "m"]))),
            lambda: Size(path, draw(st.sampled_from(["=", ">", "<>"])), draw(st.integers(1, 3))),
            lambda: AttributeType(path, "S"),
            lambda: Compare(path, draw(st.sampled_from(["<", "=", "<>"])), Path((other,))),
        ]
    if name == "weight":
        choices.append(lambda: Contains(Path(("tags",)), draw(st.sampled_from(TAGS))))
        choices.append(lambda: Size(Path(("tags",)), ">=", draw(st.integers(1, 2))))
    return draw(st.sampled_from(choices))()


CONDITIONS = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)


@st.composite
def valued(draw: st.DrawFn) -> Condition:
    """A value, or a few of them, for one or two attributes that are keys of something."""
    parts: list[Condition] = []
    for name in draw(st.lists(st.sampled_from(["id", "kind", "flag", "maybe"]), min_size=1, max_size=2)):
        path, values = Path((name,)), VALUES[name]
        if name == "flag" or draw(st.booleans()):
            parts.append(Compare(path, "=", draw(values)))
        else:
            parts.append(In(path, tuple(draw(st.lists(values, min_size=1, max_size=3)))))
    return AllOf(tuple(parts))


KEYED = st.tuples(valued(), st.lists(CONDITIONS, max_size=2)).map(lambda both: AllOf((both[0], *both[1])))
ALTERNATIVES = st.lists(KEYED, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
BOTH = st.tuples(ALTERNATIVES, CONDITIONS).map(AllOf)
QUESTIONS = st.one_of(KEYED, KEYED, ALTERNATIVES, BOTH, CONDITIONS)


def holds(condition: Any, item: Thing) -> bool:
    """The oracle: what DynamoDB's documentation says of a condition, for items of these models."""
    if isinstance(condition, (AllOf, AnyOf)):
        parts = [holds(part, item) for part in condition.parts]
        return all(parts) if isinstance(condition, AllOf) else any(parts)
    if isinstance(condition, Not):
        return not holds(condition.part, item)
    found = getattr(item, condition.path.attribute)
    if isinstance(condition, (Exists, Missing)):
        return (found is not None) is isinstance(condition, Exists)
    if getattr(condition, "comparator", "") == "<>":
        return not holds(type(condition)(condition.path, "=", sized_or_value(condition)), item)
    return found is not None and bool(RULES[type(condition)](condition, found, item))


def sized_or_value(condition: Any) -> Any:
    return condition.size if isinstance(condition, Size) else condition.value


def compared(condition: Any, found: Any, item: Thing) -> bool:
    value = condition.value
    other = getattr(item, value.attribute) if isinstance(value, Path) else value
    return other is not None and ORDERS[condition.comparator](text(found), text(other))


RULES: dict[type, Callable[[Any, Any, Thing], Any]] = {
    Compare: compared,
    AttributeType: lambda condition, found, item: True,
    StoredBool: lambda condition, found, item: found is condition.value,
    Between: lambda condition, found, item: condition.low <= found <= condition.high,
    In: lambda condition, found, item: found in condition.choices,
    BeginsWith: lambda condition, found, item: found.startswith(condition.prefix),
    Contains: lambda condition, found, item: condition.part in found,
    Size: lambda condition, found, item: ORDERS[condition.comparator](len(found), condition.size),
}


def text(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


SHARED: list[tuple[type[Thing], ...]] = [(ByWeight, InKind), (ById, ByWeight), (ById, ByWeight, InKind)]
"""The models that are asked for together."""
