"""The figures of tables: which are given, and what they add up to."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper import DataFormat, TableType, ValidationError
from dynamodb_wrapper.handlers.table_config.statistics import (
    TableFigures,
    TablesSummary,
    TableStatistics,
    figures_by_table,
)


def test_only_what_is_given_is_a_figure() -> None:
    assert TableStatistics(table_id="t", record_count=0).figures == {"record_count": 0}
    with pytest.raises(ValidationError, match="at least one of record_count, size_bytes, last_updated_data"):
        _ = TableStatistics(table_id="t", size_bytes=None).figures


def test_of_two_entries_for_one_table_the_later_wins_figure_by_figure() -> None:
    entries = [
        {"table_id": "t", "record_count": 1, "size_bytes": 2},
        {"table_id": "u", "record_count": 3},
        {"table_id": "t", "record_count": 4, "size_bytes": None},
    ]
    assert figures_by_table(entries) == {"t": {"record_count": 4, "size_bytes": 2}, "u": {"record_count": 3}}


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"table_id": "", "record_count": 1}, "1.table_id"),
        ({"table_id": "t", "record_count": True, "size_bytes": -1}, "1.size_bytes"),
        ("t", "1"),
        (None, "1"),
    ],
)
def test_an_entry_that_is_wrong_is_told_by_its_position(entry: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        figures_by_table([{"table_id": "t", "record_count": 1}, entry])
    assert field in caught.value.errors


def test_figures_add_up_and_what_is_not_known_counts_as_nothing() -> None:
    source = TableFigures(table_type=TableType.SOURCE, data_format=DataFormat.CSV, is_active=True)
    big = source.model_copy(update={"record_count": 2**70, "size_bytes": 1, "is_active": False})
    assert TablesSummary.of([source, big, TableFigures()]) == TablesSummary(
        total_tables=3,
        active_tables=1,
        by_type={TableType.SOURCE: 2},
        by_format={DataFormat.CSV: 2},
        record_count=2**70,
        size_bytes=1,
    )
