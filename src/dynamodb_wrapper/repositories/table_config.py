"""Tables by the names that V1 has for what is done with them.

Knows which search or command each method is. What it does stands in `handlers.table_config`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.table_config.commands import TableConfigCommands
from dynamodb_wrapper.handlers.table_config.queries import OF_TYPE, TableConfigQueries
from dynamodb_wrapper.handlers.views import refuse_unknown_zone
from dynamodb_wrapper.models import DataFormat, TableConfig, TableType
from dynamodb_wrapper.repositories.base import AsyncBaseDynamoRepository, BaseDynamoRepository, Repository
from dynamodb_wrapper.repositories.records import logged
from dynamodb_wrapper.repositories.zones import placed

__all__ = ["AsyncTableConfigRepository", "TableConfigRepository"]


class TableConfigMethods(Repository[TableConfig]):
    """What can be done with tables; what every method takes and raises is told in `Repository`."""

    model_class = TableConfig

    @logged
    def get_by_table_id(self, table_id: str, user_timezone: str | None = None) -> Flow[TableConfig | None]:
        """Read one table, or None where there is none with that id."""
        return self._find(table_id, user_timezone)

    @logged
    def get_tables_by_pipeline(
        self, pipeline_id: str, user_timezone: str | None = None
    ) -> Flow[list[TableConfig]]:
        """All tables of a pipeline, sorted by type."""
        return self._of_pipeline(pipeline_id, None, False, user_timezone)

    @logged
    def get_active_tables_by_pipeline(
        self, pipeline_id: str, user_timezone: str | None = None
    ) -> Flow[list[TableConfig]]:
        """All active tables of a pipeline, sorted by type."""
        return self._of_pipeline(pipeline_id, None, True, user_timezone)

    @logged
    def get_tables_by_type(
        self, table_type: TableType | str, user_timezone: str | None = None
    ) -> Flow[list[TableConfig]]:
        """All tables of a type, sorted by pipeline."""
        search = self._queries()._query({"table_type": table_type}, OF_TYPE)
        return self._list(search, None, user_timezone)

    @logged
    def get_source_tables(
        self, pipeline_id: str, user_timezone: str | None = None
    ) -> Flow[list[TableConfig]]:
        """All tables that a pipeline reads."""
        return self._of_pipeline(pipeline_id, TableType.SOURCE, False, user_timezone)

    @logged
    def get_destination_tables(
        self, pipeline_id: str, user_timezone: str | None = None
    ) -> Flow[list[TableConfig]]:
        """All tables that a pipeline writes."""
        return self._of_pipeline(pipeline_id, TableType.DESTINATION, False, user_timezone)

    @logged
    def create_table_config(
        self,
        /,
        table_id: str,
        pipeline_id: str,
        table_name: str,
        table_type: TableType | str,
        data_format: DataFormat | str,
        location: str,
        created_by: str | None = None,
        current_timezone: str | None = None,
        **fields: Any,
    ) -> Flow[TableConfig]:
        """Store a new table, valid by the rules of `TableConfigUpsert`.

        Parameters:
            fields: further fields of `TableConfig`.

        Returns:
            The table as it is stored.

        Raises:
            ConflictError: one with this id exists; carries it as `current_item`.
        """
        given = fields | {
            "table_id": table_id,
            "pipeline_id": pipeline_id,
            "table_name": table_name,
            "table_type": table_type,
            "data_format": data_format,
            "location": location,
            "created_by": created_by,
        }
        return self._described(self._part(TableConfigCommands), given, current_timezone)

    @logged
    def update_table_statistics(
        self,
        table_id: str,
        record_count: int | None = None,
        size_bytes: int | None = None,
        last_updated_data: datetime | None = None,
        current_timezone: str | None = None,
    ) -> Flow[TableConfig]:
        """Store the figures of a table that are given; None leaves one as it is.

        Parameters:
            record_count: how many records it holds.
            size_bytes: how many bytes it takes.
            last_updated_data: when its data was written last.

        Raises:
            ValidationError: none is given, or one is negative; nothing was written.
            ItemNotFoundError: there is no table with that id.
        """
        refuse_unknown_zone(current_timezone, "current_timezone")
        written = placed(last_updated_data, current_timezone)
        commands = self._part(TableConfigCommands)
        return TableConfigCommands.update_table_statistics.build(
            commands, table_id, record_count, size_bytes, written
        )

    def _of_pipeline(
        self, pipeline_id: str, table_type: TableType | None, active_only: bool, zone: str | None
    ) -> Flow[list[TableConfig]]:
        search = self._part(TableConfigQueries)._of_pipeline(pipeline_id, table_type, active_only)
        return self._list(search, None, zone)


class TableConfigRepository(TableConfigMethods, BaseDynamoRepository[TableConfig]):
    """Tables, blocking."""


class AsyncTableConfigRepository(TableConfigMethods, AsyncBaseDynamoRepository[TableConfig]):
    """Tables, awaiting."""
