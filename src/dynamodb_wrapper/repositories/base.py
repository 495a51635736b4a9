"""The repository of any model: create, get, update, delete and complete lists, on both faces.

Knows a client's requests and the searches of `handlers`. Must not know a particular domain: those add methods
with the names of their business.

    class BookRepository(BaseDynamoRepository[Book]):
        model_class = Book

    class AsyncBookRepository(AsyncBaseDynamoRepository[Book]):
        model_class = Book
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dynamodb_wrapper.client.requests import Requests
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError
from dynamodb_wrapper.expressions import Condition, Missing, Path
from dynamodb_wrapper.handlers.api import Api, AwaitingApi, BlockingApi, ModelApi
from dynamodb_wrapper.handlers.given import refused
from dynamodb_wrapper.handlers.items import ItemCommands
from dynamodb_wrapper.handlers.reading import Queries, checked_limit
from dynamodb_wrapper.handlers.views import refuse_unknown_zone
from dynamodb_wrapper.operations import All, Search, Take
from dynamodb_wrapper.operations.intents import conflict, not_found
from dynamodb_wrapper.query.filters import Filters
from dynamodb_wrapper.repositories.normalising import Normalised, normalise_table
from dynamodb_wrapper.repositories.records import logged
from dynamodb_wrapper.repositories.zones import placed, show
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.timezones import display_zone, utcnow
from dynamodb_wrapper.wire.compiled import attribute_names

__all__ = ["AsyncBaseDynamoRepository", "BaseDynamoRepository", "Repository"]

T = TypeVar("T", bound=BaseModel)
A = TypeVar("A", bound=ModelApi[Any])


class Repository(Api, Generic[T]):
    """What both faces offer; a subclass names its `model_class`, a pydantic model with a Meta.

    Everywhere: `user_timezone` is the IANA zone in which the datetimes of what is read are shown (else
    `config.user_timezone`, else that of `set_global_timezone`, else UTC), and `current_timezone` the zone
    whose wall clock naive datetimes of what is written are on; without it they are refused. Each use is a log
    record; see `records.logged`.

    Raises:
        ValidationError: from any method: an argument is wrong, such as an unknown zone; nothing was written.
        TableNotFoundError: from any method: the table is not there.
    """

    model_class: type[T]
    _named_by_subclass = ("model_class",)

    @property
    def table_name(self) -> str:
        """The full name of the table."""
        return self.config.get_table_name(self._schema.table_name)

    @logged
    def create(self, item: T, current_timezone: str | None = None) -> Flow[T]:
        """Store a new item; never overwrites.

        Returns:
            What was stored.

        Raises:
            ConflictError: an item with this key exists; carries it as `current_item`.
        """
        item = self._given(item, current_timezone)
        absent = Missing(Path((self._schema.partition_key,)))
        try:
            yield from Requests.put.build(self.client, item, condition=absent)
        except ConditionalCheckFailedError as error:
            why = "exists already: update it, or choose another key"
            raise conflict(self._schema, self._key_of(item), error, why) from error
        return item

    @logged
    def get(
        self,
        key: object,
        sort_value: object = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[T | None]:
        """Read one item, or None where there is none.

        Parameters:
            key: the partition key's value, or a mapping of the whole key.
            sort_value: the sort key's value, where there is one and `key` is no mapping.
        """
        return self._find(self._key(key, sort_value), user_timezone, consistent_read)

    @logged
    def get_or_raise(
        self,
        key: object,
        sort_value: object = None,
        *,
        user_timezone: str | None = None,
        consistent_read: bool = False,
    ) -> Flow[T]:
        """Read one item as `get` does.

        Raises:
            ItemNotFoundError: there is none.
        """
        return self._get(self._key(key, sort_value), user_timezone, consistent_read)

    @logged
    def update(self, item: T, current_timezone: str | None = None) -> Flow[T]:
        """Store what an item has over the one with its key, which keeps all that the item does not know.

        Not known are attributes that the model does not have, and fields that were neither read, given nor
        changed, so that an item of which only a part was read or given wipes nothing. A None that was given
        takes its attribute away. `updated_at`, where the model has it, becomes now.

        Returns:
            The item as it is stored now.

        Raises:
            ItemNotFoundError: no item has its key; none was made.
            ConflictError: (with a `version` in Meta) it was changed since it was read.
        """
        item = self._given(item, current_timezone)
        schema, key = self._schema, self._key_of(item)
        fixed = {*schema.key_fields, schema.version}
        changes = {name: value for name, value in _known(item).items() if name not in fixed}
        if "updated_at" in self.model_class.model_fields:
            changes[attribute_names(self.model_class)["updated_at"]] = utcnow()
        if not changes:
            return (yield from self._get(key, "UTC"))
        at: object = item if schema.keeps_more else key
        return (yield from Requests.update.build(self.client, self.model_class, at, changes))

    @logged
    def delete(
        self, key: object, sort_value: object = None, current_timezone: str | None = None
    ) -> Flow[bool]:
        """Remove an item; False if there was none.

        Parameters:
            key: as for `get`, as is the next.
            current_timezone: the zone of a naive datetime in the key.
        """
        refuse_unknown_zone(current_timezone, "current_timezone")
        whole = placed(self._key(key, sort_value), current_timezone)
        return Requests.delete.build(self.client, self.model_class, whole)

    @logged
    def list_all(self, limit: int | None = None, *, user_timezone: str | None = None) -> Flow[list[T]]:
        """All items of the table, in no order; the whole table is read and paid for.

        Parameters:
            limit: no more than that many; all of them where it is left out.
        """
        return self._list(self._queries()._scan(), limit, user_timezone)

    @logged
    def query_by_pk(
        self,
        partition_value: object,
        sort: Condition | None = None,
        *,
        index: str | None = None,
        filters: Filters = None,
        limit: int | None = None,
        ascending: bool = True,
        user_timezone: str | None = None,
    ) -> Flow[list[T]]:
        """All items under one partition key value, in the order of the sort key.

        Parameters:
            partition_value: the value, or a mapping where the partition key has several attributes; of a key
                that a template makes, the value of its first field.
            sort: a condition on the sort attribute, such as `Order.at >= moment`.
            index: the index to read; the table where it is left out.
            filters: values by attribute, or a condition, boto3's too.
            limit: no more than that many; all of them where it is left out.
        """
        partition = partition_value
        if not isinstance(partition, Mapping):
            name = self._schema.index(index).partition[0]
            template = self._schema.templates.get(name)
            partition = {template.fields[0] if template and template.fields else name: partition_value}
        search = self._queries()._query(partition, index, sort, filters, ascending=ascending)
        return self._list(search, limit, user_timezone)

    @logged
    def normalise_all(self) -> Flow[Normalised]:
        """Rewrite what older versions stored in other forms, item by item; see `docs/migration.md`.

        Each write holds only if the item is as it was read, so it can run while others write, and again.
        """
        return normalise_table(self.client.send, self._schema, self.table_name)

    @property
    def _schema(self) -> TableSchema[T]:
        return schema_of(self.model_class)

    def _part(self, kind: type[A]) -> A:
        """The flows of an API over this repository's client and model."""
        part = kind()
        part.client, part.model = self.client, self.model_class
        return part

    def _queries(self) -> Queries[T, Any]:
        queries: Queries[T, Any] = self._part(Queries)
        return queries

    def _key(self, key: object, sort_value: object) -> object:
        schema = self._schema
        if sort_value is None:
            return key
        return {schema.partition_key: key, schema.sort_key or "sort_value": sort_value}

    def _key_of(self, item: T) -> dict[str, Any]:
        attributes = attribute_names(type(item))
        values = {attributes[name]: value for name, value in vars(item).items() if name in attributes}
        return {name: values[name] for name in self._schema.key_fields}

    def _given(self, item: T, zone: str | None) -> T:
        """What is to be written, with the zone of its naive datetimes."""
        refuse_unknown_zone(zone, "current_timezone")
        if not isinstance(item, self.model_class):
            raise refused("item", item, f"give a {self.model_class.__name__}")
        return placed(item, zone)

    def _described(
        self, commands: ItemCommands[Any, Any], given: Mapping[str, Any], zone: str | None
    ) -> Flow[T]:
        """Store a new item from values by field, valid by the rules of the commands' DTO.

        What only the model has, such as a statistic, is checked by the model.
        """
        refuse_unknown_zone(zone, "current_timezone")
        only_stored = self.model_class.model_fields.keys() - commands.dto.model_fields.keys()
        described: dict[str, Any] = {}
        more: dict[str, Any] = {}
        for name, value in given.items():
            (more if name in only_stored else described)[name] = placed(value, zone)
        created: T = yield from commands._create(commands._new(commands.dto(**described), **more))
        return created

    def _find(self, key: object, zone: str | None, consistent: bool = False) -> Flow[T | None]:
        refuse_unknown_zone(zone)
        item = yield from Requests.get.build(self.client, self.model_class, key, consistent=consistent)
        return None if item is None else self._shown([item], zone)[0]

    def _get(self, key: object, zone: str | None, consistent: bool = False) -> Flow[T]:
        item = yield from self._find(key, zone, consistent)
        if item is None:
            raise not_found(self._schema, self.table_name, self._schema.key_of(key), "GetItem")
        return item

    def _list(self, search: Search[T], limit: int | None, zone: str | None) -> Flow[list[T]]:
        refuse_unknown_zone(zone)
        if limit is None:
            items = yield from All(search).flow(self.client.send)
        else:
            items = (yield from Take(search, checked_limit(limit)).flow(self.client.send)).items
        return self._shown(items, zone)

    def _shown(self, items: list[T], zone: str | None) -> list[T]:
        show(items, display_zone(zone, self.config.user_timezone))
        return items


class BaseDynamoRepository(Repository[T], BlockingApi):
    """A blocking repository; a subclass names its `model_class`."""


class AsyncBaseDynamoRepository(Repository[T], AwaitingApi):
    """An awaiting repository; a subclass names its `model_class`."""


def _known(item: BaseModel) -> dict[str, Any]:
    """What an item says, by attribute: what was read, given or changed, and no other default."""
    values, attributes = vars(item), attribute_names(type(item))
    return {
        attributes[name]: values[name]
        for name, field in type(item).model_fields.items()
        if name in values and (name in item.model_fields_set or _is_changed(values, name, field))
    }


def _is_changed(values: Mapping[str, Any], name: str, field: FieldInfo) -> bool:
    """Whether a default was changed in place, as a list can be; what cannot be is known as set otherwise."""
    if not isinstance(values[name], list | dict | set | BaseModel):
        return False
    default = field.get_default(call_default_factory=True, validated_data=dict(values))
    return bool(values[name] != default)
