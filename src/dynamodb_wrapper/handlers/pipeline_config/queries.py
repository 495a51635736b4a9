"""Reading pipelines, by the names that their users have for it.

Knows which index serves which question. How a list is read, cut and shown stands in `handlers.reading`.
"""

from __future__ import annotations

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.reading import DEFAULT_LIMIT, Listing, Queries
from dynamodb_wrapper.handlers.views import Projection
from dynamodb_wrapper.models import PipelineConfig, PipelineConfigSummaryView, PipelineConfigView
from dynamodb_wrapper.query.filters import Filters

ACTIVE = "ActivePipelinesIndex"
ENVIRONMENT = "EnvironmentIndex"


class PipelineConfigQueries(Queries[PipelineConfig, PipelineConfigView]):
    """What can be read of pipelines; parameters that every read takes are told in `Queries`."""

    model = PipelineConfig
    view = PipelineConfigView

    @method
    def get_by_id(
        self,
        pipeline_id: str,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[PipelineConfigView]:
        """Read one pipeline.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._get(pipeline_id, projection, user_timezone, consistent_read, self.view)

    @method
    def find_by_id(
        self,
        pipeline_id: str,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[PipelineConfigView | None]:
        """Read one pipeline, or None where there is none with that id."""
        return self._find(pipeline_id, projection, user_timezone, consistent_read, self.view)

    @method
    def get_pipeline_summary(
        self, pipeline_id: str, *, user_timezone: str | None = None, consistent_read: bool = False
    ) -> Flow[PipelineConfigSummaryView]:
        """Read one pipeline in a line.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._get(pipeline_id, None, user_timezone, consistent_read, PipelineConfigSummaryView)

    @method
    def query_active_pipelines(
        self,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineConfigView]]:
        """List the active pipelines, those changed longest ago first (`ascending=False` turns it round)."""
        search = self._query({"is_active": True}, ACTIVE, ascending=ascending)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def query_by_environment(
        self,
        environment: str,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineConfigView]]:
        """List the pipelines of an environment, oldest first."""
        search = self._query({"environment": environment}, ENVIRONMENT, filters=filters, ascending=ascending)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def query_by_environment_and_status(
        self,
        environment: str,
        is_active: bool,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[Listing[PipelineConfigView]]:
        """List the active, or the inactive, pipelines of an environment, oldest first."""
        search = self._query(
            {"environment": environment}, ENVIRONMENT, filters={"is_active": is_active}, ascending=ascending
        )
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def scan_for_all_pipelines(
        self,
        projection: Projection = None,
        filters: Filters = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[PipelineConfigView]]:
        """List all pipelines, in no order; the whole table is read and paid for."""
        search = self._scan(filters, consistent=consistent_read)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def count_pipelines_by_environment(self, environment: str) -> Flow[int]:
        """How many pipelines an environment has."""
        return self._count({"environment": environment}, ENVIRONMENT)

    @method
    def count_active_pipelines(self) -> Flow[int]:
        """How many pipelines are active."""
        return self._count({"is_active": True}, ACTIVE)


class PipelineConfigReadApi(PipelineConfigQueries, BlockingApi):
    """Reads pipelines, blocking."""


class AsyncPipelineConfigReadApi(PipelineConfigQueries, AwaitingApi):
    """Reads pipelines, awaiting."""
