"""The generic read API: what it asks the service for, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from pydantic import Field

from dynamodb_wrapper import GSI, DynamoDB, DynamoDBConfig, DynamoDBModel, ReadApi, View
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.handlers.reading import checked_limit
from dynamodb_wrapper.models.base import Instant


class Visit(DynamoDBModel):
    class Meta:
        table_name = "visits"
        partition_key = "page"
        sort_key = "at"
        gsis: ClassVar = [GSI("ByUser", "user", "at")]

    page: str
    at: Instant
    user: str = "nobody"
    seconds: int = 0


class VisitView(View):
    page: str
    user: str | None = None
    seconds: int | None = Field(default=None)


class VisitReadApi(ReadApi[Visit, VisitView]):
    model = Visit
    view = VisitView


class Service:
    """Answers with the given replies, one after the other, and keeps what it was asked."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.calls: list[Call] = []
        self._replies = iter(replies)

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append(call)
        return json.dumps(next(self._replies)).encode()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [named(call.body) for call in self.calls]


def named(body: dict[str, Any]) -> dict[str, Any]:
    """A request with the placeholders of names put back into its expressions."""
    names = body.get("ExpressionAttributeNames", {})
    told = dict(body)
    for member in ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"):
        if member in told:
            for mark in sorted(names, key=len, reverse=True):
                told[member] = told[member].replace(mark, names[mark])
    return told


def api(service: Service) -> VisitReadApi:
    config = DynamoDBConfig(aws_access_key_id="local", aws_secret_access_key="local", user_timezone=None)
    return VisitReadApi(client=DynamoDB(config, transport=service))


def visit(minute: int, user: str = "ann") -> dict[str, Any]:
    return {
        "page": {"S": "home"},
        "at": {"S": f"2026-01-31T12:{minute:02}:00.000000+00:00"},
        "user": {"S": user},
    }


def found(minutes: Iterable[int], last: int | None = None) -> dict[str, Any]:
    items = [visit(minute) for minute in minutes]
    end = {} if last is None else {"LastEvaluatedKey": {name: visit(last)[name] for name in ("page", "at")}}
    return {"Items": items, "Count": len(items), "ScannedCount": len(items), **end}


def test_only_what_the_view_has_is_fetched() -> None:
    service = Service({"Item": visit(1)})
    api(service).get({"page": "home", "at": datetime(2026, 1, 31, 12, 1, tzinfo=UTC)})
    assert service.calls[0].action == "GetItem"
    assert service.bodies[0]["ProjectionExpression"] == "page, user, seconds"


def test_a_key_is_sent_in_utc_whatever_zone_it_was_given_in() -> None:
    service = Service({})
    api(service).find({"page": "home", "at": datetime.fromisoformat("2026-01-31T14:01:00+02:00")})
    assert service.bodies[0]["Key"]["at"] == {"S": "2026-01-31T12:01:00.000000+00:00"}


def test_a_projection_is_asked_for_with_what_the_view_requires() -> None:
    service = Service(found([]))
    api(service).find({"page": "home", "at": 3}, projection=["seconds", "seconds"])
    assert service.bodies[0]["ProjectionExpression"] == "seconds, page"


def test_a_list_fetches_the_keys_from_which_it_may_be_resumed() -> None:
    service = Service(found([]))
    api(service).query({"user": "ann"}, "ByUser", filters={"seconds": 1}, projection=["seconds"])
    assert service.bodies[0]["ProjectionExpression"] == "seconds, page, user, at"
    assert service.bodies[0]["FilterExpression"] == "seconds = :1"


def test_without_a_filter_the_service_reads_one_item_more_than_is_wanted() -> None:
    service = Service(found(range(3), last=2), found([3, 4, 5], last=5))
    items, next_key = api(service).query({"page": "home"}, limit=5)
    assert [body["Limit"] for body in service.bodies] == [6, 3]
    assert service.bodies[1]["ExclusiveStartKey"] == {"page": {"S": "home"}, "at": visit(2)["at"]}
    assert len(items) == 5
    assert next_key is not None


def test_behind_a_filter_the_look_widens_until_there_is_enough() -> None:
    service = Service(found([], last=1), found([2], last=2), found([3, 4, 5], last=6))
    items, _ = api(service).scan(filters={"user": "ann"}, limit=2)
    assert [body["Limit"] for body in service.bodies] == [100, 400, 1600]
    assert len(items) == 2


def test_a_list_cut_inside_a_page_goes_on_after_its_last_item() -> None:
    service = Service(found(range(5), last=9), found([3]))
    visits = api(service)
    _, next_key = visits.scan(filters={"user": "ann"}, limit=3)
    visits.scan(filters={"user": "ann"}, limit=3, last_key=next_key)
    assert service.bodies[1]["ExclusiveStartKey"]["at"] == visit(2)["at"]


def test_no_limit_reads_page_after_page() -> None:
    service = Service(found([1], last=1), found([], last=2), found([3]))
    items, next_key = api(service).query({"page": "home"}, limit=None)
    assert (len(items), next_key) == (2, None)
    assert all("Limit" not in body for body in service.bodies)


def test_a_count_fetches_no_items() -> None:
    service = Service(
        {"Count": 4, "ScannedCount": 9, "LastEvaluatedKey": visit(4)}, {"Count": 2, "ScannedCount": 2}
    )
    assert api(service).count({"page": "home"}, filters={"user": "ann"}) == 6
    assert all(body["Select"] == "COUNT" for body in service.bodies)
    assert all("ProjectionExpression" not in body for body in service.bodies)


@pytest.mark.parametrize("limit", [1, 100, 10**9])
def test_a_limit_is_a_whole_number_from_1_on(limit: int) -> None:
    assert checked_limit(limit) == limit
