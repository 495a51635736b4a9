"""The classes of the three domains: what is stored (models), read (views) and written (DTOs)."""

from __future__ import annotations

from dynamodb_wrapper.models.base import Dto, DynamoDBModel, Instant, View
from dynamodb_wrapper.models.domain_models import (
    DataQualityResult,
    PipelineConfig,
    PipelineRunLog,
    StageInfo,
    TableConfig,
)
from dynamodb_wrapper.models.dtos import (
    PipelineConfigUpsert,
    PipelineRunLogStatusUpdate,
    PipelineRunLogUpsert,
    TableConfigUpsert,
)
from dynamodb_wrapper.models.enums import DataFormat, LogLevel, RunStatus, TableType
from dynamodb_wrapper.models.rules import Rule
from dynamodb_wrapper.models.updates import validate_update
from dynamodb_wrapper.models.views import (
    PipelineConfigSummaryView,
    PipelineConfigView,
    PipelineRunLogSummaryView,
    PipelineRunLogView,
    TableConfigSummaryView,
    TableConfigView,
)

__all__ = [
    "DataFormat",
    "DataQualityResult",
    "Dto",
    "DynamoDBModel",
    "Instant",
    "LogLevel",
    "PipelineConfig",
    "PipelineConfigSummaryView",
    "PipelineConfigUpsert",
    "PipelineConfigView",
    "PipelineRunLog",
    "PipelineRunLogStatusUpdate",
    "PipelineRunLogSummaryView",
    "PipelineRunLogUpsert",
    "PipelineRunLogView",
    "Rule",
    "RunStatus",
    "StageInfo",
    "TableConfig",
    "TableConfigSummaryView",
    "TableConfigUpsert",
    "TableConfigView",
    "TableType",
    "View",
    "validate_update",
]
