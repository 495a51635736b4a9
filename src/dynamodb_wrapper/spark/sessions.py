"""A Spark session from a stored pipeline configuration.

Knows which settings of Spark follow from which fields. Must not know tables or runs. Credentials are never
among the settings, because Spark shows those in its UI and hands them to every executor: executors find their
own, as botocore's chain does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import PipelineConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("dynamodb_wrapper.spark")

ALWAYS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.coalescePartitions.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}
"""Times are stored in UTC, so that is what a session computes in unless it is told otherwise."""

_MIB_PER_GB = 1024
_CREDENTIAL = re.compile(
    r"dynamodb.*(access\.key|secret\.key|session\.token|accesskeyid|secretaccesskey|sessiontoken)$"
    r"|env\.aws_(access_key_id|secret_access_key|session_token)$",
    re.IGNORECASE,
)
"""Settings of this library and of connectors, and settings that are variables of a process."""


def spark_settings(
    pipeline: PipelineConfig, config: DynamoDBConfig, additional: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The settings of a session for a pipeline.

    Parameters:
        pipeline: `pipeline_name` is the application's name, `cpu_cores` and `memory_gb` are those of an
            executor, `spark_config` has any other setting.
        config: where DynamoDB is, for the executors: endpoint, Region, prefix, environment, zone.
        additional: settings that win over all of these.

    Raises:
        ValidationError: a setting would carry credentials of DynamoDB.
    """
    settings = {"spark.app.name": pipeline.pipeline_name, **ALWAYS, **_dynamodb(config)}
    if pipeline.cpu_cores is not None:
        settings["spark.executor.cores"] = str(pipeline.cpu_cores)
    if pipeline.memory_gb is not None:
        settings["spark.executor.memory"] = f"{int(Decimal(pipeline.memory_gb) * _MIB_PER_GB)}m"
    for more in (pipeline.spark_config, additional or {}):
        settings |= {name: as_text(value) for name, value in more.items()}
    if secrets := [name for name in settings if _CREDENTIAL.search(name)]:
        mend = "leave them out: the driver and the executors find credentials in their own environment"
        raise ValidationError(
            f"the session of pipeline {pipeline.pipeline_id} would show credentials in Spark's UI "
            f"({', '.join(secrets)}): {mend}",
            errors={name: [mend] for name in secrets},
        )
    return settings


def create_session(settings: Mapping[str, str]) -> SparkSession:
    """The session with these settings; the one that runs already where there is one."""
    from pyspark.sql import SparkSession
    from pyspark.sql.utils import is_remote

    if is_remote() and (running := SparkSession.getActiveSession()) is not None:
        _configure(running, settings)
        return running
    builder: Any = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    return session


def _configure(session: SparkSession, settings: Mapping[str, str]) -> None:
    """Give a session of Spark Connect those settings that a session may change.

    Its builder does so as well, but wants to be told again where the server is.
    """
    from pyspark.errors import PySparkException

    for name, value in settings.items():
        try:
            session.conf.set(name, value)
        except PySparkException as error:
            log.debug("the setting %s is the server's: %s", name, error)


def as_text(value: object) -> str:
    """A setting or an option as Spark takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dynamodb(config: DynamoDBConfig) -> dict[str, str]:
    """What `DynamoDBConfig.for_pyspark` reads."""
    found = {
        "spark.dynamodb.region": config.region_name,
        "spark.dynamodb.endpoint": config.endpoint_url,
        "spark.dynamodb.table.prefix": config.table_prefix,
        "spark.dynamodb.environment": config.environment,
        "spark.dynamodb.user.timezone": config.user_timezone,
    }
    return {name: value for name, value in found.items() if value}
