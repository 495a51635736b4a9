"""Runs that are logged in single calls, without a block."""

from __future__ import annotations

import platform
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.support.run_blocks import stored

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ConflictError, ValidationError
from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.spark import log_pipeline_run_from_spark
from dynamodb_wrapper.timezones import utcnow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("dynoxide",)

pytestmark = pytest.mark.usefixtures("pipelines")


def test_a_run_that_is_over_is_logged_in_one_call(
    db: DynamoDB, config: DynamoDBConfig, spark: SparkSession
) -> None:
    began = utcnow() - timedelta(seconds=90)
    log = log_pipeline_run_from_spark(
        "p", "success", config=config, start_time=began, total_records_processed=5
    )
    assert stored(db, log.run_id) == log
    assert (log.trigger_type, log.start_time, log.total_records_processed) == ("spark", began, 5)
    assert log.end_time is not None
    assert log.duration_seconds == Decimal((log.end_time - began) // timedelta(microseconds=1)).scaleb(-6)
    assert (log.python_version, log.spark_version) == (platform.python_version(), spark.version)
    assert log.spark_application_id == spark.sparkContext.applicationId
    assert (log.config_snapshot["pipeline_name"], log.pipeline_version) == ("Flights", "1.0.0")


def test_how_long_it_took_is_left_open_where_the_beginning_is_not_known(
    config: DynamoDBConfig, spark: SparkSession
) -> None:
    assert log_pipeline_run_from_spark("p", "success", config=config).duration_seconds is None


def test_a_run_goes_on_in_later_calls_and_keeps_what_earlier_ones_have_said(
    db: DynamoDB, config: DynamoDBConfig, spark: SparkSession
) -> None:
    begun = log_pipeline_run_from_spark("p", "running", run_id="r", config=config, tags={"team": "x"})
    log_pipeline_run_from_spark("p", "running", run_id="r", config=config, total_records_processed=5)
    ended = log_pipeline_run_from_spark(
        "p", "failed", run_id="r", config=config, error_message="password=hunter2", total_records_failed=1
    )
    assert stored(db) == ended
    assert (ended.status, ended.error_message) == (RunStatus.FAILED, "password=***")
    assert (ended.start_time, ended.tags) == (begun.start_time, {"team": "x"})
    assert (ended.total_records_processed, ended.total_records_failed) == (5, 1)
    assert ended.end_time is not None
    assert ended.duration_seconds is not None
    assert ended.duration_seconds > 0


def test_a_run_that_is_over_stays_so(config: DynamoDBConfig, spark: SparkSession) -> None:
    ended = log_pipeline_run_from_spark("p", "success", run_id="r", config=config)
    again = log_pipeline_run_from_spark("p", "success", run_id="r", config=config, total_records_processed=5)
    assert again == ended
    with pytest.raises(ConflictError, match="success for good"):
        log_pipeline_run_from_spark("p", "failed", run_id="r", config=config, error_message="no")


def test_what_is_wrong_is_refused_before_anything_is_written(
    db: DynamoDB, config: DynamoDBConfig, spark: SparkSession
) -> None:
    with pytest.raises(ValidationError, match=r"'done' is no status of a run: use one of pending, running"):
        log_pipeline_run_from_spark("p", "done", run_id="r", config=config)
    with pytest.raises(ValidationError, match="error_message"):
        log_pipeline_run_from_spark("p", "failed", run_id="r", config=config)
    with pytest.raises(ValidationError, match="records"):
        log_pipeline_run_from_spark("p", "success", run_id="r", config=config, records=5)
    with pytest.raises(AssertionError):
        stored(db)


def test_a_run_that_is_logged_in_one_call_has_no_secrets_of_its_error(
    db: DynamoDB, config: DynamoDBConfig
) -> None:
    text = "no answer from jdbc:postgresql://ada:hunter2@db/sales?password=hunter2"
    tags = {"token": "hunter2", "token_count": "5"}
    log = log_pipeline_run_from_spark("p", "failed", error_message=text, config=config, tags=tags)
    found = stored(db, log.run_id)
    assert found.error_message == "no answer from jdbc:postgresql://***@db/sales?password=***"
    assert found.tags == {"token": "(redacted)", "token_count": "5"}
