from __future__ import annotations

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs.stage import Stage


def test_a_stage_that_has_not_ended_is_running() -> None:
    info = Stage("load").info()
    assert (info.stage_name, info.status) == ("load", RunStatus.RUNNING)
    assert (info.end_time, info.duration_seconds, info.records_processed) == (None, None, None)


def test_a_stage_that_ended_has_its_records_time_and_error() -> None:
    stage = Stage("load")
    stage.records = 5
    stage.end(ValueError("bad row"))
    info = stage.info()
    assert (info.status, info.error_message) == (RunStatus.FAILED, "ValueError: bad row")
    assert info.records_processed == 5
    assert info.start_time is not None
    assert info.end_time is not None
    assert info.end_time >= info.start_time
    assert info.duration_seconds is not None
    assert info.duration_seconds >= 0
