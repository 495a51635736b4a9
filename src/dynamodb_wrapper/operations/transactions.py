"""Transactions: several actions that are applied together or not at all.

Limits are those of the DynamoDB API Reference, TransactWriteItems and TransactGetItems: 100 actions, 4 MB.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from dynamodb_wrapper.engine.flow import Call, Flow, Read, Reply, Send, Write
from dynamodb_wrapper.exceptions import CancellationReason, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions import Condition, Params, Update
from dynamodb_wrapper.expressions.params import Encode, encode_plainly
from dynamodb_wrapper.operations.marks import mark
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.operations.reads import GetItem
from dynamodb_wrapper.operations.writes import as_stored
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem

MOST_ACTIONS = 100


class TransactAction(Struct, frozen=True, kw_only=True):
    """One action of a transaction: a put (`item`), an update (`key`, `update`), a delete or check (`key`)."""

    table: str
    reader: Reader[Any]
    item: WireItem | None = None
    key: WireItem | None = None
    update: Update | None = None
    check_only: bool = False
    condition: Condition | None = None
    encode: Encode = encode_plainly

    def body(self) -> dict[str, Any]:
        """The action as the service takes it."""
        params = Params(self.encode)
        body: dict[str, Any] = {"TableName": self.table}
        if self.item is not None:
            check_item_size(self.item, self.table)
            kind, body["Item"] = "Put", self.item
        else:
            kind, body["Key"] = "Delete", self.key
            if self.update is not None:
                kind, body["UpdateExpression"] = "Update", self.update.encode(params)
            elif self.check_only:
                kind = "ConditionCheck"
        if self.condition is not None:
            body["ConditionExpression"] = self.condition.encode(params)
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {kind: params.into(body)}


class TransactWrite(Write[None], Struct, frozen=True):
    """Apply all actions or none; `token` makes sending it again harmless for ten minutes."""

    actions: Sequence[TransactAction]
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    def call(self) -> Call:
        """See `Operation.call`."""
        check_count(len(self.actions))
        body = {
            "TransactItems": [action.body() for action in self.actions],
            "ClientRequestToken": self.token,
        }
        return Call("TransactWriteItems", body, self.actions[0].table, repeatable=True)

    def flow(self, send: Send) -> Flow[None]:
        """See `Operation.flow`."""
        try:
            yield from send(self.call())
        except TransactionCanceledError as error:
            error.reasons = tuple(
                _decoded(reason, action) for reason, action in zip(error.reasons, self.actions, strict=False)
            )
            raise


class _Slots(Struct):
    Responses: list[msgspec.Raw]


_slots = msgspec.json.Decoder(_Slots)


class TransactGet(Read["list[Any]"], Struct, frozen=True):
    """Read several items as they were at one moment, in the order of `gets`; None for a missing one.

    An item may stand there more than once: it is read once.
    """

    gets: Sequence[GetItem[Any]]

    def call(self) -> Call:
        """See `Operation.call`."""
        different = self._different()
        check_count(len(different))
        items = [{"Get": _without_consistency(get.call().body)} for get in different.values()]
        return Call("TransactGetItems", {"TransactItems": items}, self.gets[0].table)

    def parse(self, reply: Reply) -> list[Any]:
        """See `Operation.parse`."""
        found = dict(zip(self._different(), _slots.decode(reply).Responses, strict=True))
        return [get.parse(bytes(found[_place(get)])) for get in self.gets]  # each is as GetItem's reply

    def _different(self) -> dict[tuple[str, bytes], GetItem[Any]]:
        return {_place(get): get for get in self.gets}


def _place(get: GetItem[Any]) -> tuple[str, bytes]:
    return get.table, mark(get.key)


def _without_consistency(body: dict[str, Any]) -> dict[str, Any]:
    """A transaction always reads what was written last."""
    return {name: value for name, value in body.items() if name != "ConsistentRead"}


def check_count(count: int, how: str = "") -> None:
    """Refuse a transaction that the service would refuse for its number of actions.

    Parameters:
        how: what makes so many, for the message.
    """
    if not 1 <= count <= MOST_ACTIONS:
        raise ValidationError(
            f"a transaction of {count} actions{how}: DynamoDB takes 1 to {MOST_ACTIONS} in one"
        )


def _decoded(reason: CancellationReason, action: TransactAction) -> CancellationReason:
    if reason.item is None:
        return reason
    item: Any = as_stored(action.reader, dict(reason.item), action.table)
    return CancellationReason(reason.code, reason.message, item)
