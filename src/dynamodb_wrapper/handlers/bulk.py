"""Writing many items: each for itself, or all or none of every hundred; what became of every one.

Knows how writes of one item are put together. How such a write is made stands in `handlers.items`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dynamodb_wrapper.engine.flow import Flow, Together, Write
from dynamodb_wrapper.exceptions import (
    BulkWriteError,
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    TransactionCanceledError,
    UnreadableItemError,
)
from dynamodb_wrapper.expressions import Compare, Condition, Path, all_of
from dynamodb_wrapper.handlers.given import listed
from dynamodb_wrapper.handlers.items import D, ItemCommands, M
from dynamodb_wrapper.models.updates import validate_update
from dynamodb_wrapper.operations import All, Query, TransactWrite
from dynamodb_wrapper.operations.applying import Apply, ApplyOne
from dynamodb_wrapper.operations.intents import UpdateExisting, refused_together
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.transactions import MOST_ACTIONS
from dynamodb_wrapper.query.gathered import gathered
from dynamodb_wrapper.query.keys import key_condition
from dynamodb_wrapper.wire.values import decode_item

PASSED_OVER: Final = object()


class BulkCommands(ItemCommands[M, D]):
    """The writes of many items that commands are made of."""

    def _upsert_many(self, dtos: Sequence[D]) -> Flow[list[M]]:
        dtos = [self._checked(dto) for dto in listed("dtos", dtos, self.dto.__name__)]
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
        by_id = {resource_id(self._schema.key_of(key)): key for key in listed("ids", keys, "ids")}
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
        self,
        partition: Mapping[str, object],
        index: str,
        sort: Condition | None,
        filter_: Condition | None,
        also: Sequence[str] = (),
    ) -> Flow[list[dict[str, Any]]]:
        """The primary keys of the items that a query finds, with those other attributes."""
        schema, where = self._schema, self._schema.index(index)
        query: Query[dict[str, Any]] = Query(
            table=self._table,
            reader=plain,
            key_fields=schema.key_fields,
            index=where.stored_name,
            key_condition=key_condition(schema, where, partition, sort),
            filter=filter_,
            projection=[Path((name,)) for name in (*schema.key_fields, *also)],
            encode=schema.codec.encode_attribute,
        )
        if where.shards is not None:
            query = gathered(query, schema, where, partition, sort)
        items = yield from All(query).flow(self.client.send)
        return [{name: item[name] for name in (*schema.key_fields, *also) if name in item} for item in items]

    def _transact(self, changes: Sequence[UpdateExisting[M] | ApplyOne]) -> Flow[None]:
        actions = [change.action() for change in changes if isinstance(change, UpdateExisting)]
        steps = [change.step for change in changes if isinstance(change, ApplyOne)]
        write: Write[None] = Apply(steps) if steps else TransactWrite(actions)
        try:
            yield from write.flow(self.client.send)
        except TransactionCanceledError as error:
            keys = [
                decode_item(change.step.key)
                if isinstance(change, ApplyOne)
                else self._schema.key_of(change.key)
                for change in changes
            ]
            if (refusal := refused_together(self._schema, self._table, keys, error)) is None:
                raise
            raise refusal from error


def each(what: str, ids: Sequence[str], flows: Sequence[Flow[Any]]) -> Flow[dict[str, Any]]:
    """Run all, whichever of them fail.

    Parameters:
        what: what is written, for the error.
        ids: the id of each flow, all different.

    Returns:
        The results by id.

    Raises:
        BulkWriteError: some failed; tells of every id.
    """
    outcomes = yield Together([_outcome(flow) for flow in flows])
    by_id = dict(zip(ids, outcomes, strict=True))
    failed = {name: got for name, got in by_id.items() if isinstance(got, DynamoDBWrapperError)}
    if failed:
        raise bulk_error(what, [name for name in by_id if name not in failed], failed)
    return by_id


def unless_changed(flow: Flow[Any]) -> Flow[Any]:
    """The flow's result, or PASSED_OVER where its item is gone or not in the state that its write needs.

    A write that was applied to an item that does not fit its model has no result, but was done.
    """
    try:
        return (yield from flow)
    except UnreadableItemError:
        return None
    except (ItemNotFoundError, ConflictError):
        return PASSED_OVER


def bulk_error(
    what: str, succeeded: Sequence[str], failed: Mapping[str, DynamoDBWrapperError]
) -> BulkWriteError:
    """The error for many writes of which some failed."""
    first = next(iter(failed.values()))
    total = len(failed) + len(succeeded)
    return BulkWriteError(
        f"{len(failed)} of {total} writes of {what} failed; the first: {first.message}",
        first,
        succeeded=succeeded,
        failed=failed,
    )


def _outcome(flow: Flow[Any]) -> Flow[Any]:
    try:
        return (yield from flow)
    except DynamoDBWrapperError as error:
        return error
