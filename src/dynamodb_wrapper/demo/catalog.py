"""What the demo registers: the pipeline `nyc-flights`, the tables it reads and the one it writes.

Knows the files' schemas and the DTOs. Must not know how they are written.
"""

from __future__ import annotations

from collections.abc import Iterable

from dynamodb_wrapper.demo.flights import PACKAGE, YEAR, FlightFiles, SourceTable
from dynamodb_wrapper.demo.pipeline import MOST_WITHOUT_DEPARTURE, STAGES, DayAtOrigin
from dynamodb_wrapper.models import DataFormat, PipelineConfigUpsert, TableConfigUpsert, TableType

PIPELINE_ID = "nyc-flights"
PIPELINE_VERSION = "1.0.0"
DESTINATION_ID = f"{PIPELINE_ID}-daily_delays"
CREATED_BY = "dynamodb-wrapper demo"


def pipeline(files: FlightFiles) -> PipelineConfigUpsert:
    """The pipeline over those files."""
    return PipelineConfigUpsert(
        pipeline_id=PIPELINE_ID,
        pipeline_name="Daily departure delays of New York's airports",
        description=f"Joins the flights of {YEAR} with airlines, airports, planes and weather, day by day.",
        config={"stages": list(STAGES), "year": YEAR},
        source_type="file",
        source_config={"package": PACKAGE, "folder": str(files.folder)},
        destination_type="database",
        destination_config={"service": "dynamodb", "table": "daily_delays"},
        schedule_expression="0 6 1 * *",
        version=PIPELINE_VERSION,
        tags={"data": PACKAGE},
        created_by=CREATED_BY,
        updated_by=CREATED_BY,
    )


def table_id(name: str) -> str:
    """The id of one of the pipeline's tables."""
    return f"{PIPELINE_ID}-{name}"


def tables(sources: Iterable[SourceTable]) -> list[TableConfigUpsert]:
    """The source tables and the destination."""
    return [*map(_source, sources), _destination()]


def _source(table: SourceTable) -> TableConfigUpsert:
    zipped = table.path.suffix == ".zip"
    return TableConfigUpsert(
        table_id=table_id(table.name),
        pipeline_id=PIPELINE_ID,
        table_name=table.name,
        table_type=TableType.SOURCE,
        data_format=DataFormat.CSV,
        schema_definition=_schema(table.schema.columns),
        primary_key_columns=list(table.schema.key),
        location=table.path.as_uri(),
        read_options={"header": True, "nullValue": "NA"} | ({"compression": "zip"} if zipped else {}),
        data_quality_checks=_checks() if table.name == "flights" else [],
        tags={"data": PACKAGE},
        created_by=CREATED_BY,
        updated_by=CREATED_BY,
    )


def _destination() -> TableConfigUpsert:
    return TableConfigUpsert(
        table_id=DESTINATION_ID,
        pipeline_id=PIPELINE_ID,
        table_name="daily_delays",
        table_type=TableType.DESTINATION,
        data_format=DataFormat.JSON,
        schema_definition=_schema(dict(DayAtOrigin.__annotations__)),
        partition_columns=["origin"],
        primary_key_columns=["origin", "date"],
        location="/daily_delays",
        connection_config={"service": "dynamodb", "table": "daily_delays"},
        description="Delays, cancellations and weather of each day at each airport.",
        created_by=CREATED_BY,
        updated_by=CREATED_BY,
    )


def _schema(columns: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"fields": [{"name": name, "type": kind} for name, kind in columns.items()]}


def _checks() -> list[dict[str, object]]:
    checks: list[dict[str, object]] = [
        {
            "name": "flights_without_departure_time",
            "expression": "dep_time IS NOT NULL",
            "most": MOST_WITHOUT_DEPARTURE,
        },
        {"name": "flights_of_unknown_airlines", "expression": "airline IS NOT NULL", "most": 0},
        {"name": "repeated_flights", "most": 0},
        {"name": "days_with_flights", "least": "every day of the month"},
    ]
    return [{**check, "by": "pipeline"} for check in checks]  # of a month's flights with their airlines
