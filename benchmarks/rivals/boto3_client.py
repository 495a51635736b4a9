"""boto3's client: items go in and come out in the service's typed form."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3

from benchmarks import items


class Rival:
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client("dynamodb", region_name=items.REGION, endpoint_url=endpoint)

    def close(self) -> None:
        """End it."""
        self.client.close()

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        for pk, sk in items.some_keys(count):
            self.client.get_item(TableName=items.FLAT, Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]
        return count

    def put(self, count: int) -> int:
        """Put one item over and over."""
        item = _wire(1)[0]
        for _ in range(count):
            self.client.put_item(TableName=items.WRITTEN, Item=item)
        return count

    def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        for pk, sk in items.some_keys(count):
            self.client.update_item(
                TableName=items.WRITTEN,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression="SET age = :age, #name = :name",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#name": "name"},
                ExpressionAttributeValues={":age": {"N": "40"}, ":name": {"S": "new"}},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        return count

    def query_flat_wire(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(self._query(items.FLAT) for _ in range(count))

    def query_nested_wire(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(self._query(items.NESTED) for _ in range(count))

    def batch_get(self, count: int) -> int:
        """Read by key, 100 a call."""
        seen, keys = 0, [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in items.some_keys(count)]
        for at in range(0, count, 100):
            request = {items.FLAT: {"Keys": keys[at : at + 100]}}
            while request:
                reply = self.client.batch_get_item(RequestItems=request)
                seen += len(reply["Responses"][items.FLAT])
                request = reply["UnprocessedKeys"]
        return seen

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        actions = [{"Put": {"TableName": items.WRITTEN, "Item": item}} for item in _wire(items.TRANSACTION)]
        for _ in range(count):
            self.client.transact_write_items(TransactItems=actions)
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        pages = self.client.get_paginator("scan").paginate(TableName=items.MANY)
        return sum(1 for page in pages for _ in page["Items"])

    def _query(self, table: str) -> int:
        pages = self.client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": items.FIRST}},
        )
        return len([item for page in pages for item in page["Items"]])


@cache
def _wire(count: int) -> list[dict[str, Any]]:
    return list(items.wire_items(items.flat, count))
