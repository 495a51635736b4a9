"""Pipelines on Spark: sessions, tables, checks, statistics, and runs that log themselves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.support.run_blocks import stored
from tests.support.spark_models import Day
from tests.support.spark_tests import (
    SECONDS,
    jobs,
    table_of,
    wait_for,
)

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ItemNotFoundError, RunLostError, ValidationError
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.models import (
    RunStatus,
    TableConfig,
    TableType,
)
from dynamodb_wrapper.runs.lineage import OpenLineage
from dynamodb_wrapper.spark import (
    SparkDynamoDBIntegration,
    SparkRun,
    create_spark_session_with_dynamodb,
    get_pipeline_config_for_spark,
    get_table_configs_for_spark,
)
from dynamodb_wrapper.spark.tables import WriteOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINES = ("dynoxide",)

Store: TypeAlias = Callable[..., TableConfig]

pytestmark = pytest.mark.usefixtures("spark", "pipelines")


def test_a_session_has_the_settings_of_its_pipeline(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig
) -> None:
    settings = integration.get_spark_config_from_pipeline("p")
    assert settings["spark.executor.memory"] == "1536m"
    assert get_pipeline_config_for_spark("p", config) == settings
    session = integration.create_spark_session("p", {"spark.sql.shuffle.partitions": 2})
    assert session.conf.get("spark.sql.adaptive.enabled") == "true"
    assert session.conf.get("spark.dynamodb.endpoint") == config.endpoint_url
    assert create_spark_session_with_dynamodb("p", config).sparkContext is spark.sparkContext


def test_an_unknown_pipeline_or_table_is_named(integration: SparkDynamoDBIntegration) -> None:
    with pytest.raises(ItemNotFoundError, match="nobody"):
        integration.get_spark_config_from_pipeline("nobody")
    with pytest.raises(ItemNotFoundError, match="nothing"):
        integration.get_table_read_options("nothing")


def test_a_table_that_was_written_is_read_and_its_statistics_come_from_the_same_pass(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
    tmp_path: Path,
) -> None:
    store(partition_columns=["third"], caching_enabled=True, cache_level="MEMORY_ONLY")
    df = spark.range(30).selectExpr("id", "id % 3 as third")
    assert integration.write_table(df, "t") == 30
    written = table_of(db)
    assert written.record_count == 30
    assert written.size_bytes is not None
    assert written.size_bytes > 0
    assert written.last_updated_data is not None
    read = integration.read_table("t")
    assert [part.name for part in sorted((tmp_path / "t").glob("third=*"))] == [
        "third=0",
        "third=1",
        "third=2",
    ]
    assert read.storageLevel.useMemory
    assert not read.storageLevel.useDisk
    assert sorted(row.id for row in read.collect()) == list(range(30))
    read.unpersist()
    integration.write_table(df, "t")
    assert table_of(db).record_count == 60


def test_a_table_of_dynamodb_is_written_and_read_with_the_integration_s_own_config(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
    tables: Callable[..., list[str]],
) -> None:
    tables(Day)
    store(connection_config={"service": "dynamodb", "table": "days"})
    days = spark.createDataFrame([("JFK", 1, 5), ("JFK", 2, 7)], "origin string, day int, flights int")
    assert integration.write_table(days, "t") == 2
    assert db.get(Day, {"origin": "JFK", "day": 2}) == Day(origin="JFK", day=2, flights=7)
    assert (table_of(db).record_count, table_of(db).size_bytes) == (None, None)
    read = integration.read_table("t")
    assert sorted((row.day, row.flights) for row in read.collect()) == [(1, 5), (2, 7)]


def test_credentials_are_in_no_setting_plan_or_log(
    spark: SparkSession,
    db: DynamoDB,
    config: DynamoDBConfig,
    store: Store,
    tables: Callable[..., list[str]],
) -> None:
    tables(Day)
    store(connection_config={"service": "dynamodb", "table": "days"})
    hidden = config.replace(aws_access_key_id="AKIDHIDDEN", aws_secret_access_key="SECRETHIDDEN")
    with SparkDynamoDBIntegration(hidden) as integration:
        session = integration.create_spark_session("p")
        with integration.pipeline_run_context("p", "spark", run_id="r") as run:
            days = spark.createDataFrame([("JFK", 1, 5)], "origin string, day int, flights int")
            integration.write_table(days, "t", run=run)
            read: Any = integration.read_table("t", run=run)
            assert read.count() == 1
        shown = [
            str(session.sparkContext.getConf().getAll()),
            str(session.conf.getAll),
            read._jdf.queryExecution().toString(),
            repr(integration.get_table_read_options("t")),
            repr(integration.get_table_write_options("t")),
            repr(get_table_configs_for_spark("p", config=hidden)),
            str(stored(db, "r")),
        ]
    integration = SparkDynamoDBIntegration(config)
    integration.create_spark_session("p")
    integration.close()
    for text in shown:
        assert "HIDDEN" not in text


def test_a_table_that_is_overwritten_has_the_statistics_of_what_is_there_now(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
) -> None:
    store(write_options={"mode": "overwrite"})
    integration.write_table(spark.range(30), "t")
    integration.write_table(spark.range(7), "t")
    assert table_of(db).record_count == 7


def test_a_table_that_is_there_is_not_written_in_the_mode_ignore_and_keeps_its_statistics(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, store: Store
) -> None:
    store(write_options={"mode": "ignore"})
    assert integration.write_table(spark.range(30), "t") == 30
    written = table_of(db)
    assert integration.write_table(spark.range(7), "t") == 0
    assert table_of(db) == written
    assert written.record_count == 30


def test_nothing_is_written_too(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, store: Store
) -> None:
    store(data_quality_checks=[{"name": "all", "expression": "id >= 0"}], write_options={"mode": "overwrite"})
    for df in (spark.range(5), spark.range(5).filter("false"), spark.createDataFrame([], "id long")):
        assert integration.write_table(df, "t") == df.count()
        assert table_of(db).record_count == df.count()


def test_rows_that_were_written_are_no_failure_where_the_statistics_cannot_be_updated(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store()
    save = WriteOptions.save

    def save_and_forget(options: WriteOptions, df: DataFrame) -> None:
        save(options, df)
        db.delete(TableConfig, "t")

    monkeypatch.setattr(WriteOptions, "save", save_and_forget)
    assert integration.write_table(spark.range(30), "t") == 30
    assert "the statistics of table t were not updated" in caplog.text
    assert db.get(TableConfig, "t") is None


def test_a_row_that_breaks_a_rule_stops_the_write_and_nothing_is_committed(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
) -> None:
    store(validation_rules={"ranges": {"id": {"min": 0}}, "not_null": ["id"]})
    with pytest.raises(Exception, match="a row breaks the rule 'id is at least 0'"):
        integration.write_table(spark.range(-1, 20), "t")
    assert table_of(db).record_count is None
    integration.write_table(spark.range(20), "t")
    assert integration.read_table("t").count() == 20


def test_data_that_lack_a_column_are_refused_before_anything_runs(
    integration: SparkDynamoDBIntegration, spark: SparkSession, store: Store
) -> None:
    store(validation_rules={"required_columns": ["day"]}, primary_key_columns=["flight"])
    with pytest.raises(ValidationError, match="add day, flight; it has id"):
        integration.write_table(spark.range(3), "t")


def test_a_check_that_fails_is_noted_and_one_that_is_to_fail_the_pipeline_does(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
) -> None:
    few = {"name": "few", "expression": "id < 90", "most": 0.05}
    store(data_quality_checks=[few, {"name": "all", "expression": "id >= 0"}])
    with integration.pipeline_run_context("p", "spark") as run:
        integration.write_table(spark.range(100), "t", run=run)
    log = stored(db, run)
    assert [(result.check_name, result.passed) for result in log.data_quality_results] == [
        ("t.few", False),
        ("t.all", True),
    ]
    assert not log.data_quality_passed
    store("strict", data_quality_checks=[{**few, "on_failure": "fail"}])
    with pytest.raises(ValidationError, match="10 of 100 rows break: id < 90"):
        integration.write_table(spark.range(100), "strict")
    assert table_of(db, "strict").record_count is None


def test_a_run_has_spark_s_figures_its_tables_and_what_was_observed(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    store: Store,
    tmp_path: Path,
) -> None:
    from pyspark.sql import functions as F

    store("source")
    store("target")
    told = OpenLineage(tmp_path / "lineage.jsonl")
    with integration.pipeline_run_context("p", "spark", "ada", watchers=[told]) as run:
        with run.stage("make"):
            integration.write_table(spark.range(100).repartition(3), "source", run=run)
        with run.stage("aggregate"):
            df = integration.read_table("source", run=run)
            sums = df.groupBy((F.col("id") % 7).alias("rest")).agg(F.sum("id").alias("sum"))
            observed = run.observe(sums, "sums", largest=F.max("sum"), rows=F.count(F.lit(1)))
            integration.write_table(observed, "target", run=run)
        run.observe(spark.range(5), "never computed")
    log = stored(db, run)
    assert log.status is RunStatus.SUCCESS
    assert log.spark_version == spark.version
    assert log.spark_application_id == spark.sparkContext.applicationId
    assert log.input_tables == ["name of source"]
    assert log.output_tables == ["name of source", "name of target"]
    assert log.metrics["output_rows"] == 107
    figures = log.metrics["stages"]["aggregate"]
    assert figures["input_records"] == 100
    assert figures["output_records"] == 7
    assert figures["shuffle_write_bytes"] > 0
    assert figures["jobs"] >= 1
    assert figures["executor_milliseconds"] > 0
    assert (figures["spilled_memory_bytes"], figures["spilled_disk_bytes"]) == (0, 0)
    assert log.metrics["observed"]["sums"]["rows"] == 7
    assert log.metrics["observed"]["read source"] == {"rows": 100}
    assert "never computed" not in log.metrics["observed"]
    assert told.flush(SECONDS)
    last = json.loads((tmp_path / "lineage.jsonl").read_text().splitlines()[-1])
    assert (last["eventType"], [table["name"] for table in last["outputs"]]) == (
        "COMPLETE",
        log.output_tables,
    )


def test_stages_within_stages_and_in_threads_have_their_own_figures(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB
) -> None:
    def work(number: int) -> None:
        with run.stage(f"thread-{number}"):
            for _ in range(number):
                run.observe(spark.range(number * 10)).collect()

    with integration.pipeline_run_context("p", "spark") as run:
        with run.stage("outer"):
            with run.stage("inner"):
                run.observe(spark.range(7)).collect()
            run.observe(spark.range(9)).collect()
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(work, range(1, 4)))
        assert run in spark.sparkContext.getJobTags()
    assert run not in spark.sparkContext.getJobTags()
    log = stored(db, run)
    found = {
        stage.stage_name: (stage.records_processed, log.metrics["stages"][stage.stage_name]["jobs"])
        for stage in log.stages
    }
    assert found == {
        "outer": (9, 2),
        "inner": (7, 1),
        "thread-1": (10, 1),
        "thread-2": (20, 2),
        "thread-3": (30, 3),
    }
    assert log.metrics["observed"]["thread-3-2"] == {"rows": 30}


def test_a_figure_that_no_number_can_hold_is_noted_as_a_text(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB
) -> None:
    from pyspark.sql import functions as F

    with integration.pipeline_run_context("p", "spark") as run:
        df = spark.sql("select double('nan') as x, date'2020-01-01' as day")
        run.observe(df, "found", x=F.max("x"), day=F.max("day")).collect()
    log = stored(db, run)
    assert (log.status, log.metrics["observed"]) == (
        RunStatus.SUCCESS,
        {"found": {"x": "nan", "day": "2020-01-01"}},
    )


def test_jobs_of_a_stage_in_another_thread_are_stopped_with_the_run(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, config: DynamoDBConfig
) -> None:
    ended: list[BaseException] = []

    def work() -> None:
        try:
            with run.stage("sleep"):
                sleep_for_ever(spark)
        except Exception as error:
            ended.append(error)

    canceller = threading.Thread(target=cancel_when_busy, args=(spark, config))
    canceller.start()
    block = integration.pipeline_run_context("p", "spark", run_id="r", heartbeat_seconds=0.3)
    with pytest.raises(RunLostError, match="cancelled by ops"), block as run, ThreadPoolExecutor(1) as pool:
        pool.submit(work)
    canceller.join()
    assert "cancel" in str(ended[0]).lower()


def test_a_spark_error_fails_the_run_with_its_class(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB
) -> None:
    def work(run: SparkRun) -> None:
        run.observe(spark.range(5), "fine").collect()
        run.observe(spark.sql("select 1 / (id - id) from range(3)")).collect()

    block = integration.pipeline_run_context("p", "spark", run_id="r")
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"), block as run:
        work(run)
    log = stored(db, "r")
    assert log.status is RunStatus.FAILED
    assert "DIVIDE_BY_ZERO" in str(log.error_message)
    assert log.metrics["observed"]["fine"] == {"rows": 5}


def sleep_for_ever(spark: SparkSession) -> None:
    spark.sparkContext.parallelize(range(2), 2).foreach(lambda _: time.sleep(600))


def cancel_when_busy(spark: SparkSession, config: DynamoDBConfig) -> None:
    wait_for(lambda: jobs(spark))
    with PipelineRunLogsWriteApi(config) as api:
        api.update_run_status("r", "p", RunStatus.CANCELLED, "cancelled by ops")


def test_a_run_that_is_cancelled_elsewhere_stops_its_spark_jobs_within_seconds(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, config: DynamoDBConfig
) -> None:
    canceller = threading.Thread(target=cancel_when_busy, args=(spark, config))
    canceller.start()
    run = integration.pipeline_run_context("p", "spark", run_id="r", heartbeat_seconds=0.3)
    with pytest.raises(RunLostError, match="cancelled by ops") as lost, run:
        sleep_for_ever(spark)
    assert "cancel" in str(lost.value.__cause__).lower()
    canceller.join()
    assert stored(db, "r").status is RunStatus.CANCELLED
    assert spark.range(3).count() == 3


def test_the_tables_of_a_pipeline_can_be_had_at_once(store: Store, config: DynamoDBConfig) -> None:
    store("a")
    store("b", connection_config={"service": "dynamodb"})
    found = get_table_configs_for_spark("p", config=config)
    assert {name: options.format.partition("_")[0] for name, options in found.items()} == {
        "a": "parquet",
        "b": "dynamodb",
    }
    assert get_table_configs_for_spark("p", TableType.LOOKUP, config) == {}


def test_statistics_of_what_was_written_elsewhere_are_counted(
    integration: SparkDynamoDBIntegration, spark: SparkSession, store: Store
) -> None:
    store(tags={"team": "x"})
    table = integration.update_table_stats_after_write("t", spark.range(12), run_id="r")
    assert table.record_count == 12
    assert table.tags == {"team": "x", "last_run_id": "r"}
