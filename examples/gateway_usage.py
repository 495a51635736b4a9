"""The gateway: boto3's names, arguments and responses, with this library's wire, retries and errors.

Run `python examples/gateway_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import os
from datetime import timedelta

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, PipelineConfig, TableGateway, create_table_gateway
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, TransactionCanceledError, ValidationError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.utils import (
    build_filter_expression,
    build_gsi_key_condition,
    build_model_key,
    build_projection_expression,
)


def write(gateway: TableGateway) -> None:
    """Put, batch and update, with conditions; boto3's `Attr(...)` would do as well as text."""
    with gateway.batch_writer(overwrite_by_pkeys=["pipeline_id"]) as batch:
        for number in range(60):
            started = utcnow() - timedelta(days=number)
            batch.put_item(
                Item={
                    "pipeline_id": f"p{number:02}",
                    "environment": "prod" if number % 3 else "dev",
                    "created_at": started,
                    "status": "ok" if number % 2 else "late",
                }
            )
    key = build_model_key(PipelineConfig, pipeline_id="p07")
    answer = gateway.update_item(
        Key=key,
        UpdateExpression="SET #s = :late ADD runs :one",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":late": "late", ":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    print(f"updated: status {answer['Attributes']['status']}, runs {answer['Attributes']['runs']}")
    try:
        gateway.delete_item(Key=key, ConditionExpression="attribute_not_exists(runs)")
    except ConditionalCheckFailedError as error:
        print(f"not deleted: it has run {error.current_item['runs']} time")


def read(gateway: TableGateway) -> None:
    """Query an index with conditions from Meta, and read many items by key."""
    month = build_gsi_key_condition(
        PipelineConfig,
        "EnvironmentIndex",
        sort_condition="gte",
        environment="prod",
        created_at=utcnow() - timedelta(days=30),
    )
    answer = gateway.query(
        IndexName="EnvironmentIndex",
        KeyConditionExpression=month,
        FilterExpression=build_filter_expression({"status": "late"}),
        **build_projection_expression(["pipeline_id", "status"]),
    )
    print(f"late in production this month: {answer['Count']} of {answer['ScannedCount']}")
    keys = [{"pipeline_id": f"p{number:02}"} for number in range(120)]
    found = gateway.batch_get(keys)["Responses"][gateway.table_name]
    print(f"{len(found)} of {len(keys)} keys exist")


def refused(gateway: TableGateway) -> None:
    """All or nothing, and what never leaves this process."""
    try:
        gateway.transact_write_items(
            TransactItems=[
                {"Put": {"Item": {"pipeline_id": "new"}}},
                {
                    "ConditionCheck": {
                        "Key": {"pipeline_id": "p99"},
                        "ConditionExpression": "attribute_exists(pipeline_id)",
                    }
                },
            ]
        )
    except TransactionCanceledError as error:
        print(f"cancelled: {', '.join(reason.code for reason in error.reasons)}")
    try:
        gateway.put_item(Item={"pipeline_id": "new", "seen": utcnow().replace(tzinfo=None)})
    except ValidationError as error:
        print(f"refused: {error.errors}")


def main() -> None:
    """Make a table and use it through its gateway."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(
            endpoint_url=engine.endpoint_url, table_prefix="gateway_"
        )
        with DynamoDB(config) as db:
            db.delete_table(PipelineConfig)
            db.create_table(PipelineConfig)
        with create_table_gateway(config, "pipeline_config") as gateway:
            write(gateway)
            read(gateway)
            refused(gateway)


if __name__ == "__main__":
    main()
