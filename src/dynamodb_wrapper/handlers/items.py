"""Writing one item: from a DTO, validated, and only over what was looked at.

Knows models, DTOs and their rules. Must not know of many items, or the names of the public methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.engine.flow import Flow, Write
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ConflictError, ValidationError
from dynamodb_wrapper.expressions import Condition, Missing, Path, all_of, equals
from dynamodb_wrapper.handlers.api import ModelApi
from dynamodb_wrapper.handlers.given import mapping
from dynamodb_wrapper.handlers.keeping import create_kept, upsert_kept
from dynamodb_wrapper.models.base import Dto, DynamoDBModel
from dynamodb_wrapper.models.updates import validate_update
from dynamodb_wrapper.operations import DeleteItem, GetItem
from dynamodb_wrapper.operations.applying import ApplyOne
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.operations.intents import (
    Create,
    UpdateExisting,
    Upsert,
    changes_of,
    conflict,
    not_found,
)
from dynamodb_wrapper.operations.keys import resource_id, wire_key
from dynamodb_wrapper.operations.steps import delete_step, update_step
from dynamodb_wrapper.schema.shards import ShardKey
from dynamodb_wrapper.timezones import utcnow
from dynamodb_wrapper.validation import from_pydantic
from dynamodb_wrapper.wire.compiled import attribute_names

M = TypeVar("M", bound=DynamoDBModel)
D = TypeVar("D", bound=Dto)

KEPT_BY_UPSERT = frozenset({"created_at", "created_by"})
UPDATE_ATTEMPTS = 10


class ItemCommands(ModelApi[M], Generic[M, D]):
    """The writes of one item that every command is made of."""

    dto: type[D]

    @property
    def _attributes(self) -> Mapping[str, str]:
        """The attribute that each field of the model is stored as."""
        return attribute_names(self.model)

    @property
    def _key_names(self) -> list[str]:
        """The fields of the key, in the order of its attributes."""
        fields = {attribute: name for name, attribute in self._attributes.items()}
        return [fields[attribute] for attribute in self._schema.key_arguments]

    def _checked(self, dto: D) -> D:
        if isinstance(dto, self.dto):
            return dto
        mend = f"give a {self.dto.__name__}"
        given: object = dto
        if isinstance(given, BaseModel):
            mend += "; what was read cannot be saved, because it may be a part of the item only"
        raise ValidationError(
            f"{self.model.__name__} is written from {self.dto.__name__}, not {type(dto).__name__}: {mend}",
            errors={"dto": [mend]},
        )

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
        if self._schema.keeps_more:
            return (yield from create_kept(self.client.send, self._schema, self._table, instance, condition))
        create = Create(
            schema=self._schema,
            table=self._table,
            instance=instance,
            condition=condition_on(self._schema, condition),
        )
        yield from create.flow(self.client.send)
        return instance

    def _current(self, key: object) -> Flow[M]:
        schema = self._schema
        read = GetItem(
            table=self._table, key=wire_key(schema, key, self._table), reader=schema.codec, consistent=True
        )
        item = yield from read.flow(self.client.send)
        if item is None:
            raise not_found(schema, self._table, schema.key_of(key), "GetItem")
        return item

    def _update(self, key: object, updates: Mapping[str, Any], condition: object = None) -> Flow[M]:
        """Validate against the stored state where a rule needs it; write only if that state still holds."""
        updates = mapping("updates", updates, '{"description": "new"}')
        if not updates:
            raise ValidationError(f"an update of {self.model.__name__} with nothing to change: name a field")
        own = condition_on(self._schema, condition)
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
                if not unchanged or not isinstance(latest, self.model):
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
    ) -> UpdateExisting[M] | ApplyOne:
        """The update of an item that exists; the values have been validated."""
        attributes = self._attributes
        stamp = {"updated_at": utcnow()} if "updated_at" in attributes else {}
        changed = {attributes[name]: value for name, value in (stamp | dict(values)).items()}
        if self._schema.keeps_more:
            step = update_step(self._schema, self._table, key, changed, condition)
            return ApplyOne(replace(step, guard=all_of(step.guard, guard)))
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
        own = condition_on(schema, condition)
        delete: Write[Any] = DeleteItem(
            table=self._table,
            key=wire_key(schema, key, self._table),
            reader=schema.codec,
            condition=own,
            encode=schema.codec.encode_attribute,
            returns="ALL_OLD",
        )
        if schema.keeps_more:
            delete = ApplyOne(delete_step(schema, self._table, key, own))
        try:
            return (yield from delete.flow(self.client.send)) not in (None, False)
        except ConditionalCheckFailedError as error:
            if error.current_item is None:
                return False
            why = "does not meet the condition: it was not deleted"
            raise conflict(schema, schema.key_of(key), error, why, ConditionalCheckFailedError) from error

    def _upsert(self, dto: D) -> Flow[M]:
        instance = self._new(dto)
        given = {name for name in type(dto).model_fields if getattr(dto, name) is not None}
        open_ = {name for name in self.model.model_fields if name not in given and name != "updated_at"}
        cleared = {
            name
            for name in type(dto).model_fields
            if name in open_ and getattr(instance, name, None) is None and name not in KEPT_BY_UPSERT
        }
        schema, attributes = self._schema, self._attributes
        keep = {attributes[name] for name in (KEPT_BY_UPSERT & attributes.keys()) | (open_ - cleared)}
        sparse = keep & schema.codec.nones.keys()
        spread = {how.shards.field for how in schema.made.values() if isinstance(how, ShardKey)}
        if schema.unique or schema.templates or schema.ttl or spread & keep or sparse:
            return upsert_kept(self.client.send, schema, self._table, instance, keep)
        upsert = Upsert(schema=schema, table=self._table, instance=instance, keep=keep)
        return upsert.flow(self.client.send)


def _stored(item: BaseModel | None, name: str) -> tuple[bool, object]:
    """Whether an item that was read has a field, and its value; a default made up while reading is none."""
    has = item is not None and name in item.model_fields_set
    return has, getattr(item, name) if has else None
