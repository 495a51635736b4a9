"""Writing one item: put, update, delete, each with an optional condition.

A write is marked repeatable only when making it twice ends as making it once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Write
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, UnreadableItemError, ValidationError
from dynamodb_wrapper.expressions.params import Encode, Params, encode_plainly
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.wire.sizes import check_item_size
from dynamodb_wrapper.wire.values import WireItem, decode_item, read_item

if TYPE_CHECKING:
    from dynamodb_wrapper.expressions import Condition, Update

T = TypeVar("T")
ReturnValues: TypeAlias = Literal["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]


def unreadable(misfit: ValidationError, where: str = "") -> UnreadableItemError:
    """The error for a write that was applied to an item which does not fit its model."""
    return UnreadableItemError(
        f"the write{where} was applied, but the item does not fit: {misfit.message}",
        misfit,
        misfit.context,
        errors=misfit.errors,
    )


def as_stored(reader: Reader[Any], item: WireItem, table: str = "") -> object:
    """An item that stands in the way of a write; in plain values where it does not fit its model."""
    try:
        return reader.decode(item, table=table)
    except ValidationError:
        return decode_item(item)


class SingleWrite(Write["T | None"], Struct, Generic[T], frozen=True, kw_only=True):
    """What the single writes share.

    A failed condition raises `ConditionalCheckFailedError` with the item as it is; a stored item that does
    not fit its model raises `UnreadableItemError` after the write. `repeatable` is as for `Call`; None
    derives it: a write with a condition is not, for its repetition would fail its own condition.
    """

    table: str
    reader: Reader[T]
    condition: Condition | None = None
    encode: Encode = encode_plainly
    returns: ReturnValues = "NONE"
    repeatable: bool | None = None

    def flow(self, send: Send) -> Flow[T | None]:
        """See `Operation.flow`."""
        try:
            reply = yield from send(self.call())
        except ConditionalCheckFailedError as error:
            if error.current_item is not None:
                error.current_item = as_stored(self.reader, error.current_item, self.table)
            raise
        return self.parse(reply)

    def parse(self, reply: Reply) -> T | None:
        """See `Operation.parse`."""
        if self.returns == "NONE":
            return None
        try:
            return self.reader.read_item(reply, "Attributes", table=self.table)
        except ValidationError as misfit:
            raise unreadable(misfit, f" to {self.table}") from misfit

    def _finish(
        self, action: str, body: dict[str, Any], params: Params, repeatable: bool, partition_key: str = ""
    ) -> Call:
        if self.condition is not None:
            body["ConditionExpression"] = self.condition.encode(params)
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            repeatable = False
        if self.returns != "NONE":
            body["ReturnValues"] = self.returns
        if self.repeatable is not None:
            repeatable = self.repeatable
        return Call(action, params.into(body), self.table, repeatable, partition_key=partition_key)


class PutItem(SingleWrite[T], frozen=True, kw_only=True):
    """Store an item, replacing one with the same key.

    Parameters:
        partition_key: its name, so that a hot key can be told from others.
    """

    item: WireItem
    partition_key: str = ""

    def call(self) -> Call:
        """See `Operation.call`."""
        check_item_size(self.item, self.table)
        body: dict[str, Any] = {"TableName": self.table, "Item": self.item}
        return self._finish("PutItem", body, Params(self.encode), True, self.partition_key)


class UpdateItem(SingleWrite[T], frozen=True, kw_only=True):
    """Change parts of an item; without a condition a missing item is made.

    Parameters:
        update: what to change; None only makes an item that is missing.
    """

    key: WireItem
    update: Update | None

    def call(self) -> Call:
        """See `Operation.call`."""
        params = Params(self.encode)
        body: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        if self.update is not None:
            body["UpdateExpression"] = self.update.encode(params)
        return self._finish("UpdateItem", body, params, self.update is None or self.update.repeatable)


class DeleteItem(SingleWrite[T], frozen=True, kw_only=True):
    """Remove an item; a missing one is no error unless a condition says so.

    What was removed is given in plain values where it does not fit its model.
    """

    key: WireItem

    def parse(self, reply: Reply) -> Any:
        """See `Operation.parse`."""
        try:
            return super().parse(reply)
        except UnreadableItemError:
            return read_item(reply, "Attributes")

    def call(self) -> Call:
        """See `Operation.call`."""
        return self._finish(
            "DeleteItem", {"TableName": self.table, "Key": self.key}, Params(self.encode), True
        )
