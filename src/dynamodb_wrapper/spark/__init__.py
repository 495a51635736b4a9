"""Spark: pipelines that log themselves, and DynamoDB as a DataFrame.

Knows Spark and this library's APIs. Needs the extra `spark`; nothing outside of this room imports pyspark.
"""

from dynamodb_wrapper.spark.integration import SparkDynamoDBIntegration
from dynamodb_wrapper.spark.runs import SparkRun

__all__ = ["SparkDynamoDBIntegration", "SparkRun"]
