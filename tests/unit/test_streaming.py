"""Memory while items of many pages are used one after the other: as much for a thousand pages as for ten."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.engine.flow import Call


class Event(DynamoDBModel):
    key: str
    text: str

    class Meta:
        table_name = "events"
        partition_key = "key"


ITEMS = [{"key": {"S": f"k{number}"}, "text": {"S": "x" * 200}} for number in range(200)]
LAST = msgspec.json.encode({"Items": ITEMS, "Count": 200})
PAGE = msgspec.json.encode({"Items": ITEMS, "Count": 200, "LastEvaluatedKey": {"key": {"S": "k"}}})


class Pages:
    """Answers with so many pages in all, whatever is asked."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.left -= 1
        return PAGE if self.left > 0 else bytes(LAST)


Stream = Callable[[DynamoDB], Iterable[Any]]
STREAMS: dict[str, Stream] = {
    "query": lambda db: db.query(Event).allow_scan(),
    "scan": lambda db: db.scan(Event, segments=4),
    "columns": lambda db: db.scan(Event, segments=4).arrow(),
}


def walk(stream: Stream, pages: int) -> None:
    for _ in stream(DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=Pages(pages))):
        pass


def peak(stream: Stream, pages: int) -> int:
    """The most memory in bytes that a walk through so many pages took."""
    tracemalloc.start()
    walk(stream, pages)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("name", STREAMS)
def test_memory_does_not_grow_with_the_number_of_pages(name: str) -> None:
    walk(STREAMS[name], 10)  # what is compiled and loaded once
    assert peak(STREAMS[name], 100) < peak(STREAMS[name], 20) * 1.5
