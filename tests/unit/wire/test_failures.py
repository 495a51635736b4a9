from __future__ import annotations

import ssl
import time

import pytest

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire import failures
from dynamodb_wrapper.wire.endpoint import Endpoint

CALL = Call("PutItem", {"TableName": "orders", "Item": {"secret": {"S": "hidden"}}}, "orders")
PLAIN = Endpoint("http", "127.0.0.1", 8000, "eu-west-1")
SAFE = Endpoint("https", "db.example", 443, "eu-west-1")

UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")


@pytest.mark.parametrize(
    ("error", "retryable", "outcome_unknown"),
    [
        (failures.unreachable(CALL, PLAIN, ConnectionRefusedError(111, "Connection refused")), True, False),
        (failures.untrusted(CALL, SAFE, UNTRUSTED), False, False),
        (failures.broken_off(CALL, PLAIN, None, sent=True), True, True),
        (failures.broken_off(CALL, PLAIN, BrokenPipeError(32, "Broken pipe"), sent=False), True, False),
        (failures.too_late(CALL, PLAIN, "the reply", sent=True), False, True),
        (failures.too_late(CALL, PLAIN, "a connection"), False, False),
        (failures.pool_exhausted(CALL, PLAIN, 5), False, False),
        (failures.not_dynamodb(CALL, PLAIN, 200, "text/html", b"<html>"), True, True),
        (failures.not_dynamodb(CALL, PLAIN, 502, "text/html", b"<html>"), True, True),
        (failures.not_dynamodb(CALL, PLAIN, 404, "", b""), False, False),
        (failures.not_http(CALL, PLAIN, ValueError("bad")), True, True),
        (failures.corrupted(CALL, PLAIN, "its checksum"), True, True),
        (failures.unusable(CALL, "closed"), False, False),
    ],
)
def test_what_may_be_done_after_a_failure(
    error: exc.ConnectionError, retryable: bool, outcome_unknown: bool
) -> None:
    assert (error.retryable, error.outcome_unknown) == (retryable, outcome_unknown)
    assert error.context["table"] == "orders"
    assert error.context["operation"] == "PutItem"
    assert "hidden" not in str(error) + repr(error.context)


@pytest.mark.parametrize(
    ("endpoint", "cause", "cls", "said"),
    [
        (PLAIN, ConnectionRefusedError(111, "Connection refused"), exc.ConnectionError, "connection refused"),
        (PLAIN, TimeoutError(), exc.ConnectionError, "no answer in time"),
        (SAFE, UNTRUSTED, exc.ConnectionError, "No trusted TLS connection to https://db.example"),
        (SAFE, ConnectionResetError(104, "Connection reset by peer"), exc.ConnectionError, "reset by peer"),
    ],
)
def test_why_no_connection_was_made(
    endpoint: Endpoint, cause: OSError, cls: type[exc.ConnectionError], said: str
) -> None:
    error = failures.not_connected(CALL, endpoint, cause, time.monotonic() + 60)
    assert type(error) is cls
    assert said in error.message


def test_no_connection_until_the_deadline_is_a_deadline_exceeded() -> None:
    error = failures.not_connected(CALL, PLAIN, TimeoutError(), time.monotonic() - 1)
    assert type(error) is exc.DeadlineExceededError


def test_a_call_without_a_table_is_named_by_its_action() -> None:
    assert failures.asked(Call("ListTables", {})) == "ListTables"
