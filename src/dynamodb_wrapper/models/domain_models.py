"""What is stored: pipelines, their tables and their runs, with keys and indexes in `Meta`.

Knows the fields and the keys; must not know rules of the business (the DTOs obey them) or how an item is
stored.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dynamodb_wrapper.models.base import DynamoDBModel, Instant
from dynamodb_wrapper.models.enums import DataFormat, LogLevel, RunStatus, TableType
from dynamodb_wrapper.timezones import utcnow

__all__ = ["DataQualityResult", "PipelineConfig", "PipelineRunLog", "StageInfo", "TableConfig"]


class PipelineConfig(DynamoDBModel):
    """A data pipeline: from where to where, how, when and with which resources."""

    class Meta:
        """Keys and indexes of the table `pipeline_config`."""

        table_name = "pipeline_config"
        partition_key = "pipeline_id"
        sort_key = None
        gsis: ClassVar[list[dict[str, str]]] = [
            {"name": "ActivePipelinesIndex", "partition_key": "is_active", "sort_key": "updated_at"},
            {"name": "EnvironmentIndex", "partition_key": "environment", "sort_key": "created_at"},
        ]

    pipeline_id: str
    pipeline_name: str
    description: str | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    source_type: str
    source_config: dict[str, Any] = Field(default_factory=dict)
    destination_type: str
    destination_config: dict[str, Any] = Field(default_factory=dict)
    schedule_expression: str | None = None
    is_active: bool = True
    environment: str = "dev"
    version: str = "1.0.0"
    spark_config: dict[str, Any] = Field(default_factory=dict)
    cpu_cores: int | None = None
    memory_gb: Decimal | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_at: Instant = Field(default_factory=utcnow)
    updated_at: Instant = Field(default_factory=utcnow)
    created_by: str | None = None
    updated_by: str | None = None


class TableConfig(DynamoDBModel):
    """A table that a pipeline reads or writes: where it lies, in which form, what is known of its data."""

    class Meta:
        """Keys and indexes of the table `table_config`."""

        table_name = "table_config"
        partition_key = "table_id"
        sort_key = None
        gsis: ClassVar[list[dict[str, str]]] = [
            {"name": "PipelineTablesIndex", "partition_key": "pipeline_id", "sort_key": "table_type"},
            {"name": "TableTypeIndex", "partition_key": "table_type", "sort_key": "pipeline_id"},
            {"name": "RecentTablesIndex", "partition_key": "environment", "sort_key": "updated_at"},
        ]

    table_id: str
    pipeline_id: str
    table_name: str
    table_type: TableType
    data_format: DataFormat
    schema_definition: dict[str, Any] = Field(default_factory=dict)
    partition_columns: list[str] = Field(default_factory=list)
    primary_key_columns: list[str] = Field(default_factory=list)
    location: str
    connection_config: dict[str, Any] = Field(default_factory=dict)
    read_options: dict[str, Any] = Field(default_factory=dict)
    write_options: dict[str, Any] = Field(default_factory=dict)
    validation_rules: dict[str, Any] = Field(default_factory=dict)
    data_quality_checks: list[dict[str, Any]] = Field(default_factory=list)
    caching_enabled: bool = False
    cache_level: str | None = None
    retention_days: int | None = None
    archive_after_days: int | None = None
    environment: str = "dev"
    is_active: bool = True
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    last_updated_data: Instant | None = None
    record_count: int | None = None
    size_bytes: int | None = None
    created_at: Instant = Field(default_factory=utcnow)
    updated_at: Instant = Field(default_factory=utcnow)
    created_by: str | None = None
    updated_by: str | None = None


class StageInfo(BaseModel):
    """One stage of a run."""

    model_config = ConfigDict(defer_build=True)

    stage_name: str
    status: RunStatus
    start_time: Instant | None = None
    end_time: Instant | None = None
    duration_seconds: Decimal | None = None
    records_processed: int | None = None
    error_message: str | None = None


class DataQualityResult(BaseModel):
    """The outcome of one check of the data of a run."""

    model_config = ConfigDict(defer_build=True)

    check_name: str
    passed: bool
    expected_value: Any | None = None
    actual_value: Any | None = None
    error_message: str | None = None


class PipelineRunLog(DynamoDBModel):
    """One run of a pipeline: when, how it went, stage by stage, and what it processed."""

    class Meta:
        """Keys and indexes of the table `pipeline_run_logs`."""

        table_name = "pipeline_run_logs"
        partition_key = "run_id"
        sort_key = "pipeline_id"
        gsis: ClassVar[list[dict[str, str]]] = [
            {"name": "PipelineRunsIndex", "partition_key": "pipeline_id", "sort_key": "start_time"},
            {"name": "StatusRunsIndex", "partition_key": "status", "sort_key": "start_time"},
        ]

    run_id: str
    pipeline_id: str
    status: RunStatus
    trigger_type: str
    start_time: Instant = Field(default_factory=utcnow)
    end_time: Instant | None = None
    duration_seconds: Decimal | None = None
    stages: list[StageInfo] = Field(default_factory=list)
    current_stage: str | None = None
    total_records_processed: int | None = None
    total_records_failed: int | None = None
    input_data_size_bytes: int | None = None
    output_data_size_bytes: int | None = None
    spark_application_id: str | None = None
    cpu_hours: Decimal | None = None
    memory_usage_gb: Decimal | None = None
    data_quality_results: list[DataQualityResult] = Field(default_factory=list)
    data_quality_passed: bool = True
    error_message: str | None = None
    error_stack_trace: str | None = None
    retry_count: int = 0
    pipeline_version: str | None = None
    config_snapshot: dict[str, Any] = Field(default_factory=dict)
    environment: str = "dev"
    spark_version: str | None = None
    python_version: str | None = None
    input_tables: list[str] = Field(default_factory=list)
    output_tables: list[str] = Field(default_factory=list)
    log_level: LogLevel = LogLevel.INFO
    log_messages: list[dict[str, Any]] = Field(default_factory=list)
    monitoring_urls: dict[str, str] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    lease_owner: str | None = None
    lease_until: Instant | None = None
    heartbeat_at: Instant | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_by: str | None = None
    created_at: Instant = Field(default_factory=utcnow)
    updated_at: Instant = Field(default_factory=utcnow)
