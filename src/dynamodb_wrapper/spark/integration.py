"""Pipelines on Spark, from their stored configurations to their logged runs.

Knows the three domains and this room. Must not know how Spark reads DynamoDB itself: `connector` does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.faces import Use
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, ValidationError
from dynamodb_wrapper.expressions.assignments import add, put
from dynamodb_wrapper.handlers.pipeline_run_logs.commands import PipelineRunLogsWriteApi
from dynamodb_wrapper.handlers.table_config.commands import TableConfigWriteApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import (
    PipelineConfig,
    PipelineRunLog,
    PipelineRunLogUpsert,
    RunStatus,
    TableConfig,
    TableType,
)
from dynamodb_wrapper.redaction import redacted
from dynamodb_wrapper.repositories.pipeline_config import PipelineConfigRepository
from dynamodb_wrapper.repositories.table_config import TableConfigRepository
from dynamodb_wrapper.runs.context import run_block
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.runs.recorder import HEARTBEAT_SECONDS, LEASE_SECONDS, Wanted
from dynamodb_wrapper.runs.watcher import RunWatcher
from dynamodb_wrapper.spark.checks import ROWS
from dynamodb_wrapper.spark.figures import stage_figures
from dynamodb_wrapper.spark.quality import Quality
from dynamodb_wrapper.spark.runs import Observing, SparkRun, SparkWatcher, context_of
from dynamodb_wrapper.spark.sessions import create_session, spark_settings
from dynamodb_wrapper.spark.tables import ReadOptions, WriteOptions, read_options, write_options
from dynamodb_wrapper.timezones import utcnow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("dynamodb_wrapper.spark")


class SparkDynamoDBIntegration(Use):
    """Everything that a pipeline on Spark asks of this library; a context manager.

    Parameters:
        config: the settings; `DynamoDBConfig.for_pyspark()` where none are given.
    """

    def __init__(self, config: DynamoDBConfig | None = None) -> None:
        self.config = config or DynamoDBConfig.for_pyspark()
        self._db = DynamoDB(self.config)
        self._session: SparkSession | None = None

    def create_spark_session(
        self, pipeline_id: str, additional_config: Mapping[str, Any] | None = None
    ) -> SparkSession:
        """The session for a pipeline; the one that runs already where there is one.

        Parameters:
            additional_config: settings that win over those of the pipeline.

        Raises:
            ItemNotFoundError: there is no such pipeline.
            ValidationError: a setting would show credentials of DynamoDB in Spark's UI.
        """
        settings = spark_settings(self._pipeline(pipeline_id), self.config, additional_config)
        self._session = create_session(settings)
        self._register(self._session)
        return self._session

    def get_spark_config_from_pipeline(self, pipeline_id: str) -> dict[str, str]:
        """The settings that `create_spark_session` makes a session with."""
        return spark_settings(self._pipeline(pipeline_id), self.config)

    def get_table_read_options(self, table_id: str) -> ReadOptions:
        """What `spark.read.format(...).options(...).load(...)` takes for a table.

        Raises:
            ItemNotFoundError: there is no such table.
        """
        return read_options(self._table(table_id))

    def get_table_write_options(self, table_id: str) -> WriteOptions:
        """What `df.write.format(...).mode(...).options(...).save(...)` takes for a table."""
        return write_options(self._table(table_id))

    def read_table(self, table_id: str, *, run: SparkRun | None = None) -> DataFrame:
        """A table as a DataFrame, checked and cached where its configuration says so.

        Parameters:
            run: the run that reads it: it notes the table among its inputs, how many rows were read, and the
                results of checks.

        Raises:
            ItemNotFoundError: there is no such table.
            ValidationError: columns are missing, or a check whose `on_failure` is "fail" failed.
        """
        table = self._table(table_id)
        quality = Quality.of(table)
        return quality.read(read_options(table).load(self.session), run)

    def write_table(self, df: DataFrame, table_id: str, *, run: SparkRun | None = None) -> int:
        """Write a DataFrame to a table, and look at it in the same pass.

        The first row that breaks one of `validation_rules` stops the write. `data_quality_checks` are judged
        when it is over; the statistics of the table are updated from what was written. Where that fails, a
        warning is logged, because what is written twice is worse than a figure that is old.

        Parameters:
            run: the run that writes it: it notes the table among its outputs, the rows, and the results.

        Returns:
            How many rows were written: none where the mode is "ignore" and the table is there.

        Raises:
            ValidationError: columns are missing (nothing was written), or a check whose `on_failure` is
                "fail" failed (the rows are written; the statistics are not updated).
        """
        from pyspark.sql import Observation

        table = self._table(table_id)
        quality, options, observation = Quality.of(table), write_options(table), Observation()
        quality.keep_config(run)
        tag = f"write-{uuid7()}"
        context = context_of(self.session)
        if context is not None:
            context.addJobTag(tag)
        try:
            options.save(quality.in_order(df).observe(observation, *quality.counts()))
        finally:
            if context is not None:
                context.removeJobTag(tag)
        figures = observation.get
        if ROWS not in figures and options.mode == "ignore":  # Spark Connect 4.0
            return 0
        rows = int(figures[ROWS])
        if run is not None:
            run.output(table.table_name, rows)
        told = f"{rows} rows were written to table {table_id}, but they are not in order"
        quality.settle(figures, run, told)
        size = stage_figures(context, tag)["output_bytes"] if context is not None else 0
        if rows or options.mode != "ignore":
            self._note_written(table, rows, size, adds=options.mode == "append")
        return rows

    @contextmanager
    def pipeline_run_context(
        self,
        pipeline_id: str,
        trigger_type: str = "manual",
        created_by: str | None = None,
        *,
        run_id: str | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        watchers: Sequence[RunWatcher] = (),
        **fields: Any,
    ) -> Iterator[SparkRun]:
        """Log a run of a pipeline while the block runs, as `runs.pipeline_run` does, and its Spark jobs.

        Where the run is cancelled elsewhere, its jobs are stopped with the next heartbeat.

        Yields:
            The run: its id wherever a text is wanted, and what a run can record.
        """
        observing = Observing()
        told = [SparkWatcher(self.session, observing), *watchers]
        wanted = Wanted(
            pipeline_id, trigger_type, created_by, run_id, heartbeat_seconds, lease_seconds, told, fields
        )
        with run_block(SparkRun, wanted, self.config) as run:
            run._observing = observing
            yield run

    def update_table_stats_after_write(
        self, table_id: str, df: DataFrame, run_id: str | None = None
    ) -> TableConfig:
        """Count a DataFrame that was written, and store that as the table's statistics.

        `write_table` does so without counting again; this is for what was written in another way.

        Parameters:
            run_id: the run that wrote it; noted among the table's tags as `last_run_id`.

        Returns:
            The table's configuration as it is stored now.
        """
        rows, now = df.count(), utcnow()
        with TableConfigWriteApi(client=self._db) as api:
            stored = api.update_table_statistics(table_id, record_count=rows, last_updated_data=now)
            if run_id is not None:
                stored = api.update_table(table_id, {"tags": {**stored.tags, "last_run_id": str(run_id)}})
        return stored

    @property
    def session(self) -> SparkSession:
        """The session that was created, else the one that is active in this thread, else the default one.

        Raises:
            ValidationError: there is none.
        """
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession

        if self._session is not None:
            return self._session
        try:
            return SparkSession.active()
        except PySparkException as error:
            mend = "make one with create_spark_session(pipeline_id)"
            raise ValidationError(
                f"there is no Spark session: {mend}", error, errors={"session": [mend]}
            ) from error

    def close(self) -> None:
        """End the use of the connections; the Spark session goes on."""
        self._db.close()

    def _register(self, session: SparkSession) -> None:
        """Have `format("dynamodb")` use this integration's config."""
        from dynamodb_wrapper.spark.connector import register

        try:
            register(session, self.config)
        except ValidationError as error:  # Spark 4.0
            log.warning('format("dynamodb") takes its settings from options and the environment: %s', error)

    def _pipeline(self, pipeline_id: str) -> PipelineConfig:
        with PipelineConfigRepository(client=self._db) as stored:
            return stored.get_or_raise(pipeline_id)

    def _table(self, table_id: str) -> TableConfig:
        with TableConfigRepository(client=self._db) as stored:
            return stored.get_or_raise(table_id)

    def _note_written(self, table: TableConfig, rows: int, size: int, *, adds: bool) -> None:
        """Update the statistics; the size stays as it is where Spark does not tell what it has written."""
        now = utcnow()
        times = [put(TableConfig.last_updated_data).to(now), put(TableConfig.updated_at).to(now)]
        known = [(TableConfig.record_count, rows)]
        if size or not rows:
            known.append((TableConfig.size_bytes, size))
        changes = [add(field, value) if adds else put(field).to(value) for field, value in known]
        try:
            self._db.update(TableConfig, table.table_id, [*changes, *times])
        except DynamoDBWrapperError as error:
            log.warning("the statistics of table %s were not updated: %s", table.table_id, error)


