"""Spark: pipelines that log themselves, and DynamoDB as a DataFrame.

Knows Spark and this library's APIs. Needs the extra `spark`; nothing outside of this room imports pyspark.
Names are loaded when they are first used, so that the connector's many short processes load the connector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamodb_wrapper.spark.integration import (
        SparkDynamoDBIntegration,
        create_spark_session_with_dynamodb,
        get_pipeline_config_for_spark,
        get_table_configs_for_spark,
    )
    from dynamodb_wrapper.spark.logged import log_pipeline_run_from_spark
    from dynamodb_wrapper.spark.runs import SparkRun
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__,
        {
            "integration": "SparkDynamoDBIntegration create_spark_session_with_dynamodb "
            "get_pipeline_config_for_spark get_table_configs_for_spark",
            "logged": "log_pipeline_run_from_spark",
            "runs": "SparkRun",
        },
    )

__all__ = [
    "SparkDynamoDBIntegration",
    "SparkRun",
    "create_spark_session_with_dynamodb",
    "get_pipeline_config_for_spark",
    "get_table_configs_for_spark",
    "log_pipeline_run_from_spark",
]
