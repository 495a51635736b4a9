"""Writes of models whose Meta wants more kept than the item: its version, or values that no two items share.

Knows steps and what became of them. Must not know DTOs nor the names of the public methods.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Flow, Send
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    NotUniqueError,
)
from dynamodb_wrapper.expressions import Assign, Change, Path, Remove, all_of
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations import GetItem
from dynamodb_wrapper.operations.applying import ApplyOne
from dynamodb_wrapper.operations.bound import condition_on
from dynamodb_wrapper.operations.entries import wire_reader
from dynamodb_wrapper.operations.expiry import is_over, missing
from dynamodb_wrapper.operations.intents import conflict
from dynamodb_wrapper.operations.keys import checked_item, resource_id
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.operations.steps import UpdateStep, put_step
from dynamodb_wrapper.operations.versions import lock_of
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)
MOST_TRIES = 5


def create_kept(send: Send, schema: TableSchema[M], table: str, instance: M, condition: object) -> Flow[M]:
    """Store a new item and return it.

    Raises:
        ConflictError: one with this key exists; carries it.
        NotUniqueError: another item has a value that must be unique.
    """
    step = put_step(schema, table, instance, all_of(missing(schema), condition_on(schema, condition)))
    try:
        yield from ApplyOne(step).flow(send)
    except ConditionalCheckFailedError as error:
        why = "exists already: update it, or choose another key"
        if error.current_item is None:
            why = "was not created: there is none, but the condition does not hold of that"
        raise conflict(schema, decode_item(step.key), error, why) from error
    return instance


def upsert_kept(
    send: Send, schema: TableSchema[M], table: str, instance: M, keep: Collection[str]
) -> Flow[M]:
    """Store an instance over what is there and return the item as it is afterwards.

    Parameters:
        keep: attributes that stay as they are where the item has them, or is None there without them.

    Raises:
        NotUniqueError: another item has a value that must be unique.
        ConflictError: the item came and went all the time.
    """
    item = checked_item(schema, schema.codec.encode(instance), table)
    key = {name: item[name] for name in schema.key_fields}
    for _ in range(MOST_TRIES):
        get: GetItem[WireItem] = GetItem(table=table, key=key, reader=wire_reader, consistent=True)
        stored = yield from get.flow(send)
        try:
            if stored is None or is_over(schema, stored):
                return (yield from create_kept(send, schema, table, instance, None))
            step = UpdateStep(
                schema=schema,
                table=table,
                key=key,
                lock=lock_of(schema, None),
                changes=_changes(schema, item, stored, keep),
            )
            after: M = yield from ApplyOne(step).flow(send)
        except NotUniqueError:
            raise
        except (ConflictError, ItemNotFoundError):
            continue
        return after
    name = resource_id(decode_item(key))
    raise ConflictError(
        f"{schema.model.__name__} {name!r} was made and removed by others all the time: try again",
        resource_id=name,
    )


def _changes(
    schema: TableSchema[Any], item: WireItem, stored: WireItem, keep: Collection[str]
) -> tuple[Change, ...]:
    changes: list[Change] = []
    kept = {name for name in keep if name in stored or name in schema.codec.nones}
    left = {*schema.key_fields, *schema.made, schema.version}
    for name in sorted(schema.attributes.difference(left)):
        path = Path((name,))
        if name in kept:
            continue
        if name in item:
            changes.append(Assign(path, Wire(item[name])))
        elif name not in keep:
            changes.append(Remove(path))
    new = {name: value for name, value in item.items() if name not in kept}
    return rekeyed(schema, schema.codec.decode(stored | new), changes).changes
