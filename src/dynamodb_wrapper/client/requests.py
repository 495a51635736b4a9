"""What both clients offer, written once: requests for any model with a Meta.

Knows operations and models. Must not know how a face waits, what carries a call, nor business rules. What a
get, a put and a delete do without is loaded by the method that needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.client.host import Host
from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow, Operation
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations.keys import checked_item, several_keys, wire_key
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.reads import GetItem
from dynamodb_wrapper.operations.writes import DeleteItem, PutItem
from dynamodb_wrapper.schema import schema_of, schema_of_item
from dynamodb_wrapper.validation import several

if TYPE_CHECKING:
    from dynamodb_wrapper.client.shards import FilledShards
    from dynamodb_wrapper.operations.bulk import Outcome
    from dynamodb_wrapper.operations.changes import Changes

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Requests(Host):
    """What both clients offer for any model with a Meta."""

    def table_name(self, model: type[BaseModel]) -> str:
        """The name of a model's table with the configured prefix."""
        return self.config.get_table_name(schema_of(model).table_name)

    @method
    def run(self, operation: Operation[T]) -> Flow[T]:
        """Run one operation and return its result."""
        return operation.flow(self.send)

    @method
    def get(
        self, model: type[M], key: object, *, consistent: bool = False, include_expired: bool = False
    ) -> Flow[M | None]:
        """Read one item.

        Parameters:
            model: the model to read into.
            key: the partition key's value, or a mapping where there is a sort key too:
                `{"hotel": "ritz", "number": 3}`.
            consistent: read the latest write at twice the cost.
            include_expired: also an item whose time (`Meta.ttl`) is over, which the service has not deleted
                yet.

        Returns:
            The item, or None where there is none.
        """
        schema = schema_of(model)
        item = GetItem(
            table=(table := self.config.get_table_name(schema.table_name)),
            key=wire_key(schema, key, table),
            reader=schema.codec,
            consistent=consistent,
        ).flow(self.send)
        if schema.ttl is None or include_expired:
            return item
        return _unexpired(item)

    @method
    def put(self, item: BaseModel, *, condition: object = None) -> Flow[None]:
        """Store an item, replacing one with the same key; attributes that the model does not know are kept.

        Parameters:
            condition: what must hold of the stored item, of this library's conditions or boto3's.

        Where Meta has a `version`, the stored one must be the item's; afterwards the item has the next one.

        Raises:
            ConditionalCheckFailedError: the condition does not hold; carries the item as it is stored.
            ConflictError: the item was changed since it was read; carries it as it is stored.
            NotUniqueError: another item has a value that Meta wants to be unique.
        """
        schema = schema_of_item(item)
        if schema.keeps_more or condition is not None:
            from dynamodb_wrapper.operations.applying import put_alone

            return (yield from put_alone(self.send, schema, self.table_name(type(item)), item, condition))
        put = PutItem(
            table=(table := self.table_name(type(item))),
            partition_key=schema.partition_key,
            item=checked_item(schema, schema.codec.encode(item), table),
            reader=schema.codec,
        )
        yield from put.flow(self.send)

    @method
    def update(self, model: type[M], key: object, changes: Changes, *, condition: object = None) -> Flow[M]:
        """Change the named attributes of an item that exists, and no others.

        Parameters:
            key: the partition key's value, a mapping where there is a sort key too, or the item as it was
                read: where Meta has a `version`, that must then still be the stored one.
            changes: new values by attribute, where None takes the attribute away if reading gives None then;
                or a list of changes such as `put(Order.total).to(5)`.
            condition: what must hold of the stored item besides that it exists.

        Returns:
            The item as it is after the update.

        Raises:
            ItemNotFoundError: no item has that key; nothing was written.
            ConditionalCheckFailedError: the condition does not hold; carries the item as it is stored.
            ConflictError: the version does not hold; carries the item as it is stored.
            NotUniqueError: another item has a value that Meta wants to be unique.
        """
        schema = schema_of(model)
        if schema.keeps_more or isinstance(key, BaseModel):
            from dynamodb_wrapper.operations.applying import update_alone

            return update_alone(self.send, schema, self.table_name(model), key, changes, condition)
        from dynamodb_wrapper.operations.bound import condition_on
        from dynamodb_wrapper.operations.intents import UpdateExisting, changes_of

        return UpdateExisting(
            schema=schema,
            table=self.table_name(model),
            key=key,
            changes=changes_of(schema, changes),
            condition=condition_on(schema, condition),
        ).flow(self.send)

    @method
    def delete(self, model: type[M], key: object, *, condition: object = None) -> Flow[bool]:
        """Remove an item.

        Parameters:
            key: as for `update`.

        Returns:
            False if there was none, or if an attempt whose answer was lost had removed it already.

        Raises:
            ConditionalCheckFailedError: the condition does not hold; carries the item as it is stored.
            ConflictError: the item that was given was changed since it was read; carries it as it is stored.
        """
        schema = schema_of(model)
        if schema.keeps_more or condition is not None or isinstance(key, BaseModel):
            from dynamodb_wrapper.operations.applying import delete_alone

            return (yield from delete_alone(self.send, schema, self.table_name(model), key, condition))
        delete = DeleteItem(
            table=(table := self.table_name(model)),
            key=wire_key(schema, key, table),
            reader=schema.codec,
            returns="ALL_OLD",
        )
        return (yield from delete.flow(self.send)) is not None

    @method
    def batch_get(
        self,
        model: type[M] | Sequence[tuple[type[M], object]],
        keys: Sequence[object] | None = None,
        *,
        consistent: bool = False,
        include_expired: bool = False,
        timeout_seconds: float | None = None,
    ) -> Flow[list[M | None]]:
        """Read any number of items by key.

        Parameters:
            model: a model; or, without `keys`, models of any kinds with the key of an item of each.
            keys: the keys, in any number; one may stand there more than once.
            include_expired: as for `get`.
            timeout_seconds: how long to go on with what the service leaves over; until nothing moves any
                more where none is given.

        Returns:
            The items in the order of the keys, None for a missing one.

        Raises:
            UnprocessedError: the service left keys over; `unprocessed` has each with its model, so that it
                can be given to `batch_get` again.
        """
        from dynamodb_wrapper.operations.bulk import deadline_after, read

        pairs = _pairs("batch_get", model) if keys is None else _keys_of(model, keys)
        wanted = [(each, self.table_name(each), key) for each, key in pairs]
        items = read(self.send, wanted, consistent, deadline_after(timeout_seconds))
        return items if include_expired else _all_unexpired(items, {each for each, _ in pairs})

    @method
    def transact_get(
        self, keys: Sequence[tuple[type[M], object]], *, include_expired: bool = False
    ) -> Flow[list[M | None]]:
        """Read up to 100 items of any models as they were at one moment.

        Parameters:
            keys: models with the key of an item of each; one may stand there more than once.
            include_expired: as for `get`.

        Returns:
            The items in the order of `keys`, None for a missing one.

        Raises:
            ValidationError: no or too many keys; nothing was sent.
            TransactionCanceledError: others are writing one of the items.
        """
        from dynamodb_wrapper.operations.transactions import TransactGet

        pairs = _pairs("transact_get", keys)
        items = TransactGet(
            [
                GetItem(
                    table=(table := self.table_name(model)),
                    key=wire_key(schema_of(model), key, table),
                    reader=schema_of(model).codec,
                )
                for model, key in pairs
            ]
        ).flow(self.send)
        return items if include_expired else _all_unexpired(items, {model for model, _ in pairs})

    @method
    def batch_write(
        self,
        model: type[M],
        *,
        puts: Sequence[M] = (),
        deletes: Sequence[object] = (),
        outcomes: bool = False,
        timeout_seconds: float | None = None,
    ) -> Flow[list[Outcome] | None]:
        """Put and delete any number of items of one model; each alone, all checked before the first.

        Parameters:
            outcomes: return what became of each, puts first, and do not raise for those that failed or
                that cannot be stored.
            timeout_seconds: as for `batch_get`.

        Raises:
            ValidationError: an item cannot be stored (its position and key are named), or Meta wants kept
                what a batch cannot keep; nothing was sent.
            BulkWriteError: some were not written; says which, and carries them.
        """
        from dynamodb_wrapper.operations import bulk

        table, schema = self.table_name(model), schema_of(model)
        entries = bulk.entries_of(table, schema, puts, deletes, outcomes=outcomes)
        made = yield from bulk.write(self.send, entries, bulk.deadline_after(timeout_seconds))
        if outcomes:
            return made
        bulk.raise_failures(entries, made)
        return None

    @method
    def execute_statement(
        self,
        statement: str,
        parameters: Sequence[object] = (),
        *,
        model: type[M] | None = None,
        consistent: bool = False,
    ) -> Flow[list[Any]]:
        """Run a PartiQL statement: the escape hatch for what nothing else here can say.

        Parameters:
            statement: the text, with `?` for each value and the table's full name (`table_name(Model)`) in
                double quotes.
            parameters: the values for the `?`, in their order.
            model: what the rows become; dicts of plain values where none is given.
            consistent: read the latest write at twice the cost.

        Returns:
            All items of a SELECT, or what a write returns.

        Raises:
            WriteOutcomeUnknownError: the answer to a write was lost; it was not sent again.
        """
        from dynamodb_wrapper.operations.statements import Statement

        reader: Any = plain if model is None else schema_of(model).codec
        made: Statement[Any] = Statement(
            text=statement, parameters=tuple(parameters), reader=reader, consistent=consistent
        )
        return made.flow(self.send)

    @method
    def create_table(self, model: type[BaseModel]) -> Flow[bool]:
        """Make a model's table and indexes from its Meta and wait until they are active.

        Returns:
            True if it was made, False if a table of that name exists already. Of an index that this one
            lacks a warning is logged: `create_index` makes it.

        Raises:
            MetaError: the table that exists has other keys than the model.
        """
        from dynamodb_wrapper.operations.tables import CreateTable

        return CreateTable(schema_of(model), self.table_name(model)).flow(self.send)

    @method
    def create_index(self, model: type[BaseModel], name: str) -> Flow[bool]:
        """Add a global index of Meta to a table that is there, and wait until it can be used.

        Returns:
            True if it was made, False if the table has an index of that name already.

        Raises:
            TableNotFoundError: there is no table: `create_table` makes it with all indexes.
        """
        from dynamodb_wrapper.operations.tables import CreateIndex

        return CreateIndex(schema_of(model), self.table_name(model), name).flow(self.send)

    @method
    def fill_shards(
        self, model: type[BaseModel], *, limit: int | None = None, last_key: str | None = None
    ) -> Flow[FilledShards]:
        """Give the items that a table has the keys of Meta's sharded indexes, where they lack or differ.

        Nothing else of an item is changed. Each write holds only while the item has the value that its key
        was made of, so that others may write meanwhile; see docs/sharding.md.

        Parameters:
            limit: stop after about so many items; all of the table where it is None.
            last_key: the `next_key` of the part before this one; the beginning where it is None.

        Raises:
            ValidationError: no index of the model is sharded, or `last_key` is of another model or altered.
        """
        from dynamodb_wrapper.client.shards import fill_shards

        return fill_shards(self.send, self.config, model, self.table_name(model), limit, last_key)

    @method
    def delete_table(self, model: type[BaseModel]) -> Flow[bool]:
        """Drop a model's table with all its items and wait until it is gone; False if there was none."""
        from dynamodb_wrapper.operations.tables import DeleteTable

        name = self.table_name(model)
        if schema_of(model).unique:
            yield from DeleteTable(schema_of(model).guard_table(name)).flow(self.send)
        return (yield from DeleteTable(name).flow(self.send))


