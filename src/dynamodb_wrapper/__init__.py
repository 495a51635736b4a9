"""A data layer for Amazon DynamoDB: CQRS APIs on pydantic models, one code for sync and async.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.core import (
        AsyncTableGateway,
        TableGateway,
        create_async_table_gateway,
        create_table_gateway,
    )
    from dynamodb_wrapper.engine.faces import method
    from dynamodb_wrapper.engine.flow import Flow
    from dynamodb_wrapper.exceptions import (
        AuthenticationError,
        BulkWriteError,
        ConditionalCheckFailedError,
        ConflictError,
        ConnectionError,
        DynamoDBWrapperError,
        ItemNotFoundError,
        MetaError,
        ProvisionedThroughputExceededError,
        RetryableError,
        TableNotFoundError,
        TransactionCanceledError,
        ValidationError,
        WriteOutcomeUnknownError,
    )
    from dynamodb_wrapper.handlers.pipeline_config.commands import (
        AsyncPipelineConfigWriteApi,
        PipelineConfigWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_config.queries import (
        AsyncPipelineConfigReadApi,
        PipelineConfigReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.commands import (
        AsyncPipelineRunLogsWriteApi,
        PipelineRunLogsWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.queries import (
        AsyncPipelineRunLogsReadApi,
        PipelineRunLogsReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import PipelineRunStatistics
    from dynamodb_wrapper.handlers.reading import AsyncReadApi, Queries, ReadApi
    from dynamodb_wrapper.handlers.table_config.commands import AsyncTableConfigWriteApi, TableConfigWriteApi
    from dynamodb_wrapper.handlers.table_config.queries import AsyncTableConfigReadApi, TableConfigReadApi
    from dynamodb_wrapper.handlers.table_config.statistics import TablesSummary
    from dynamodb_wrapper.handlers.writing import AsyncWriteApi, Commands, WriteApi
    from dynamodb_wrapper.models import (
        DataFormat,
        DataQualityResult,
        Dto,
        DynamoDBModel,
        LogLevel,
        PipelineConfig,
        PipelineConfigSummaryView,
        PipelineConfigUpsert,
        PipelineConfigView,
        PipelineRunLog,
        PipelineRunLogStatusUpdate,
        PipelineRunLogSummaryView,
        PipelineRunLogUpsert,
        PipelineRunLogView,
        RunStatus,
        StageInfo,
        TableConfig,
        TableConfigSummaryView,
        TableConfigUpsert,
        TableConfigView,
        TableType,
        View,
    )
    from dynamodb_wrapper.schema import GSI, LSI

__version__: Final = "0.1.0"

_MODULES: Final = {
    "client": "AsyncDynamoDB DynamoDB",
    "config": "DynamoDBConfig",
    "core": "AsyncTableGateway TableGateway create_async_table_gateway create_table_gateway",
    "engine.faces": "method",
    "engine.flow": "Flow",
    "exceptions": (
        "AuthenticationError BulkWriteError ConditionalCheckFailedError ConflictError ConnectionError "
        "DynamoDBWrapperError ItemNotFoundError MetaError ProvisionedThroughputExceededError RetryableError "
        "TableNotFoundError TransactionCanceledError ValidationError WriteOutcomeUnknownError"
    ),
    "handlers.pipeline_config.commands": "AsyncPipelineConfigWriteApi PipelineConfigWriteApi",
    "handlers.pipeline_config.queries": "AsyncPipelineConfigReadApi PipelineConfigReadApi",
    "handlers.pipeline_run_logs.commands": "AsyncPipelineRunLogsWriteApi PipelineRunLogsWriteApi",
    "handlers.pipeline_run_logs.queries": "AsyncPipelineRunLogsReadApi PipelineRunLogsReadApi",
    "handlers.pipeline_run_logs.statistics": "PipelineRunStatistics",
    "handlers.reading": "AsyncReadApi Queries ReadApi",
    "handlers.table_config.commands": "AsyncTableConfigWriteApi TableConfigWriteApi",
    "handlers.table_config.queries": "AsyncTableConfigReadApi TableConfigReadApi",
    "handlers.table_config.statistics": "TablesSummary",
    "handlers.writing": "AsyncWriteApi Commands WriteApi",
    "models": (
        "DataFormat DataQualityResult Dto DynamoDBModel LogLevel PipelineConfig PipelineConfigSummaryView "
        "PipelineConfigUpsert PipelineConfigView PipelineRunLog PipelineRunLogStatusUpdate "
        "PipelineRunLogSummaryView PipelineRunLogUpsert PipelineRunLogView RunStatus StageInfo TableConfig "
        "TableConfigSummaryView TableConfigUpsert TableConfigView TableType View"
    ),
    "schema": "GSI LSI",
}
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "GSI",
    "LSI",
    "AsyncDynamoDB",
    "AsyncPipelineConfigReadApi",
    "AsyncPipelineConfigWriteApi",
    "AsyncPipelineRunLogsReadApi",
    "AsyncPipelineRunLogsWriteApi",
    "AsyncReadApi",
    "AsyncTableConfigReadApi",
    "AsyncTableConfigWriteApi",
    "AsyncTableGateway",
    "AsyncWriteApi",
    "AuthenticationError",
    "BulkWriteError",
    "Commands",
    "ConditionalCheckFailedError",
    "ConflictError",
    "ConnectionError",
    "DataFormat",
    "DataQualityResult",
    "Dto",
    "DynamoDB",
    "DynamoDBConfig",
    "DynamoDBModel",
    "DynamoDBWrapperError",
    "Flow",
    "ItemNotFoundError",
    "LogLevel",
    "MetaError",
    "PipelineConfig",
    "PipelineConfigReadApi",
    "PipelineConfigSummaryView",
    "PipelineConfigUpsert",
    "PipelineConfigView",
    "PipelineConfigWriteApi",
    "PipelineRunLog",
    "PipelineRunLogStatusUpdate",
    "PipelineRunLogSummaryView",
    "PipelineRunLogUpsert",
    "PipelineRunLogView",
    "PipelineRunLogsReadApi",
    "PipelineRunLogsWriteApi",
    "PipelineRunStatistics",
    "ProvisionedThroughputExceededError",
    "Queries",
    "ReadApi",
    "RetryableError",
    "RunStatus",
    "StageInfo",
    "TableConfig",
    "TableConfigReadApi",
    "TableConfigSummaryView",
    "TableConfigUpsert",
    "TableConfigView",
    "TableConfigWriteApi",
    "TableGateway",
    "TableNotFoundError",
    "TableType",
    "TablesSummary",
    "TransactionCanceledError",
    "ValidationError",
    "View",
    "WriteApi",
    "WriteOutcomeUnknownError",
    "create_async_table_gateway",
    "create_table_gateway",
    "method",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
