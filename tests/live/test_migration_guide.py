"""docs/migration.md: both columns of its tables are run, and give and leave the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper import (
    BaseDynamoRepository,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBWrapperError,
    PipelineConfig,
    PipelineRunLog,
    TableConfig,
)
from dynamodb_wrapper.engine.faces import BlockingUse
from dynamodb_wrapper.timezones import utcnow

GUIDE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text()
SETUP = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]
ROWS = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", GUIDE, re.MULTILINE)
MODELS: tuple[type[BaseModel], ...] = (PipelineConfig, TableConfig, PipelineRunLog)

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
SOON = timedelta(minutes=10)


def seed(now: datetime) -> list[BaseModel]:
    items: list[BaseModel] = []
    for number in range(1, 7):
        stamps = {name: START + timedelta(days=number) for name in ("created_at", "updated_at")}
        items.append(
            PipelineConfig(
                pipeline_id=f"p{number}",
                pipeline_name="Flights",
                source_type="s3",
                destination_type="api",
                is_active=number != 3,
                environment="prod" if number % 2 else "dev",
                config={"number": number},
                **stamps,
            )
        )
    for name, role in (("orders", "source"), ("sales", "destination"), ("codes", "lookup")):
        items.append(
            TableConfig(
                table_id=name,
                pipeline_id="p1",
                table_name=name,
                table_type=role,
                data_format="parquet",
                location=f"/data/{name}",
                is_active=name != "sales",
                created_at=START,
                updated_at=START,
            )
        )
    for run_id, status, hours in (
        ("r1", "success", 3),
        ("r2", "failed", 2),
        ("r3", "running", 1),
        ("r4", "failed", 90),
    ):
        start = now - timedelta(hours=hours)
        items.append(
            PipelineRunLog(
                run_id=run_id,
                pipeline_id="p1",
                status=status,
                trigger_type="manual",
                start_time=start,
                created_at=start,
                updated_at=start,
            )
        )
    return items


class World:
    """Tables of their own with the same items as any other, and the guide's names for them."""

    def __init__(self, config: DynamoDBConfig, items: Iterable[BaseModel]) -> None:
        self.names: dict[str, Any] = {"config": config}
        exec(SETUP, self.names)
        self.db: DynamoDB = self.names["db"]
        for model in MODELS:
            self.db.create_table(model)
        for item in items:
            self.db.put(item)

    def outcome(self, expression: str) -> Any:
        try:
            return eval(expression, self.names)
        except DynamoDBWrapperError as error:
            return type(error)

    def items(self, model: type[BaseModel]) -> list[Any]:
        return listed(self.db.query(model).allow_scan().all())

    def close(self) -> None:
        for model in MODELS:
            self.db.delete_table(model)
        for each in self.names.values():
            if isinstance(each, BlockingUse):
                each.close()


def listed(found: Iterable[Any]) -> list[Any]:
    return sorted(
        found,
        key=lambda item: str([getattr(item, name, "") for name in ("run_id", "table_id", "pipeline_id")]),
    )


def same(one: Any, other: Any) -> bool:
    """Whether two results say the same, but for how much of an item they have, and what "now" is."""
    if isinstance(other, tuple):
        items, next_key = other
        return next_key is None and same(one, items)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, BaseModel) and isinstance(other, BaseModel):
        both = type(one).model_fields.keys() & type(other).model_fields.keys()
        return bool(both) and all(same(getattr(one, name), getattr(other, name)) for name in both)
    if isinstance(one, datetime) and isinstance(other, datetime):
        close = abs(one - other) < SOON if utcnow() - one < SOON else one == other
        return close and one.utcoffset() == other.utcoffset()
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) < SOON.total_seconds()
    return bool(one == other) and type(one) is type(other)


@pytest.fixture
def worlds(config: DynamoDBConfig) -> Any:
    items = seed(utcnow())
    made = [
        World(config.replace(table_prefix=f"{config.table_prefix}{name}_"), items) for name in ("v1", "v2")
    ]
    yield made
    for world in made:
        world.close()


def test_both_columns_of_every_row_give_and_leave_the_same(worlds: list[World]) -> None:
    v1, v2 = worlds
    told: list[str] = []
    for left, right in ROWS:
        one, other = v1.outcome(left), v2.outcome(right)
        if "list_all" in left:
            one, other = listed(one), (listed(other[0]), other[1])
        if not same(one, other):
            told.append(f"{left} gives {one!r}; {right} gives {other!r}")
    assert not told
    for model in MODELS:
        assert same(v1.items(model), v2.items(model))
        assert v1.items(model)


def test_every_method_of_the_repositories_stands_in_the_guide() -> None:
    from dynamodb_wrapper import PipelineConfigRepository, PipelineRunLogsRepository, TableConfigRepository

    shown = " ".join(left for left, _ in ROWS)
    for name, kind in (
        ("pipelines", PipelineConfigRepository),
        ("tables", TableConfigRepository),
        ("runs", PipelineRunLogsRepository),
    ):
        own = set(dir(kind)) - {*dir(BaseDynamoRepository), "model_class"}
        missing = [
            method for method in own if not method.startswith("_") and f"{name}.{method}(" not in shown
        ]
        assert not missing
    for method in ("create", "get", "get_or_raise", "update", "delete", "list_all", "query_by_pk"):
        assert f".{method}(" in shown


@pytest.mark.parametrize(
    "in_order",
    [
        [
            "2024-01-31T11:59:59Z",
            "2024-01-31T12:00:00+00:00",
            "2024-01-31T12:00:00.5+00:00",
            "2024-01-31T12:00:01Z",
        ],
        ["2024-01-31T12:00:00+00:00", "2024-01-31T12:00:00.000000+00:00", "2024-01-31T12:00:00Z"],
        ["2024-01-31 23:59:59", "2024-01-31T00:00:00Z"],
    ],
)
def test_texts_sort_as_the_guide_says(in_order: list[str]) -> None:
    assert sorted(in_order) == in_order


def test_the_guide_normalises_as_it_says(
    config: DynamoDBConfig, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any], capsys: Any
) -> None:
    from dynamodb_wrapper import PipelineConfigRepository

    [code] = [
        block for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "normalise_all" in block
    ]
    [item] = [item for item in seed(utcnow()) if getattr(item, "pipeline_id", "") == "p6"]
    assert isinstance(item, PipelineConfig)
    stored = item.to_dynamodb_item() | {"created_at": "2024-01-31T12:00:00Z"}
    boto3_table(tables(PipelineConfig)[0]).put_item(Item=stored)
    exec(code, {"config": config, "PipelineConfigRepository": PipelineConfigRepository})
    assert capsys.readouterr().out == "1 1 ()\n"
