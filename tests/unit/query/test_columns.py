"""Columns of a query; what they hold on a real engine is shown in tests/both/test_scans.py."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.engine.flow import Call


class Line(DynamoDBModel):
    file: str
    number: int

    class Meta:
        table_name = "lines"
        partition_key = "file"
        sort_key = "number"


class Pages:
    """Answers a query with three pages of two items, the second of them empty."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, call: Call, deadline: float) -> bytes:
        page, self.asked = self.asked, self.asked + 1
        items = [{"file": {"S": "f"}, "number": {"N": str(page * 2 + at)}} for at in (0, 1)]
        last = {"LastEvaluatedKey": items[-1]} if page < 2 else {}
        found = [] if page == 1 else items
        return msgspec.json.encode({"Items": found, "Count": len(found), **last})


def lines(pages: Pages) -> Any:
    return DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=pages).query(Line)


def test_all_pages_are_in_the_table_by_the_schema_that_was_given() -> None:
    pages = Pages()
    schema = pa.schema([("number", pa.int16())])
    table = lines(pages).where("file", "=", "f").arrow(schema)
    assert table.schema == schema
    assert table.column("number").to_pylist() == [0, 1, 4, 5]
    assert table.column("number").num_chunks == 2
    assert pages.asked == 3


def test_no_page_is_read_beyond_the_limit() -> None:
    pages = Pages()
    table = lines(pages).where("file", "=", "f").limit(1).arrow()
    assert table.to_pylist() == [{"file": "f", "number": 0}]
    assert pages.asked == 1
