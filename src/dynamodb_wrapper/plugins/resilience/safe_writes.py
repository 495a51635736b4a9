"""Safe writes: what must not be made twice goes as a transaction of one action, with a token.

Knows the requests of single writes and of transactions (API Reference, TransactWriteItems), and what the one
means in terms of the other. Must not know models.

The service remembers a token for ten minutes and answers a repeated transaction as the first one, without
applying it again. So it may be sent again after a lost answer, which a plain `ADD` may not.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.events import Retrying
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep, Tell
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.plugins.options import names, refuse_wrong
from dynamodb_wrapper.wire.values import decode_item

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

LONGEST_SECONDS: Final = 540.0  # a token holds for ten minutes: no attempt may begin later
CONFLICT_BASE_SECONDS: Final = 0.025
LONGEST_CONFLICT_WAIT_SECONDS: Final = 1.0

_KINDS: Final = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_EXPRESSIONS: Final = {
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
}
_OF_ACTION: Final = _EXPRESSIONS | {"TableName", "Key", "Item", "UpdateExpression", "ConditionExpression"}
_OF_CALL: Final = frozenset({"ReturnValues", "ReturnConsumedCapacity"})
_ERRORS: Final[dict[str, type[exc.DynamoDBWrapperError]]] = {
    "ConditionalCheckFailed": exc.ConditionalCheckFailedError,
    "TransactionConflict": exc.TransactionConflictError,
    "ThrottlingError": exc.ProvisionedThroughputExceededError,
    "ProvisionedThroughputExceeded": exc.ProvisionedThroughputExceededError,
    "ItemCollectionSizeLimitExceeded": exc.LimitExceededError,
    "ValidationError": exc.ValidationError,
}

_encode = msgspec.json.encode
_decode = msgspec.json.decode


class SafeWrites(Plugin):
    """Makes writes that must not be made twice repeatable: increments, appends, and writes with a condition.

    Such a write goes as a transaction of one action with a token, at twice the write units and, where the
    caller is given the item, one consistent read more. What the caller gets and what is raised stay as for
    the single write, with these differences: the item after an update is read after it, so that it may hold
    what others wrote meanwhile; and a conditional delete tells of the item as it was just before.

    A write that asks for `UPDATED_NEW`, `UPDATED_OLD` or, without being a conditional delete, for `ALL_OLD`
    is left as it is, because no read can tell those; so are writes that are harmless to repeat, batches,
    statements, and requests with parameters that transactions lack.

    Use it after other plugins with layers of their own that know single writes, such as a cache.

    Parameters:
        tables: the full names of the tables whose writes are made safe; all where empty.
    """

    name, version = "safe-writes", "1.0"

    def __init__(self, tables: Collection[str] = ()) -> None:
        refuse_wrong(type(self).__name__, tables=names(tables))
        self._tables = frozenset(tables)

    def bound(self, config: DynamoDBConfig) -> Plugin:
        """See `Plugin.bound`."""
        plugin = Plugin()
        plugin.layers = [SafeLayer(config.timeout_seconds, self._tables)]
        return plugin


class SafeLayer:
    """The layer of `SafeWrites`; it stands around the retries.

    Parameters:
        timeout_seconds: for a write with all its attempts; at most nine minutes are used.
        tables: as for `SafeWrites`.
        chance: draws the jitter of waits, a float in [0, 1).
    """

    def __init__(
        self,
        timeout_seconds: float,
        tables: Collection[str] = (),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._timeout = min(timeout_seconds, LONGEST_SECONDS)
        self._tables = tables
        self._chance = chance

    def __call__(self, send: Send, call: Call) -> Flow[Reply]:
        """Send the call, as a transaction where that makes it safe."""
        unsafe = not call.repeatable and call.action in _KINDS
        if not unsafe or not _can_be_transaction(call) or (self._tables and call.table not in self._tables):
            return (yield from send(call))
        deadline = min(call.deadline, monotonic() + self._timeout)
        asked = call.body.get("ReturnValues", "NONE")
        before = (yield from _read(send, call, deadline)) if asked == "ALL_OLD" else None
        consumed = yield from self._apply(send, call, deadline)
        item = before
        if asked == "ALL_NEW":
            item = yield from _read_after(send, call, deadline)
        return _encode({**({"Attributes": item} if item else {}), **consumed})

    def _apply(self, send: Send, call: Call, deadline: float) -> Flow[dict[str, Any]]:
        """Apply the write once; returns what the reply says of capacity."""
        transaction, conflicts = _transaction(call, deadline), 0
        while True:
            try:
                reply = yield from send(transaction)
            except exc.TransactionCanceledError as error:
                delay = self._chance() * min(
                    CONFLICT_BASE_SECONDS * 2.0**conflicts, LONGEST_CONFLICT_WAIT_SECONDS
                )
                conflicts += 1
                if _reason(error).code != "TransactionConflict" or monotonic() + delay >= deadline:
                    raise _of_single(call, error) from error
                yield Tell(Retrying(transaction, conflicts, delay, error))
                yield Sleep(delay)
            except exc.DynamoDBWrapperError as error:
                if error.outcome_unknown:
                    raise _unknown_outcome(call, error) from error
                raise
            else:
                consumed = _decode(reply).get("ConsumedCapacity")
                return {"ConsumedCapacity": consumed[0]} if consumed else {}


def _can_be_transaction(call: Call) -> bool:
    body, asked = call.body, call.body.get("ReturnValues", "NONE")
    if not body.keys() <= _OF_ACTION | _OF_CALL:
        return False
    if call.action == "UpdateItem":
        return asked in ("NONE", "ALL_NEW") and "UpdateExpression" in body
    return asked == "NONE" or (call.action == "DeleteItem" and "ConditionExpression" in body)


def _transaction(call: Call, deadline: float) -> Call:
    action = {name: value for name, value in call.body.items() if name in _OF_ACTION}
    body: dict[str, Any] = {
        "TransactItems": [{_KINDS[call.action]: action}],
        "ClientRequestToken": str(uuid.uuid4()),
    }
    if "ReturnConsumedCapacity" in call.body:
        body["ReturnConsumedCapacity"] = call.body["ReturnConsumedCapacity"]
    return replace(
        call, action="TransactWriteItems", body=body, repeatable=True, traced=False, deadline=deadline
    )


def _read(send: Send, call: Call, deadline: float) -> Flow[Any]:
    body = {"TableName": call.body["TableName"], "Key": call.body["Key"], "ConsistentRead": True}
    reply = yield from send(replace(call, action="GetItem", body=body, repeatable=True, deadline=deadline))
    return _decode(reply).get("Item")


def _read_after(send: Send, call: Call, deadline: float) -> Flow[Any]:
    try:
        item = yield from _read(send, call, deadline)
    except exc.DynamoDBWrapperError as error:  # its kind would tell the caller that all may be tried again
        raise exc.WriteOutcomeUnknownError(
            f"{_asked(call)} was applied, but the item could not be read after it ({error.message}): read "
            "it, and do not write again",
            error,
            _context(call, error),
        ) from error
    if item is None:
        raise exc.ItemNotFoundError(
            f"{_asked(call)} was applied, and then somebody else removed the item",
            context={"operation": call.action},
            table_name=call.table,
            key=decode_item(call.body["Key"]),
        )
    return item


def _reason(error: exc.TransactionCanceledError) -> exc.CancellationReason:
    return error.reasons[0] if error.reasons else exc.CancellationReason("None")


def _of_single(call: Call, error: exc.TransactionCanceledError) -> exc.DynamoDBWrapperError:
    """What the single write would have raised."""
    reason = _reason(error)
    kind = _ERRORS.get(reason.code)
    if kind is None:
        return error
    if kind is not exc.ConditionalCheckFailedError:
        if error.outcome_unknown:
            return _unknown_outcome(call, error)
        said = reason.message or "no message"
        return kind(f"{_asked(call)} was refused with {reason.code}: {said}", error, _context(call, error))
    return exc.ConditionalCheckFailedError(
        f"The condition of {_asked(call)} does not hold; nothing was written",
        error,
        _context(call, error),
        current_item=reason.item,
    )


def _unknown_outcome(call: Call, error: exc.DynamoDBWrapperError) -> exc.WriteOutcomeUnknownError:
    return exc.WriteOutcomeUnknownError(
        f"{_asked(call)} may or may not have been applied ({error.message}), and its attempts or its time "
        "are used up: read the item to see, then decide.",
        error,
        _context(call, error),
    )


def _asked(call: Call) -> str:
    return f"{call.action} on table {call.table!r}"


def _context(call: Call, error: exc.DynamoDBWrapperError) -> dict[str, Any]:
    return {**error.context, "operation": call.action}
