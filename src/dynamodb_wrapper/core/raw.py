"""A raw request as an operation, with its response in boto3's shape."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from dynamodb_wrapper.core.shapes import decode_response, encode_request
from dynamodb_wrapper.engine.bodies import only_reads
from dynamodb_wrapper.engine.flow import Call, Flow, Operation, Reply, Send
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    TransactionCanceledError,
)
from dynamodb_wrapper.wire.values import decode_item, read_items

JsonObject: TypeAlias = dict[str, Any]
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_JUDGED_BY_STATE: Final = ("ConditionExpression", "Expected")


@dataclass(frozen=True, slots=True)
class RawCall(Operation[JsonObject]):
    """One request given in boto3's shape.

    Parameters:
        action: the service's name of the operation.
        table: the gateway's table; put into the request as `TableName` by who makes the call.
        request: the request's members, with Python values.
    """

    action: str
    table: str
    request: Mapping[str, Any]

    def call(self) -> Call:
        """See `Operation.call`."""
        body = encode_request(self.action, self.request)
        if self.action == "TransactWriteItems":
            body.setdefault("ClientRequestToken", str(uuid.uuid4()))
        elif self.action == "ExecuteStatement" and not only_reads(str(body["Statement"])):
            body.setdefault("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
        return Call(self.action, body, self.table, self._is_repeatable(body))

    def parse(self, reply: Reply) -> JsonObject:
        """See `Operation.parse`."""
        members = _members.decode(reply)
        items = members.pop("Items", None)
        response = decode_response({name: msgspec.json.decode(member) for name, member in members.items()})
        if items is not None:
            response["Items"] = read_items(bytes(items))
        return response

    def flow(self, send: Send) -> Flow[JsonObject]:
        """See `Operation.flow`."""
        try:
            reply = yield from send(self.call())
        except ConditionalCheckFailedError as error:
            if error.current_item is not None:
                error.current_item = decode_item(error.current_item)
            raise
        except TransactionCanceledError as error:
            error.reasons = tuple(map(_decoded, error.reasons))
            raise
        return self.parse(reply)

    def _is_repeatable(self, body: Mapping[str, Any]) -> bool:
        if self.action in ("PutItem", "DeleteItem"):
            # The old values that a second attempt returns are those that the first one left.
            return body.keys().isdisjoint(_JUDGED_BY_STATE) and body.get("ReturnValues", "NONE") == "NONE"
        if self.action == "ExecuteStatement":
            return only_reads(str(body["Statement"]))
        return self.action != "UpdateItem"


def _decoded(reason: CancellationReason) -> CancellationReason:
    if reason.item is None:
        return reason
    return CancellationReason(reason.code, reason.message, decode_item(reason.item))
