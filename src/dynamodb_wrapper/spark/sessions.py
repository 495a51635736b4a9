"""A Spark session from a stored pipeline configuration, and the sessions that there are.

Knows which settings of Spark follow from which fields. Must not know tables or runs. Credentials are never
among the settings, because Spark shows those in its UI and hands them to every executor: executors find their
own, as botocore's chain does.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import PipelineConfig
from dynamodb_wrapper.spark.needed import pyspark_needed
from dynamodb_wrapper.spark.runs import context_of

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
_MARKS = re.compile(r"[._-]")
_CREDENTIAL = re.compile(
    r"(dynamodb.*|envaws)(accesskey(id)?|secret((access)?key)?|(session|security)?token|password)$"
)
"""Settings of this library and of connectors, and settings that are variables of a process, without marks."""


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
    if secrets := [name for name in settings if _CREDENTIAL.search(_MARKS.sub("", name.lower()))]:
        mend = "leave them out: the driver and the executors find credentials in their own environment"
        raise ValidationError(
            f"the session of pipeline {pipeline.pipeline_id} would show credentials in Spark's UI "
            f"({', '.join(secrets)}): {mend}",
            errors={name: [mend] for name in secrets},
        )
    return settings


def create_session(settings: Mapping[str, str]) -> SparkSession:
    """The session with these settings; the one that runs already where there is one."""
    with pyspark_needed():
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


def running_session() -> SparkSession | None:
    """The session that is active in this thread, else the default one; None where there is none."""
    if sys.modules.get("pyspark") is None:
        return None
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkException:
        return None


def is_stopped(session: SparkSession) -> bool:
    """Whether a session can do nothing any more."""
    context = context_of(session)
    if context is None:
        return bool(getattr(session, "is_stopped", False))
    return context._jsc is None or bool(context._jsc.sc().isStopped())


@contextmanager
def active(session: SparkSession) -> Iterator[None]:
    """Make a session the active one of this thread, and then again that which was.

    Spark looks for a data source in the session that is active in the thread, and only a thread that made or
    read a DataFrame has one. Under Spark Connect the server sees to that.
    """
    if context_of(session) is None:
        yield
        return
    java: Any = session
    sessions = java._get_j_spark_session_class(java._jvm)
    before = sessions.getActiveSession()
    sessions.setActiveSession(java._jsparkSession)
    try:
        yield
    finally:
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()


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
