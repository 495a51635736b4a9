"""The V1 face: a repository for each model, over the same operations and commands as the APIs.

Reads give complete lists of full models, missing items are None, and `docs/migration.md` has beside each call
what it is in V2.
"""

from __future__ import annotations

from dynamodb_wrapper.repositories.base import AsyncBaseDynamoRepository, BaseDynamoRepository
from dynamodb_wrapper.repositories.normalising import Normalised
from dynamodb_wrapper.repositories.pipeline_config import (
    AsyncPipelineConfigRepository,
    PipelineConfigRepository,
)
from dynamodb_wrapper.repositories.pipeline_run_logs import (
    AsyncPipelineRunLogsRepository,
    PipelineRunLogsRepository,
)
from dynamodb_wrapper.repositories.table_config import AsyncTableConfigRepository, TableConfigRepository

__all__ = [
    "AsyncBaseDynamoRepository",
    "AsyncPipelineConfigRepository",
    "AsyncPipelineRunLogsRepository",
    "AsyncTableConfigRepository",
    "BaseDynamoRepository",
    "Normalised",
    "PipelineConfigRepository",
    "PipelineRunLogsRepository",
    "TableConfigRepository",
]
