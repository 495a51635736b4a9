from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.expressions import Compare, Exists, Path
from dynamodb_wrapper.operations import All, Count, GetItem, Query, Scan, Take
from dynamodb_wrapper.operations.readers import plain

KEY = {"id": {"S": "a"}}
ID = Compare(Path(("id",)), "=", "a")
PRICED = Exists(Path(("price",)))


def query(**more: Any) -> Query[dict[str, Any]]:
    return Query(table="t", reader=plain, key_fields=("id", "at"), key_condition=ID, **more)


def scan(**more: Any) -> Scan[dict[str, Any]]:
    return Scan(table="t", reader=plain, key_fields=("id", "at"), **more)


def item(number: int) -> dict[str, Any]:
    return {"id": {"S": "a"}, "at": {"N": str(number)}, "price": {"N": "1"}}


def key(number: int) -> dict[str, Any]:
    return {"id": {"S": "a"}, "at": {"N": str(number)}}


def page(*numbers: int, last: int | None = None) -> dict[str, Any]:
    """A page with these items; `last` is the number of the item that it ended at."""
    reply: dict[str, Any] = {"Items": [item(number) for number in numbers], "Count": len(numbers)}
    return reply if last is None else reply | {"LastEvaluatedKey": key(last)}


def numbers(items: list[dict[str, Any]]) -> list[int]:
    return [each["at"] for each in items]


class TestGetItem:
    def test_the_least(self) -> None:
        assert GetItem(table="t", key=KEY, reader=plain).call() == Call(
            "GetItem", {"TableName": "t", "Key": KEY}, "t"
        )

    def test_everything(self) -> None:
        get = GetItem(
            table="t",
            key=KEY,
            reader=plain,
            projection=[Path.of("name"), Path.of("rows[0].name")],
            consistent=True,
        )
        assert get.call().body == {
            "TableName": "t",
            "Key": KEY,
            "ConsistentRead": True,
            "ProjectionExpression": "#0, #1[0].#0",
            "ExpressionAttributeNames": {"#0": "name", "#1": "rows"},
        }

    def test_a_missing_item_is_none(self, service: Callable[..., Any]) -> None:
        get = GetItem(table="t", key=KEY, reader=plain)
        assert service({}).run(get) is None
        assert service({"Item": item(1)}).run(get) == {"id": "a", "at": 1, "price": 1}


class TestSearchCalls:
    def test_a_query(self) -> None:
        assert query().call() == Call(
            "Query",
            {
                "TableName": "t",
                "KeyConditionExpression": "#0 = :0",
                "ExpressionAttributeNames": {"#0": "id"},
                "ExpressionAttributeValues": {":0": {"S": "a"}},
            },
            "t",
        )

    def test_a_query_with_everything(self) -> None:
        body = (
            query(
                index="ByPrice",
                filter=PRICED,
                projection=[Path.of("id"), Path.of("name")],
                consistent=True,
                evaluate=7,
                start=key(3),
                forward=False,
            )
            .call()
            .body
        )
        assert body == {
            "TableName": "t",
            "IndexName": "ByPrice",
            "KeyConditionExpression": "#0 = :0",
            "ScanIndexForward": False,
            "FilterExpression": "attribute_exists(#2)",
            "ProjectionExpression": "#0, #1",
            "ConsistentRead": True,
            "Limit": 7,
            "ExclusiveStartKey": key(3),
            "ExpressionAttributeNames": {"#0": "id", "#1": "name", "#2": "price"},
            "ExpressionAttributeValues": {":0": {"S": "a"}},
        }

    def test_a_scan(self) -> None:
        assert scan().call() == Call("Scan", {"TableName": "t"}, "t")

    def test_a_segment_of_a_scan(self) -> None:
        assert scan(segment=0, segments=4).call().body == {"TableName": "t", "Segment": 0, "TotalSegments": 4}

    def test_counting_asks_for_no_attributes(self) -> None:
        body = query(count_only=True, projection=[Path.of("name")]).call().body
        assert body["Select"] == "COUNT"
        assert "ProjectionExpression" not in body

    def test_the_identity_is_the_question_and_not_how_it_is_paged(self) -> None:
        same = query(evaluate=3, start=key(1), projection=[Path.of("id")], consistent=True)
        assert same.identity() == query().identity()
        others = [
            query(index="x"),
            query(filter=PRICED),
            query(forward=False),
            scan(),
            scan(segment=1, segments=2),
        ]
        assert len({search.identity() for search in [query(), *others]}) == 6


class TestPages:
    def test_a_page_has_the_following_one(self) -> None:
        found = query().parse(b'{"Items": [], "Count": 0, "LastEvaluatedKey": {"id": {"S": "z"}}}')
        assert found.items == []
        assert found.next == query(start={"id": {"S": "z"}})

    def test_the_last_page_has_none(self) -> None:
        assert query().parse(b'{"Items": [], "Count": 0}').next is None

    def test_all_reads_page_after_page_over_empty_ones(self, service: Callable[..., Any]) -> None:
        asked = service(page(1, 2, last=2), page(last=5), page(6))
        assert numbers(asked.run(All(query()))) == [1, 2, 6]
        assert [body.get("ExclusiveStartKey") for body in asked.bodies] == [None, key(2), key(5)]

    def test_count_adds_up_the_pages(self, service: Callable[..., Any]) -> None:
        asked = service(
            {"Count": 3, "LastEvaluatedKey": key(3)}, {"Count": 0, "LastEvaluatedKey": key(9)}, {"Count": 4}
        )
        assert asked.run(Count(query())) == 7
        assert all(body["Select"] == "COUNT" for body in asked.bodies)


