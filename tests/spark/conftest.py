"""What the tests of Spark share: one session for all of them, in one process.

A session costs seconds and 650 MB, so that all of these tests form one group of pytest-xdist. The session's
processes have the credentials of the local engines in their environment, as executors would.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.spark_models import Order
from tests.support.spark_tests import pipeline, table_of_files

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, TableConfig
from dynamodb_wrapper.spark import SparkDynamoDBIntegration

pytest.importorskip("pyspark")
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group; tests with a JVM of their own come first, so that there are never two JVMs."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("spark"))
            item.add_marker(pytest.mark.timeout(300))  # a busy machine is slow, not wrong
    items.sort(key=has_no_jvm_of_its_own)


def has_no_jvm_of_its_own(item: pytest.Item) -> bool:
    return HERE not in item.path.parents or "child" not in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The session: two cores, each task tried twice, little memory, no UI, UTC."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "512m",
        "spark.driver.extraJavaOptions": JVM,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.python.factory.idleWorkerMaxPoolSize": "2",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
    }
    environment = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, text in environment.items():
            patch.setenv(name, text)
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        builder: Any = SparkSession.builder
        session = builder.master("local[2, 2]").appName("tests").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def db(config: DynamoDBConfig) -> Iterator[DynamoDB]:
    """A client of the test's engine."""
    with DynamoDB(config) as client:
        yield client


@pytest.fixture
def pipelines(db: DynamoDB, tables: Callable[..., list[str]]) -> None:
    """The tables of the three domains, and in them the pipeline "p"."""
    tables(PipelineConfig, TableConfig, PipelineRunLog)
    db.put(pipeline(cpu_cores=2, memory_gb=Decimal("1.5")))


@pytest.fixture
def integration(config: DynamoDBConfig, pipelines: None, spark: Any) -> Iterator[SparkDynamoDBIntegration]:
    """An integration whose session was made by somebody else."""
    with SparkDynamoDBIntegration(config) as made:
        yield made


@pytest.fixture
def store(db: DynamoDB, pipelines: None, tmp_path: Path) -> Callable[..., TableConfig]:
    """Stores the configuration of a table of files in a folder of its own."""

    def make(table_id: str = "t", **fields: Any) -> TableConfig:
        table = table_of_files(table_id, f"name of {table_id}", tmp_path, **fields)
        db.put(table)
        return table

    return make


@pytest.fixture
def options(config: DynamoDBConfig) -> dict[str, str]:
    """Where the test's tables are, as options."""
    return {"endpoint": str(config.endpoint_url), "prefix": config.table_prefix, "region": config.region_name}


@pytest.fixture
def read(spark: Any, options: dict[str, str]) -> Callable[..., Any]:
    """`read(table="orders", schema="customer string", ...)` is the DataFrame of those options."""

    def made(schema: Any = None, **more: Any) -> Any:
        reader = spark.read.format("dynamodb").options(**options, **more)
        return (reader if schema is None else reader.schema(schema)).load()

    return made


@pytest.fixture
def orders(db: DynamoDB, tables: Callable[..., list[str]]) -> list[Order]:
    """Orders of several customers, in their table."""
    tables(Order)
    found = [
        Order(
            customer=f"c{at % 7}",
            number=at,
            status="open" if at % 3 else "paid",
            total=(at * 37) % 100,
            weight=at / 8 if at % 5 else None,
            urgent=at % 4 == 0,
        )
        for at in range(200)
    ]
    db.batch_write(Order, puts=found)
    return found