def _unexpired(flow: Flow[M | None]) -> Flow[M | None]:
    from dynamodb_wrapper.operations.expiry import unexpired

    return unexpired((yield from flow))


def _all_unexpired(flow: Flow[list[M | None]], models: Collection[type[M]]) -> Flow[list[M | None]]:
    items = yield from flow
    if all(schema_of(model).ttl is None for model in models):
        return items
    from dynamodb_wrapper.operations.expiry import all_unexpired

    return all_unexpired(items)


def _keys_of(
    model: type[M] | Sequence[tuple[type[M], object]], keys: Sequence[object]
) -> list[tuple[type[M], object]]:
    """The keys of items of one model, each with it."""
    if not isinstance(model, type):
        text = "leave it out: the keys stand beside their models"
        raise ValidationError(f"batch_get of several models: keys: {text}", errors={"keys": [text]})
    return [(model, key) for key in several_keys(schema_of(model), "keys", keys)]


def _pairs(asker: str, given: type[M] | Sequence[tuple[type[M], object]]) -> list[tuple[type[M], object]]:
    """The keys of items of several models, each with its own."""
    if isinstance(given, type):
        text = "give the keys to read"
        raise ValidationError(f"{asker} of {given.__name__}: {text}", errors={"keys": [text]})
    pairs = list(several("keys", given, "key", "(Model, key)"))
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], type):
            text = "give a list, as in keys=[(Model, key)]"
            raise ValidationError(f"{pair!r:.50} is no model with a key: {text}", errors={"keys": [text]})
    return pairs
