"""A data layer for Amazon DynamoDB: CQRS APIs on pydantic models, one code for sync and async.

Names are loaded when they are first used, so that importing the package costs next to nothing. A new one is
added twice: to the imports for type checkers, and to `_MODULES` for the interpreter; a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # "as" tells type checkers that a name is exported
    from dynamodb_wrapper.client import AsyncDynamoDB as AsyncDynamoDB
    from dynamodb_wrapper.client import DynamoDB as DynamoDB
    from dynamodb_wrapper.config import DynamoDBConfig as DynamoDBConfig
    from dynamodb_wrapper.config import Region as Region
    from dynamodb_wrapper.core import AsyncTableGateway as AsyncTableGateway
    from dynamodb_wrapper.core import TableGateway as TableGateway
    from dynamodb_wrapper.core import create_async_table_gateway as create_async_table_gateway
    from dynamodb_wrapper.core import create_table_gateway as create_table_gateway
    from dynamodb_wrapper.engine.faces import method as method
    from dynamodb_wrapper.engine.flow import Flow as Flow
    from dynamodb_wrapper.exceptions import AuthenticationError as AuthenticationError
    from dynamodb_wrapper.exceptions import BulkWriteError as BulkWriteError
    from dynamodb_wrapper.exceptions import ConditionalCheckFailedError as ConditionalCheckFailedError
    from dynamodb_wrapper.exceptions import ConflictError as ConflictError
    from dynamodb_wrapper.exceptions import ConnectionError as ConnectionError
    from dynamodb_wrapper.exceptions import DynamoDBWrapperError as DynamoDBWrapperError
    from dynamodb_wrapper.exceptions import ItemNotFoundError as ItemNotFoundError
    from dynamodb_wrapper.exceptions import MetaError as MetaError
    from dynamodb_wrapper.exceptions import NotUniqueError as NotUniqueError
    from dynamodb_wrapper.exceptions import (
        ProvisionedThroughputExceededError as ProvisionedThroughputExceededError,
    )
    from dynamodb_wrapper.exceptions import RetryableError as RetryableError
    from dynamodb_wrapper.exceptions import TableNotFoundError as TableNotFoundError
    from dynamodb_wrapper.exceptions import TransactionCanceledError as TransactionCanceledError
    from dynamodb_wrapper.exceptions import UnprocessedError as UnprocessedError
    from dynamodb_wrapper.exceptions import ValidationError as ValidationError
    from dynamodb_wrapper.exceptions import WriteOutcomeUnknownError as WriteOutcomeUnknownError
    from dynamodb_wrapper.expressions.assignments import add as add
    from dynamodb_wrapper.expressions.assignments import append as append
    from dynamodb_wrapper.expressions.assignments import discard as discard
    from dynamodb_wrapper.expressions.assignments import prepend as prepend
    from dynamodb_wrapper.expressions.assignments import put as put
    from dynamodb_wrapper.expressions.assignments import put_if_absent as put_if_absent
    from dynamodb_wrapper.expressions.assignments import remove as remove
    from dynamodb_wrapper.expressions.conditions import Condition as Condition
    from dynamodb_wrapper.expressions.functions import begins_with as begins_with
    from dynamodb_wrapper.expressions.functions import between as between
    from dynamodb_wrapper.expressions.functions import contains as contains
    from dynamodb_wrapper.expressions.functions import exists as exists
    from dynamodb_wrapper.expressions.functions import in_ as in_
    from dynamodb_wrapper.expressions.functions import missing as missing
    from dynamodb_wrapper.expressions.functions import not_ as not_
    from dynamodb_wrapper.expressions.functions import present as present
    from dynamodb_wrapper.expressions.functions import size as size
    from dynamodb_wrapper.expressions.updates import Change as Change
    from dynamodb_wrapper.handlers.pipeline_config.commands import (
        AsyncPipelineConfigWriteApi as AsyncPipelineConfigWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_config.commands import (
        PipelineConfigWriteApi as PipelineConfigWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_config.queries import (
        AsyncPipelineConfigReadApi as AsyncPipelineConfigReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_config.queries import (
        PipelineConfigReadApi as PipelineConfigReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.commands import (
        AsyncPipelineRunLogsWriteApi as AsyncPipelineRunLogsWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.commands import (
        PipelineRunLogsWriteApi as PipelineRunLogsWriteApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.queries import (
        AsyncPipelineRunLogsReadApi as AsyncPipelineRunLogsReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.queries import (
        PipelineRunLogsReadApi as PipelineRunLogsReadApi,
    )
    from dynamodb_wrapper.handlers.pipeline_run_logs.statistics import (
        PipelineRunStatistics as PipelineRunStatistics,
    )
    from dynamodb_wrapper.handlers.reading import AsyncReadApi as AsyncReadApi
    from dynamodb_wrapper.handlers.reading import Queries as Queries
    from dynamodb_wrapper.handlers.reading import ReadApi as ReadApi
    from dynamodb_wrapper.handlers.table_config.commands import (
        AsyncTableConfigWriteApi as AsyncTableConfigWriteApi,
    )
    from dynamodb_wrapper.handlers.table_config.commands import TableConfigWriteApi as TableConfigWriteApi
    from dynamodb_wrapper.handlers.table_config.queries import (
        AsyncTableConfigReadApi as AsyncTableConfigReadApi,
    )
    from dynamodb_wrapper.handlers.table_config.queries import TableConfigReadApi as TableConfigReadApi
    from dynamodb_wrapper.handlers.table_config.statistics import TablesSummary as TablesSummary
    from dynamodb_wrapper.handlers.writing import AsyncWriteApi as AsyncWriteApi
    from dynamodb_wrapper.handlers.writing import Commands as Commands
    from dynamodb_wrapper.handlers.writing import WriteApi as WriteApi
    from dynamodb_wrapper.models import DataFormat as DataFormat
    from dynamodb_wrapper.models import DataQualityResult as DataQualityResult
    from dynamodb_wrapper.models import Dto as Dto
    from dynamodb_wrapper.models import DynamoDBModel as DynamoDBModel
    from dynamodb_wrapper.models import LogLevel as LogLevel
    from dynamodb_wrapper.models import PipelineConfig as PipelineConfig
    from dynamodb_wrapper.models import PipelineConfigSummaryView as PipelineConfigSummaryView
    from dynamodb_wrapper.models import PipelineConfigUpsert as PipelineConfigUpsert
    from dynamodb_wrapper.models import PipelineConfigView as PipelineConfigView
    from dynamodb_wrapper.models import PipelineRunLog as PipelineRunLog
    from dynamodb_wrapper.models import PipelineRunLogStatusUpdate as PipelineRunLogStatusUpdate
    from dynamodb_wrapper.models import PipelineRunLogSummaryView as PipelineRunLogSummaryView
    from dynamodb_wrapper.models import PipelineRunLogUpsert as PipelineRunLogUpsert
    from dynamodb_wrapper.models import PipelineRunLogView as PipelineRunLogView
    from dynamodb_wrapper.models import RunStatus as RunStatus
    from dynamodb_wrapper.models import StageInfo as StageInfo
    from dynamodb_wrapper.models import TableConfig as TableConfig
    from dynamodb_wrapper.models import TableConfigSummaryView as TableConfigSummaryView
    from dynamodb_wrapper.models import TableConfigUpsert as TableConfigUpsert
    from dynamodb_wrapper.models import TableConfigView as TableConfigView
    from dynamodb_wrapper.models import TableType as TableType
    from dynamodb_wrapper.models import View as View
    from dynamodb_wrapper.repositories.base import AsyncBaseDynamoRepository as AsyncBaseDynamoRepository
    from dynamodb_wrapper.repositories.base import BaseDynamoRepository as BaseDynamoRepository
    from dynamodb_wrapper.repositories.pipeline_config import (
        AsyncPipelineConfigRepository as AsyncPipelineConfigRepository,
    )
    from dynamodb_wrapper.repositories.pipeline_config import (
        PipelineConfigRepository as PipelineConfigRepository,
    )
    from dynamodb_wrapper.repositories.pipeline_run_logs import (
        AsyncPipelineRunLogsRepository as AsyncPipelineRunLogsRepository,
    )
    from dynamodb_wrapper.repositories.pipeline_run_logs import (
        PipelineRunLogsRepository as PipelineRunLogsRepository,
    )
    from dynamodb_wrapper.repositories.table_config import (
        AsyncTableConfigRepository as AsyncTableConfigRepository,
    )
    from dynamodb_wrapper.repositories.table_config import TableConfigRepository as TableConfigRepository
    from dynamodb_wrapper.schema import GSI as GSI
    from dynamodb_wrapper.schema import LSI as LSI
    from dynamodb_wrapper.schema import BlindIndex as BlindIndex
    from dynamodb_wrapper.schema import Encrypted as Encrypted

__version__: Final = "0.1.0"

_MODULES: Final = {
    "client": "AsyncDynamoDB DynamoDB",
    "config": "DynamoDBConfig Region",
    "core": "AsyncTableGateway TableGateway create_async_table_gateway create_table_gateway",
    "engine.faces": "method",
    "engine.flow": "Flow",
    "exceptions": (
        "AuthenticationError BulkWriteError ConditionalCheckFailedError ConflictError ConnectionError "
        "DynamoDBWrapperError ItemNotFoundError MetaError NotUniqueError ProvisionedThroughputExceededError "
        "RetryableError TableNotFoundError TransactionCanceledError UnprocessedError ValidationError "
        "WriteOutcomeUnknownError"
    ),
    "expressions.assignments": "add append discard prepend put put_if_absent remove",
    "expressions.conditions": "Condition",
    "expressions.functions": "begins_with between contains exists in_ missing not_ present size",
    "expressions.updates": "Change",
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
    "repositories.base": "AsyncBaseDynamoRepository BaseDynamoRepository",
    "repositories.pipeline_config": "AsyncPipelineConfigRepository PipelineConfigRepository",
    "repositories.pipeline_run_logs": "AsyncPipelineRunLogsRepository PipelineRunLogsRepository",
    "repositories.table_config": "AsyncTableConfigRepository TableConfigRepository",
    "schema": "BlindIndex Encrypted GSI LSI",
}

if not TYPE_CHECKING:  # to a checker that saw `__getattr__`, any name would be one of these
    from dynamodb_wrapper.lazy import loader

    __all__ = sorted(name for names in _MODULES.values() for name in names.split())
    __getattr__ = loader(__name__, _MODULES)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
