"""Scans by processes: bytes and record batches come back, and errors; no process is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.exceptions import ConnectionError, TableNotFoundError, ValidationError


class Reading(DynamoDBModel):
    sensor: str
    value: Decimal
    text: str = ""

    class Meta:
        table_name = "readings"
        partition_key = "sensor"


COUNT = 120


def reading(number: int) -> Reading:
    return Reading(sensor=f"s{number:03}", value=Decimal(number) / 8, text="x" * 60_000)


@pytest.fixture
def db(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> Iterator[DynamoDB]:
    tables(Reading)
    with DynamoDB(config) as db:
        db.batch_write(Reading, puts=[reading(number) for number in range(COUNT)])
        yield db
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(("segments", "processes"), [(1, 1), (4, 2), (3, 8)])
def test_every_item_comes_once(db: DynamoDB, segments: int, processes: int) -> None:
    found = db.scan(Reading, segments=segments, processes=processes).all()
    assert sorted(found, key=lambda each: each.sensor) == [reading(number) for number in range(COUNT)]


def test_workers_hand_back_columns(db: DynamoDB) -> None:
    scan = db.scan(Reading, where=Reading.value < 5, segments=4, processes=2)
    table = scan.table(pa.schema([("sensor", pa.string()), ("value", pa.decimal128(20, 3))]))
    assert sorted(table.column("value").to_pylist()) == [Decimal(number) / 8 for number in range(40)]


def test_an_error_of_a_worker_is_raised_here(db: DynamoDB) -> None:
    with pytest.raises(ValidationError) as raised:
        db.scan(Reading, processes=2).arrow(pa.schema([("text", pa.int64())])).all()
    assert raised.value.context["attribute"] == "text"
    assert raised.value.context["key"].keys() == {"sensor"}
    db.delete_table(Reading)
    with pytest.raises(TableNotFoundError) as missing:
        db.scan(Reading, segments=2, processes=2).all()
    assert missing.value.context["segments"] == 2
    db.create_table(Reading)


def test_leaving_early_ends_the_workers(db: DynamoDB) -> None:
    for _ in db.scan(Reading, processes=2):
        assert len(multiprocessing.active_children()) == 2
        break


def test_a_worker_that_dies_is_an_error_that_tells_its_segments(db: DynamoDB) -> None:
    found: Any = iter(db.scan(Reading, segments=4, processes=2).arrow())
    next(found)
    for worker in multiprocessing.active_children():
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ConnectionError, match=r"the segments (0, 2|1, 3) of 4 of .*readings ended with -9"):
        list(found)
