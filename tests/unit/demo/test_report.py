from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from dynamodb_wrapper.demo import report
from dynamodb_wrapper.demo.domain import DailyDelayView
from dynamodb_wrapper.demo.payload import Payload
from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import RunFigures, statistics_of
from dynamodb_wrapper.models import (
    DataFormat,
    PipelineRunLogView,
    RunStatus,
    StageInfo,
    TableConfigView,
    TableType,
)

STARTED = datetime(2026, 7, 1, 3, 59, 58, tzinfo=UTC)


def run(run_id: str, **fields: object) -> PipelineRunLogView:
    return PipelineRunLogView.model_validate({"run_id": run_id, **fields})


def test_runs_are_by_month_in_new_york_time() -> None:
    february = run(
        "2013-02-a",
        status=RunStatus.FAILED,
        start_time=STARTED,
        end_time=STARTED.replace(second=59),
        duration_seconds=Decimal("1.239"),
        total_records_processed=24951,
        total_records_failed=1261,
        tags={"month": "2013-02"},
    )
    section = report.runs([february, run("2013-01-a")], in_all=25)
    assert section.rows == [
        ("-", "-", "-", "-", "-", "-", "-"),
        ("2013-02", "FAILED", "2026-06-30 23:59:58 EDT", "23:59:59", "1.24", "24,951", "1,261"),
    ]
    assert section.note == "runs of the pipeline in all: 25"


def test_a_failure_has_its_reason() -> None:
    section = report.failures([run("2013-02-a", error_message="too many", start_time=STARTED)])
    assert section.title == "Failed runs of this demonstration"
    assert section.rows == [("-", "2026-06-30 23:59:58 EDT", "2013-02-a", "too many")]


def test_that_no_run_failed_is_said() -> None:
    section = report.failures([])
    assert (section.rows, section.note) == ([], "none")


def test_stages_have_status_duration_and_records() -> None:
    section = report.stages(
        "2013-02",
        [
            StageInfo(
                stage_name="extract",
                status=RunStatus.SUCCESS,
                duration_seconds=Decimal("0.1"),
                records_processed=7,
            ),
            StageInfo(stage_name="load", status=RunStatus.SKIPPED),
        ],
    )
    assert section.rows == [("extract", "SUCCESS", "0.10", "7"), ("load", "SKIPPED", "-", "-")]


def test_a_table_has_its_counts_and_place() -> None:
    table = TableConfigView(
        table_id="t",
        table_name="weather",
        table_type=TableType.SOURCE,
        data_format=DataFormat.CSV,
        record_count=26115,
        size_bytes=2294215,
        location="file:///data/weather.csv",
    )
    section = report.tables([table])
    assert section.rows == [("weather", "source", "csv", "26,115", "2,294,215", "-", "weather.csv")]
    assert section.note == "sources are in file:///data"


def test_the_worst_days_say_which_months_are_not_loaded() -> None:
    day = DailyDelayView(
        origin="JFK",
        date="2013-07-10",
        flights=320,
        mean_departure_delay=Decimal("63.63"),
        longest_departure_delay=605,
        most_delayed_airline="JetBlue Airways",
    )
    section = report.worst_days("JFK", [day], 306, ["2013-02"])
    assert section.rows == [
        ("2013-07-10", "63.63", "10:05", "320", "-", "-", "JetBlue Airways"),
    ]
    assert section.note.endswith("of the 306 days loaded, which lack 2013-02: the run failed")
    assert report.worst_days("JFK", [day], 334, []).note.endswith("of the 334 days loaded")


def test_failed_months_are_named_once() -> None:
    runs = [
        run("a", status=RunStatus.FAILED, tags={"month": "2013-12"}),
        run("b", status=RunStatus.FAILED, tags={"month": "2013-02"}),
        run("c", status=RunStatus.FAILED, tags={"month": "2013-02"}),
        run("d", status=RunStatus.SUCCESS, tags={"month": "2013-03"}),
    ]
    assert report.failed_months(runs) == ["2013-02", "2013-12"]


def test_what_was_saved_is_a_share_of_the_full_items() -> None:
    section = report.payloads([Payload("runs", "PipelineRunLogView", 12, 40_000, 10_000)])
    assert section.rows == [("runs", "PipelineRunLogView", "12", "40,000", "10,000", "75.0 %")]
    assert Payload("runs", "v", 0, 0, 0).saved == 0


def test_statistics_show_the_statuses_that_occur() -> None:
    figures = statistics_of(
        "p",
        STARTED,
        [
            RunFigures(status=RunStatus.SUCCESS, start_time=STARTED, duration_seconds=Decimal(1)),
            RunFigures(status=RunStatus.FAILED, start_time=STARTED, duration_seconds=Decimal(2)),
        ],
    )
    assert report.statistics(figures, 30).rows == [
        ("runs", "2"),
        ("SUCCESS", "1"),
        ("FAILED", "1"),
        ("success rate", "50.0 %"),
        ("mean duration, s", "1.50"),
        ("median duration, s", "1.00"),
        ("95th percentile, s", "2.00"),
        ("runs on 2026-07-01", "2"),
    ]
