"""Makes `format("dynamodb")` known: Spark looks for data sources in top-level modules named `pyspark_*`."""

from dynamodb_wrapper.spark.connector.datasource import DynamoDBDataSource as DefaultSource

__all__ = ["DefaultSource"]
