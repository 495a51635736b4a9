"""What is read: each domain's picture for lists and details, and a smaller one for summaries.

Knows which fields a reader may ask for; must not know how they are fetched. Beyond the key every field has a
default, so that any projection fits.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from dynamodb_wrapper.models.base import Instant, View
from dynamodb_wrapper.models.enums import DataFormat, RunStatus, TableType

__all__ = [
    "PipelineConfigSummaryView",
    "PipelineConfigView",
    "PipelineRunLogSummaryView",
    "PipelineRunLogView",
    "TableConfigSummaryView",
    "TableConfigView",
]


class PipelineConfigView(View):
    """A pipeline, without its configuration."""

    pipeline_id: str
    pipeline_name: str
    description: str | None = None
    source_type: str | None = None
    destination_type: str | None = None
    is_active: bool | None = None
    schedule_expression: str | None = None
    environment: str | None = None
    version: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_at: Instant | None = None
    updated_at: Instant | None = None
    created_by: str | None = None
    updated_by: str | None = None


class PipelineConfigSummaryView(View):
    """A pipeline in a line."""

    pipeline_id: str
    pipeline_name: str | None = None
    is_active: bool | None = None
    environment: str | None = None
    updated_at: Instant | None = None


class TableConfigView(View):
    """A table, without its schema and options."""

    table_id: str
    pipeline_id: str | None = None
    table_name: str | None = None
    table_type: TableType | None = None
    data_format: DataFormat | None = None
    location: str | None = None
    environment: str | None = None
    is_active: bool | None = None
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    last_updated_data: Instant | None = None
    record_count: int | None = None
    size_bytes: int | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    created_by: str | None = None
    updated_by: str | None = None


class TableConfigSummaryView(View):
    """A table in a line."""

    table_id: str
    table_name: str | None = None
    table_type: TableType | None = None
    data_format: DataFormat | None = None
    is_active: bool | None = None
    record_count: int | None = None


class PipelineRunLogView(View):
    """A run, without its stages and logs."""

    run_id: str
    pipeline_id: str | None = None
    status: RunStatus | None = None
    trigger_type: str | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    duration_seconds: Decimal | None = None
    total_records_processed: int | None = None
    total_records_failed: int | None = None
    error_message: str | None = None
    retry_count: int = 0
    environment: str | None = None
    pipeline_version: str | None = None
    data_quality_passed: bool = True
    created_by: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_at: Instant | None = None
    updated_at: Instant | None = None


class PipelineRunLogSummaryView(View):
    """A run in a line."""

    run_id: str
    pipeline_id: str | None = None
    status: RunStatus | None = None
    start_time: Instant | None = None
    duration_seconds: Decimal | None = None
    error_message: str | None = None
