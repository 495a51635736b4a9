"""The awaiting face: the same names, parameters and results, and many calls at once.

Run `python examples/async_usage.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import asyncio
import os

from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncPipelineConfigReadApi,
    AsyncPipelineConfigWriteApi,
    AsyncPipelineRunLogsReadApi,
    AsyncPipelineRunLogsWriteApi,
    DynamoDBConfig,
    PipelineConfig,
    PipelineConfigUpsert,
    PipelineRunLog,
    RunStatus,
    StageInfo,
)
from dynamodb_wrapper.exceptions import ConflictError
from dynamodb_wrapper.local import attach, start


def pipeline(number: int) -> PipelineConfigUpsert:
    """One of many pipelines."""
    return PipelineConfigUpsert(
        pipeline_id=f"p-{number:02}",
        pipeline_name=f"Pipeline {number}",
        source_type="kafka",
        destination_type="warehouse",
        environment="prod" if number % 2 else "dev",
    )


async def show(config: DynamoDBConfig) -> None:
    """Write and read with many calls in flight; the APIs share one connection pool."""
    async with AsyncPipelineConfigWriteApi(config) as write, AsyncPipelineConfigReadApi(config) as read:
        await asyncio.gather(*(write.create_pipeline(pipeline(number)) for number in range(20)))
        prod, active = await asyncio.gather(
            read.count_pipelines_by_environment("prod"), read.count_active_pipelines()
        )
        print(f"{prod} of {active} active pipelines are in production")

        attempts = [write.create_pipeline(pipeline(99)) for _ in range(2)]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        conflicts = sum(isinstance(outcome, ConflictError) for outcome in outcomes)
        print(f"two creates of one id at once: {len(outcomes) - conflicts} success, {conflicts} conflict")

    async with AsyncPipelineRunLogsWriteApi(config) as log, AsyncPipelineRunLogsReadApi(config) as logs:
        await log.start_pipeline_run("run-1", "p-01", trigger_type="api")
        stages = [StageInfo(stage_name=f"part-{number}", status=RunStatus.SUCCESS) for number in range(10)]
        await asyncio.gather(*(log.add_stage_info("run-1", "p-01", stage) for stage in stages))
        run = await log.finish_pipeline_run("run-1", "p-01", RunStatus.SUCCESS)
        print(f"{len(run.stages)} stages were added at once, none was lost")
        runs, _ = await logs.get_successful_runs("p-01")
        print(f"successful runs: {', '.join(found.run_id for found in runs)}")


async def main() -> None:
    """Make the tables and show the awaiting face."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="async_")
        async with AsyncDynamoDB(config) as db:
            for model in (PipelineConfig, PipelineRunLog):
                await db.delete_table(model)
                await db.create_table(model)
        await show(config)


if __name__ == "__main__":
    asyncio.run(main())
