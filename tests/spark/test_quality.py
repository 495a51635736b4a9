"""Rules, checks and cache levels of a table, while Spark reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.support.run_blocks import stored
from tests.support.spark_tests import pipeline, table_of, table_of_files

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, RunStatus, TableConfig
from dynamodb_wrapper.models.rules import STORAGE_LEVELS
from dynamodb_wrapper.spark import SparkDynamoDBIntegration

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("dynoxide",)

Made: TypeAlias = Callable[..., None]

SMALL = {"name": "small", "expression": "id < 5"}


@pytest.fixture
def db(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Iterator[DynamoDB]:
    tables(PipelineConfig, TableConfig, PipelineRunLog)
    with DynamoDB(config) as client:
        client.put(pipeline())
        yield client


@pytest.fixture
def integration(
    config: DynamoDBConfig, db: DynamoDB, spark: SparkSession
) -> Iterator[SparkDynamoDBIntegration]:
    with SparkDynamoDBIntegration(config) as made:
        yield made


@pytest.fixture
def made(db: DynamoDB, spark: SparkSession, tmp_path: Path) -> Made:
    """Stores a table of the rows 0-8, in two files."""

    def make(table_id: str = "t", **fields: Any) -> None:
        table = table_of_files(table_id, table_id, tmp_path, **fields)
        db.put(table)
        spark.range(0, 9, 1, 2).write.parquet(table.location)

    return make


def results(log: PipelineRunLog) -> dict[str, tuple[bool, Any, Any]]:
    """The results of checks, by their names."""
    return {
        one.check_name: (one.passed, one.expected_value, one.actual_value) for one in log.data_quality_results
    }


def test_a_row_that_breaks_a_rule_stops_the_job_that_reads_it(
    integration: SparkDynamoDBIntegration, db: DynamoDB, made: Made
) -> None:
    made(validation_rules={"ranges": {"id": {"max": 5}}})
    block = integration.pipeline_run_context("p", run_id="r")
    with pytest.raises(Exception, match="table t: a row breaks the rule 'id is at most 5'"), block as run:
        integration.read_table("t", run=run).count()
    assert stored(db).status is RunStatus.FAILED
    assert "'id is at most 5'" in str(stored(db).error_message)
    assert integration.read_table("t").filter("id < 4").count() == 4


def test_a_broken_rule_tells_the_row_by_its_key_and_by_what_the_rule_names(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, tmp_path: Path
) -> None:
    rules = {"expressions": {"in order": "first <= `last one`"}, "not_null": ["note"]}
    db.put(table_of_files("t", "t", tmp_path, primary_key_columns=["day", "id"], validation_rules=rules))
    columns = "id int, day date, first double, `last one` double, note string, other string"

    def write(*row: object) -> None:
        rows = [(1, date(2013, 1, 2), 2.0, 2.0, "n", "o"), row]
        integration.write_table(spark.createDataFrame(rows, columns), "t")

    with pytest.raises(Exception, match="a row breaks the rule 'in order'") as broken:
        write(7, date(2013, 1, 2), 2.5, 2.0, "n", "o")
    assert ": id=7, day=2013-01-02, first=2.5, last one=2.0 " in str(broken.value)
    with pytest.raises(Exception, match=r"rule 'note is not null' .*: id=8, day=2013-01-02, note=null "):
        write(8, date(2013, 1, 2), 2.0, 2.0, None, "o")


def test_a_rule_is_asked_of_what_is_written_and_not_of_what_a_join_leaves_out(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, tmp_path: Path
) -> None:
    db.put(table_of_files("t", "t", tmp_path, validation_rules={"not_null": ["n"]}))
    left = spark.createDataFrame([(1, 5), (2, None)], "id int, n int")
    kept = spark.createDataFrame([(1,)], "id int")
    for how in ("inner", "left_semi"):
        assert integration.write_table(left.join(kept, "id", how), "t") == 1


def test_checks_of_what_is_read_are_noted_in_the_run_without_a_pass_of_their_own(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, made: Made
) -> None:
    made(data_quality_checks=[SMALL, {"name": "some", "expression": "id < 8", "most": 0.2}])
    with integration.pipeline_run_context("p", run_id="r") as run, run.stage("read"):
        df = integration.read_table("t", run=run)
        assert df.count() == 9
    log = stored(db)
    assert results(log) == {
        "t.small": (False, "at most 0 of 9 rows", 4),
        "t.some": (True, "at most 1.8 of 9 rows", 1),
    }
    assert not log.data_quality_passed
    assert log.metrics["observed"] == {"read t": {"rows": 9}}
    assert log.metrics["stages"]["read"]["input_records"] == 9


def test_checks_of_what_is_never_computed_have_no_result(
    integration: SparkDynamoDBIntegration, db: DynamoDB, made: Made
) -> None:
    made(data_quality_checks=[SMALL])
    with integration.pipeline_run_context("p", run_id="r") as run:
        integration.read_table("t", run=run)
    assert results(stored(db)) == {}


def test_checks_without_a_run_to_note_them_are_told(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    made: Made,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made(data_quality_checks=[SMALL])
    integration.read_table("t")
    assert "table t: not asked, for no run was given: small" in caplog.text
    integration.write_table(spark.range(9), "t")
    assert "the check t.small failed: 4 of 9 rows break: id < 5" in caplog.text


@pytest.mark.parametrize("cached", [False, True])
def test_a_check_that_is_to_fail_the_pipeline_does_so_before_anything_is_made_of_what_was_read(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, made: Made, cached: bool
) -> None:
    made(data_quality_checks=[{**SMALL, "on_failure": "fail"}], caching_enabled=cached)
    before = len(cached_tables(spark))
    with pytest.raises(ValidationError, match="table t are not in order: small: 4 of 9 rows break: id < 5"):
        integration.read_table("t")
    block = integration.pipeline_run_context("p", run_id="r")
    with pytest.raises(ValidationError, match="4 of 9 rows break"), block as run:
        integration.read_table("t", run=run)
    log = stored(db)
    assert (log.status, log.data_quality_passed) == (RunStatus.FAILED, False)
    assert results(log) == {"t.small": (False, "at most 0 of 9 rows", 4)}
    assert len(cached_tables(spark)) == before


def test_a_check_that_is_to_fail_the_pipeline_and_passes_is_counted_once_where_the_table_is_cached(
    integration: SparkDynamoDBIntegration, db: DynamoDB, made: Made
) -> None:
    check = {**SMALL, "most": 0.5, "on_failure": "fail"}
    made(data_quality_checks=[check], caching_enabled=True, cache_level="MEMORY_ONLY")
    with integration.pipeline_run_context("p", run_id="r") as run, run.stage("read"):
        df = integration.read_table("t", run=run)
        assert df.filter("id > 1").count() == 7
        df.unpersist()
    log = stored(db)
    assert results(log) == {"t.small": (True, "at most 4.5 of 9 rows", 4)}
    assert log.metrics["observed"] == {"read t": {"rows": 9}}


def test_checks_of_one_name_are_told_by_their_tables_and_one_that_failed_stays_so(
    integration: SparkDynamoDBIntegration, spark: SparkSession, db: DynamoDB, made: Made
) -> None:
    made("a", data_quality_checks=[SMALL])
    made("b", data_quality_checks=[{**SMALL, "expression": "id < 50"}])
    with integration.pipeline_run_context("p", run_id="r") as run:
        for rows in (9, 3):
            integration.write_table(spark.range(rows), "a", run=run)
            integration.write_table(spark.range(rows), "b", run=run)
    log = stored(db)
    assert results(log) == {
        "a.small": (False, "at most 0 of 9 rows", 4),
        "b.small": (True, "at most 0 of 3 rows", 0),
    }
    assert not log.data_quality_passed


@pytest.mark.parametrize(
    "fields",
    [
        {"validation_rules": {"ranges": {"id": {"minimum": 5}}}},
        {"data_quality_checks": [{"name": "a", "type": "row_count", "min": 100, "on_failure": "fail"}]},
        {"data_quality_checks": [{**SMALL, "max": 0.1, "onFailure": "fail"}]},
        {"caching_enabled": True, "cache_level": "RAM"},
    ],
)
def test_what_is_not_understood_is_refused_before_anything_is_read_or_written(
    integration: SparkDynamoDBIntegration,
    spark: SparkSession,
    db: DynamoDB,
    tmp_path: Path,
    fields: dict[str, Any],
) -> None:
    db.put(table_of_files("t", "t", tmp_path, **fields))
    with pytest.raises(ValidationError, match="table t"):
        integration.read_table("t")
    with pytest.raises(ValidationError, match="table t"):
        integration.write_table(spark.range(9), "t")
    assert not (tmp_path / "t").exists()
    assert table_of(db).record_count is None


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"validation_rules": {"not_null": ["nope"]}}, "validation_rules.nope is not null"),
        ({"validation_rules": {"expressions": {"x": "id <"}}}, "validation_rules.x"),
        ({"data_quality_checks": [{"name": "y", "expression": "nope > 0"}]}, "data_quality_checks.y"),
        ({"data_quality_checks": [{"name": "y", "expression": "count(*) > 5"}]}, "data_quality_checks.y"),
    ],
)
def test_an_expression_that_spark_does_not_take_is_told_with_its_table_and_name(
    integration: SparkDynamoDBIntegration, made: Made, fields: dict[str, Any], place: str
) -> None:
    made(**fields)
    with pytest.raises(ValidationError, match=r"table t is wrong.*cannot be asked of the columns") as refused:
        integration.read_table("t")
    assert refused.value.errors.keys() == {place}


def test_a_table_is_cached_at_each_level_that_may_be_stored(
    integration: SparkDynamoDBIntegration, db: DynamoDB, made: Made
) -> None:
    made()
    for level in (*STORAGE_LEVELS, "memory_only"):
        db.update(TableConfig, "t", {"caching_enabled": True, "cache_level": level})
        df = integration.read_table("t")
        assert df.count() == 9
        assert df.storageLevel.useMemory is level.upper().startswith(("MEMORY", "OFF_HEAP"))
        df.unpersist(blocking=True)


def cached_tables(spark: Any) -> list[Any]:
    """What is cached now."""
    return list(spark.sparkContext._jsc.getPersistentRDDs())
