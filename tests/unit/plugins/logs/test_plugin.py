"""What the plugin makes of events; tests/both/test_plugins_logs.py has what it logs on real engines."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from dynamodb_wrapper.engine.events import AttemptEnded, OperationStarted, during
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.plugins import LoggingPlugin

KEY = {"id": {"S": "ada"}, "day": {"N": "7"}}
CALL = Call("GetItem", {"Key": KEY}, "orders")


def key_field(plugin: LoggingPlugin, caplog: pytest.LogCaptureFixture, call: Call = CALL) -> object:
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        plugin.observers[0](AttemptEnded(call, 0.1, b"{}"))
    (record,) = caplog.records
    return vars(record).get("dynamodb_key")


def test_a_hashed_key_is_the_same_in_every_process_and_in_any_order(caplog: pytest.LogCaptureFixture) -> None:
    turned = Call("DeleteItem", {"Key": dict(reversed(KEY.items()))}, "orders")
    assert key_field(LoggingPlugin(), caplog) == "2abaad0298fe68bf"
    assert key_field(LoggingPlugin(), caplog, turned) == "2abaad0298fe68bf"


def test_a_salt_changes_the_hash(caplog: pytest.LogCaptureFixture) -> None:
    hashes = {key_field(LoggingPlugin(salt=salt), caplog) for salt in (b"", b"one", b"two")}
    assert len(hashes) == 3
    with pytest.raises(ValidationError, match="has 65 bytes; give at most 64"):
        LoggingPlugin(salt=b"." * 65)


def test_keys_are_shown_or_left_out_if_asked(caplog: pytest.LogCaptureFixture) -> None:
    assert key_field(LoggingPlugin(keys="shown"), caplog) == '{"day":{"N":"7"},"id":{"S":"ada"}}'
    assert key_field(LoggingPlugin(keys="hidden"), caplog) is None


def test_the_message_of_an_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    plugin = LoggingPlugin("shop.database")
    with caplog.at_level(logging.DEBUG, "shop.database"):
        plugin.observers[0](AttemptEnded(CALL, 0.1, b"", ConnectionError("ada is hidden")))
        for error in (ConnectionError("ada is hidden"), KeyError("ada is hidden")):
            with pytest.raises(type(error)), during(plugin.observers, OperationStarted("get", "DynamoDB")):
                raise error
    assert [record.name for record in caplog.records] == ["shop.database"] * 3
    assert "hidden" not in str([vars(record) for record in caplog.records])
    assert [vars(record)["dynamodb_outcome"] for record in caplog.records] == [
        "connection_failed",
        "connection_failed",
        "KeyError",
    ]


def test_nothing_is_made_for_a_logger_that_is_off(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("shop.silent")
    logger.setLevel(logging.CRITICAL)
    (observer,) = LoggingPlugin(logger).observers
    assert observer(OperationStarted("get", "DynamoDB")) is None
    assert observer(AttemptEnded(CALL, 0.1, b"{}")) is None
    assert caplog.records == []


def test_where_nobody_set_up_logging_python_shows_what_must_not_pass_unseen() -> None:
    assert logging.getLogger("dynamodb_wrapper").handlers == []
    program = (
        "import logging, dynamodb_wrapper.runs.keeper as keeper\n"
        "keeper.log.warning('the log cannot be written'); keeper.log.info('alive')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "the log cannot be written\n"
