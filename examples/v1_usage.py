"""The V1 face: repositories of full models, complete lists, and a model of your own by one attribute.

Run `python examples/v1_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts. What each
call is in V2 stands in docs/migration.md.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime

from pydantic import Field

from dynamodb_wrapper import (
    BaseDynamoRepository,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigRepository,
    PipelineRunLog,
    PipelineRunLogsRepository,
    RunStatus,
    StageInfo,
    TableConfig,
    TableConfigRepository,
)
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError
from dynamodb_wrapper.local import attach, start


class Dashboard(DynamoDBModel):
    """A model of your own."""

    class Meta:
        """By name."""

        table_name = "dashboards"
        partition_key = "name"

    name: str
    charts: list[str] = Field(default_factory=list)
    remark: str | None = None


class DashboardRepository(BaseDynamoRepository[Dashboard]):
    """All that a repository of your own needs."""

    model_class = Dashboard


def pipelines(config: DynamoDBConfig) -> None:
    """Create, list, change and miss pipelines."""
    with PipelineConfigRepository(config) as repository:
        for number in range(1, 4):
            repository.create_pipeline_config(
                f"p{number}", f"Pipeline {number}", "s3", "warehouse", created_by="ada", environment="prod"
            )
        try:
            repository.create_pipeline_config("p1", "Again", "s3", "warehouse")
        except ConflictError as error:
            print(f"exists: {error.resource_id}, {error.current_item.pipeline_name}")
        repository.update_pipeline_status("p2", False, updated_by="bob")
        print("active:", ", ".join(each.pipeline_id for each in repository.get_active_pipelines()))
        print(f"of prod: {len(repository.get_pipelines_by_environment('prod'))}")
        print(f"missing: {repository.get_by_pipeline_id('p9')}")
        try:
            repository.get_or_raise("p9")
        except ItemNotFoundError as error:
            print(f"missing: {error.key}")


def tables_and_runs(config: DynamoDBConfig) -> None:
    """Say what a pipeline reads, and log a run of it with times as its clock shows them."""
    with TableConfigRepository(config) as tables:
        tables.create_table_config("orders", "p1", "orders", "source", "parquet", "s3://lake/orders")
        tables.update_table_statistics("orders", record_count=1200)
        print("sources:", [(each.table_id, each.record_count) for each in tables.get_source_tables("p1")])
    with PipelineRunLogsRepository(config) as runs:
        begun, ended = datetime(2026, 7, 1, 9), datetime(2026, 7, 1, 9, 30)
        runs.create_run_log("r1", "p1", "schedule", start_time=begun, current_timezone="Asia/Tokyo")
        runs.add_stage_info("r1", "p1", StageInfo(stage_name="load", status=RunStatus.SUCCESS))
        run = runs.update_run_status("r1", "p1", "success", end_time=ended, current_timezone="Asia/Tokyo")
        print(
            f"stored: {run.start_time}, {run.duration_seconds} s, stages {[s.stage_name for s in run.stages]}"
        )
        shown = runs.get_by_run_id("r1", user_timezone="Europe/Oslo")
        print(f"shown:  {shown.start_time if shown else None}")


def own_model(config: DynamoDBConfig) -> None:
    """An update changes what the item knows and keeps the rest; each use is a log record."""
    log = logging.getLogger("dynamodb_wrapper.repositories")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("log: %(operation)s %(table)s %(count)d"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    with DashboardRepository(config) as dashboards:
        dashboards.create(Dashboard(name="sales", charts=["by day"], remark="stays"))
        after = dashboards.update(Dashboard(name="sales", charts=["by day", "by hour"]))
        print(after)
        print(f"deleted: {dashboards.delete('sales')}, left: {dashboards.list_all()}")


def main() -> None:
    """Make the tables and show the repositories."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="v1_")
        with DynamoDB(config) as db:
            for model in (PipelineConfig, TableConfig, PipelineRunLog, Dashboard):
                db.delete_table(model)
                db.create_table(model)
        pipelines(config)
        tables_and_runs(config)
        own_model(config)


if __name__ == "__main__":
    main()
