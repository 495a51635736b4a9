"""Pipelines by the names that V1 has for what is done with them.

Knows which search or command each method is. What it does stands in `handlers.pipeline_config`.
"""

from __future__ import annotations

from typing import Any

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.pipeline_config.commands import PipelineConfigCommands
from dynamodb_wrapper.handlers.pipeline_config.queries import ACTIVE, ENVIRONMENT
from dynamodb_wrapper.handlers.views import refuse_unknown_zone
from dynamodb_wrapper.models import PipelineConfig
from dynamodb_wrapper.repositories.base import AsyncBaseDynamoRepository, BaseDynamoRepository, Repository
from dynamodb_wrapper.repositories.records import logged

__all__ = ["AsyncPipelineConfigRepository", "PipelineConfigRepository"]


class PipelineConfigMethods(Repository[PipelineConfig]):
    """What can be done with pipelines; what every method takes and raises is told in `Repository`."""

    model_class = PipelineConfig

    @logged
    def get_by_pipeline_id(
        self, pipeline_id: str, user_timezone: str | None = None
    ) -> Flow[PipelineConfig | None]:
        """Read one pipeline, or None where there is none with that id."""
        return self._find(pipeline_id, user_timezone)

    @logged
    def get_active_pipelines(self, user_timezone: str | None = None) -> Flow[list[PipelineConfig]]:
        """All active pipelines, those changed longest ago first."""
        search = self._queries()._query({"is_active": True}, ACTIVE)
        return self._list(search, None, user_timezone)

    @logged
    def get_pipelines_by_environment(
        self, environment: str, user_timezone: str | None = None
    ) -> Flow[list[PipelineConfig]]:
        """All pipelines of an environment, oldest first."""
        search = self._queries()._query({"environment": environment}, ENVIRONMENT)
        return self._list(search, None, user_timezone)

    @logged
    def create_pipeline_config(
        self,
        /,
        pipeline_id: str,
        pipeline_name: str,
        source_type: str,
        destination_type: str,
        created_by: str | None = None,
        current_timezone: str | None = None,
        **fields: Any,
    ) -> Flow[PipelineConfig]:
        """Store a new pipeline, valid by the rules of `PipelineConfigUpsert`.

        Parameters:
            fields: further fields of `PipelineConfig`.

        Returns:
            The pipeline as it is stored.

        Raises:
            ConflictError: one with this id exists; carries it as `current_item`.
        """
        given = fields | {
            "pipeline_id": pipeline_id,
            "pipeline_name": pipeline_name,
            "source_type": source_type,
            "destination_type": destination_type,
            "created_by": created_by,
        }
        return self._described(self._part(PipelineConfigCommands), given, current_timezone)

    @logged
    def update_pipeline_status(
        self,
        pipeline_id: str,
        is_active: bool,
        updated_by: str | None = None,
        current_timezone: str | None = None,
    ) -> Flow[PipelineConfig]:
        """Activate or deactivate a pipeline.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        refuse_unknown_zone(current_timezone, "current_timezone")
        commands = self._part(PipelineConfigCommands)
        return PipelineConfigCommands.update_pipeline_status.build(
            commands, pipeline_id, is_active, updated_by
        )


class PipelineConfigRepository(PipelineConfigMethods, BaseDynamoRepository[PipelineConfig]):
    """Pipelines, blocking."""


class AsyncPipelineConfigRepository(PipelineConfigMethods, AsyncBaseDynamoRepository[PipelineConfig]):
    """Pipelines, awaiting."""
