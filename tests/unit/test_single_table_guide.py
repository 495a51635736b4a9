"""docs/single-table.md runs as printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call

GUIDE = (Path(__file__).parents[2] / "docs" / "single-table.md").read_text()


def test_the_code_of_the_guide_runs() -> None:
    sent: list[str] = []

    def answer(call: Call, deadline: float) -> bytes:
        sent.append(call.action)
        if call.action == "DescribeTable":
            return b'{"Table": {"TableStatus": "ACTIVE"}}'
        attributes = b'"customer_id": {"S": "c1"}, "number": {"N": "7"}, "type": {"S": "Order"}'
        return b'{"Attributes": {%s}}' % attributes if call.action == "UpdateItem" else b"{}"

    names: dict[str, Any] = {
        "__name__": "guide",
        "db": DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=answer),
    }
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "docs/single-table.md", "exec", dont_inherit=True), names)
    assert sent == [
        "CreateTable",
        "DescribeTable",
        "PutItem",
        "PutItem",
        "GetItem",
        "GetItem",
        "Query",
        "Query",
        "Query",
        "UpdateItem",
        "GetItem",
        "Query",
        "Query",
        "Query",
    ]
