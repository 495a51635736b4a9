"""What a run on Spark fills in by itself: rows, bytes, settings; and figures that Spark did not compute."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.support.run_blocks import stored

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import (
    DataFormat,
    PipelineConfig,
    PipelineRunLog,
    RunStatus,
    TableConfig,
    TableType,
)
from dynamodb_wrapper.runs.lineage import OpenLineage
from dynamodb_wrapper.spark import SparkDynamoDBIntegration
from dynamodb_wrapper.spark.figures import jobs_begun, sizes, stage_figures

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("dynoxide",)

Store: TypeAlias = Callable[..., TableConfig]


@pytest.fixture
def integration(
    spark: SparkSession, config: DynamoDBConfig, tables: Callable[..., list[str]]
) -> Iterator[SparkDynamoDBIntegration]:
    tables(PipelineConfig, TableConfig, PipelineRunLog)
    with SparkDynamoDBIntegration(config) as made, DynamoDB(config) as db:
        db.put(
            PipelineConfig(pipeline_id="p", pipeline_name="P", source_type="file", destination_type="file")
        )
        yield made


@pytest.fixture
def store(integration: SparkDynamoDBIntegration, config: DynamoDBConfig, tmp_path: Path) -> Store:
    """Stores the configuration of a table of files in a folder of its own."""

    def make(table_id: str, **fields: Any) -> TableConfig:
        table = TableConfig(
            table_id=table_id,
            pipeline_id="p",
            table_name=f"name of {table_id}",
            table_type=TableType.DESTINATION,
            data_format=DataFormat.PARQUET,
            location=(tmp_path / table_id).as_uri(),
            **fields,
        )
        with DynamoDB(config) as db:
            db.put(table)
        return table

    return make


def records(log: PipelineRunLog) -> dict[str, int | None]:
    return {stage.stage_name: stage.records_processed for stage in log.stages}


def test_one_observation_that_spark_left_out_costs_no_other_one(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    config: DynamoDBConfig,
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store("t")
    integration.write_table(spark.range(9), "t")
    nothing = spark.range(3).filter("id > 5")
    with (
        caplog.at_level(logging.WARNING, "dynamodb_wrapper"),
        integration.pipeline_run_context("p") as run,
    ):
        with run.stage("join"):
            read = integration.read_table("t", run=run)
            run.observe(spark.range(5), "fine").collect()
            assert read.join(nothing, "id").count() == 0
        with run.stage("again"):
            assert run.observe(spark.range(4), "lost too").join(nothing, "id").count() == 0
        run.observe(spark.range(6), "later").collect()
    log = stored(config, run)
    assert log.status is RunStatus.SUCCESS
    assert log.metrics["observed"] == {"fine": {"rows": 5}, "later": {"rows": 6}}
    assert records(log) == {"join": 5, "again": None}
    assert log.input_tables == ["name of t"]
    assert "input_rows" not in log.metrics
    (said,) = (record for record in caplog.records if record.name == "dynamodb_wrapper.runs")
    assert "no figures of 'read t'" in said.getMessage()
    assert "\n" not in said.getMessage()
    assert said.exc_info is None


def test_rows_that_are_written_and_read_are_known_everywhere(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    config: DynamoDBConfig,
    store: Store,
    tmp_path: Path,
) -> None:
    store("source")
    store("target")
    told = OpenLineage(tmp_path / "lineage.jsonl")
    with integration.pipeline_run_context("p", watchers=[told]) as run:
        with run.stage("make"):
            integration.write_table(spark.range(50), "source", run=run)
            integration.write_table(spark.range(30), "source", run=run)
        with run.stage("look"):
            integration.read_table("source", run=run).count()
        with run.stage("go on"):
            few = integration.read_table("source", run=run).filter("id < 10")
            integration.write_table(few, "target", run=run)
        with run.stage("told") as stage:
            integration.write_table(spark.range(3), "target", run=run)
            stage.records = 5
    log = stored(config, run)
    assert records(log) == {"make": 80, "look": 80, "go on": 20, "told": 5}
    assert (log.metrics["input_rows"], log.metrics["output_rows"]) == (160, 103)
    assert log.total_records_processed == 103
    assert told.flush(60)
    last = json.loads((tmp_path / "lineage.jsonl").read_text().splitlines()[-1])
    read = [table["inputFacets"]["inputStatistics"]["rowCount"] for table in last["inputs"]]
    written = [table["outputFacets"]["outputStatistics"]["rowCount"] for table in last["outputs"]]
    assert (read, written) == ([160], [80, 23])


def test_bytes_are_those_of_all_jobs_of_the_run_whatever_their_thread(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig, tmp_path: Path
) -> None:
    made, copies = (tmp_path / "made").as_uri(), [(tmp_path / f"copy-{n}").as_uri() for n in range(2)]
    spark.range(2000).write.parquet(made)

    def copy(place: str) -> None:
        with run.stage(place):
            spark.read.parquet(made).write.parquet(place)

    with integration.pipeline_run_context("p") as run, ThreadPoolExecutor(2) as threads:
        list(threads.map(copy, copies))
    log = stored(config, run)
    figures = [log.metrics["stages"][place] for place in copies]
    assert log.output_data_size_bytes == sum(each["output_bytes"] for each in figures) > 0
    assert log.input_data_size_bytes == sum(each["input_bytes"] for each in figures) > 0


def test_bytes_that_nobody_knows_stay_open_and_those_that_the_pipeline_tells_win(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig, tmp_path: Path
) -> None:
    with integration.pipeline_run_context("p") as run:
        spark.range(5).count()
    log = stored(config, run)
    assert (log.input_data_size_bytes, log.output_data_size_bytes) == (None, None)
    with integration.pipeline_run_context("p") as run:
        spark.range(5).write.parquet((tmp_path / "t").as_uri())
        run.note(output_data_size_bytes=7)
    assert stored(config, run).output_data_size_bytes == 7


def test_bytes_are_not_told_where_spark_may_have_forgotten_jobs(spark: SparkSession, tmp_path: Path) -> None:
    context, place = spark.sparkContext, (tmp_path / "t").as_uri()
    before = jobs_begun(context)
    context.addJobTag("sized")
    try:
        spark.range(100).repartition(3).write.parquet(place)
        spark.read.parquet(place).groupBy("id").count().cache().count()
        spark.read.parquet(place).groupBy("id").count().count()
    finally:
        context.removeJobTag("sized")
    figures = stage_figures(context, "sized")
    assert sizes(context, "sized", before) == (figures["input_bytes"], figures["output_bytes"])
    assert figures["output_bytes"] > 0
    assert sizes(context, "sized", before - 1000) is None


def test_the_settings_of_the_session_and_the_tables_are_kept_with_the_run_without_secrets(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig, store: Store
) -> None:
    store("source", connection_config={"password": "hidden"})
    store("target", read_options={"url": "jdbc:x://me:hidden@host"})
    spark.conf.set("spark.some.secret.key", "hidden")
    try:
        with integration.pipeline_run_context("p") as run:
            integration.write_table(spark.range(5), "source", run=run)
            integration.write_table(integration.read_table("source", run=run), "target", run=run)
    finally:
        spark.conf.unset("spark.some.secret.key")
    log = stored(config, run)
    kept = log.config_snapshot
    assert kept["pipeline_name"] == "P"
    assert kept["spark_session"]["spark.sql.shuffle.partitions"] == "2"
    assert kept["spark_session"]["spark.some.secret.key"] == "(redacted)"
    assert set(kept["tables"]) == {"source", "target"}
    assert kept["tables"]["source"]["table_name"] == "name of source"
    assert "hidden" not in log.model_dump_json()


def test_a_stage_that_raises_has_the_rows_that_it_wrote(
    integration: SparkDynamoDBIntegration, spark: SparkSession, config: DynamoDBConfig, store: Store
) -> None:
    store("t")

    def work() -> None:
        with integration.pipeline_run_context("p", run_id="r") as run, run.stage("write"):
            integration.write_table(spark.range(5), "t", run=run)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    log = stored(config)
    assert (records(log), log.total_records_processed) == ({"write": 5}, 5)
