"""Meta as the one source of keys, tables and conditions, on real engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper import (
    GSI,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    PipelineConfig,
    PipelineRunLog,
    RunStatus,
    TableConfig,
    TableGateway,
    create_table_gateway,
)
from dynamodb_wrapper.models import DataFormat, StageInfo, TableType
from dynamodb_wrapper.utils import (
    build_filter_expression,
    build_gsi_key_condition,
    build_model_key,
    build_model_key_condition,
    build_projection_expression,
    extract_model_metadata,
    get_model_gsi_names,
)

MONDAY = datetime(2024, 7, 1, 12, tzinfo=UTC)


def pipeline(number: int, **more: Any) -> PipelineConfig:
    given: dict[str, Any] = {
        "pipeline_id": f"p{number}",
        "pipeline_name": f"Pipeline {number}",
        "source_type": "s3",
        "destination_type": "warehouse",
        "updated_at": MONDAY + timedelta(days=number),
        "created_at": MONDAY + timedelta(hours=number),
    }
    return PipelineConfig(**(given | more))


def stored_through(gateway: TableGateway, models: list[Any]) -> TableGateway:
    """A gateway whose table holds these models, written as `to_dynamodb_item` gives them."""
    with gateway.batch_writer() as batch:
        for model in models:
            batch.put_item(Item=model.to_dynamodb_item())
    return gateway


@pytest.fixture
def pipelines(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Iterator[TableGateway]:
    tables(PipelineConfig)
    with create_table_gateway(config, "pipeline_config") as gateway:
        yield stored_through(gateway, [pipeline(number, is_active=number != 2) for number in range(5)])


def ids(answer: dict[str, Any], name: str = "pipeline_id") -> list[str]:
    return [item[name] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["p0", "p1", "p3", "p4"]),
        ({"updated_at": MONDAY}, ["p0"]),
        ({"sort_condition": "lt", "updated_at": MONDAY + timedelta(days=3)}, ["p0", "p1"]),
        ({"sort_condition": "lte", "updated_at": MONDAY + timedelta(days=3)}, ["p0", "p1", "p3"]),
        ({"sort_condition": "gt", "updated_at": MONDAY + timedelta(days=3)}, ["p4"]),
        ({"sort_condition": "gte", "updated_at": MONDAY + timedelta(days=3)}, ["p3", "p4"]),
        (
            {
                "sort_condition": "between",
                "updated_at": MONDAY + timedelta(days=1),
                "sort_value2": MONDAY + timedelta(days=3),
            },
            ["p1", "p3"],
        ),
        ({"sort_condition": "begins_with", "updated_at": "2024-07-04"}, ["p3"]),
    ],
)
def test_an_index_with_a_bool_as_key_is_queried(
    pipelines: TableGateway, options: dict[str, Any], expected: list[str]
) -> None:
    condition = build_gsi_key_condition(PipelineConfig, "ActivePipelinesIndex", is_active=True, **options)
    answer = pipelines.query(IndexName="ActivePipelinesIndex", KeyConditionExpression=condition)
    assert ids(answer) == expected


def test_key_condition_filter_and_projection_go_together(pipelines: TableGateway) -> None:
    answer = pipelines.query(
        IndexName="EnvironmentIndex",
        KeyConditionExpression=build_gsi_key_condition(PipelineConfig, "EnvironmentIndex", environment="dev"),
        FilterExpression=build_filter_expression({"is_active": True, "pipeline_name": ["Pipeline 1", "x"]}),
        **build_projection_expression(["pipeline_id", "is_active"]),
    )
    assert answer["Items"] == [{"pipeline_id": "p1", "is_active": "true"}]


def test_no_filters_filter_nothing(pipelines: TableGateway) -> None:
    assert pipelines.scan(FilterExpression=build_filter_expression({}))["Count"] == 5


def test_a_bool_filter_finds_both_stored_forms(pipelines: TableGateway) -> None:
    pipelines.put_item(Item={"pipeline_id": "by hand", "caching_enabled": True})
    pipelines.put_item(Item={"pipeline_id": "by an old version", "caching_enabled": "true"})
    answer = pipelines.scan(FilterExpression=build_filter_expression({"caching_enabled": True}))
    assert sorted(ids(answer)) == ["by an old version", "by hand"]


def test_a_filter_on_none_finds_what_is_missing_or_null(pipelines: TableGateway) -> None:
    pipelines.put_item(Item={"pipeline_id": "null", "seen": None})
    pipelines.put_item(Item={"pipeline_id": "set", "seen": 1})
    answer = pipelines.scan(FilterExpression=build_filter_expression({"seen": None}))
    assert sorted(ids(answer)) == ["null", "p0", "p1", "p2", "p3", "p4"]


def test_a_key_reads_updates_and_deletes(pipelines: TableGateway) -> None:
    key = build_model_key(PipelineConfig, pipeline_id="p1")
    assert PipelineConfig.from_dynamodb_item(pipelines.get_item(Key=key)["Item"]) == pipeline(1)
    pipelines.delete_item(Key=key)
    assert "Item" not in pipelines.get_item(Key=key)
    condition = build_model_key_condition(PipelineConfig, pipeline_id="p2")
    assert ids(pipelines.query(KeyConditionExpression=condition)) == ["p2"]


def test_tables_of_a_pipeline_are_found_by_an_enum(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(TableConfig)
    made = [
        TableConfig(
            table_id=f"t{number}",
            pipeline_id="p",
            table_name="t",
            table_type=TableType.SOURCE if number else TableType.LOOKUP,
            data_format=DataFormat.DELTA,
            location="/data",
        )
        for number in range(3)
    ]
    condition = build_gsi_key_condition(
        TableConfig, "PipelineTablesIndex", pipeline_id="p", table_type=TableType.SOURCE
    )
    with create_table_gateway(config, "table_config") as gateway:
        stored_through(gateway, made)
        answer = gateway.query(IndexName="PipelineTablesIndex", KeyConditionExpression=condition)
    assert sorted(ids(answer, "table_id")) == ["t1", "t2"]
    assert [TableConfig.from_dynamodb_item(item) in made for item in answer["Items"]] == [True, True]


def test_runs_with_their_stages_are_read_back_whole(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(PipelineRunLog)
    stage = StageInfo(stage_name="extract", status=RunStatus.SUCCESS, duration_seconds=Decimal("1.50"))
    run = PipelineRunLog(
        run_id="r1",
        pipeline_id="p",
        status=RunStatus.RUNNING,
        trigger_type="manual",
        start_time=MONDAY,
        stages=[stage],
    )
    with create_table_gateway(config, "pipeline_run_logs") as gateway:
        stored_through(gateway, [run])
        item = gateway.get_item(Key=build_model_key(PipelineRunLog, run_id="r1", pipeline_id="p"))["Item"]
        by_run = build_model_key_condition(PipelineRunLog, "begins_with", run_id="r1", pipeline_id="p")
        assert gateway.query(KeyConditionExpression=by_run)["Items"] == [item]
    assert item["data_quality_passed"] is True, "a bool that is no key stays a bool"
    assert PipelineRunLog.from_dynamodb_item(item) == run


class Task(BaseModel):
    """A user's own model needs pydantic's BaseModel and a Meta, nothing else."""

    board: str
    number: int
    done: bool = False
    weight: Decimal | None = None

    class Meta:
        table_name = "tasks"
        partition_key = "board"
        sort_key = "number"
        gsis = ({"name": "DoneIndex", "partition_key": "done", "sort_key": "weight"},)


def test_a_plain_model_with_a_meta_is_enough(
    config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> None:
    tables(Task)
    with DynamoDB(config) as db, create_table_gateway(config, "tasks") as gateway:
        for number in range(3):
            db.put(Task(board="b", number=number, done=number > 0, weight=Decimal(number) / 2))
        condition = build_gsi_key_condition(Task, "DoneIndex", "gt", done=True, weight=Decimal("0.6"))
        answer = gateway.query(IndexName="DoneIndex", KeyConditionExpression=condition)
        assert answer["Items"] == [{"board": "b", "number": 2, "done": "true", "weight": 1}]
        key = build_model_key(Task, board="b", number=1)
        assert gateway.get_item(Key=key)["Item"]["weight"] == Decimal("0.5")
        assert db.get(Task, key) == Task(board="b", number=1, done=True, weight=Decimal("0.5"))


class Parcel(DynamoDBModel):
    depot: str
    number: int
    country: str
    city: str
    due: datetime

    class Meta:
        table_name = "parcels"
        partition_key = "depot"
        sort_key = "number"
        gsis = (GSI("ByPlace", "country", "city"), GSI("ByDay", "city", "due", projection="KEYS_ONLY"))


@pytest.mark.parametrize("model", [PipelineConfig, TableConfig, PipelineRunLog, Parcel])
def test_the_service_describes_the_table_as_meta_does(
    model: type[BaseModel], tables: Callable[..., list[str]], boto3_client: Any
) -> None:
    (name,) = tables(model)
    described = boto3_client.describe_table(TableName=name)["Table"]
    metadata = extract_model_metadata(model)
    keys = [metadata["partition_key"], metadata["sort_key"]]
    assert [part["AttributeName"] for part in described["KeySchema"]] == [key for key in keys if key]
    found = {
        index["IndexName"]: [part["AttributeName"] for part in index["KeySchema"]]
        for index in described["GlobalSecondaryIndexes"]
    }
    assert found == {gsi["name"]: [gsi["partition_key"], gsi["sort_key"]] for gsi in metadata["gsis"]}
    assert set(found) == set(get_model_gsi_names(model))
