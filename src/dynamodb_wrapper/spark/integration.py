"""Pipelines on Spark, from their stored configurations to their logged runs.

Knows the three domains and this room. Must not know how Spark reads DynamoDB itself: `connector` does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.faces import Use
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, ValidationError
from dynamodb_wrapper.expressions.assignments import put
from dynamodb_wrapper.expressions.updates import Change
from dynamodb_wrapper.handlers.table_config.commands import TableConfigWriteApi
from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi
from dynamodb_wrapper.models import PipelineConfig, TableConfig, TableType
from dynamodb_wrapper.repositories.pipeline_config import PipelineConfigRepository
from dynamodb_wrapper.repositories.table_config import TableConfigRepository
from dynamodb_wrapper.runs.context import run_block
from dynamodb_wrapper.runs.ids import uuid7
from dynamodb_wrapper.runs.recorder import HEARTBEAT_SECONDS, LEASE_SECONDS, Wanted
from dynamodb_wrapper.runs.watcher import RunWatcher
from dynamodb_wrapper.spark.checks import ROWS
from dynamodb_wrapper.spark.figures import stage_figures
from dynamodb_wrapper.spark.joining import JoiningWatcher
from dynamodb_wrapper.spark.logged import log_pipeline_run_from_spark
from dynamodb_wrapper.spark.needed import pyspark_needed
from dynamodb_wrapper.spark.quality import Quality
from dynamodb_wrapper.spark.runs import Observing, SparkRun, context_of
from dynamodb_wrapper.spark.saving import NAME, save
from dynamodb_wrapper.spark.sessions import (
    active,
    create_session,
    is_stopped,
    running_session,
    spark_settings,
)
from dynamodb_wrapper.spark.sources import own_source
from dynamodb_wrapper.spark.statistics import Before
from dynamodb_wrapper.spark.tables import ReadOptions, WriteOptions, read_options, write_options
from dynamodb_wrapper.timezones import utcnow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "SparkDynamoDBIntegration",
    "create_spark_session_with_dynamodb",
    "get_pipeline_config_for_spark",
    "get_table_configs_for_spark",
    "log_pipeline_run_from_spark",
]

Options = TypeVar("Options", ReadOptions, WriteOptions)

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
        self._joining: list[JoiningWatcher] = []

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
        for watcher in list(self._joining):
            watcher.join()
        return self._session

    def get_spark_config_from_pipeline(self, pipeline_id: str) -> dict[str, str]:
        """The settings that `create_spark_session` makes a session with."""
        return spark_settings(self._pipeline(pipeline_id), self.config)

    def get_table_read_options(self, table_id: str) -> ReadOptions:
        """What `spark.read.format(...).options(...).load(...)` takes for a table.

        A table of DynamoDB has the format `data_source` where there is a session. Where there is none yet, it
        is "dynamodb": the options say where the table is, and the environment has the credentials.

        Raises:
            ItemNotFoundError: there is no such table.
        """
        return self._placed(read_options(self._table(table_id)), self._running())

    def get_table_write_options(self, table_id: str) -> WriteOptions:
        """What `df.write.format(...).mode(...).options(...).save(...)` takes for a table; as for reading."""
        return self._placed(write_options(self._table(table_id)), self._running())

    def read_table(self, table_id: str, *, run: SparkRun | None = None) -> DataFrame:
        """A table as a DataFrame, checked and cached where its configuration says so.

        Parameters:
            run: the run that reads it: it notes the table among its inputs, how many rows were read, and the
                results of checks.

        Raises:
            ItemNotFoundError: there is no such table.
            ValidationError: columns are missing, or a check whose `on_failure` is "fail" failed.
        """
        table, session = self._table(table_id), self.session
        quality = Quality.of(table)
        with active(session):
            return quality.read(self._placed(read_options(table), session).load(session), run)

    def write_table(self, df: DataFrame, table_id: str, *, run: SparkRun | None = None) -> int:
        """Write a DataFrame to a table, and look at it in the same pass.

        The first row that breaks one of `validation_rules` stops the write. `data_quality_checks` are judged
        when it is over; the statistics of the table are updated from what was written, as far as that tells
        them. Where that fails, a warning is logged, because what is written twice is worse than a figure that
        is old.

        Parameters:
            run: the run that writes it: it notes the table among its outputs, the rows, those that were
                rejected, and the results.

        Returns:
            How many rows were written: none where the mode is "ignore" and the table is there. For a table
            of DynamoDB those that it took (also rows that an earlier try had written), without rejected ones.

        Raises:
            ValidationError: columns are missing (nothing was written), or a check whose `on_failure` is
                "fail" failed (the rows are written; the statistics are not updated).
        """
        from pyspark.sql import Observation

        table, session = self._table(table_id), df.sparkSession
        quality, options, observation = Quality.of(table), write_options(table), Observation()
        quality.keep_config(run)
        before, context = Before.of(table, options, session), context_of(session)
        with _tagged(context) as tag, active(session):
            observed = quality.in_order(df, observation)
            counts = save(options, self._placed(options, session), observed, self.config)
        figures = observation.get
        if ROWS not in figures and options.mode == "ignore":  # Spark Connect 4.0
            return 0
        rows = int(figures[ROWS]) if counts is None else counts.written + counts.repeated
        rejected = {} if counts is None else counts.rejected
        if rejected:
            log.warning("table %s: %d rows were rejected: %s", table_id, sum(rejected.values()), rejected)
        if run is not None:
            run.output(table.table_name, rows)
            run.reject(sum(rejected.values()))
        told = f"{rows} rows were written to table {table_id}, but they are not in order"
        quality.settle(figures, run, told)
        if options.format == NAME:
            self._note_written(table, before.after_items(options.options, counts))
        elif rows or options.mode != "ignore":
            size = stage_figures(context, tag)["output_bytes"] if context is not None else 0
            self._note_written(table, before.after_files(options.mode, rows, size))
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

        Where the run is cancelled elsewhere, its jobs are stopped with the next heartbeat. The run may begin
        before there is a session; then a session that cannot be made is a run that failed.

        Yields:
            The run: its id wherever a text is wanted, and what a run can record.
        """
        observing = Observing()
        joining = JoiningWatcher(self._running, observing)
        told = [joining, *watchers]
        wanted = Wanted(
            pipeline_id, trigger_type, created_by, run_id, heartbeat_seconds, lease_seconds, told, fields
        )
        self._joining.append(joining)
        try:
            with run_block(SparkRun, wanted, self.config) as run:
                run._observing = observing
                yield run
        finally:
            self._joining.remove(joining)

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
        with pyspark_needed():
            import pyspark.sql  # noqa: F401

        found = self._running()
        if found is None:
            mend = "make one with create_spark_session(pipeline_id)"
            raise ValidationError(f"there is no Spark session: {mend}", errors={"session": [mend]})
        return found

    @property
    def data_source(self) -> str:
        """What stands in `spark.read.format(...)` for any table of DynamoDB, with this integration's config.

        The session (`session`) knows it from then on. As with any data source in Python, a thread that only
        writes has to make or read a DataFrame first (docs/spark-connector.md); `write_table` sees to that.
        """
        return own_source(self.session, self.config)

    def close(self) -> None:
        """End the use of the connections; the Spark session goes on."""
        self._db.close()

    def _register(self, session: SparkSession) -> None:
        """Have `format("dynamodb")` use this integration's config."""
        from dynamodb_wrapper.spark.connector import register

        try:
            register(session, self.config)
        except ValidationError as error:  # Spark 4.0
            own = own_source(session, self.config)
            log.warning(
                'format("dynamodb") has the settings of the environment, and %r these: %s', own, error
            )

    def _pipeline(self, pipeline_id: str) -> PipelineConfig:
        with PipelineConfigRepository(client=self._db) as stored:
            return stored.get_or_raise(pipeline_id)

    def _read_options_of(self, pipeline_id: str, table_type: TableType | None) -> dict[str, ReadOptions]:
        with TableConfigReadApi(client=self._db) as api:
            listed, _ = api.query_by_pipeline(pipeline_id, table_type, limit=None)
        tables = self._db.batch_get(TableConfig, [table.table_id for table in listed])
        session = self._running()
        return {
            table.table_id: self._placed(read_options(table), session)
            for table in tables
            if table is not None
        }

    def _table(self, table_id: str) -> TableConfig:
        with TableConfigRepository(client=self._db) as stored:
            return stored.get_or_raise(table_id)

    def _running(self) -> SparkSession | None:
        created = self._session
        if created is not None and not is_stopped(created):
            return created
        self._session = None
        return running_session()

    def _placed(self, options: Options, session: SparkSession | None) -> Options:
        """The options with which a table of DynamoDB is the one of this integration's config."""
        if options.format != NAME:
            return options
        name = NAME if session is None else own_source(session, self.config)
        options = replace(options, format=name, options={**_place(self.config), **options.options})
        return replace(options, partition_by=()) if isinstance(options, WriteOptions) else options

    def _note_written(self, table: TableConfig, changes: Sequence[Change]) -> None:
        now = utcnow()
        times = [put(TableConfig.last_updated_data).to(now), put(TableConfig.updated_at).to(now)]
        try:
            self._db.update(TableConfig, table.table_id, [*changes, *times])
        except DynamoDBWrapperError as error:
            log.warning("the statistics of table %s were not updated: %s", table.table_id, error)


@contextmanager
def _tagged(context: Any) -> Iterator[str]:
    """Give the jobs of this thread a tag, where there is a SparkContext."""
    tag = f"write-{uuid7()}"
    if context is not None:
        context.addJobTag(tag)
    try:
        yield tag
    finally:
        if context is not None:
            context.removeJobTag(tag)


def _place(config: DynamoDBConfig) -> dict[str, str]:
    """Where the tables of a config are, as options."""
    place = {"region": config.region_name, "prefix": config.table_prefix}
    return place if config.endpoint_url is None else {**place, "endpoint": config.endpoint_url}


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
    with SparkDynamoDBIntegration(config) as integration:
        return integration._read_options_of(pipeline_id, table_type)


def create_spark_session_with_dynamodb(
    pipeline_id: str,
    config: DynamoDBConfig | None = None,
    additional_config: Mapping[str, Any] | None = None,
) -> SparkSession:
    """The session for a stored pipeline; see `SparkDynamoDBIntegration.create_spark_session`."""
    with SparkDynamoDBIntegration(config) as integration:
        return integration.create_spark_session(pipeline_id, additional_config)
