"""The demonstration on Spark: its session, its files as Spark reads them, and the days as it reads them back.

Knows Spark's settings and what of the demonstration is different on Spark. Must not know stages or runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo import catalog
from dynamodb_wrapper.demo.demonstration import WORST_AT, Demonstration
from dynamodb_wrapper.demo.domain import DailyDelayView
from dynamodb_wrapper.demo.flights import SCHEMAS, FlightFiles, SourceTable
from dynamodb_wrapper.demo.run import MonthlyRuns
from dynamodb_wrapper.display import Display
from dynamodb_wrapper.models import TableConfig, TableConfigUpsert

if TYPE_CHECKING:
    from dynamodb_wrapper.spark import SparkDynamoDBIntegration, SparkRun

OLDEST_JAVA = 17
"""Source: https://spark.apache.org/docs/4.0.0/#downloading"""
INSTALL = "pip install 'dynamodb-wrapper[cli,spark]'"
WORST = 5
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
}


def missing() -> str | None:
    """Why Spark cannot run here, and what to do about it; None where it can."""
    java = _java()
    if java is None or not shutil.which(java):
        found = "Java was not found"
    else:
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', asked.stderr)
        if version is None:
            found = f"{java} does not run"
        elif int(version[1]) < OLDEST_JAVA:
            found = f"{java} is version {version[1]}"
        else:
            return _missing_package()
    return (
        f"--spark needs Java {OLDEST_JAVA} or later, but {found}. Install one (Debian, Ubuntu: apt install "
        "openjdk-17-jre-headless; macOS: brew install openjdk@17), or set JAVA_HOME to its folder."
    )


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def _missing_package() -> str | None:
    from importlib.util import find_spec

    lacking = [name for name in ("pyspark", "pyarrow") if find_spec(name) is None]
    return f"--spark needs {' and '.join(lacking)}: {INSTALL}" if lacking else None


def unpacked(source: SourceTable, folder: Path) -> SourceTable:
    """A table whose file Spark reads: itself, or its copy in a folder where it is a zip file."""
    if source.path.suffix != ".zip":
        return source
    path = folder / source.path.stem
    if not path.is_file() or path.stat().st_mtime < source.path.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with (
            zipfile.ZipFile(source.path) as archive,
            part.open("wb") as file,
            archive.open(path.name) as packed,
        ):
            shutil.copyfileobj(packed, file)
        part.replace(path)
    return replace(source, path=path.absolute(), size_bytes=path.stat().st_size)


class SparkDemonstration(Demonstration):
    """The demonstration whose stages run on Spark; what it shows is the same.

    Parameters:
        folder: where the flights are unpacked, because Spark does not read zip files.
    """

    def __init__(self, config: DynamoDBConfig, files: FlightFiles, display: Display, folder: Path) -> None:
        from dynamodb_wrapper.spark import SparkDynamoDBIntegration

        super().__init__(config, files, display)
        self._folder = folder
        self._integration: SparkDynamoDBIntegration = SparkDynamoDBIntegration(config)

    def close(self) -> None:
        """Stop the session, where there is one, and close the connections."""
        from pyspark.sql import SparkSession

        if (session := SparkSession.getActiveSession()) is not None:
            session.stop()
        self._integration.close()
        super().close()

    def _sources(self) -> list[SourceTable]:
        return [unpacked(source, self._folder) for source in super()._sources()]

    def _tables(self, sources: list[SourceTable]) -> list[TableConfigUpsert]:
        """As they are registered anyway; what all runs read is kept in memory."""
        cached = {"caching_enabled": True, "cache_level": "MEMORY_AND_DISK"}
        return [
            table.model_copy(update=cached) if table.table_id != catalog.DESTINATION_ID else table
            for table in super()._tables(sources)
        ]

    def _monthly_runs(self) -> MonthlyRuns[SparkRun]:
        from dynamodb_wrapper.demo.spark_work import SparkWork
        from dynamodb_wrapper.spark.checks import checks_of

        os.environ.setdefault(
            "PYSPARK_PYTHON", sys.executable
        )  # else the workers are whichever python3 there is
        session = self._integration.create_spark_session(catalog.PIPELINE_ID, SETTINGS)
        session.sparkContext.setLogLevel("ERROR")
        self._say(f"Spark {session.version} on {session.sparkContext.master}")
        flights = self._client.get(TableConfig, catalog.table_id("flights"))
        assert flights is not None, "it was registered before"
        tables = {name: self._integration.read_table(catalog.table_id(name)) for name in SCHEMAS}
        work = partial(SparkWork, self._integration, tables, checks_of(flights, own=True))
        return MonthlyRuns(self._integration.pipeline_run_context, work)

    def _worst_days(self) -> tuple[list[DailyDelayView], int]:
        """The worst days, of what the connector reads back."""
        from pyspark.sql import functions as F

        days = self._integration.read_table(catalog.DESTINATION_ID).persist()
        total = days.agg(F.count(F.lit(1)), F.sum("flights")).first()
        if total is not None:
            self._say(f"read back by Spark: {total[0]:,} days with {total[1] or 0:,} flights")
        here = days.filter(F.col("origin") == WORST_AT)
        worst = here.filter("mean_departure_delay is not null").orderBy(
            F.desc("mean_departure_delay"), F.desc("date")
        )
        fields = list(DailyDelayView.model_fields)
        found = [DailyDelayView(**row.asDict()) for row in worst.select(*fields).limit(WORST).collect()]
        return found, here.count()
