"""The planner is exact: for any table, items and conditions it finds what looking at every item finds.

The oracle here is written apart from the library, over Python values. Each engine has tables of different
keys and indexes, filled once with random items; hypothesis makes up the queries. `maybe` is often missing,
so that the indexes on it are sparse; some indexes have only their keys, some a part of the items.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig, ValidationError
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
from dynamodb_wrapper.testing.plugin import local_config


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


IDS = [f"i{n:02}" for n in range(40)]
KINDS, NUMBERS, WEIGHTS = ["a", "ab", "b"], [-2, 0, 1, 2, 10], [0, 1, 5]
MAYBES, TAGS = ["m", "n", "mm"], ["x", "y", "z"]


def things(model: type[Thing]) -> list[Thing]:
    dice = random.Random(7)
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


class World(NamedTuple):
    db: DynamoDB
    loop: asyncio.AbstractEventLoop
    other: AsyncDynamoDB
    models: list[tuple[type[Thing], ...]]
    items: dict[tuple[type[Thing], ...], list[Thing]]

    def awaited(self, answer: Any) -> Any:
        return self.loop.run_until_complete(answer)


@pytest.fixture(scope="module")
def world(engine: Any) -> Iterator[World]:
    config: DynamoDBConfig = local_config(engine.endpoint_url)
    models: list[type[Thing]] = [Plain, Sorted, Sparse, ByWeight, ById, InKind]
    if engine.name == "dynamodb-local":  # the only engine that can query indexes of several attributes
        models.append(Several)
    items: dict[tuple[type[Thing], ...], list[Thing]] = {(model,): things(model) for model in models}
    loop = asyncio.new_event_loop()
    with DynamoDB(config) as db:
        for model in models:
            db.create_table(model)
            db.batch_write(model, puts=items[model,])
        for several in ((ByWeight, InKind), (ById, ByWeight), (ById, ByWeight, InKind)):
            items[several] = [item for model in several for item in items[model,]]
        other = AsyncDynamoDB(config)
        yield World(db, loop, other, list(items), items)
        loop.run_until_complete(other.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        for model in models:
            db.delete_table(model)


SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(data=st.data())
def test_the_planned_answer_is_what_looking_at_every_item_gives(world: World, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(world.models))
    condition = data.draw(QUESTIONS)
    expected = sorted(item.id for item in world.items[model] if holds(condition, item))
    query = world.db.query(*model).where(condition).allow_scan()
    note(str(query.explain()))
    assert sorted(item.id for item in query.all()) == expected
    assert query.count() == len(expected)
    selected = query.select("id", "weight")
    note(str(selected.explain()))
    assert sorted(item.id for item in selected) == expected


@SETTINGS
@given(data=st.data())
def test_an_order_that_was_asked_for_is_kept(world: World, data: st.DataObject) -> None:
    model, condition = data.draw(st.sampled_from(world.models)), data.draw(QUESTIONS)
    ascending = data.draw(st.booleans())
    query = world.db.query(*model).where(condition).order(ascending)
    try:
        explained = query.explain()
    except ValidationError:
        return  # a scan, or indexes without an order in common
    note(str(explained))
    found = query.all()
    assert sorted(item.id for item in found) == sorted(
        i.id for i in world.items[model] if holds(condition, i)
    )
    names = explained.order.split(", ")[:-1] if explained.order else []
    keys = [[text(item.to_dynamodb_item()[name]) for name in names] for item in found]
    assert keys == sorted(keys, reverse=not ascending)


@SETTINGS
@given(data=st.data())
def test_pages_forward_and_backward_are_the_answer_and_both_faces_agree(
    world: World, data: st.DataObject
) -> None:
    model = data.draw(st.sampled_from(world.models))
    condition = data.draw(QUESTIONS)
    size = data.draw(st.integers(1, 12))
    query = world.db.query(*model).where(condition).allow_scan()
    twin = world.other.query(*model).where(condition).allow_scan()
    note(str(query.explain()))
    whole = query.all()
    assert world.awaited(twin.all()) == whole
    pages = [query.paginate(size).execute()]
    while (key := pages[-1].next_key) is not None:
        pages.append(query.paginate(size, key).execute())
        assert pages[-1] == world.awaited(twin.paginate(size, key).execute())
    assert [item for page in pages for item in page] == whole
    assert all(page.count == size for page in pages[:-1])
    key = pages[-1].previous_key
    if key is None:
        assert len(pages) == 1 or query.explain().operation == "scan"
        return
    back: list[Thing] = []
    while key is not None:
        before = query.paginate(size, key).execute()
        back, key = before.items + back, before.previous_key
    assert back == whole[: len(whole) - pages[-1].count]
