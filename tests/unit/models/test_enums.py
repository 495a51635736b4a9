from __future__ import annotations

import pytest

from dynamodb_wrapper.models import DataFormat, LogLevel, RunStatus, TableType


def test_values_are_those_of_the_contract() -> None:
    assert [kind.value for kind in TableType] == ["source", "destination", "lookup", "intermediate"]
    assert [kind.value for kind in DataFormat] == ["parquet", "json", "csv", "avro", "delta"]
    assert [kind.value for kind in RunStatus] == [
        "pending",
        "running",
        "success",
        "failed",
        "cancelled",
        "skipped",
    ]
    assert [kind.value for kind in LogLevel] == ["debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize("status", RunStatus)
def test_only_pending_and_running_are_not_terminal(status: RunStatus) -> None:
    assert status.is_terminal is (status not in ("pending", "running"))


def test_members_are_texts() -> None:
    assert isinstance(RunStatus.RUNNING, str)
    assert f"{RunStatus.RUNNING}" == "running"
