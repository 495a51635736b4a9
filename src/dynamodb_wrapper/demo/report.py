"""What the demo's tables say: sections made from views and statistics, nothing computed twice.

Knows the views and how a person reads a number. Must not know how a section is shown, nor read anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from dynamodb_wrapper.demo.domain import DailyDelayView
from dynamodb_wrapper.demo.payload import Payload
from dynamodb_wrapper.display import Section
from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import PipelineRunStatistics
from dynamodb_wrapper.models import PipelineRunLogView, RunStatus, StageInfo, TableConfigView, TableType

NEW_YORK = "America/New_York"
UNKNOWN = "-"


def runs(found: Iterable[PipelineRunLogView], in_all: int) -> Section:
    """Runs by month, with the number of runs that the pipeline has in all."""
    return Section(
        "Runs of this demonstration, in New York time",
        ("month", "status", "started", "ended", ">seconds", ">flights", ">no departure"),
        [
            (
                run.tags.get("month", UNKNOWN),
                status(run),
                moment(run.start_time),
                moment(run.end_time, "%H:%M:%S"),
                seconds(run.duration_seconds),
                count(run.total_records_processed),
                count(run.total_records_failed),
            )
            for run in sorted(found, key=lambda run: run.run_id)
        ],
        f"runs of the pipeline in all: {count(in_all)}",
    )


def failures(found: Iterable[PipelineRunLogView]) -> Section:
    """Failed runs with their reasons."""
    rows: list[tuple[str, ...]] = [
        (run.tags.get("month", UNKNOWN), moment(run.start_time), run.run_id, run.error_message or UNKNOWN)
        for run in found
    ]
    return Section(
        "Failed runs of this demonstration",
        ("month", "started", "run", "reason"),
        rows,
        "" if rows else "none",
    )


def stages(month: str, found: Iterable[StageInfo]) -> Section:
    """The stages of one run as they were logged."""
    return Section(
        f"Stages of the failed run of {month}",
        ("stage", "status", ">seconds", ">records"),
        [
            (
                stage.stage_name,
                stage.status.value.upper(),
                seconds(stage.duration_seconds),
                count(stage.records_processed),
            )
            for stage in found
        ],
    )


def tables(found: Iterable[TableConfigView]) -> Section:
    """The pipeline's source and destination tables, with the folders of their locations below."""
    listed = list(found)
    folders = {_split(table.location)[0] for table in listed if table.table_type is TableType.SOURCE}
    return Section(
        "Tables of the pipeline",
        ("table", "type", "format", ">records", ">bytes", "updated", "location"),
        [
            (
                table.table_name or UNKNOWN,
                table.table_type.value if table.table_type else UNKNOWN,
                table.data_format.value if table.data_format else UNKNOWN,
                count(table.record_count),
                count(table.size_bytes),
                moment(table.last_updated_data),
                _split(table.location)[1],
            )
            for table in listed
        ],
        f"sources are in {', '.join(sorted(folders))}" if folders else "",
    )


def worst_days(airport: str, days: Iterable[DailyDelayView], loaded: int, failed: list[str]) -> Section:
    """The days with the longest mean departure delay at one airport.

    Parameters:
        loaded: how many days of that airport are in the table.
        failed: the months whose runs failed, so that they were not loaded.
    """
    missing = f", which lack {', '.join(failed)}: the run failed" if failed else ""
    return Section(
        f"The worst days at {airport}",
        (
            "date",
            ">mean delay, min",
            ">longest, h:min",
            ">flights",
            ">cancelled",
            ">rain, in",
            "most delayed airline",
        ),
        [
            (
                day.date,
                number(day.mean_departure_delay),
                hours(day.longest_departure_delay),
                count(day.flights),
                count(day.cancelled),
                number(day.precipitation_inches),
                day.most_delayed_airline or UNKNOWN,
            )
            for day in days
        ],
        "worst by the mean departure delay of the flights that departed; "
        f"of the {count(loaded)} days loaded{missing}",
    )


def statistics(found: PipelineRunStatistics, days: int) -> Section:
    """The statistics of the pipeline's runs."""
    by_status = {status.value.upper(): number for status, number in found.counts_by_status.items() if number}
    rate = UNKNOWN if found.success_rate is None else f"{found.success_rate * 100:.1f} %"
    return Section(
        f"Statistics of the runs of the last {days} days",
        ("figure", ">value"),
        [
            ("runs", count(found.total_runs)),
            *((status, count(number)) for status, number in by_status.items()),
            ("success rate", rate),
            ("mean duration, s", seconds(found.average_duration_seconds)),
            ("median duration, s", seconds(found.p50_duration_seconds)),
            ("95th percentile, s", seconds(found.p95_duration_seconds)),
            *((f"runs on {day}", count(number)) for day, number in found.counts_by_day.items()),
        ],
    )


def payloads(found: Iterable[Payload]) -> Section:
    """What projections saved in bytes read."""
    return Section(
        "What projections saved: bytes of the replies' bodies, measured",
        ("read", "view", ">items", ">full items", ">with the view", ">saved"),
        [
            (
                payload.read,
                payload.view,
                count(payload.items),
                count(payload.full_bytes),
                count(payload.view_bytes),
                f"{payload.saved * 100:.1f} %",
            )
            for payload in found
        ],
    )


def failed_months(found: Iterable[PipelineRunLogView]) -> list[str]:
    """The months of the runs that failed, each once and in order."""
    return sorted({run.tags.get("month", UNKNOWN) for run in found if run.status is RunStatus.FAILED})


def status(run: PipelineRunLogView) -> str:
    """The status in capitals, as people who run pipelines write it."""
    return run.status.value.upper() if run.status else UNKNOWN


def _split(location: str | None) -> tuple[str, str]:
    folder, _, name = (location or UNKNOWN).rpartition("/")
    return folder, name


def moment(at: datetime | None, form: str = "%Y-%m-%d %H:%M:%S %Z") -> str:
    """A point in time as a clock in New York shows it."""
    return at.astimezone(ZoneInfo(NEW_YORK)).strftime(form) if at else UNKNOWN


def seconds(value: Decimal | float | None) -> str:
    """A duration in seconds to the hundredth."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def hours(minutes: int | None) -> str:
    """Minutes as hours and minutes."""
    return UNKNOWN if minutes is None else f"{minutes // 60}:{minutes % 60:02}"


def number(value: Decimal | None) -> str:
    """A number to the hundredth."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def count(value: int | None) -> str:
    """A whole number with its thousands apart."""
    return UNKNOWN if value is None else f"{value:,}"
