"""What is written: each domain's input, valid by the business rules or not made at all.

Knows the limits of the fields and which rules hold for which input; the rules themselves are in `rules`. Must
not know how anything is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from dynamodb_wrapper.models.base import Dto, GivenInstant
from dynamodb_wrapper.models.domain_models import DataQualityResult
from dynamodb_wrapper.models.enums import DataFormat, LogLevel, RunStatus, TableType
from dynamodb_wrapper.models.rules import (
    ARCHIVED_BEFORE_RETENTION_ENDS,
    DATA_TYPES,
    ENDS_AFTER_START,
    ENOUGH_MEMORY,
    ENVIRONMENTS,
    FAILED_IS_EXPLAINED,
    FAILED_WITHIN_PROCESSED,
    LOCATION_PREFIXES,
    STORAGE_LEVELS,
    TRIGGER_TYPES,
    cron_expression,
    one_of,
    storage_location,
)
from dynamodb_wrapper.timezones import utcnow

__all__ = ["PipelineConfigUpsert", "PipelineRunLogStatusUpdate", "PipelineRunLogUpsert", "TableConfigUpsert"]


def _shown(allowed: Sequence[str]) -> FieldInfo:
    """What JSON Schema says of a field that `one_of` checks."""
    shown: FieldInfo = Field(json_schema_extra={"enum": [*allowed]})
    return shown


Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9_-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=256)]
User = Annotated[str, Field(max_length=128)]
Description = Annotated[str, Field(max_length=1000)]
ErrorMessage = Annotated[str, Field(max_length=2000)]
Short = Annotated[str, Field(max_length=50)]
Environment = Annotated[str, AfterValidator(one_of(ENVIRONMENTS)), _shown(ENVIRONMENTS)]
DataType = Annotated[
    str, Field(min_length=1, max_length=50), AfterValidator(one_of(DATA_TYPES)), _shown(DATA_TYPES)
]
Trigger = Annotated[
    str, Field(min_length=1, max_length=50), AfterValidator(one_of(TRIGGER_TYPES)), _shown(TRIGGER_TYPES)
]
Schedule = Annotated[str, Field(max_length=256), AfterValidator(cron_expression)]
Location = Annotated[
    str,
    Field(min_length=1, max_length=1000, json_schema_extra={"pattern": f"^({'|'.join(LOCATION_PREFIXES)})"}),
    AfterValidator(storage_location),
]
StorageLevel = Annotated[str, AfterValidator(one_of(STORAGE_LEVELS)), _shown(STORAGE_LEVELS)]
Days = Annotated[int, Field(ge=1, le=36500)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[Decimal, Field(ge=0)]


class PipelineConfigUpsert(Dto):
    """A pipeline to create or replace."""

    rules = (ENOUGH_MEMORY,)

    pipeline_id: Id
    pipeline_name: Name
    description: Description | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    source_type: DataType
    source_config: dict[str, Any] = Field(default_factory=dict)
    destination_type: DataType
    destination_config: dict[str, Any] = Field(default_factory=dict)
    schedule_expression: Schedule | None = None
    is_active: bool = True
    environment: Environment = "dev"
    version: str = Field(default="1.0.0", pattern=r"^\d+\.\d+\.\d+$")
    spark_config: dict[str, Any] = Field(default_factory=dict)
    cpu_cores: Annotated[int, Field(ge=1, le=1000)] | None = None
    memory_gb: Annotated[Decimal, Field(ge=Decimal("0.5"), le=1000)] | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_by: User | None = None
    updated_by: User | None = None


class TableConfigUpsert(Dto):
    """A table to create or replace."""

    rules = (ARCHIVED_BEFORE_RETENTION_ENDS,)

    table_id: Id
    pipeline_id: Id
    table_name: Name
    table_type: TableType
    data_format: DataFormat
    schema_definition: dict[str, Any] = Field(default_factory=dict)
    partition_columns: list[str] = Field(default_factory=list)
    primary_key_columns: list[str] = Field(default_factory=list)
    location: Location
    connection_config: dict[str, Any] = Field(default_factory=dict)
    read_options: dict[str, Any] = Field(default_factory=dict)
    write_options: dict[str, Any] = Field(default_factory=dict)
    validation_rules: dict[str, Any] = Field(default_factory=dict)
    data_quality_checks: list[dict[str, Any]] = Field(default_factory=list)
    caching_enabled: bool = False
    cache_level: StorageLevel | None = None
    retention_days: Days | None = None
    archive_after_days: Days | None = None
    environment: Environment = "dev"
    is_active: bool = True
    description: Description | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    created_by: User | None = None
    updated_by: User | None = None


def _end_of_run(values: Mapping[str, Any]) -> dict[str, Any]:
    """A run that is over has ended: now, unless it is known when."""
    status = values.get("status")
    over = isinstance(status, RunStatus) and status.is_terminal
    return {"end_time": utcnow()} if over and values.get("end_time") is None else {}


class PipelineRunLogUpsert(Dto):
    """A run to create or replace; one that is over and has no `end_time` gets the present time."""

    rules = (
        ENDS_AFTER_START,
        FAILED_IS_EXPLAINED,
        FAILED_WITHIN_PROCESSED,
    )

    run_id: Id
    pipeline_id: Id
    status: RunStatus
    trigger_type: Trigger
    start_time: GivenInstant | None = None
    end_time: GivenInstant | None = None
    duration_seconds: Amount | None = None
    total_records_processed: Count | None = None
    total_records_failed: Count | None = None
    input_data_size_bytes: Count | None = None
    output_data_size_bytes: Count | None = None
    spark_application_id: Annotated[str, Field(max_length=256)] | None = None
    cpu_hours: Amount | None = None
    memory_usage_gb: Amount | None = None
    data_quality_results: list[DataQualityResult] = Field(default_factory=list)
    data_quality_passed: bool = True
    error_message: ErrorMessage | None = None
    error_stack_trace: Annotated[str, Field(max_length=10000)] | None = None
    retry_count: int = Field(default=0, ge=0, le=10)
    pipeline_version: Short | None = None
    config_snapshot: dict[str, Any] = Field(default_factory=dict)
    environment: Environment = "dev"
    spark_version: Short | None = None
    python_version: Short | None = None
    input_tables: list[str] = Field(default_factory=list)
    output_tables: list[str] = Field(default_factory=list)
    log_level: LogLevel = LogLevel.INFO
    log_messages: list[dict[str, Any]] = Field(default_factory=list)
    monitoring_urls: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    created_by: User | None = None

    @classmethod
    def implied(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The end of a run that is over."""
        return _end_of_run(values)


class PipelineRunLogStatusUpdate(Dto):
    """A change of a run's status; one that is over and has no `end_time` gets the present time."""

    rules = (FAILED_IS_EXPLAINED,)

    status: RunStatus
    error_message: ErrorMessage | None = None
    end_time: GivenInstant | None = None
    updated_by: User | None = None

    @classmethod
    def implied(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The end of a run that is over."""
        return _end_of_run(values)
