"""What a client does, shown in three ways: counted for Prometheus, traced with OpenTelemetry, and logged.

Run `python examples/observability.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts. It
needs the extras `metrics` and `telemetry`, and opentelemetry-sdk.
"""

from __future__ import annotations

import logging
import os
import sys
from urllib.request import urlopen

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import start_http_server

from dynamodb_wrapper import GSI, DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.exceptions import ItemNotFoundError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.plugins import LoggingPlugin, MetricsPlugin, TelemetryPlugin, redact_secrets


class Parcel(DynamoDBModel):
    """What is stored."""

    code: str
    city: str
    weight: int = 1

    class Meta:
        """By code; the index lists a city by weight."""

        table_name = "parcels"
        partition_key = "code"
        gsis = (GSI("ByCity", "city", "weight"),)


def logged() -> logging.Handler:
    """A handler that shows what is to be known about an operation, and no secret."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("log: %(levelname)s %(dynamodb_operation)s %(dynamodb_outcome)s"))
    redact_secrets(handler)
    logger = logging.getLogger("dynamodb_wrapper")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


def use(db: DynamoDB) -> None:
    """Something to be seen."""
    db.batch_write(Parcel, puts=[Parcel(code=f"p{n}", city="Oslo", weight=n) for n in range(60)])
    print(f"in Oslo: {len(db.query(Parcel).where('city', '=', 'Oslo').all())}")
    try:
        db.update(Parcel, "absent", {"weight": 2})
    except ItemNotFoundError:
        print("not found")


def main() -> None:
    """Show the plugins on an engine."""
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    metrics = MetricsPlugin()
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="seen_")
        with DynamoDB(config) as db:
            db.delete_table(Parcel)
            db.create_table(Parcel)
        handler = logged()
        with DynamoDB(config) as db:
            use(db.use(metrics).use(TelemetryPlugin(tracers)).use(LoggingPlugin()))
        logging.getLogger("dynamodb_wrapper").removeHandler(handler)

    server, thread = start_http_server(0, "127.0.0.1", registry=metrics.registry)
    page = urlopen(f"http://127.0.0.1:{server.server_port}/metrics").read().decode()
    server.shutdown()
    server.server_close()
    thread.join()
    wanted = ("dynamodb_attempts_total", "dynamodb_items_total", "dynamodb_consumed_read_units_total")
    print(*(line for line in page.splitlines() if line.startswith(wanted)), sep="\n")

    for span in exporter.get_finished_spans():
        attributes = span.attributes or {}
        outcome = attributes.get("error.type", "ok")
        print(f"span: {span.name}: {outcome}, {len(span.events)} attempts, {len(span.links)} links")


if __name__ == "__main__":
    main()
