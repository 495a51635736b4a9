"""The generic read API: get, query, scan and count into views, with filters, limits and cursors.

Knows models and Meta's indexes; what a view reads and shows stands in `handlers.views`. Must not know a
particular domain: those add methods with the names of their business, each a line or two over what is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Condition, all_of
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi, ModelApi
from dynamodb_wrapper.handlers.given import mapping
from dynamodb_wrapper.handlers.views import Projection, paths_of, refuse_unknown_zone, show_in
from dynamodb_wrapper.operations import All, Count, GetItem, Query, Scan, Search, Take
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.expiry import is_over, not_expired
from dynamodb_wrapper.operations.intents import not_found
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.query.cursors import Cursors
from dynamodb_wrapper.query.filters import Filters, plan_filters
from dynamodb_wrapper.query.gathered import gathered
from dynamodb_wrapper.query.keys import key_condition
from dynamodb_wrapper.query.made import in_keys, of_its_type, own_items, own_range
from dynamodb_wrapper.query.selection import view_codec
from dynamodb_wrapper.schema import Index
from dynamodb_wrapper.validation import whole_number

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=BaseModel)
W = TypeVar("W", bound=BaseModel)
Listing: TypeAlias = tuple[list[W], str | None]

DEFAULT_LIMIT = 100


class Queries(ModelApi[M], Generic[M, V]):
    """What can be read of any model; a subclass names its `model` and its `view`.

    Everywhere: `projection` are fields of the view to read (all of them where it is left out);
    `user_timezone` is the IANA zone of the datetimes returned (else `config.user_timezone`, else UTC); a list
    is `(items, next_key)`, where `next_key` goes on after the last item when it is passed as `last_key` of
    the same query, and is None at the end; `limit` counts items returned, None means all of them. Items
    whose time (`Meta.ttl`) is over are not read, but by an index whose key that time is or that lacks it.

    Raises:
        ValidationError: from any read: an argument is wrong, such as an unknown field or zone, or a cursor of
            another query; nothing was sent.
        TableNotFoundError: from any read: the table is not there.
    """

    view: type[V]
    _named_by_subclass = ("model", "view")

    @method
    def get(
        self,
        key: object,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[V]:
        """Read one item.

        Parameters:
            key: the partition key's value, or a mapping where there is a sort key too.

        Raises:
            ItemNotFoundError: there is none.
        """
        return self._get(key, projection, user_timezone, consistent_read, self.view)

    @method
    def find(
        self,
        key: object,
        projection: Projection = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[V | None]:
        """Read one item as `get` does, or None where there is none."""
        return self._find(key, projection, user_timezone, consistent_read, self.view)

    @method
    def query(
        self,
        partition: Mapping[str, object],
        index: str | None = None,
        *,
        sort: Condition | None = None,
        filters: Filters = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        ascending: bool = True,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[V]]:
        """Read the items under one partition key value, in the order of the sort key.

        Parameters:
            partition: the value of each partition attribute; of one that a template makes, or of its fields.
            index: the index to read; the table where it is left out.
            sort: a condition on the sort attribute, such as `query.keys.sort_condition` makes.
            filters: values by attribute (a list means any of them), or a condition, boto3's too.
        """
        search = self._query(partition, index, sort, filters, ascending=ascending, consistent=consistent_read)
        return self._list(search, projection, limit, last_key, user_timezone)

    @method
    def scan(
        self,
        *,
        filters: Filters = None,
        projection: Projection = None,
        limit: int | None = DEFAULT_LIMIT,
        last_key: str | None = None,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[Listing[V]]:
        """Read the whole table, in no order; every item is read and paid for, whatever the filters drop."""
        return self._list(
            self._scan(filters, consistent=consistent_read), projection, limit, last_key, user_timezone
        )

    @method
    def count(
        self, partition: Mapping[str, object], index: str | None = None, *, filters: Filters = None
    ) -> Flow[int]:
        """Count the items under one partition key value without sending them over the network."""
        return self._count(partition, index, filters=filters)

    def _find(
        self, key: object, projection: Projection, zone: str | None, consistent: bool, view: type[W]
    ) -> Flow[W | None]:
        refuse_unknown_zone(zone)
        schema = self._schema
        read = GetItem(
            table=self._table,
            key=wire_key(schema, key, self._table),
            reader=view_codec(self.model, view),
            projection=paths_of(view, projection, () if schema.ttl is None else (schema.ttl,)),
            consistent=consistent,
        )
        reply = yield from self.client.send(read.call())
        if schema.ttl is not None and is_over(schema, wire_reader.read_item(reply)):
            return None
        item = read.parse(reply)
        if item is not None:
            self._localize([item], zone)
        return item

    def _get(
        self, key: object, projection: Projection, zone: str | None, consistent: bool, view: type[W]
    ) -> Flow[W]:
        item = yield from self._find(key, projection, zone, consistent, view)
        if item is None:
            raise not_found(self._schema, self._table, self._schema.key_of(key), "GetItem")
        return item

    def _query(
        self,
        partition: Mapping[str, object],
        index: str | None = None,
        sort: Condition | None = None,
        filters: Filters = None,
        *,
        ascending: bool = True,
        consistent: bool = False,
    ) -> Query[M]:
        schema, where = self._schema, self._schema.index(index)
        given = mapping("partition", partition, f"{{{where.partition[0]!r}: value}}")
        partition = in_keys(schema, where, given)
        refuse_consistent(where, consistent)
        plan = plan_filters(schema, where, partition, sort, filters)
        own = own_range(schema, where) if plan.sort is None else plan.sort
        query = Query(
            table=self._table,
            reader=schema.codec,
            key_fields=tuple(dict.fromkeys(where.stored_keys + schema.key_fields)),
            index=where.stored_name,
            key_condition=key_condition(schema, where, partition, own),
            filter=all_of(own_items(schema, where), plan.filter),
            hides=None if schema.ttl in where.stored_keys else not_expired(schema),
            forward=ascending,
            consistent=consistent,
            encode=schema.codec.encode_attribute,
        )
        return query if where.shards is None else gathered(query, schema, where, partition, plan.sort)

    def _scan(self, filters: Filters = None, *, consistent: bool = False) -> Scan[M]:
        schema = self._schema
        return Scan(
            table=self._table,
            reader=schema.codec,
            key_fields=schema.key_fields,
            filter=all_of(of_its_type(schema), plan_filters(schema, None, {}, None, filters).filter),
            hides=not_expired(schema),
            consistent=consistent,
            encode=schema.codec.encode_attribute,
        )

    def _list(
        self,
        search: Search[M],
        projection: Projection,
        limit: int | None,
        last_key: str | None,
        zone: str | None,
        view: type[W] | None = None,
    ) -> Flow[Listing[Any]]:
        refuse_unknown_zone(zone)
        shape: type[BaseModel] = view or self.view
        into: Search[Any] = replace(
            search,
            reader=view_codec(self.model, shape),
            projection=paths_of(shape, projection, search.key_fields),
        )
        cursors, identity = Cursors(self.config), search.identity()
        if last_key is not None:
            into = replace(into, start=cursors.open(last_key, identity))
        if limit is None:
            items, next_key = (yield from All(into).flow(self.client.send)), None
        else:
            taken = yield from Take(into, checked_limit(limit)).flow(self.client.send)
            items = taken.items
            next_key = None if taken.last_key is None else cursors.seal(taken.last_key, identity)
        self._localize(items, zone)
        return items, next_key

    def _count(
        self,
        partition: Mapping[str, object],
        index: str | None = None,
        sort: Condition | None = None,
        filters: Filters = None,
    ) -> Flow[int]:
        return Count(self._query(partition, index, sort, filters)).flow(self.client.send)

    def _localize(self, items: Sequence[BaseModel], zone: str | None) -> None:
        show_in(zone or self.config.user_timezone, items)


class ReadApi(Queries[M, V], BlockingApi):
    """A blocking read API; a domain is a subclass that names its `model` and `view`."""


class AsyncReadApi(Queries[M, V], AwaitingApi):
    """An awaiting read API; a domain is a subclass that names its `model` and `view`."""


def checked_limit(limit: int) -> int:
    """The limit, if it is one."""
    return whole_number("limit", limit, otherwise=", or None for all items")


def refuse_consistent(index: Index, consistent: bool) -> None:
    """A global index cannot be read consistently (Developer Guide, "Read consistency")."""
    if consistent and index.name is not None and not index.local:
        raise ValidationError(
            f"consistent_read is not possible on the global index {index.name}: leave it out",
            errors={"consistent_read": ["not possible on a global index"]},
        )
