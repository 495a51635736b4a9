"""Carrying out plans against a service that is scripted here, for what engines do not do when asked."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier
from typing import Any, ClassVar

import msgspec
import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.courses import Spot, packed, unpacked
from dynamodb_wrapper.schema import GSI


class Item(DynamoDBModel):
    id: str
    group: str
    rank: int
    text: str = ""

    class Meta:
        table_name = "items"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByGroup", "group", "rank", "KEYS_ONLY")]


def wire(number: int, **more: Any) -> dict[str, Any]:
    return {"id": {"S": f"i{number}"}, "group": {"S": "g"}, "rank": {"N": str(number)}, **more}


class Service:
    """Answers with the given pages of a query, and by key with the given items."""

    def __init__(self, pages: list[dict[str, Any]], items: list[dict[str, Any]] | None = None) -> None:
        self.pages, self.calls = pages, list[Call]()
        self.items = {item["id"]["S"]: item for item in items or []}

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append(call)
        if call.action == "BatchGetItem":
            ((table, request),) = call.body["RequestItems"].items()
            found = [self.items[k["id"]["S"]] for k in request["Keys"] if k["id"]["S"] in self.items]
            return msgspec.json.encode({"Responses": {table: found}})
        page = self.pages[len([made for made in self.calls if made.action == "Query"]) - 1]
        return msgspec.json.encode({"Count": len(page.get("Items", [])), "Items": [], **page})


def query(service: Callable[[Call, float], bytes]) -> Any:
    config = DynamoDBConfig(region_name="us-east-1", retries=1)
    return DynamoDB(config, transport=service).query(Item).where("group", "=", "g")


def page(*numbers: int, goes_on: bool = False) -> dict[str, Any]:
    last = {"LastEvaluatedKey": wire(numbers[-1] if numbers else 0)} if goes_on else {}
    return {"Items": [wire(number) for number in numbers], **last}


def test_empty_pages_that_go_on_are_no_end() -> None:
    service = Service([page(goes_on=True), page(1, goes_on=True), page(goes_on=True), page(2), page()])
    found = query(service).select("id", "rank").all()
    assert [item.rank for item in found] == [1, 2]
    assert len(service.calls) == 4


def test_an_item_that_has_gone_since_the_index_was_written_is_left_out() -> None:
    service = Service([page(1, 2, 3)], items=[wire(1), wire(3)])
    assert [item.rank for item in query(service).all()] == [1, 3]


def test_an_item_that_has_changed_since_is_judged_as_it_is_now() -> None:
    changed = wire(2) | {"group": {"S": "another"}}
    service = Service([page(1, 2, 3)], items=[wire(1), changed, wire(3)])
    assert [item.rank for item in query(service).all()] == [1, 3]


def test_a_page_is_filled_although_items_are_left_out() -> None:
    pages = [page(1, 2, goes_on=True), page(3, 4, goes_on=True), page(5)]
    service = Service(pages, items=[wire(2), wire(4), wire(5)])
    found = query(service).paginate(2).execute()
    assert [item.rank for item in found] == [2, 4]
    assert found.next_key is not None


def test_the_first_item_needs_no_more_than_it() -> None:
    service = Service([page(1, 2, goes_on=True)])
    assert query(service).select("rank").first().rank == 1
    assert (len(service.calls), service.calls[0].body["Limit"]) == (1, 2)


def test_a_page_asks_for_one_item_more_to_know_whether_there_is_a_next() -> None:
    service = Service([page(1, 2)])
    found = query(service).select("rank").paginate(2).execute()
    assert (found.count, found.next_key, service.calls[0].body["Limit"]) == (2, None, 3)


class Tagged(DynamoDBModel):
    id: str
    tag: str

    class Meta:
        table_name = "tagged"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByTag", "tag")]


class Tags:
    """Two pages of two items for each tag; so many first pages wait for each other."""

    def __init__(self, together: int) -> None:
        self.barrier, self.limits = Barrier(together, timeout=20), list[int | None]()

    def __call__(self, call: Call, deadline: float) -> bytes:
        ((tag,),) = (value.values() for value in call.body["ExpressionAttributeValues"].values())
        start = call.body.get("ExclusiveStartKey")
        self.limits.append(call.body.get("Limit"))
        if start is None:
            self.barrier.wait()
        numbers = (0, 1) if start is None else (2, 3)
        items = [{"id": {"S": f"{tag}{number}"}, "tag": {"S": tag}} for number in numbers]
        last = {"LastEvaluatedKey": items[-1]} if start is None else {}
        return msgspec.json.encode({"Count": 2, "Items": items, **last})


def tagged(service: Tags) -> Any:
    config = DynamoDBConfig(region_name="us-east-1", retries=1)
    return DynamoDB(config, transport=service).query(Tagged).where("tag", "in", ["a", "b", "c"])


def test_queries_that_come_one_after_the_other_are_begun_together() -> None:
    wanted = [f"{tag}{number}" for tag in "abc" for number in range(4)]
    for ask in (lambda query: query.all(), list):
        service = Tags(together=3)
        assert [item.id for item in ask(tagged(service))] == wanted
        assert service.limits[:3] == [333, 333, 333], "the first pages together are no larger than one"
        assert service.limits[3:] == [None, None, None]


def test_where_few_items_are_wanted_the_next_query_waits_until_it_is_needed() -> None:
    service = Tags(together=1)
    assert tagged(service).first().id == "a0"
    assert len(service.limits) == 1
    assert [item.id for item in tagged(service).limit(3)] == ["a0", "a1", "a2"]
    assert len(service.limits) == 3
    assert [item.id for item in tagged(service).paginate(5).execute()] == ["a0", "a1", "a2", "a3", "b0"]
    assert len(service.limits) == 6


@pytest.mark.parametrize("place", [17, (Spot(), Spot({"id": {"S": "x"}}), Spot(over=True))])
def test_places_can_be_packed(place: Any) -> None:
    assert unpacked(msgspec.json.decode(msgspec.json.encode(packed(place)))) == place
