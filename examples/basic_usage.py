"""The three domains, read and written: pipelines, their tables, their runs.

Run `python examples/basic_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import os

from dynamodb_wrapper import (
    DataFormat,
    DynamoDB,
    DynamoDBConfig,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    RunStatus,
    StageInfo,
    TableConfig,
    TableConfigReadApi,
    TableConfigUpsert,
    TableConfigWriteApi,
    TableType,
)
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, ValidationError
from dynamodb_wrapper.expressions import Path, equals
from dynamodb_wrapper.local import attach, start


def pipelines(config: DynamoDBConfig) -> None:
    """Create, change and list pipelines; see what is refused."""
    with PipelineConfigWriteApi(config) as write, PipelineConfigReadApi(config) as read:
        sales = PipelineConfigUpsert(
            pipeline_id="daily-sales",
            pipeline_name="Daily sales",
            source_type="s3",
            destination_type="warehouse",
            schedule_expression="0 6 * * *",
            created_by="ada",
        )
        write.create_pipeline(sales)
        try:
            write.create_pipeline(sales)
        except ConflictError as error:
            print(
                f"a second create is refused: {error.resource_id} was made by {error.current_item.created_by}"
            )

        changed = write.update_pipeline("daily-sales", {"cpu_cores": 4, "memory_gb": 8})
        print(
            f"{changed.pipeline_id} runs on {changed.cpu_cores} cores; still created by {changed.created_by}"
        )
        try:
            write.update_pipeline("daily-sales", {"memory_gb": 1})
        except ValidationError as error:
            print(f"refused: {error.errors}")

        only_if_active = equals(Path.of("is_active"), True)
        write.update_pipeline("daily-sales", {"is_active": False}, condition_expression=only_if_active)
        print(f"active pipelines: {read.count_active_pipelines()}")
        write.activate_pipelines(["daily-sales"], updated_by="ada")

        view = read.get_by_id("daily-sales", projection=["pipeline_id", "pipeline_name", "is_active"])
        print(f"fetched only {', '.join(sorted(view.model_fields_set))}: {view.pipeline_name}")
        try:
            read.get_by_id("daily-sails")
        except ItemNotFoundError as error:
            print(f"not found: {error.key}")


def tables(config: DynamoDBConfig) -> None:
    """Say which tables a pipeline reads and writes."""
    with TableConfigWriteApi(config) as write, TableConfigReadApi(config) as read:
        for name, table_type in (
            ("orders", TableType.SOURCE),
            ("customers", TableType.SOURCE),
            ("sales", TableType.DESTINATION),
        ):
            write.upsert_table(
                TableConfigUpsert(
                    table_id=name,
                    pipeline_id="daily-sales",
                    table_name=name,
                    table_type=table_type,
                    data_format=DataFormat.PARQUET,
                    location=f"s3://lake/{name}/",
                )
            )
        write.update_table_statistics("sales", record_count=1200, size_bytes=48_000)
        sources, _ = read.get_source_tables("daily-sales")
        print(f"sources: {', '.join(sorted(table.table_id for table in sources))}")
        print(f"records in sales: {read.get_by_id('sales').record_count}")


def runs(config: DynamoDBConfig) -> None:
    """Log a run with its stages, end it, and list runs page by page."""
    with PipelineRunLogsWriteApi(config) as write, PipelineRunLogsReadApi(config) as read:
        for number in range(1, 4):
            run_id = f"run-{number}"
            write.start_pipeline_run(run_id, "daily-sales", trigger_type="schedule")
            stage = StageInfo(stage_name="extract", status=RunStatus.SUCCESS, records_processed=400 * number)
            write.add_stage_info(run_id, "daily-sales", stage)
            if number == 2:
                write.finish_pipeline_run(run_id, "daily-sales", RunStatus.FAILED, "the warehouse was away")
            else:
                write.finish_pipeline_run(run_id, "daily-sales", RunStatus.SUCCESS)

        next_key: str | None = None
        while True:
            page, next_key = read.query_by_pipeline("daily-sales", limit=2, last_key=next_key)
            print("page of runs:", ", ".join(f"{run.run_id} {run.status}" for run in page))
            if next_key is None:
                break
        failed, _ = read.get_failed_runs("daily-sales", hours=1)
        print(f"failed: {failed[0].run_id}, because {failed[0].error_message}")
        figures = read.get_pipeline_run_statistics("daily-sales", days=1)
        print(f"{figures.total_runs} runs, {figures.success_rate:.0%} succeeded")


def main() -> None:
    """Make the tables and show the three domains."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="basic_")
        with DynamoDB(config) as db:
            for model in (PipelineConfig, TableConfig, PipelineRunLog):
                db.delete_table(model)
                db.create_table(model)
        pipelines(config)
        tables(config)
        runs(config)


if __name__ == "__main__":
    main()
