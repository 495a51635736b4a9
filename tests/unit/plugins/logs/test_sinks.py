from __future__ import annotations

import logging
import subprocess
import sys

import structlog

from dynamodb_wrapper.plugins import StandardSink, StructlogSink


def test_a_standard_logger_is_asked_for_its_level() -> None:
    logger = logging.getLogger("shop.level")
    logger.setLevel(logging.INFO)
    for sink in (StandardSink(logger), StandardSink("shop.level")):
        assert [sink.wants(level) for level in (logging.DEBUG, logging.INFO)] == [False, True]


def test_structlog_is_asked_for_its_level_however_it_is_set_up() -> None:
    filtering = structlog.wrap_logger(
        structlog.testing.CapturingLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.INFO)
    )
    standard = structlog.wrap_logger(
        logging.getLogger("shop.level"), wrapper_class=structlog.stdlib.BoundLogger
    )
    logging.getLogger("shop.level").setLevel(logging.INFO)
    for logger in (filtering, standard):
        sink = StructlogSink(logger)
        assert [sink.wants(level) for level in (logging.DEBUG, logging.INFO)] == [False, True]
    assert StructlogSink(structlog.testing.ReturnLogger()).wants(logging.DEBUG)


def test_without_structlog_it_is_said_what_to_install() -> None:
    code = """
import sys
sys.modules["structlog"] = None
from dynamodb_wrapper.plugins import LoggingPlugin, StructlogSink
LoggingPlugin()
try:
    StructlogSink()
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'dynamodb-wrapper[structlog]'" in done.stdout
