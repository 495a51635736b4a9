"""boto3's request and response shapes, to and from the wire.

Knows which members hold items, values and conditions. Must not know what a request is for. A datetime must be
in UTC here: converting zones is the business of the APIs above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params, condition_of
from dynamodb_wrapper.wire.values import decode_item, encode_item, encode_value

JsonObject: TypeAlias = dict[str, Any]

_CONDITIONS: Final = ("KeyConditionExpression", "FilterExpression", "ConditionExpression")


def encode_request(request: Mapping[str, Any]) -> JsonObject:
    """A request as boto3's resource takes it, as the service's JSON has it.

    Parameters:
        request: members with Python values; conditions as text or as this library's or boto3's objects.

    Raises:
        ValidationError: a value cannot be stored exactly, or is a datetime that is not in UTC.
    """
    params = Params(prefix="given_")
    body: JsonObject = {}
    for member, value in request.items():
        if member in _CONDITIONS and not isinstance(value, str):
            condition = condition_of(value)
            if condition is not None:
                body[member] = condition.encode(params)
        elif member in _ENCODERS:
            refuse_other_zones(value, member)
            body[member] = _ENCODERS[member](value)
        else:
            body[member] = value
    made = params.into({})
    for member, entries in made.items():
        refuse_other_zones(entries, member)
        body[member] = {**body.get(member, {}), **entries}
    return body


def decode_response(reply: Mapping[str, Any]) -> JsonObject:
    """A reply of the service as boto3's resource gives it."""
    response = {
        member: _DECODERS[member](value) if member in _DECODERS else value for member, value in reply.items()
    }
    response["ResponseMetadata"] = {"HTTPStatusCode": 200}
    return response


def refuse_other_zones(value: object, path: str) -> None:
    """Refuse a datetime that is naive or not in UTC, anywhere in a value."""
    if isinstance(value, datetime):
        if value.utcoffset() != timedelta(0):
            raise ValidationError(
                f"{path} is {value.isoformat()}: a gateway takes datetimes in UTC only; convert it with "
                "dynamodb_wrapper.timezones.to_utc",
                errors={path: ["not in UTC"]},
            )
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            refuse_other_zones(entry, f"{path}.{name}")
    elif isinstance(value, list | tuple | set | frozenset):
        for position, element in enumerate(value):
            refuse_other_zones(element, f"{path}[{position}]")


def _each(convert: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    return lambda entries: [convert(entry) for entry in entries]


def _by_table(convert: Callable[[Any], Any]) -> Callable[[Mapping[str, Any]], JsonObject]:
    return lambda tables: {table: convert(entry) for table, entry in tables.items()}


def _encode_action(action: Mapping[str, Mapping[str, Any]]) -> JsonObject:
    return {kind: encode_request(request) for kind, request in action.items()}


def _decode_write(write: Mapping[str, Mapping[str, Any]]) -> JsonObject:
    return {
        kind: {member: decode_item(item) for member, item in request.items()}
        for kind, request in write.items()
    }


def _decode_keys(request: Mapping[str, Any]) -> JsonObject:
    return {**request, "Keys": [decode_item(key) for key in request.get("Keys", ())]}


def _decode_slots(responses: Any) -> Any:
    if isinstance(responses, Mapping):
        return {table: [decode_item(item) for item in items] for table, items in responses.items()}
    return [{"Item": decode_item(slot["Item"])} if slot.get("Item") else {} for slot in responses]


_ENCODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Item": encode_item,
    "Key": encode_item,
    "Keys": _each(encode_item),
    "ExclusiveStartKey": encode_item,
    "ExpressionAttributeValues": encode_item,
    "Parameters": _each(encode_value),
    "TransactItems": _each(_encode_action),
}
_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Item": decode_item,
    "Items": _each(decode_item),
    "Attributes": decode_item,
    "LastEvaluatedKey": decode_item,
    "Responses": _decode_slots,
    "UnprocessedKeys": _by_table(_decode_keys),
    "UnprocessedItems": _by_table(_each(_decode_write)),
}
