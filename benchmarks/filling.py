"""Makes the tables and fills them, in the service's own form, so that every library finds the same bytes."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import items
from benchmarks.rivals.ours import Flat, Many, Nested, Written
from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.operations import BatchWrite

AT_ONCE = 10_000


def fill(endpoint: str, sizes: Mapping[str, int]) -> None:
    """Make the tables with so many items in each."""
    config = DynamoDBConfig(
        endpoint_url=endpoint,
        region_name=items.REGION,
        aws_access_key_id=items.ACCESS_KEY,
        aws_secret_access_key=items.SECRET_KEY,
    )
    with DynamoDB(config) as db:
        for model, make in (
            (Flat, items.flat),
            (Nested, items.nested),
            (Written, items.flat),
            (Many, items.flat),
        ):
            db.create_table(model)
            name = db.table_name(model)
            for start in range(0, sizes[name], AT_ONCE):
                count = min(AT_ONCE, sizes[name] - start)
                rows = list(items.wire_items(make, count, start))
                db.run(BatchWrite(table=name, key_fields=("pk", "sk"), puts=rows))
