"""The classes of the three domains: what is stored (models), read (views) and written (DTOs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__,
        {
            "base": "Dto DynamoDBModel Instant View",
            "domain_models": "DataQualityResult PipelineConfig PipelineRunLog StageInfo TableConfig",
            "dtos": (
                "PipelineConfigUpsert PipelineRunLogStatusUpdate PipelineRunLogUpsert TableConfigUpsert"
            ),
            "enums": "DataFormat LogLevel RunStatus TableType",
            "rules": "Rule",
            "updates": "validate_update",
            "views": (
                "PipelineConfigSummaryView PipelineConfigView PipelineRunLogSummaryView "
                "PipelineRunLogView TableConfigSummaryView TableConfigView"
            ),
        },
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
