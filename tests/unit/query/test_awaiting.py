"""Iterating on the awaiting face: one page ahead, errors in their place, and nothing left running."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from dynamodb_wrapper import AsyncDynamoDB, DynamoDBConfig
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

    async def __call__(self, call: Call, deadline: float) -> bytes:
        page, self.asked = self.asked, self.asked + 1
        await asyncio.sleep(0)
        if page == self.fails_at:
            raise ValidationError("refused")
        items = [{"file": {"S": "f"}, "number": {"N": str(page * 2 + at)}} for at in (0, 1)]
        last = {"LastEvaluatedKey": items[-1]} if page + 1 < self.count else {}
        return msgspec.json.encode({"Items": items, "Count": 2, **last})


def lines(pages: Pages) -> Any:
    config = DynamoDBConfig(region_name="us-east-1", retries=1)
    return AsyncDynamoDB(config, transport=pages).query(Line).where("file", "=", "f")


async def test_the_next_page_is_read_while_one_is_used() -> None:
    pages = Pages(3)
    found = aiter(lines(pages))
    assert (await anext(found)).number == 0
    await asyncio.sleep(0.01)
    assert pages.asked == 2
    assert [line.number async for line in found] == [1, 2, 3, 4, 5]
    assert pages.asked == 3


async def test_an_error_comes_after_the_items_before_it() -> None:
    found = aiter(lines(Pages(3, fails_at=1)))
    assert [(await anext(found)).number for _ in range(2)] == [0, 1]
    with pytest.raises(ValidationError, match="refused"):
        await anext(found)


async def test_leaving_early_leaves_nothing_running() -> None:
    pages = Pages(9)
    found = aiter(lines(pages))
    await anext(found)
    await found.aclose()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    assert pages.asked <= 2