def get_pipeline_config_for_spark(pipeline_id: str, config: DynamoDBConfig | None = None) -> dict[str, str]:
    """The settings of a Spark session for a stored pipeline."""
    with SparkDynamoDBIntegration(config) as integration:
        return integration.get_spark_config_from_pipeline(pipeline_id)


def get_table_configs_for_spark(
    pipeline_id: str, table_type: TableType | None = None, config: DynamoDBConfig | None = None
) -> dict[str, ReadOptions]:
    """How Spark reads each table of a pipeline, by the table's id.

    Parameters:
        table_type: only tables of that type.
    """
    config = config or DynamoDBConfig.for_pyspark()
    with DynamoDB(config) as db, TableConfigReadApi(client=db) as api:
        listed, _ = api.query_by_pipeline(pipeline_id, table_type, limit=None)
        tables = db.batch_get(TableConfig, [table.table_id for table in listed])
    return {table.table_id: read_options(table) for table in tables if table is not None}


def log_pipeline_run_from_spark(
    pipeline_id: str,
    status: RunStatus | str,
    *,
    run_id: str | None = None,
    trigger_type: str = "spark",
    error_message: str | None = None,
    session: SparkSession | None = None,
    config: DynamoDBConfig | None = None,
    **fields: Any,
) -> PipelineRunLog:
    """Log a run that is over, or one that another process goes on with, in one call.

    Parameters:
        session: the Spark session that ran it; the active one where none is given.
        fields: further fields of `PipelineRunLogUpsert`, such as `total_records_processed`.
    """
    if session is None:
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
    if session is not None:
        fields.setdefault("spark_version", session.version)
        if (context := context_of(session)) is not None:
            fields.setdefault("spark_application_id", context.applicationId)
    dto = PipelineRunLogUpsert(
        run_id=run_id or uuid7(),
        pipeline_id=pipeline_id,
        status=RunStatus(status),
        trigger_type=trigger_type,
        **redacted({"error_message": error_message, **fields}),
    )
    with PipelineRunLogsWriteApi(config or DynamoDBConfig.for_pyspark()) as api:
        return api.create_run_log(dto)


def create_spark_session_with_dynamodb(
    pipeline_id: str,
    config: DynamoDBConfig | None = None,
    additional_config: Mapping[str, Any] | None = None,
) -> SparkSession:
    """The session for a stored pipeline; see `SparkDynamoDBIntegration.create_spark_session`."""
    with SparkDynamoDBIntegration(config) as integration:
        return integration.create_spark_session(pipeline_id, additional_config)
