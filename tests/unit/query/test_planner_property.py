"""Plans are exact: whoever carries one out finds what looking at every item finds, and each item once.

Plans are carried out here over items in memory, by the library's own judge, so that there is time for many
more questions than tests/both/test_planner_property.py puts to the engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st
from tests.support.planner_questions import (
    LAYOUTS,
    QUESTIONS,
    SHARED,
    ById,
    ByWeight,
    InKind,
    Plain,
    Repeating,
    Several,
    Sorted,
    Sparse,
    Thing,
    holds,
    laid_out,
    things,
)

from dynamodb_wrapper.expressions import AllOf, Not
from dynamodb_wrapper.query.judging import judge_of
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.query.plan import Lane, Plan
from dynamodb_wrapper.query.planner import Wish, plan
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.schema.union import union_of

SINGLE = (Plain, Sorted, Sparse, Several, ByWeight, ById, InKind, Repeating)
TABLES: list[tuple[type[Thing], ...]] = [*((model,) for model in SINGLE), *SHARED, (Repeating, ById)]


def found(made: Plan, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the calls of a plan return."""
    judge = judge_of(AllOf(made.judged), made.schema.codec.encode_attribute)
    for key in made.keys:
        yield from (item for item in items if key.items() <= item.items() and judge(item))
    for lane in made.lanes:
        yield from of_lane(made, lane, items)


def of_lane(made: Plan, lane: Lane, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    encode, index = made.schema.codec.encode_attribute, lane.index
    reached = judge_of(AllOf((*lane.key, *lane.filter)), encode)
    judged = judge_of(AllOf((*lane.judged, *map(Not, lane.excluded))), encode)
    for item in items:
        if item.keys() >= set(index.stored_keys):
            there = (
                item
                if index.projection == "ALL"
                else {
                    name: value
                    for name, value in item.items()
                    if name in {*index.stored_keys, *made.schema.key_fields} or name in index.projection
                }
            )
            if reached(there) and judged(item if lane.hydrated else there):
                yield item


@cache
def stored(model: type[Thing], seed: int) -> list[tuple[Thing, dict[str, Any]]]:
    codec = schema_of(model).codec
    return [(thing, codec.encode(thing)) for thing in things(model, seed)]


def ids(things: Iterable[Thing]) -> list[str]:
    return sorted(thing.id for thing in things)


MODELS = st.one_of(st.sampled_from(TABLES), LAYOUTS.map(lambda layout: (laid_out(layout),)))


@settings(max_examples=3 * settings().max_examples)
@given(MODELS, QUESTIONS, st.sampled_from([None, ("id", "weight"), ()]), st.booleans(), st.integers(0, 3))
def test_a_plan_finds_each_item_that_fulfils_the_condition_once(
    models: tuple[type[Thing], ...], condition: Any, attributes: Any, consistent: bool, seed: int
) -> None:
    schema = schema_of(models[0] if len(models) == 1 else union_of(models))
    wish = Wish(
        schema=schema,
        condition=condition,
        attributes=attributes,
        consistent=consistent,
        scan=True,
        always=of_its_type(schema),
    )
    made = plan(wish)
    note(repr(made))
    items = [each for model in models for each in stored(model, seed)]
    answer = sorted(item["id"]["S"] for item in found(made, [item for _, item in items]))
    assert answer == ids(thing for thing, _ in items if holds(condition, thing))


@given(MODELS, QUESTIONS, st.data())
def test_a_plan_for_an_index_finds_what_the_index_has(
    models: tuple[type[Thing], ...], condition: Any, data: st.DataObject
) -> None:
    schema = schema_of(models[0] if len(models) == 1 else union_of(models))
    assume(schema.indexes)
    name = data.draw(st.sampled_from(sorted(schema.indexes)))
    wish = Wish(schema=schema, condition=condition, index=name, scan=True, always=of_its_type(schema))
    made = plan(wish)
    note(repr(made))
    keys = set(schema.index(name).stored_keys)
    items = [each for model in models for each in stored(model, 0)]
    answer = sorted(item["id"]["S"] for item in found(made, [item for _, item in items]))
    assert answer == ids(thing for thing, item in items if item.keys() >= keys and holds(condition, thing))
