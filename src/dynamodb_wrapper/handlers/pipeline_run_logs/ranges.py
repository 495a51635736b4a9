"""Reading runs by any partition attribute and a range of any other attribute.

Knows that the index is found from Meta. What is done with the search stands in `handlers.reading`.
"""

from __future__ import annotations

from datetime import datetime

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import within
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import RunSearches
from dynamodb_wrapper.handlers.reading import DEFAULT_LIMIT, Listing
from dynamodb_wrapper.handlers.views import Projection
from dynamodb_wrapper.models import PipelineRunLogView
from dynamodb_wrapper.query import keys
from dynamodb_wrapper.query.filters import Filters


class RangeQueries(RunSearches):
    """The two reads whose partition and sort attribute the caller names."""

    @method
    def query_by_composite_key_range(
        self,
        partition_key: str,
        partition_value: object,
        sort_key: str,
        sort_condition: str,
        sort_value: object,
        sort_value2: object = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        ascending: bool = False,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs under one partition value whose sort attribute is in a range.

        The index is found from Meta. A sort attribute that no index on the partition attribute has becomes a
        filter on it, and the order is then that of the index's own sort key.

        Parameters:
            partition_key: the partition attribute of the table or of an index.
            sort_key: the attribute to restrict.
            sort_condition: eq, lt, lte, gt, gte, between (both ends included) or begins_with.
            sort_value: what to compare with; for between the lower end.
            sort_value2: for between the upper end.
            filters: values by attribute, or a condition.

        Raises:
            ValidationError: there is no such attribute, partition or condition.
        """
        condition = keys.sort_condition(sort_key, sort_condition, sort_value, sort_value2)
        search = self._by_key(
            partition_key, partition_value, sort_key, condition, filters, ascending, consistent_read
        )
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def query_time_series(
        self,
        partition_key: str,
        partition_value: object,
        time_sort_key: str,
        start_time: datetime | None,
        end_time: datetime | None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        *,
        filters: Filters = None,
        ascending: bool = False,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[PipelineRunLogView]]:
        """List the runs under one partition value with a time between two, both included.

        Parameters:
            time_sort_key: the attribute with the time; see `query_by_composite_key_range`.
            start_time: from when; None for the beginning.
            end_time: until when; None for no end.
        """
        ends = ("start_time", "end_time")
        condition = within(time_sort_key, (start_time, end_time), parameters=ends)
        search = self._by_key(
            partition_key, partition_value, time_sort_key, condition, filters, ascending, consistent_read
        )
        return self._list(search, projection, limit, last_key, user_timezone)