class TestTake:
    def test_without_a_filter_one_item_more_is_read_to_know_of_a_next_page(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service(page(1, 2, 3, 4, last=4))
        taken = asked.run(Take(query(), 3))
        assert (numbers(taken.items), taken.last_key) == ([1, 2, 3], key(3))
        assert [body["Limit"] for body in asked.bodies] == [4]

    def test_the_end_is_none(self, service: Callable[..., Any]) -> None:
        assert service(page(1, 2, 3)).run(Take(query(), 3)).last_key is None
        assert service(page(1, 2)).run(Take(query(), 3)).last_key is None
        assert service(page()).run(Take(query(), 3)).items == []

    def test_a_page_that_the_service_cut_short_is_followed_by_the_rest(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service(page(1, 2, last=2), page(3, last=3), page())
        taken = asked.run(Take(query(), 3))
        assert (numbers(taken.items), taken.last_key) == ([1, 2, 3], None)
        assert [body["Limit"] for body in asked.bodies] == [4, 2, 1]
        assert [body.get("ExclusiveStartKey") for body in asked.bodies] == [None, key(2), key(3)]

    def test_an_item_beyond_the_limit_is_left_for_the_next_page(self, service: Callable[..., Any]) -> None:
        asked = service(page(1, 2, 3, last=3), page(4, last=4))
        taken = asked.run(Take(query(), 3))
        assert (numbers(taken.items), taken.last_key) == ([1, 2, 3], key(3))

    def test_with_a_filter_a_page_cut_in_the_middle_goes_on_after_the_last_item_taken(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service(page(1, 4, 7, 9, last=9))
        taken = asked.run(Take(query(filter=PRICED), 2))
        assert (numbers(taken.items), taken.last_key) == ([1, 4], key(4))

    def test_a_cut_of_the_last_page_goes_on_too(self, service: Callable[..., Any]) -> None:
        taken = service(page(1, 4, 7)).run(Take(query(filter=PRICED), 2))
        assert (numbers(taken.items), taken.last_key) == ([1, 4], key(4))

    def test_the_last_item_of_the_last_page_is_the_end(self, service: Callable[..., Any]) -> None:
        assert service(page(1, 4)).run(Take(query(filter=PRICED), 2)).last_key is None

    def test_a_filtered_page_that_fits_exactly_is_the_last_if_the_next_one_ends_empty(
        self, service: Callable[..., Any]
    ) -> None:
        assert service(page(1, 4, last=100), page()).run(Take(query(filter=PRICED), 2)).last_key is None

    def test_a_filtered_page_that_fits_exactly_goes_on_where_it_ended(
        self, service: Callable[..., Any]
    ) -> None:
        taken = service(page(1, 4, last=100), page(120, last=400)).run(Take(query(filter=PRICED), 2))
        assert (numbers(taken.items), taken.last_key) == ([1, 4], key(100))

    def test_behind_a_filtered_page_that_fits_exactly_only_one_more_is_looked_at(
        self, service: Callable[..., Any]
    ) -> None:
        taken = service(page(1, 4, last=100), page(last=500)).run(Take(query(filter=PRICED), 2))
        assert (numbers(taken.items), taken.last_key) == ([1, 4], key(500))

    def test_with_a_filter_it_looks_further_each_time_until_it_has_enough(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service(page(last=100), page(101, last=500), page(), page(999))
        taken = asked.run(Take(query(filter=PRICED), 3))
        assert (numbers(taken.items), taken.last_key) == ([101], None)
        assert [body["Limit"] for body in asked.bodies] == [100, 400, 1600]
        assert [body.get("ExclusiveStartKey") for body in asked.bodies] == [None, key(100), key(500)]

    def test_it_never_looks_wider_than_ten_thousand(self, service: Callable[..., Any]) -> None:
        asked = service(*[page(last=number) for number in range(6)], page(7))
        asked.run(Take(query(filter=PRICED), 1))
        assert [body["Limit"] for body in asked.bodies][-2:] == [10_000, 10_000]

    def test_it_starts_where_the_search_says(self, service: Callable[..., Any]) -> None:
        asked = service(page(6))
        asked.run(Take(query(start=key(5)), 3))
        assert asked.bodies[0]["ExclusiveStartKey"] == key(5)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
    @pytest.mark.parametrize("pages", [1, 3, 10])
    def test_concatenated_takes_are_the_whole_list(
        self, limit: int, pages: int, service: Callable[..., Any]
    ) -> None:
        """A service that reads `pages` items at once, of which every third passes the filter."""

        def answer(call: Call) -> dict[str, Any]:
            start = call.body.get("ExclusiveStartKey", key(-1))
            first = int(start["at"]["N"]) + 1
            read = range(first, min(first + min(pages, call.body["Limit"]), 40))
            kept = [number for number in read if number % 3 == 0]
            return page(*kept, last=read[-1] if read and read[-1] < 39 else None)

        search, got = query(filter=PRICED), list[int]()
        while True:
            taken = service(*[answer] * 50).run(Take(search, limit))
            assert len(taken.items) == limit or taken.last_key is None
            got += numbers(taken.items)
            if taken.last_key is None:
                break
            search = query(filter=PRICED, start=taken.last_key)
        assert got == list(range(0, 40, 3))
