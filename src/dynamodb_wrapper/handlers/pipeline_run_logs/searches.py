"""How runs are found: which index answers which question, one run by half of its key, windows up to now.

Knows the indexes of `PipelineRunLog`. Must not know the names of the public methods.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Condition, all_of
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import (
    Status,
    ambiguous,
    having,
    partition_of,
    run_status,
    within,
)
from dynamodb_wrapper.handlers.reading import Listing, Queries
from dynamodb_wrapper.handlers.views import Projection, paths_of, refuse_unknown_zone
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogView
from dynamodb_wrapper.operations import Search, Take
from dynamodb_wrapper.operations.intents import not_found
from dynamodb_wrapper.query.cursors import Cursors
from dynamodb_wrapper.query.filters import Filters
from dynamodb_wrapper.query.keys import best_index
from dynamodb_wrapper.query.selection import view_codec
from dynamodb_wrapper.timezones import format_iso, parse_iso, utcnow
from dynamodb_wrapper.validation import did_you_mean

W = TypeVar("W", bound=BaseModel)

PIPELINE_RUNS = "PipelineRunsIndex"
STATUS_RUNS = "StatusRunsIndex"


class RunSearches(Queries[PipelineRunLog, PipelineRunLogView]):
    """The searches that the public reads of runs are made of."""

    model = PipelineRunLog
    view = PipelineRunLogView

    def _get_run(
        self,
        run_id: str,
        pipeline_id: str | None,
        projection: Projection,
        zone: str | None,
        consistent: bool,
        view: type[W],
    ) -> Flow[W]:
        run = yield from self._find_run(run_id, pipeline_id, projection, zone, consistent, view)
        if run is None:
            key = {"run_id": run_id} | ({} if pipeline_id is None else {"pipeline_id": pipeline_id})
            raise not_found(self._schema, self._table, key, "Query" if pipeline_id is None else "GetItem")
        return run

    def _find_run(
        self,
        run_id: str,
        pipeline_id: str | None,
        projection: Projection,
        zone: str | None,
        consistent: bool,
        view: type[W],
    ) -> Flow[W | None]:
        if pipeline_id is not None:
            key = {"run_id": run_id, "pipeline_id": pipeline_id}
            return (yield from self._find(key, projection, zone, consistent, view))
        refuse_unknown_zone(zone)
        search = self._query(partition_of(self._schema, run_id), consistent=consistent)
        into: Any = replace(
            search, reader=view_codec(self.model, view), projection=paths_of(view, projection)
        )
        found: list[W] = (yield from Take(into, 2).flow(self.client.send)).items
        if len(found) > 1:
            raise ambiguous(run_id)
        self._localize(found, zone)
        return found[0] if found else None

    def _by_pipeline(
        self,
        pipeline_id: str,
        status: Status | None = None,
        window: Condition | None = None,
        filters: Filters = None,
        *,
        ascending: bool,
    ) -> Search[PipelineRunLog]:
        partition = {"pipeline_id": pipeline_id}
        search = self._query(partition, PIPELINE_RUNS, window, filters, ascending=ascending)
        return search if status is None else _narrowed(search, having("status", run_status(status)))

    def _by_status(
        self,
        status: Status,
        pipeline_id: str | None = None,
        window: Condition | None = None,
        filters: Filters = None,
        *,
        ascending: bool,
    ) -> Search[PipelineRunLog]:
        if pipeline_id is not None and run_status(status).is_terminal:
            return self._by_pipeline(pipeline_id, status, window, filters, ascending=ascending)
        partition = {"status": run_status(status)}
        search = self._query(partition, STATUS_RUNS, window, filters, ascending=ascending)
        return search if pipeline_id is None else _narrowed(search, having("pipeline_id", pipeline_id))

    def _by_key(
        self,
        partition: str,
        value: object,
        sort: str,
        condition: Condition | None,
        filters: Filters,
        ascending: bool,
        consistent: bool,
    ) -> Search[PipelineRunLog]:
        """The runs under a value of some partition attribute, on the best index; else a filter restricts."""
        schema = self._schema
        if sort not in schema.attributes:
            raise ValidationError(
                f"{schema.model.__name__} has no attribute {sort!r}{did_you_mean(sort, schema.attributes)}",
                errors={"sort_key": [f"unknown attribute {sort!r}"]},
            )
        if sort == partition:
            raise ValidationError(
                f"{sort!r} is the partition key of the query and has one value: restrict another attribute",
                errors={"sort_key": ["is the partition key"]},
            )
        index = best_index(schema, partition, sort)
        by_key = condition if sort in index.sort else None
        search = self._query(
            {partition: value}, index.name, by_key, filters, ascending=ascending, consistent=consistent
        )
        return search if by_key is condition else _narrowed(search, condition)

    def _list_last(
        self,
        length: timedelta,
        search: Callable[[Condition | None], Search[PipelineRunLog]],
        projection: Projection,
        limit: int | None,
        last_key: str | None,
        zone: str | None,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """The runs that started in a span up to now; the cursor keeps when that was, for the later pages.

        Parameters:
            search: makes the search from the condition on the start.
        """
        cursors, identity = Cursors(self.config), f"the last {length!r}".encode()
        since, inner = utcnow() - length, None
        if last_key is not None:
            window = cursors.open(last_key, identity)
            since, inner = parse_iso(window["since"]), window["last_key"]
        recent = search(within("start_time", (since, None)))
        items, following = yield from self._list(recent, projection, limit, inner, zone)
        if following is None:
            return items, None
        return items, cursors.seal({"since": format_iso(since), "last_key": following}, identity)


def _narrowed(search: Search[PipelineRunLog], condition: Condition | None) -> Search[PipelineRunLog]:
    return replace(search, filter=all_of(search.filter, condition))
