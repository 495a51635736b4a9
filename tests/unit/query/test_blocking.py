"""Iterating on the blocking face: one page ahead, errors in their place, and nothing left running."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel


class Line(DynamoDBModel):
    file: str
    number: int

    class Meta:
        table_name = "lines"
        partition_key = "file"
        sort_key = "number"


class Pages:
    """Answers a query with pages of two items."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.count, self.fails_at, self.asked = count, fails_at, 0
        self.second = threading.Event()

    def __call__(self, call: Call, deadline: float) -> bytes:
        page, self.asked = self.asked, self.asked + 1
        if page == 1:
            self.second.set()
        if page == self.fails_at:
            raise ValidationError("refused")
        items = [{"file": {"S": "f"}, "number": {"N": str(page * 2 + at)}} for at in (0, 1)]
        last = {"LastEvaluatedKey": items[-1]} if page + 1 < self.count else {}
        return msgspec.json.encode({"Items": items, "Count": 2, **last})


def lines(pages: Pages) -> Any:
    config = DynamoDBConfig(region_name="us-east-1", retries=1)
    return DynamoDB(config, transport=pages).query(Line).where("file", "=", "f")


def test_the_next_page_is_read_while_one_is_used() -> None:
    pages = Pages(3)
    found = iter(lines(pages))
    assert next(found).number == 0
    assert pages.second.wait(5)
    assert [line.number for line in found] == [1, 2, 3, 4, 5]
    assert pages.asked == 3


def test_an_error_comes_after_the_items_before_it() -> None:
    found = iter(lines(Pages(3, fails_at=1)))
    assert [next(found).number, next(found).number] == [0, 1]
    with pytest.raises(ValidationError, match="refused"):
        next(found)


def test_leaving_early_leaves_nothing_running() -> None:
    pages = Pages(9)
    for line in lines(pages):
        assert line.number == 0
        break
    assert pages.asked <= 2
    assert not [thread for thread in threading.enumerate() if "dynamodb-wrapper-page" in thread.name]


def test_a_single_page_needs_no_thread() -> None:
    before = threading.active_count()
    for _ in lines(Pages(1)):
        assert threading.active_count() == before


def test_a_limit_is_not_read_beyond() -> None:
    pages = Pages(9)
    assert [line.number for line in lines(pages).limit(3)] == [0, 1, 2]
    assert pages.asked == 2
