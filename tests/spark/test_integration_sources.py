"""Tables of DynamoDB by an integration's own data source, whoever made the session and whatever it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.run_blocks import stored
from tests.support.spark_models import Day
from tests.support.spark_tests import table_of

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration, get_table_configs_for_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINES = ("dynoxide",)
DAYS = {"service": "dynamodb", "table": "days"}
SCHEMA = "origin string, day int, flights int"


@pytest.fixture
def days(tables: Callable[..., list[str]], store: Callable[..., TableConfig]) -> None:
    """The table "t" is the one of `Day`."""
    tables(Day)
    store(connection_config=DAYS)


@pytest.fixture
def other(config: DynamoDBConfig, db: DynamoDB, days: None) -> Iterator[SparkDynamoDBIntegration]:
    """An integration whose tables, named the same, have another prefix."""
    theirs = config.replace(table_prefix=f"{config.table_prefix}other_")
    with SparkDynamoDBIntegration(theirs) as made, DynamoDB(theirs) as client:
        for model in (TableConfig, Day):
            client.create_table(model)
        client.put(table_of(db))
        yield made


def some(spark: SparkSession, flights: int) -> DataFrame:
    return spark.createDataFrame([("JFK", 1, flights)], SCHEMA)


def flights(df: DataFrame) -> list[int]:
    return [row.flights for row in df.collect()]


def test_a_session_that_somebody_else_made_reads_and_writes_the_tables_of_the_config(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, days: None
) -> None:
    assert integration.write_table(some(spark, 5), "t") == 1
    assert db.get(Day, {"origin": "JFK", "day": 1}) == Day(origin="JFK", day=1, flights=5)
    assert flights(integration.read_table("t")) == [5]


def test_options_that_are_given_away_lead_to_the_same_tables(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig, days: None
) -> None:
    to = integration.get_table_write_options("t")
    some(spark, 7).write.format(to.format).mode(to.mode).options(**to.options).save()
    of_pipeline = get_table_configs_for_spark("p", config=config)["t"]
    for options in (integration.get_table_read_options("t"), of_pipeline):
        assert flights(spark.read.format(options.format).options(**options.options).load()) == [7]
    assert flights(spark.read.format(integration.data_source).load("days")) == [7]


def test_two_integrations_share_a_session_and_each_has_its_own_tables(
    integration: SparkDynamoDBIntegration, other: SparkDynamoDBIntegration, spark: SparkSession
) -> None:
    integration.create_spark_session("p")
    integration.write_table(some(spark, 1), "t")
    other.write_table(some(spark, 2), "t")
    assert flights(integration.read_table("t")) == [1]
    assert flights(other.read_table("t")) == [2]
    assert flights(integration.read_table("t")) == [1]


def test_integrations_with_equal_settings_share_a_name_and_others_do_not(
    integration: SparkDynamoDBIntegration, other: SparkDynamoDBIntegration, config: DynamoDBConfig
) -> None:
    with SparkDynamoDBIntegration(config.replace()) as again:
        assert again.data_source == integration.data_source
    hidden = config.replace(aws_access_key_id="AKIDHIDDEN", aws_secret_access_key="SECRETHIDDEN")
    with SparkDynamoDBIntegration(hidden) as secret:
        names = {integration.data_source, other.data_source, secret.data_source}
    assert len(names) == 3
    assert "HIDDEN" not in str(names)


def test_a_session_beside_the_first_one_knows_the_data_source_too(
    integration: SparkDynamoDBIntegration, spark: SparkSession, days: None
) -> None:
    integration.write_table(some(spark, 1), "t")
    integration.write_table(some(spark.newSession(), 2), "t")
    assert flights(integration.read_table("t")) == [2]


def test_every_thread_can_write_and_has_the_active_session_that_it_had(
    integration: SparkDynamoDBIntegration, spark: SparkSession, days: None
) -> None:
    from pyspark import InheritableThread
    from pyspark.sql import SparkSession as Sessions

    rows = {number: some(spark, number) for number in range(3)}

    def write(number: int) -> Any:
        assert integration.write_table(rows[number], "t") == 1
        return Sessions.getActiveSession()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(write, 0).result() is None
    done: list[Any] = []
    thread: Any = InheritableThread(target=lambda: done.append(write(1)))
    thread.start()
    thread.join()
    assert done == [None]
    before = Sessions.getActiveSession()
    write(2)
    assert Sessions.getActiveSession() is before
    assert flights(integration.read_table("t")) == [2]


def test_a_stage_in_a_thread_writes(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, days: None
) -> None:
    df = some(spark, 1)

    def work() -> None:
        with run.stage("write"):
            integration.write_table(df, "t", run=run)

    with integration.pipeline_run_context("p", run_id="r") as run, ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert stored(db).metrics["output_rows"] == 1
