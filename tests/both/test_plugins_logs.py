"""What the logging plugin writes on real engines, on both faces, given by config and by `use`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from tests.support.faults import FaultServer, server_error, throttle

from dynamodb_wrapper.exceptions import ConflictError, RetryableError
from dynamodb_wrapper.expressions.functions import missing
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import LoggingPlugin, StructlogSink


class Parcel(DynamoDBModel):
    code: str
    city: str = "hidden-city"

    class Meta:
        table_name = "parcels"
        partition_key = "code"


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What a record has for machines."""
    return {name[9:]: value for name, value in vars(record).items() if name.startswith("dynamodb_")}


async def test_operations_and_requests_are_logged_with_fields_and_without_values(
    db_with: Callable[..., Any], tables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (table,) = tables(Parcel)
    db = db_with(LoggingPlugin())
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        await db.put(Parcel(code="hidden-key"))
        await db.get(Parcel, "hidden-key")
    assert [(record.levelno, fields(record)["kind"]) for record in caplog.records] == [
        (logging.DEBUG, "attempt"),
        (logging.DEBUG, "operation"),
    ] * 2
    attempt, operation = (fields(record) for record in caplog.records[2:])
    assert (attempt["action"], attempt["table"], attempt["outcome"]) == ("GetItem", table, "ok")
    assert (operation["operation"], operation["outcome"]) == ("get", "ok")
    assert operation["seconds"] >= attempt["seconds"] > 0
    assert "hidden" not in str([vars(record) for record in caplog.records])
    assert "hidden" not in caplog.text


async def test_lines_about_one_key_have_the_same_hash(
    db_with: Callable[..., Any], tables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tables(Parcel)
    db = db_with(LoggingPlugin())
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        await db.get(Parcel, "a")
        await db.delete(Parcel, "a")
        await db.get(Parcel, "b")
    hashes = [fields(record)["key"] for record in caplog.records if fields(record)["kind"] == "attempt"]
    assert hashes[0] == hashes[1] != hashes[2]
    assert {len(text) for text in hashes} == {16}


async def test_an_answer_is_information_and_a_failure_a_warning(
    db_with: Callable[..., Any], tables: Any, caplog: pytest.LogCaptureFixture, engine: Any
) -> None:
    (table,) = tables(Parcel)
    with FaultServer(
        [throttle("KeyRangeThroughputExceeded"), *[server_error()] * 2], upstream=engine.endpoint_url
    ) as server:
        db = db_with(LoggingPlugin(), endpoint_url=server.url, retries=3)
        with caplog.at_level(logging.INFO, "dynamodb_wrapper"):
            with pytest.raises(RetryableError):
                await db.put(Parcel(code="a"))
            await db.put(Parcel(code="a"))
            with pytest.raises(ConflictError):
                await db.put(Parcel(code="a"), condition=missing(Parcel.code))
    said = [
        (record.levelname, fields(record)["kind"], fields(record)["outcome"]) for record in caplog.records
    ]
    assert said == [
        ("INFO", "retry", "throttled"),
        ("WARNING", "retry", "service_unavailable"),
        ("WARNING", "operation", "service_unavailable"),
        ("INFO", "operation", "conditional_check_failed"),
    ]
    first = fields(caplog.records[0])
    assert (first["attempt"], first["table"]) == (1, table)
    assert first["service_code"] == "ProvisionedThroughputExceededException"


async def test_structlog_gets_the_same_as_key_value_pairs(db_with: Callable[..., Any], tables: Any) -> None:
    (table,) = tables(Parcel)
    with structlog.testing.capture_logs() as captured:
        await db_with(LoggingPlugin(StructlogSink())).get(Parcel, "a")
    attempt, operation = captured
    assert (attempt["log_level"], attempt["action"], attempt["table"]) == ("debug", "GetItem", table)
    assert attempt["event"].startswith(f"GetItem on {table}: ok, ")
    assert (operation["kind"], operation["operation"], operation["outcome"]) == ("operation", "get", "ok")
