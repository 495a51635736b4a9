"""boto3's resource: items go in and come out as dicts of Python values."""

from __future__ import annotations

from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

from benchmarks import items

Item = dict[str, Any]


class Rival:
    """See `benchmarks.rivals`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.resource = _resource(endpoint)
        self.flat = self.resource.Table(items.FLAT)
        self.nested = self.resource.Table(items.NESTED)
        self.written = self.resource.Table(items.WRITTEN)

    def close(self) -> None:
        """End it."""
        self.resource.meta.client.close()

    def get_sync(self, count: int) -> int:
        """Get items one after the other."""
        for pk, sk in items.some_keys(count):
            self.flat.get_item(Key={"pk": pk, "sk": sk})["Item"]
        return count

    def put(self, count: int) -> int:
        """Put one item over and over."""
        item = items.stored_flats(1)[0]
        for _ in range(count):
            self.written.put_item(Item=item)
        return count

    def update(self, count: int) -> int:
        """Set two attributes and return the item."""
        for pk, sk in items.some_keys(count):
            self.written.update_item(
                Key={"pk": pk, "sk": sk},
                UpdateExpression="SET age = :age, #name = :name",
                ConditionExpression=Attr("pk").exists(),
                ExpressionAttributeNames={"#name": "name"},
                ExpressionAttributeValues={":age": 40, ":name": "new"},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        return count

    def query_flat_dicts(self, count: int) -> int:
        """Query 1,000 FLAT items."""
        return sum(len(_all(self.flat.query, _THE_PAGE)) for _ in range(count))

    def query_nested_dicts(self, count: int) -> int:
        """Query 1,000 NESTED items."""
        return sum(len(_all(self.nested.query, _THE_PAGE)) for _ in range(count))

    def query_flat_arrow(self, count: int) -> int:
        """Query 1,000 FLAT items to Arrow columns."""
        return self._query_arrow(self.flat, count)

    def query_nested_arrow(self, count: int) -> int:
        """Query 1,000 NESTED items to Arrow columns."""
        return self._query_arrow(self.nested, count)

    def query_projected_dicts(self, count: int) -> int:
        """Query five attributes of 1,000 FLAT items."""
        request = _THE_PAGE | {
            "ProjectionExpression": ", ".join(f"#{name}" for name in items.PROJECTION),
            "ExpressionAttributeNames": {f"#{name}": name for name in items.PROJECTION},
        }
        return sum(len(_all(self.flat.query, request)) for _ in range(count))

    def batch_write(self, count: int) -> int:
        """Put many items."""
        with self.written.batch_writer() as batch:
            for item in items.stored_flats(count):
                batch.put_item(Item=item)
        return count

    def batch_get(self, count: int) -> int:
        """Read by key, 100 a call."""
        seen, keys = 0, [{"pk": pk, "sk": sk} for pk, sk in items.some_keys(count)]
        for at in range(0, count, 100):
            request = {items.FLAT: {"Keys": keys[at : at + 100]}}
            while request:
                reply = self.resource.batch_get_item(RequestItems=request)
                seen += len(reply["Responses"][items.FLAT])
                request = reply["UnprocessedKeys"]
        return seen

    def scan_threads(self, count: int) -> int:
        """Scan the table in segments, a thread for each."""
        from concurrent.futures import ThreadPoolExecutor

        segments = [{"Segment": at, "TotalSegments": items.SEGMENTS} for at in range(items.SEGMENTS)]
        with ThreadPoolExecutor(items.SEGMENTS) as pool:
            parts = pool.map(lambda segment: _all(self.flat.scan, segment), segments)
            return sum(len(part) for part in parts)

    def scan_processes(self, count: int) -> int:
        """Scan the table in segments, a process for each; the items come back to this one."""
        from multiprocessing import get_context

        with get_context("fork").Pool(items.PROCESSES) as pool:
            parts = pool.starmap(_scan_segment, [(self._endpoint, at) for at in range(items.PROCESSES)])
            pool.close()
            pool.join()
        return len([item for part in parts for item in part])

    def scan_arrow(self, count: int) -> int:
        """The same to Arrow columns, which the processes make."""
        from multiprocessing import get_context

        import pyarrow

        with get_context("fork").Pool(items.PROCESSES) as pool:
            arguments = [(self._endpoint, at) for at in range(items.PROCESSES)]
            tables = pool.starmap(_scan_segment_to_arrow, arguments)
            pool.close()
            pool.join()
        rows: int = pyarrow.concat_tables(tables, promote_options="permissive").num_rows
        return rows

    def transact(self, count: int) -> int:
        """Put 25 items in a transaction."""
        actions = [
            {"Put": {"TableName": items.WRITTEN, "Item": item}}
            for item in items.stored_flats(items.TRANSACTION)
        ]
        for _ in range(count):
            self.resource.meta.client.transact_write_items(TransactItems=actions)
        return count

    def stream(self, count: int) -> int:
        """Read a table of `count` items page after page."""
        table, request, seen = self.resource.Table(items.MANY), Item(), 0
        while True:
            page = table.scan(**request)
            for _ in page["Items"]:
                seen += 1
            if "LastEvaluatedKey" not in page:
                return seen
            request = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _query_arrow(self, table: Any, count: int) -> int:
        import pyarrow

        return sum(pyarrow.Table.from_pylist(_all(table.query, _THE_PAGE)).num_rows for _ in range(count))

    def models_20(self, count: int) -> int:
        """Get an item through each of 20 tables of one resource."""
        resource = _resource(self._endpoint)
        for pk, sk in items.some_keys(20):
            resource.Table(items.FLAT).get_item(Key={"pk": pk, "sk": sk})["Item"]
        return 20


_THE_PAGE: Item = {"KeyConditionExpression": Key("pk").eq(items.FIRST)}


def _resource(endpoint: str) -> Any:
    return boto3.resource("dynamodb", region_name=items.REGION, endpoint_url=endpoint)


def _all(read: Any, request: Item) -> list[Item]:
    page = read(**request)
    found: list[Item] = page["Items"]
    while "LastEvaluatedKey" in page:
        page = read(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
        found += page["Items"]
    return found


def _scan_segment(endpoint: str, segment: int) -> list[Item]:
    table = _resource(endpoint).Table(items.FLAT)
    return _all(table.scan, {"Segment": segment, "TotalSegments": items.PROCESSES})


def _scan_segment_to_arrow(endpoint: str, segment: int) -> Any:
    import pyarrow

    return pyarrow.Table.from_pylist(_scan_segment(endpoint, segment))
