"""Arguments of the wrong shape: each is one clear error that names the parameter, before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_wrapper import (
    PipelineConfigWriteApi,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    TableConfigReadApi,
    TableConfigWriteApi,
)
from dynamodb_wrapper.exceptions import ValidationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAIVE = datetime(2026, 1, 1)


async def refused(call: Any, says: str, *fields: str) -> None:
    """What is awaited is a ValidationError that says so of these fields."""
    with pytest.raises(ValidationError, match=says) as caught:
        await call
    if fields:
        assert tuple(caught.value.errors) == fields


class TestTimes:
    @pytest.mark.parametrize("wrong", ["20240101", "2024-01-01", 1704067200, NAIVE])
    async def test_of_queries(self, wrong: Any, face: Any) -> None:
        runs, tables = face(PipelineRunLogsReadApi), face(TableConfigReadApi)
        one = "aware datetime|without a time zone"
        await refused(tables.query_recent_configs(wrong), one, "since")
        await refused(tables.query_recent_configs(since=wrong, environment="dev"), one, "since")
        for pair in ((wrong, NOW), (NOW, wrong), (wrong, None)):
            await refused(runs.query_by_pipeline("p", start_time_range=pair), one, "start_time_range")
            await refused(runs.query_by_status("failed", time_range=pair), one, "time_range")
        await refused(runs.query_time_series("pipeline_id", "p", "start_time", wrong, NOW), one, "start_time")
        await refused(runs.query_time_series("pipeline_id", "p", "start_time", NOW, wrong), one, "end_time")

    async def test_a_range_is_a_pair(self, face: Any) -> None:
        runs = face(PipelineRunLogsReadApi)
        await refused(
            runs.query_by_pipeline("p", None, NOW), r"give a pair \(start, end\)", "start_time_range"
        )
        await refused(runs.query_by_status("failed", None, (NOW,)), r"give a pair", "time_range")

    @pytest.mark.parametrize("wrong", ["20240101", "2024-01-01T00:00:00Z", 5, NAIVE])
    async def test_the_end_of_a_run(self, wrong: Any, face: Any) -> None:
        write = face(PipelineRunLogsWriteApi)
        call = write.update_run_status("r", "p", "success", end_time=wrong)
        await refused(call, "end_time is", "end_time")

    @pytest.mark.parametrize("number", ["2020", "20240101", "1.5", " 7 ", 2020, 1.5])
    async def test_a_bare_number_in_an_update(self, number: Any, face: Any) -> None:
        write = face(PipelineConfigWriteApi)
        await refused(write.update_pipeline("p", {"created_at": number}), "bare number", "created_at")
        tables = face(TableConfigWriteApi)
        call = tables.update_table_statistics("t", last_updated_data=number)
        await refused(call, "bare number", "last_updated_data")
        call = tables.update_table("t", {"last_updated_data": number})
        await refused(call, "bare number", "last_updated_data")
