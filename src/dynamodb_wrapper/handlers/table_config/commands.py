"""Writing tables, by the names that their users have for it.

Knows what each command changes. How an item is validated and written stands in `handlers.items`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.expressions import AllOf, AnyOf, Compare, Condition, Path, equals
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.given import listed
from dynamodb_wrapper.handlers.moments import days_ago
from dynamodb_wrapper.handlers.table_config.queries import OF_PIPELINE
from dynamodb_wrapper.handlers.table_config.statistics import TableStatistics, figures_by_table
from dynamodb_wrapper.handlers.writing import Commands
from dynamodb_wrapper.models import TableConfig, TableConfigUpsert


class TableConfigCommands(Commands[TableConfig, TableConfigUpsert]):
    """What can be written of tables; errors that every write raises are told in `Commands`."""

    model = TableConfig
    dto = TableConfigUpsert

    @method
    def create_table(self, dto: TableConfigUpsert, condition_expression: object = None) -> Flow[TableConfig]:
        """Store a new table.

        Raises:
            ConflictError: one with this id exists; carries it as `current_item`.
        """
        return self._create(self._new(dto), condition_expression)

    @method
    def update_table(
        self, table_id: str, updates: Mapping[str, Any], condition_expression: object = None
    ) -> Flow[TableConfig]:
        """Change the named fields of a table, and no others.

        Returns:
            The table as it is afterwards.

        Raises:
            ValidationError: a field is unknown, of the key, or breaks a rule; nothing was written.
            ItemNotFoundError: there is none with that id; none was made.
            ConflictError: the condition does not hold; carries the table as `current_item`.
        """
        return self._update(table_id, updates, condition_expression)

    @method
    def update_table_status(
        self, table_id: str, is_active: bool, updated_by: str | None = None
    ) -> Flow[TableConfig]:
        """Activate or deactivate a table.

        Raises:
            ItemNotFoundError: there is none with that id.
        """
        return self._update(table_id, _status(is_active, updated_by))

    @method
    def delete_table(self, table_id: str, condition_expression: object = None) -> Flow[bool]:
        """Remove a table; False if there was none with that id.

        Raises:
            ConflictError: the condition does not hold; carries the table as `current_item`.
        """
        return self._delete(table_id, condition_expression)

    @method
    def upsert_table(self, dto: TableConfigUpsert) -> Flow[TableConfig]:
        """Store a table whether or not it exists; `created_at`, `created_by` and its figures stay."""
        return self._upsert(dto)

    @method
    def update_table_statistics(
        self,
        table_id: str,
        record_count: int | None = None,
        size_bytes: int | None = None,
        last_updated_data: datetime | None = None,
    ) -> Flow[TableConfig]:
        """Store the figures of a table that are given; None leaves one as it is.

        Parameters:
            record_count: how many records it holds.
            size_bytes: how many bytes it takes.
            last_updated_data: when its data was written last; an aware datetime.

        Raises:
            ValidationError: none is given, or one is negative or naive; nothing was written.
            ItemNotFoundError: there is no table with that id.
        """
        given = TableStatistics(
            table_id=table_id,
            record_count=record_count,
            size_bytes=size_bytes,
            last_updated_data=last_updated_data,
        )
        return self._change(table_id, given.figures).flow(self.client.send)

    @method
    def bulk_update_statistics(self, statistics: Sequence[Mapping[str, Any]]) -> Flow[int]:
        """Store the figures of many tables, several at a time; each for itself, not as one transaction.

        Parameters:
            statistics: of each table `table_id` and any of `record_count`, `size_bytes` and
                `last_updated_data`; of two entries for one table the later wins, figure by figure.

        Returns:
            How many tables were updated.

        Raises:
            ValidationError: an entry is wrong, told by position and field; nothing was written.
            BulkWriteError: some failed, such as those that do not exist; names them and those that were
                written.
        """
        by_table = figures_by_table(statistics)
        flows = [self._change(name, figures).flow(self.client.send) for name, figures in by_table.items()]
        done = yield from self._each(list(by_table), flows)
        return len(done)

    @method
    def activate_tables_for_pipeline(
        self, pipeline_id: str, table_ids: Sequence[str] | None = None, updated_by: str | None = None
    ) -> Flow[int]:
        """Activate tables of a pipeline.

        Parameters:
            table_ids: which: all or none of them up to 100, beyond that all or none of every 100. Without
                it every table of the pipeline, each for itself; one that is deleted or given to another
                pipeline meanwhile is passed over.

        Returns:
            How many were written; those that were active already are among them.

        Raises:
            ItemNotFoundError: one of `table_ids` is missing.
            ConflictError: one of `table_ids` belongs to another pipeline; carries it as `current_item`.
            BulkWriteError: (more than 100 `table_ids`, or none given) some failed; names them.
        """
        return self._set_status(pipeline_id, table_ids, _status(True, updated_by))

    @method
    def deactivate_tables_for_pipeline(
        self, pipeline_id: str, table_ids: Sequence[str] | None = None, updated_by: str | None = None
    ) -> Flow[int]:
        """Deactivate tables of a pipeline, as `activate_tables_for_pipeline` activates them."""
        return self._set_status(pipeline_id, table_ids, _status(False, updated_by))

    @method
    def archive_unused_tables(
        self, pipeline_id: str, days_unused: int = 30, updated_by: str | None = None
    ) -> Flow[int]:
        """Deactivate the active tables of a pipeline whose data nobody has written for so many days.

        A table's `last_updated_data` counts; where it is not known, `updated_at` does. One that is written
        meanwhile stays active.

        Returns:
            How many were deactivated.

        Raises:
            BulkWriteError: some writes failed; names those that were deactivated.
        """
        unused = AllOf(
            (equals(Path(("is_active",)), True), _written_before(days_ago(days_unused, "days_unused")))
        )
        return self._change_each(
            {"pipeline_id": pipeline_id}, OF_PIPELINE, None, unused, _status(False, updated_by)
        )

    def _set_status(
        self, pipeline_id: str, table_ids: Sequence[str] | None, values: Mapping[str, Any]
    ) -> Flow[int]:
        if table_ids is None:
            return self._change_each({"pipeline_id": pipeline_id}, OF_PIPELINE, None, None, values)
        return self._change_all(
            listed("table_ids", table_ids, "ids"), values, Compare(Path(("pipeline_id",)), "=", pipeline_id)
        )


class TableConfigWriteApi(TableConfigCommands, BlockingApi):
    """Writes tables, blocking."""


class AsyncTableConfigWriteApi(TableConfigCommands, AwaitingApi):
    """Writes tables, awaiting."""


def _written_before(moment: datetime) -> Condition:
    written, changed = Path(("last_updated_data",)), Path(("updated_at",))
    unknown = AllOf((equals(written, None), Compare(changed, "<", moment)))
    return AnyOf((Compare(written, "<", moment), unknown))


def _status(is_active: bool, updated_by: str | None) -> dict[str, Any]:
    return {"is_active": is_active} | ({} if updated_by is None else {"updated_by": updated_by})
