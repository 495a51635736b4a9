"""docs/observability.md runs as printed, and its tables hold of the plugins."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper.engine.events import AttemptEnded, OperationStarted, Retrying, during
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import RetryableError
from dynamodb_wrapper.plugins import LoggingPlugin, MetricsPlugin, RedactSecrets

GUIDE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
CALL = Call("GetItem", {"Key": {"key": {"S": "a"}}}, "notes")
ERROR = RetryableError("no", context={"service_code": "InternalServerError", "request_id": "1"})


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """What the guide's code defines."""
    names: dict[str, Any] = {"__name__": "observability_guide"}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "docs/observability.md", "exec", dont_inherit=True), names)
    yield names
    names["server"].shutdown()
    names["server"].server_close()
    names["thread"].join()
    for logger in [logging.getLogger(), *logging.root.manager.loggerDict.values()]:
        for target in [logger, *getattr(logger, "handlers", ())]:
            for each in [each for each in getattr(target, "filters", ()) if isinstance(each, RedactSecrets)]:
                target.removeFilter(each)


def test_the_code_of_the_guide_runs(names: dict[str, Any]) -> None:
    assert [plugin.name for plugin in names["db"].plugins] == ["metrics", "telemetry", "logging"]


def test_the_guide_has_every_metric_and_its_labels() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+) \| ([a-z, ]+) \|", GUIDE, re.MULTILINE)
    told = {name: labels for names, labels in rows for name in re.findall(r"`(.*?)`", names)}
    with during((metrics := MetricsPlugin()).observers, OperationStarted("get", "DynamoDB")):
        pass
    for family in metrics.registry.collect():
        ending = "_total" if family.type == "counter" else ""
        labels = told[family.name.removeprefix("dynamodb_") + ending]
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == {*labels.split(", ")}


def test_the_guide_has_every_attribute_of_a_log_record(caplog: pytest.LogCaptureFixture) -> None:
    (observer,) = LoggingPlugin().observers
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        for event in (AttemptEnded(CALL, 0.1, b"{}"), AttemptEnded(CALL, 0.1, b"", ERROR)):
            observer(event)
        observer(Retrying(CALL, 1, 0.1, ERROR))
        with during([observer], OperationStarted("get", "DynamoDB")):
            pass
    for record in caplog.records:
        fields = {name[9:] for name in vars(record) if name.startswith("dynamodb_")} - {"kind"}
        (row,) = re.findall(rf"^\| `{vars(record)['dynamodb_kind']}` \|.*", GUIDE, re.MULTILINE)
        assert fields <= set(re.findall(r"\w+", row))
