"""The generic write API: create, update, delete and upsert from DTOs, one item or many.

Knows models, DTOs and their rules. Must not know a particular domain: those add methods with the names of
their business, each a line or two over what is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    DynamoDBWrapperError,
    TransactionCanceledError,
    ValidationError,
)
from dynamodb_wrapper.expressions import Compare, Condition, Missing, Path, all_of, condition_of, equals
from dynamodb_wrapper.handlers.api import Api, AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.bulk import PASSED_OVER, bulk_error, each, unless_changed
from dynamodb_wrapper.models.base import Dto, DynamoDBModel
from dynamodb_wrapper.models.updates import validate_update
from dynamodb_wrapper.operations import All, DeleteItem, GetItem, Query, TransactWrite
from dynamodb_wrapper.operations.intents import (
    Create,
    UpdateExisting,
    Upsert,
    changes_of,
    conflict,
    not_found,
    refused_together,
    resource_id,
)
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.transactions import MOST_ACTIONS
from dynamodb_wrapper.query.keys import key_condition
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.validation import from_pydantic
from dynamodb_wrapper.wire.compiled import attribute_names

M = TypeVar("M", bound=DynamoDBModel)
D = TypeVar("D", bound=Dto)

KEPT_BY_UPSERT = frozenset({"created_at", "created_by"})
UPDATE_ATTEMPTS = 10


class Commands(Api, Generic[M, D]):
    """What can be written of any model; a subclass names its `model` and its `dto`.

    Conditions (`condition_expression`) are this library's own or boto3's. Everything is validated before
    anything is sent. Models with `created_at` and `updated_at` get both in UTC.
    """

    model: type[M]
    dto: type[D]

    @method
    def create(self, dto: D, condition_expression: object = None) -> Flow[M]:
        """Store a new item; never overwrites.

        Returns:
            What was stored.

        Raises:
            ConflictError: an item with this key exists; carries it as `current_item`.
        """
        return self._create(self._new(dto), condition_expression)

    @method
    def update(self, key: object, updates: Mapping[str, Any], condition_expression: object = None) -> Flow[M]:
        """Change the named fields of an item that exists, and no others.

        Returns:
            The item as it is after the update.

        Raises:
            ValidationError: a field is unknown, of the key, or breaks a rule; nothing was written.
            ItemNotFoundError: no item has that key.
            ConflictError: the condition does not hold; carries the item as `current_item`.
        """
        return self._update(key, updates, condition_expression)

    @method
    def delete(self, key: object, condition_expression: object = None) -> Flow[bool]:
        """Remove an item.

        Returns:
            True if it was there, else False; also False when the first answer was lost and the repetition
            found that attempt's work done.

        Raises:
            ConflictError: the condition does not hold; carries the item as `current_item`.
        """
        return self._delete(key, condition_expression)

    @method
    def upsert(self, dto: D) -> Flow[M]:
        """Store an item whether or not it exists, in one call.

        `created_at`, `created_by` and what the DTO does not have stay as they are where the item exists.

        Returns:
            The item as it is stored now.
        """
        return self._upsert(dto)

    @method
    def upsert_many(self, dtos: Sequence[D]) -> Flow[list[M]]:
        """Store many items as `upsert` does, several at a time; each for itself, not as one transaction.

        Returns:
            The items as they are stored now, in the order of `dtos`.

        Raises:
            BulkWriteError: some failed; names those that were written and the error of each other.
        """
        return self._upsert_many(dtos)

    @property
    def _schema(self) -> TableSchema[M]:
        return schema_of(self.model)

    @property
    def _table(self) -> str:
        return self.config.get_table_name(self._schema.table_name)

    @property
    def _attributes(self) -> Mapping[str, str]:
        """The attribute that each field of the model is stored as."""
        return attribute_names(self.model)

    @property
    def _key_names(self) -> list[str]:
        """The fields of the key, in the order of its attributes."""
        fields = {attribute: name for name, attribute in self._attributes.items()}
        return [fields[attribute] for attribute in self._schema.key_fields]

    def _checked(self, dto: D) -> D:
        if not isinstance(dto, self.dto):
            raise ValidationError(
                f"{self.model.__name__} is written from {self.dto.__name__}, not {type(dto).__name__}: "
                "what was read cannot be saved, because it may be a part of the item only"
            )
        return dto

    def _new(self, dto: D, **more: object) -> M:
        """The model that a DTO describes, with the model's defaults for what the DTO leaves open."""
        dto = self._checked(dto)
        fields = self.model.model_fields
        values = {name: getattr(dto, name) for name in type(dto).model_fields if name in fields}
        values = {name: value for name, value in (values | more).items() if value is not None}
        now = utcnow()
        stamps = {name: now for name in ("created_at", "updated_at") if name in fields}
        attributes = self._attributes
        try:
            return self.model(**{attributes[name]: value for name, value in (stamps | values).items()})
        except PydanticError as error:
            raise from_pydantic(error, self.model.__name__) from None

    def _create(self, instance: M, condition: object = None) -> Flow[M]:
        create = Create(
            schema=self._schema, table=self._table, instance=instance, condition=condition_of(condition)
        )
        yield from create.flow(self.client.send)
        return instance

    def _current(self, key: object) -> Flow[M]:
        schema = self._schema
        read = GetItem(table=self._table, key=wire_key(schema, key), reader=schema.codec, consistent=True)
        item = yield from read.flow(self.client.send)
        if item is None:
            raise not_found(schema, self._table, schema.key_of(key))
        return item

    def _update(self, key: object, updates: Mapping[str, Any], condition: object = None) -> Flow[M]:
        """Validate against the stored state where a rule needs it; write only if that state still holds."""
        if not updates:
            raise ValidationError(f"an update of {self.model.__name__} with nothing to change: name a field")
        own = condition_of(condition)
        involved = self._fields_in_rules_with(updates)
        current: M | None = (yield from self._current(key)) if involved else None
        guarded = involved
        for _ in range(UPDATE_ATTEMPTS):
            values = validate_update(self.dto, self.model, current or {}, updates, keys=self._key_names)
            unchanged = guarded.difference(values)
            guard = all_of(*(self._as_read(current, name) for name in sorted(unchanged)))
            try:
                return (yield from self._change(key, values, own, guard).flow(self.client.send))
            except ConflictError as error:
                latest = error.current_item
                if not unchanged:
                    raise
                if all(_stored(latest, name) == _stored(current, name) for name in unchanged):
                    guarded = frozenset()  # stored in another form: only `own` can stand in the way
                current = latest
        raise ConflictError(
            f"{self.model.__name__} {resource_id(self._schema.key_of(key))!r} kept changing while it was "
            "updated: try again",
            resource_id=resource_id(self._schema.key_of(key)),
            current_item=current,
        )

    def _change(
        self,
        key: object,
        values: Mapping[str, Any],
        condition: Condition | None = None,
        guard: Condition | None = None,
    ) -> UpdateExisting[M]:
        """The update of an item that exists; the values have been validated."""
        attributes = self._attributes
        stamp = {"updated_at": utcnow()} if "updated_at" in attributes else {}
        changed = {attributes[name]: value for name, value in (stamp | dict(values)).items()}
        return UpdateExisting(
            schema=self._schema,
            table=self._table,
            key=key,
            changes=changes_of(self._schema, changed),
            condition=condition,
            guard=guard,
        )

    def _as_read(self, item: M | None, name: str) -> Condition:
        """That a field is stored as it was read."""
        path = Path((self._attributes[name],))
        has, value = _stored(item, name)
        return equals(path, value) if has else Missing(path)

    def _fields_in_rules_with(self, updates: Mapping[str, Any]) -> frozenset[str]:
        """The stored fields that must be known to judge these changes."""
        implies = self.dto.implied.__func__ is not Dto.implied.__func__  # type: ignore[attr-defined]
        touched = [rule for rule in self.dto.rules if not updates.keys().isdisjoint(rule.fields)]
        rules = self.dto.rules if touched and implies else touched
        return frozenset(field for rule in rules for field in rule.fields).difference(updates)

    def _delete(self, key: object, condition: object = None) -> Flow[bool]:
        schema = self._schema
        delete = DeleteItem(
            table=self._table,
            key=wire_key(schema, key),
            reader=schema.codec,
            condition=condition_of(condition),
            encode=schema.codec.encode_attribute,
            returns="ALL_OLD",
        )
        try:
            return (yield from delete.flow(self.client.send)) is not None
        except ConditionalCheckFailedError as error:
            if error.current_item is None:
                return False
            why = "is not in the state that the condition asks for: it was not deleted"
            raise conflict(schema, schema.key_of(key), error, why) from error

    def _upsert(self, dto: D) -> Flow[M]:
        instance = self._new(dto)
        given = {name for name in type(dto).model_fields if getattr(dto, name) is not None}
        open_ = {name for name in self.model.model_fields if name not in given and name != "updated_at"}
        cleared = {
            name
            for name in type(dto).model_fields
            if name in open_ and getattr(instance, name, None) is None and name not in KEPT_BY_UPSERT
        }
        attributes = self._attributes
        upsert = Upsert(
            schema=self._schema,
            table=self._table,
            instance=instance,
            keep={attributes[name] for name in (KEPT_BY_UPSERT & attributes.keys()) | (open_ - cleared)},
        )
        return upsert.flow(self.client.send)

    def _upsert_many(self, dtos: Sequence[D]) -> Flow[list[M]]:
        dtos = [self._checked(dto) for dto in dtos]
        last = {self._id_of(dto): dto for dto in dtos}
        flows = [self._upsert(dto) for dto in last.values()]
        stored: Mapping[str, M] = yield from self._each(list(last), flows)
        return [stored[self._id_of(dto)] for dto in dtos]

    def _id_of(self, dto: D) -> str:
        return resource_id({name: getattr(dto, name) for name in self._key_names})

    def _each(self, ids: Sequence[str], flows: Sequence[Flow[Any]]) -> Flow[dict[str, Any]]:
        """Run all, whichever of them fail; the results by id, or one error that tells of every id."""
        return each(self.model.__name__, ids, flows)

    def _change_all(
        self, keys: Iterable[object], values: Mapping[str, Any], condition: Condition | None = None
    ) -> Flow[int]:
        """The same change to many items: all or none of every 100 (the size of a transaction).

        Raises:
            ItemNotFoundError: (up to 100 keys) one of them is missing; nothing was written.
            ConflictError: (up to 100 keys) the condition does not hold of one; nothing was written.
            BulkWriteError: (more than 100 keys) some chunks failed; names the keys of each.
        """
        if isinstance(keys, str):
            raise ValidationError(f"a list of ids was expected, not the text {keys!r}: put it into a list")
        by_id = {resource_id(self._schema.key_of(key)): key for key in keys}
        ids = list(by_id)
        chunks = [ids[at : at + MOST_ACTIONS] for at in range(0, len(ids), MOST_ACTIONS)]
        valid = validate_update(self.dto, self.model, {}, values, keys=self._key_names)
        done: list[str] = []
        failed: dict[str, DynamoDBWrapperError] = {}
        for chunk in chunks:
            try:
                yield from self._transact([self._change(by_id[name], valid, condition) for name in chunk])
                done += chunk
            except DynamoDBWrapperError as error:
                if len(chunks) == 1:
                    raise
                failed |= dict.fromkeys(chunk, error)
        if failed:
            raise bulk_error(self.model.__name__, done, failed)
        return len(done)

    def _change_each(
        self,
        partition: Mapping[str, object],
        index: str,
        sort: Condition | None,
        filter_: Condition | None,
        values: Mapping[str, Any],
    ) -> Flow[int]:
        """The same change to every item that a query finds, unless it is no longer as the query asked.

        Returns:
            How many were changed.
        """
        valid = validate_update(self.dto, self.model, {}, values, keys=self._key_names)
        keys = yield from self._keys(partition, index, sort, filter_)
        found_by = (Compare(Path((name,)), "=", value) for name, value in partition.items())
        still = all_of(*found_by, sort, filter_)
        flows = [self._change(key, valid, still).flow(self.client.send) for key in keys]
        return (yield from self._count_done([resource_id(key) for key in keys], flows))

    def _count_done(self, ids: Sequence[str], flows: Sequence[Flow[Any]]) -> Flow[int]:
        """Run all; how many were done, where an item that is gone or has changed is passed over."""
        outcomes = yield from self._each(ids, [unless_changed(flow) for flow in flows])
        return sum(outcome is not PASSED_OVER for outcome in outcomes.values())

    def _keys(
        self, partition: Mapping[str, object], index: str, sort: Condition | None, filter_: Condition | None
    ) -> Flow[list[dict[str, Any]]]:
        """The primary keys of the items that a query finds."""
        schema, where = self._schema, self._schema.index(index)
        query = Query(
            table=self._table,
            reader=plain,
            key_fields=schema.key_fields,
            index=index,
            key_condition=key_condition(schema, where, partition, sort),
            filter=filter_,
            projection=[Path((name,)) for name in schema.key_fields],
            encode=schema.codec.encode_attribute,
        )
        return All(query).flow(self.client.send)

    def _transact(self, changes: Sequence[UpdateExisting[M]]) -> Flow[None]:
        try:
            yield from TransactWrite([change.action() for change in changes]).flow(self.client.send)
        except TransactionCanceledError as error:
            keys = [self._schema.key_of(change.key) for change in changes]
            if (refusal := refused_together(self._schema, self._table, keys, error)) is None:
                raise
            raise refusal from error


class WriteApi(Commands[M, D], BlockingApi):
    """A blocking write API; a domain is a subclass that names its `model` and `dto`."""


class AsyncWriteApi(Commands[M, D], AwaitingApi):
    """An awaiting write API; a domain is a subclass that names its `model` and `dto`."""


def _stored(item: BaseModel | None, name: str) -> tuple[bool, object]:
    """Whether an item that was read has a field, and its value; a default made up while reading is none."""
    has = item is not None and name in item.model_fields_set
    return has, getattr(item, name) if has else None
