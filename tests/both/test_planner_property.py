"""The planner is exact: for any table, items and conditions it finds what looking at every item finds.

Each engine has tables of different keys and indexes, filled once with random items; hypothesis makes up the
questions of tests/support/planner_questions.py, whose oracle is over Python values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.support.planner_questions import (
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
    text,
    things,
)

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.testing.plugin import local_config


class World(NamedTuple):
    db: DynamoDB
    loop: asyncio.AbstractEventLoop
    other: AsyncDynamoDB
    models: list[tuple[type[Thing], ...]]
    items: dict[tuple[type[Thing], ...], list[Thing]]

    def __repr__(self) -> str:
        """Short, as hypothesis shows it where a test fails."""
        return "the world"

    def awaited(self, answer: Any) -> Any:
        return self.loop.run_until_complete(answer)


@pytest.fixture(scope="module")
def world(engine: Any) -> Iterator[World]:
    config: DynamoDBConfig = local_config(engine.endpoint_url)
    models: list[type[Thing]] = [Plain, Sorted, Sparse, ByWeight, ById, InKind, Repeating]
    if engine.name == "dynamodb-local":  # the only engine that can query indexes of several attributes
        models.append(Several)
    items: dict[tuple[type[Thing], ...], list[Thing]] = {(model,): things(model) for model in models}
    loop = asyncio.new_event_loop()
    with DynamoDB(config) as db:
        for model in models:
            db.create_table(model)
            db.batch_write(model, puts=items[model,])
        for several in SHARED:
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
