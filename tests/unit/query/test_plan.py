"""Plans as values: what a lane reads, and what makes a query the one it is."""

from __future__ import annotations

from typing import ClassVar

from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.plan import Plan
from dynamodb_wrapper.query.planner import Wish, plan
from dynamodb_wrapper.schema import GSI, schema_of


class Post(DynamoDBModel):
    id: str
    author: str
    likes: int = 0

    class Meta:
        table_name = "posts"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByAuthor", "author", "likes", "KEYS_ONLY")]


POSTS = schema_of(Post)
MINE = Compare(Path(("author",)), "=", "me")
POPULAR = Compare(Path(("likes",)), "<>", 3)


def planned(attributes: tuple[str, ...] | None = None, forward: bool | None = None) -> Plan:
    return plan(Wish(schema=POSTS, condition=MINE & POPULAR, attributes=attributes, forward=forward))


def names(paths: tuple[Path, ...]) -> list[str]:
    return [str(path) for path in paths]


def test_a_lane_reads_what_is_asked_for_and_its_keys() -> None:
    found = planned(("likes",))
    assert names(found.projection(found.lanes[0])) == ["likes", "author", "id"]
    assert found.lanes[0].needed == {"likes"}


def test_a_lane_that_is_completed_reads_keys_only() -> None:
    found = planned()
    (lane,) = found.lanes
    assert lane.hydrated
    assert names(found.projection(lane)) == ["author", "likes", "id"]
    assert found.item_projection() == ()
    assert names(planned(("likes",)).item_projection()) == ["likes", "id"]


def test_a_query_is_the_same_whatever_it_reads_and_another_in_another_order() -> None:
    identity = planned(("likes",)).identity("posts", POSTS.codec)
    assert identity == planned(("likes", "id")).identity("posts", POSTS.codec)
    assert identity != planned(("likes",), forward=False).identity("posts", POSTS.codec)
    assert identity != planned(("likes",)).identity("other", POSTS.codec)
