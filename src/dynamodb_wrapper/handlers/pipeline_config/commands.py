"""Writing pipelines, by the names that their users have for it.

Knows what each command changes. How an item is validated and written stands in `handlers.items`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.expressions import Compare, Path, equals
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.moments import days_ago
from dynamodb_wrapper.handlers.pipeline_config.queries import ACTIVE
from dynamodb_wrapper.handlers.writing import Commands
from dynamodb_wrapper.models import PipelineConfig, PipelineConfigUpsert


class PipelineConfigCommands(Commands[PipelineConfig, PipelineConfigUpsert]):
    """What can be written of pipelines; errors that every write raises are told in `Commands`."""

    model = PipelineConfig
    dto = PipelineConfigUpsert

    @method
    def create_pipeline(
        self, dto: PipelineConfigUpsert, condition_expression: object = None
    ) -> Flow[PipelineConfig]:
        """Store a new pipeline.

        Raises:
            ConflictError: one with this id exists; carries it as `current_item`.
        """
        return self._create(self._new(dto), condition_expression)

    @method
    def update_pipeline(
        self, pipeline_id: str, updates: Mapping[str, Any], condition_expression: object = None
    ) -> Flow[PipelineConfig]:
        """Change the named fields of a pipeline, and no others.

        Returns:
            The pipeline as it is afterwards.

        Raises:
            ValidationError: a field is unknown, of the key, or breaks a rule; nothing was written.
            ItemNotFoundError: there is none with that id; none was made.
            ConflictError: the condition does not hold; carries the pipeline as `current_item`.
        """
        return self._update(pipeline_id, updates, condition_expression)

    @method
    def update_pipeline_status(
        self, pipeline_id: str, is_active: bool, updated_by: str | None = None
    ) -> Flow[PipelineConfig]:
        """Activate or deactivate a pipeline.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._update(pipeline_id, _status(is_active, updated_by))

    @method
    def delete_pipeline(self, pipeline_id: str, condition_expression: object = None) -> Flow[bool]:
        """Remove a pipeline; False if there was none with that id.

        Raises:
            ConflictError: the condition does not hold; carries the pipeline as `current_item`.
        """
        return self._delete(pipeline_id, condition_expression)

    @method
    def upsert_pipeline(self, dto: PipelineConfigUpsert) -> Flow[PipelineConfig]:
        """Store a pipeline whether or not it exists; `created_at` and `created_by` stay as they are."""
        return self._upsert(dto)

    @method
    def activate_pipelines(self, ids: Sequence[str], updated_by: str | None = None) -> Flow[int]:
        """Activate many pipelines: all or none up to 100, beyond that all or none of every 100.

        Returns:
            How many were written; those that were active already are among them.

        Raises:
            ItemNotFoundError: (up to 100) one of them is missing; nothing was written.
            BulkWriteError: (more than 100) some hundreds failed; names what was written and what was not.
        """
        return self._change_all(ids, _status(True, updated_by))

    @method
    def deactivate_pipelines(self, ids: Sequence[str], updated_by: str | None = None) -> Flow[int]:
        """Deactivate many pipelines, as `activate_pipelines` activates them."""
        return self._change_all(ids, _status(False, updated_by))

    @method
    def archive_old_pipelines(
        self, environment: str, days_inactive: int = 90, updated_by: str | None = None
    ) -> Flow[int]:
        """Deactivate the active pipelines of an environment that nobody has changed for so many days.

        One that is changed meanwhile stays active.

        Returns:
            How many were deactivated.

        Raises:
            BulkWriteError: some writes failed; names those that were deactivated.
        """
        long_ago = Compare(Path(("updated_at",)), "<", days_ago(days_inactive, "days_inactive"))
        there = equals(Path(("environment",)), environment)
        return self._change_each({"is_active": True}, ACTIVE, long_ago, there, _status(False, updated_by))


class PipelineConfigWriteApi(PipelineConfigCommands, BlockingApi):
    """Writes pipelines, blocking."""


class AsyncPipelineConfigWriteApi(PipelineConfigCommands, AwaitingApi):
    """Writes pipelines, awaiting."""


def _status(is_active: bool, updated_by: str | None) -> dict[str, Any]:
    return {"is_active": is_active} | ({} if updated_by is None else {"updated_by": updated_by})
