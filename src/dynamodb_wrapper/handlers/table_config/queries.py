"""Reading tables, by the names that their users have for it.

Knows which index serves which question. How a list is read, cut and shown stands in `handlers.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.expressions import Compare, Path, all_of, equals
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.moments import moment
from dynamodb_wrapper.handlers.reading import DEFAULT_LIMIT, Listing, Queries, checked_limit
from dynamodb_wrapper.handlers.table_config.merged import TakeMerged
from dynamodb_wrapper.handlers.table_config.statistics import TableFigures, TablesSummary
from dynamodb_wrapper.handlers.views import Projection, paths_of, refuse_unknown_zone
from dynamodb_wrapper.models import (
    DataFormat,
    TableConfig,
    TableConfigSummaryView,
    TableConfigView,
    TableType,
)
from dynamodb_wrapper.models.rules import ENVIRONMENTS
from dynamodb_wrapper.operations import Query, Search
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.query.cursors import Cursors
from dynamodb_wrapper.query.filters import Filters
from dynamodb_wrapper.query.gathered import beside
from dynamodb_wrapper.query.selection import view_codec

S = TypeVar("S", bound=Search[TableConfig])

OF_PIPELINE = "PipelineTablesIndex"
OF_TYPE = "TableTypeIndex"
RECENT = "RecentTablesIndex"


class TableConfigQueries(Queries[TableConfig, TableConfigView]):
    """What can be read of tables; parameters that every read takes are told in `Queries`.

    Where a method has `active_only`, True leaves out tables that are not active; `filters` drop further ones.
    Both are applied by the service after reading: what they drop is paid for.
    """

    model = TableConfig
    view = TableConfigView

    @method
    def get_by_id(
        self,
        table_id: str,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[TableConfigView]:
        """Read one table.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._get(table_id, projection, user_timezone, consistent_read, self.view)

    @method
    def find_by_id(
        self,
        table_id: str,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[TableConfigView | None]:
        """Read one table, or None where there is none with that id."""
        return self._find(table_id, projection, user_timezone, consistent_read, self.view)

    @method
    def get_table_summary(
        self, table_id: str, *, user_timezone: str | None = None, consistent_read: bool = False
    ) -> Flow[TableConfigSummaryView]:
        """Read one table in a line.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._get(table_id, None, user_timezone, consistent_read, TableConfigSummaryView)

    @method
    def query_by_pipeline(
        self,
        pipeline_id: str,
        table_type: TableType | str | None = None,
        active_only: bool = False,
        filters: Filters = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables of a pipeline, sorted by type; with `table_type` those of that type only."""
        search = self._of_pipeline(pipeline_id, table_type, active_only, filters, ascending)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def query_by_table_type(
        self,
        table_type: TableType | str,
        pipeline_id: str | None = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        active_only: bool = False,
        filters: Filters = None,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables of a type, sorted by pipeline; with `pipeline_id` those of that pipeline only."""
        sort = None if pipeline_id is None else Compare(Path(("pipeline_id",)), "=", pipeline_id)
        search = self._query({"table_type": table_type}, OF_TYPE, sort, filters, ascending=ascending)
        return self._list(_active(search, active_only), projection, limit, last_key, user_timezone)

    @method
    def query_recent_configs(
        self,
        since: datetime,
        environment: str | None = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        active_only: bool = False,
        filters: Filters = None,
        ascending: bool = False,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables whose configuration was changed at `since` or later, the latest change first.

        Without `environment` the index is read once for each of dev, staging, prod and test, side by side,
        and the results are merged: a page costs up to four queries of `limit` items instead of one. A table
        with any other environment is not found then; name the environment to see it.

        Parameters:
            since: an aware datetime.
        """
        of = [environment] if environment is not None else list(ENVIRONMENTS)
        sort = Compare(Path(("updated_at",)), ">=", moment("since", since))
        searches = [
            self._query({"environment": name}, RECENT, sort, filters, ascending=ascending) for name in of
        ]
        searches = [_active(search, active_only) for search in searches]
        one = searches[0] if environment is not None else beside(searches)
        if one is not None:
            return self._list(one, projection, limit, last_key, user_timezone)
        return self._merged(dict(zip(of, searches, strict=True)), projection, limit, last_key, user_timezone)

    @method
    def get_source_tables(
        self,
        pipeline_id: str,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        active_only: bool = False,
        filters: Filters = None,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables that a pipeline reads."""
        search = self._of_pipeline(pipeline_id, TableType.SOURCE, active_only, filters)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def get_destination_tables(
        self,
        pipeline_id: str,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        active_only: bool = False,
        filters: Filters = None,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables that a pipeline writes."""
        search = self._of_pipeline(pipeline_id, TableType.DESTINATION, active_only, filters)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def get_active_tables_by_pipeline(
        self,
        pipeline_id: str,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the active tables of a pipeline, sorted by type."""
        search = self._of_pipeline(pipeline_id, None, True, filters)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def get_tables_by_format(
        self,
        data_format: DataFormat | str,
        pipeline_id: str | None = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        active_only: bool = False,
        filters: Filters = None,
        user_timezone: str | None = None,
    ) -> Flow[Listing[TableConfigView]]:
        """List the tables in a data format.

        No index has the format: with `pipeline_id` that pipeline's tables are read and paid for, without it
        the whole table, and then in no order.
        """
        search: Search[TableConfig]
        if pipeline_id is None:
            search = _active(self._scan(filters), active_only)
        else:
            search = self._of_pipeline(pipeline_id, None, active_only, filters)
        search = _only(search, "data_format", data_format)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def scan_for_all_tables(
        self,
        projection: Projection = None,
        filters: Filters = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[TableConfigView]]:
        """List all tables, in no order; the whole table is read and paid for."""
        search = self._scan(filters, consistent=consistent_read)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def count_tables_by_pipeline(self, pipeline_id: str) -> Flow[int]:
        """How many tables a pipeline has."""
        return self._count({"pipeline_id": pipeline_id}, OF_PIPELINE)

    @method
    def count_tables_by_type(self, table_type: TableType | str) -> Flow[int]:
        """How many tables of a type there are."""
        return self._count({"table_type": table_type}, OF_TYPE)

    @method
    def get_tables_statistics_summary(self, pipeline_id: str | None = None) -> Flow[TablesSummary]:
        """Add up the figures of a pipeline's tables, or of all tables.

        Each of them is read and paid for; without `pipeline_id` that is the whole table.
        """
        search = self._scan() if pipeline_id is None else self._of_pipeline(pipeline_id)
        tables, _ = yield from self._list(search, None, None, None, None, TableFigures)
        return TablesSummary.of(tables)

    def _of_pipeline(
        self,
        pipeline_id: str,
        table_type: TableType | str | None = None,
        active_only: bool = False,
        filters: Filters = None,
        ascending: bool = True,
    ) -> Query[TableConfig]:
        sort = None if table_type is None else Compare(Path(("table_type",)), "=", table_type)
        search = self._query({"pipeline_id": pipeline_id}, OF_PIPELINE, sort, filters, ascending=ascending)
        return _active(search, active_only)

    def _merged(
        self,
        queries: Mapping[str, Query[TableConfig]],
        projection: Projection,
        limit: int | None,
        last_key: str | None,
        zone: str | None,
    ) -> Flow[Listing[TableConfigView]]:
        refuse_unknown_zone(zone)
        cursors, identity = Cursors(self.config), b"".join(query.identity() for query in queries.values())
        positions = dict.fromkeys(queries) if last_key is None else cursors.open(last_key, identity)
        taken = yield from TakeMerged(
            queries={name: self._plainly(query, projection) for name, query in queries.items()},
            positions=positions,
            sort="updated_at",
            limit=None if limit is None else checked_limit(limit),
        ).flow(self.client.send)
        codec = view_codec(self.model, self.view)
        items = [codec.from_plain(item, table=self._table) for item in taken.items]
        self._localize(items, zone)
        return items, cursors.seal(taken.positions, identity) if taken.positions else None

    def _plainly(self, query: Query[TableConfig], projection: Projection) -> Query[dict[str, Any]]:
        paths = paths_of(self.view, projection, query.key_fields)
        return replace(query, reader=plain, projection=paths)  # type: ignore[arg-type]


class TableConfigReadApi(TableConfigQueries, BlockingApi):
    """Reads tables, blocking."""


class AsyncTableConfigReadApi(TableConfigQueries, AwaitingApi):
    """Reads tables, awaiting."""


def _active(search: S, active_only: bool) -> S:
    return _only(search, "is_active", True) if active_only else search


def _only(search: S, attribute: str, value: object) -> S:
    """The same search with one more thing asked of an attribute that is not a key of it."""
    return replace(search, filter=all_of(search.filter, equals(Path((attribute,)), value)))
