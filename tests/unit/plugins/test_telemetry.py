"""What holds without an engine; tests/both/test_plugins_telemetry.py has what is recorded on real ones."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from time import process_time

from pydantic import BaseModel

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import OperationStarted, during
from dynamodb_wrapper.plugins import Plugin, TelemetryPlugin


class Note(BaseModel):
    key: str

    class Meta:
        table_name = "notes"
        partition_key = "key"


LATE = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.plugins import TelemetryPlugin

db = DynamoDB(DynamoDBConfig.for_local_development(), transport=lambda call, deadline: b"{}")
db.use(TelemetryPlugin())
ask = lambda: db.execute_statement("SELECT * FROM notes")
ask()
reader = InMemoryMetricReader()
set_meter_provider(MeterProvider([reader]))
ask()
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
ask()
(point,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
print(point.count, [span.name for span in exporter.get_finished_spans()])
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_sdk_may_be_set_up_after_the_plugin_is_used() -> None:
    assert run(LATE) == "2 ['ExecuteStatement']"


def test_without_opentelemetry_it_is_said_what_to_install() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
try:
    from dynamodb_wrapper.plugins import TelemetryPlugin
except Exception as error:
    print(error)
"""
    assert "pip install 'dynamodb-wrapper[telemetry]'" in run(code)


def test_nothing_is_kept_open_where_no_sdk_is_set_up() -> None:
    (observer,) = TelemetryPlugin().observers
    assert observer(OperationStarted("get", "DynamoDB")) is None
    with during([observer], OperationStarted("get", "DynamoDB")):
        assert observer(OperationStarted("put", "DynamoDB")) is None


class Looking(Plugin):
    """The least that an observing plugin can do."""

    name, version = "looking", "1.0"

    def __init__(self) -> None:
        self.observers = [lambda event: None]


def seconds(ask: Callable[[], object]) -> float:
    start = process_time()
    for _ in range(300):
        ask()
    return process_time() - start


def test_without_an_sdk_it_costs_hardly_more_than_an_observer_that_does_nothing() -> None:
    clients = [
        DynamoDB(DynamoDBConfig.for_local_development(), transport=lambda call, deadline: b"{}").use(plugin)
        for plugin in (Looking(), TelemetryPlugin())
    ]
    asks = [lambda db=db: db.get(Note, "a") for db in clients]
    gc.disable()
    try:
        looking, recording = (
            min(times) for times in zip(*[map(seconds, asks) for _ in range(40)], strict=True)
        )
    finally:
        gc.enable()
    each = [f"{total / 300 * 1e6:.1f} us" for total in (looking, recording)]
    print(f"get: {each[0]} with an observer that does nothing, {each[1]} with telemetry")
    assert recording < looking * 1.6
