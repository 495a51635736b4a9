from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import PipelineConfig
from dynamodb_wrapper.spark.sessions import spark_settings

CONFIG = DynamoDBConfig.for_local_development(
    endpoint_url="http://127.0.0.1:8000",
    table_prefix="x_",
    user_timezone="Europe/Oslo",
    region_name="eu-west-1",
)


def pipeline(**fields: Any) -> PipelineConfig:
    return PipelineConfig(
        pipeline_id="p", pipeline_name="Flights", source_type="s3", destination_type="s3", **fields
    )


def test_a_session_is_named_after_its_pipeline_computes_in_utc_and_adapts() -> None:
    settings = spark_settings(pipeline(), CONFIG)
    assert settings["spark.app.name"] == "Flights"
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings["spark.sql.adaptive.enabled"] == "true"
    assert "spark.executor.cores" not in settings
    assert "spark.executor.memory" not in settings


def test_cores_and_memory_are_those_of_an_executor() -> None:
    settings = spark_settings(pipeline(cpu_cores=4, memory_gb=Decimal("2.5")), CONFIG)
    assert (settings["spark.executor.cores"], settings["spark.executor.memory"]) == ("4", "2560m")


def test_the_stored_settings_win_and_those_that_are_given_win_over_them() -> None:
    stored = pipeline(spark_config={"spark.sql.adaptive.enabled": False, "spark.ui.port": 4041, "a": 1})
    settings = spark_settings(stored, CONFIG, {"a": "2"})
    assert settings["spark.sql.adaptive.enabled"] == "false"
    assert (settings["spark.ui.port"], settings["a"]) == ("4041", "2")


def test_what_the_settings_say_of_dynamodb_is_what_for_pyspark_reads() -> None:
    settings = spark_settings(pipeline(), CONFIG)
    read = DynamoDBConfig.for_pyspark(settings)
    for name in ("endpoint_url", "table_prefix", "user_timezone", "region_name", "environment"):
        assert getattr(read, name) == getattr(CONFIG, name)


def test_no_credential_is_among_the_settings() -> None:
    config = CONFIG.replace(aws_access_key_id="AKIDHIDDEN", aws_secret_access_key="HIDDEN")
    assert "HIDDEN" not in str(spark_settings(pipeline(), config))


@pytest.mark.parametrize(
    "name",
    [
        "spark.dynamodb.secret.key",
        "spark.dynamodb.accessKey",
        "spark.dynamodb.aws_secret_access_key",
        "spark.dynamodb.session-token",
        "spark.dynamodb.password",
        "spark.hadoop.dynamodb.awsSecretAccessKey",
        "spark.executorEnv.AWS_SECRET_ACCESS_KEY",
        "spark.yarn.appMasterEnv.AWS_SESSION_TOKEN",
    ],
)
def test_a_setting_that_would_show_a_credential_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="would show credentials"):
        spark_settings(pipeline(spark_config={name: "hidden"}), CONFIG)


@pytest.mark.parametrize(
    "name", ["spark.dynamodb.table.prefix", "spark.sql.secret.redaction", "spark.dynamodb.keys.cached"]
)
def test_a_setting_that_is_no_credential_is_kept(name: str) -> None:
    assert spark_settings(pipeline(spark_config={name: "shown"}), CONFIG)[name] == "shown"


def test_a_reference_to_where_a_credential_is_kept_is_none() -> None:
    name = "spark.kubernetes.executor.secretKeyRef.AWS_SECRET_ACCESS_KEY"
    assert spark_settings(pipeline(spark_config={name: "aws:secret"}), CONFIG)[name] == "aws:secret"
