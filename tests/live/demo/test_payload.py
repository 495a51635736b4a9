from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.demo import catalog
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysWriteApi, DailyDelayUpsert
from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.demo.payload import Meter, measure
from dynamodb_wrapper.demo.pipeline import aggregate, join
from dynamodb_wrapper.handlers.table_config.commands import TableConfigWriteApi
from dynamodb_wrapper.models import PipelineRunLog, TableConfig


def test_a_view_reads_the_same_items_in_fewer_bytes(
    config: DynamoDBConfig, tables: Callable[..., list[str]], files: FlightFiles
) -> None:
    tables(PipelineRunLog, TableConfig, DailyDelay)
    meter = Meter()
    with DynamoDB(config, observers=[meter]) as client:
        TableConfigWriteApi(client=client).upsert_many(catalog.tables(files.tables()))
        days = aggregate(join(files.extract(4).flights, files.lookups))
        DailyDelaysWriteApi(client=client).upsert_many(
            [DailyDelayUpsert(**asdict(day), run_id="2013-04-20130501T060000-0a1b2c3d") for day in days]
        )
        found = {(one.read, one.view): one for one in measure(client, meter, catalog.PIPELINE_ID, "JFK")}
    tables_read = found["tables of the pipeline", "TableConfigView"]
    days_read = found["days at JFK", "DailyDelayView"]
    assert (tables_read.items, days_read.items) == (6, 30)
    assert 0 < days_read.view_bytes < days_read.full_bytes
    assert tables_read.saved > 0.5
    assert days_read.saved > 0.5
    assert found["runs of the pipeline", "PipelineRunLogView"].items == 0
