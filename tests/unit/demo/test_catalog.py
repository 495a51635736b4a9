from __future__ import annotations

from pathlib import Path

from dynamodb_wrapper.demo import catalog
from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.models import TableType


def test_the_five_files_are_sources_and_daily_delays_is_the_destination(excerpt: Path) -> None:
    tables = catalog.tables(FlightFiles(excerpt).tables())
    assert [(table.table_name, table.table_type) for table in tables] == [
        ("flights", TableType.SOURCE),
        ("airlines", TableType.SOURCE),
        ("airports", TableType.SOURCE),
        ("planes", TableType.SOURCE),
        ("weather", TableType.SOURCE),
        ("daily_delays", TableType.DESTINATION),
    ]
    assert {table.pipeline_id for table in tables} == {"nyc-flights"}


def test_a_source_is_registered_where_it_is_with_its_columns(excerpt: Path) -> None:
    flights = catalog.tables(FlightFiles(excerpt).tables())[0]
    assert flights.location == (excerpt / "flights.csv.zip").as_uri()
    assert flights.schema_definition["fields"][3] == {"name": "dep_time", "type": "int"}
    assert flights.read_options["compression"] == "zip"


def test_the_pipeline_reads_files_and_writes_a_database(excerpt: Path) -> None:
    pipeline = catalog.pipeline(FlightFiles(excerpt))
    assert (pipeline.pipeline_id, pipeline.source_type, pipeline.destination_type) == (
        "nyc-flights",
        "file",
        "database",
    )
    assert pipeline.config["stages"] == ["extract", "join", "aggregate", "quality checks", "load"]
