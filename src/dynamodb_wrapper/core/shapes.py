"""boto3's request and response shapes, to and from the wire.

Knows which members hold items, values and conditions. Must not know what a request is for. A datetime must be
in UTC here: converting zones is the business of the APIs above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.core.members import refuse_unknown
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params, Path, condition_of
from dynamodb_wrapper.wire.values import decode_item, encode_item, encode_value

JsonObject: TypeAlias = dict[str, Any]

_CONDITIONS: Final = ("KeyConditionExpression", "FilterExpression", "ConditionExpression")


class _UtcParams(Params):
    """Refuses datetimes that are not in UTC; its placeholders clash with none that a person would choose."""

    def __init__(self) -> None:
        super().__init__(prefix="given_")

    def value(self, attribute: str, value: object) -> str:
        refuse_other_zones(value, attribute)
        return super().value(attribute, value)

    def plain_value(self, value: object, where: str) -> str:
        refuse_other_zones(value, where)
        return super().plain_value(value, where)


def encode_request(action: str, request: Mapping[str, Any]) -> JsonObject:
    """A request as boto3's resource takes it, as the service's JSON has it.

    A write with a condition asks for the item that makes it fail, unless the request says otherwise.

    Parameters:
        action: the service's name of the operation, or of an action inside a transaction.
        request: members with Python values; conditions as text or as this library's or boto3's objects. A
            member that is None is left out.

    Raises:
        ValidationError: a member is unknown, or a value cannot be stored exactly, is a datetime that is not
            in UTC, or has not the shape that boto3 takes.
    """
    refuse_unknown(action, request)
    params = _UtcParams()
    body: JsonObject = {}
    for member, value in request.items():
        if value is None:
            continue
        if member in _CONDITIONS and not isinstance(value, str):
            condition = condition_of(value, exactly=True)
            assert condition is not None
            body[member] = condition.encode(params)
        elif member in _ENCODERS:
            body[member] = encode_member(member, value)
        else:
            body[member] = value
    for member, entries in params.into({}).items():
        body[member] = {**body.get(member, {}), **entries}
    if "ConditionExpression" in body:
        body.setdefault("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
    return body


def encode_member(member: str, value: Any) -> Any:
    """One member of a request that holds items or values, such as `Item` or `Keys`; errors as above."""
    refuse_other_zones(value, member)
    try:
        return _ENCODERS[member](value)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValidationError(
            f"{member} (a {type(value).__name__}) has not the shape that boto3 takes there: {error}",
            error,
            errors={member: ["has the wrong shape"]},
        ) from error


def projected_paths(expression: str, names: Mapping[str, str]) -> tuple[Path, ...]:
    """The paths of a projection expression as boto3 takes it.

    Parameters:
        expression: paths with commas between them.
        names: the attribute names behind its placeholders.

    Raises:
        ValidationError: a part is no path.
    """
    paths = (Path.of(part.strip()) for part in expression.split(","))
    return tuple(
        Path(tuple(names.get(step, step) if isinstance(step, str) else step for step in path.steps))
        for path in paths
    )


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


def _encode_action(action: Mapping[str, Mapping[str, Any]]) -> JsonObject:
    return {kind: encode_request(kind, request) for kind, request in action.items()}


def _encode_legacy(entries: Mapping[str, Mapping[str, Any]]) -> JsonObject:
    """The members that expressions replaced, such as `Expected`: values inside of conditions by attribute."""
    encoders: Mapping[str, Callable[[Any], Any]] = {
        "Value": encode_value,
        "AttributeValueList": _each(encode_value),
    }
    return {
        name: {part: encoders.get(part, _as_it_is)(value) for part, value in entry.items()}
        for name, entry in entries.items()
    }


def _as_it_is(value: Any) -> Any:
    return value


def _decode_metrics(metrics: Mapping[str, Any]) -> JsonObject:
    if "ItemCollectionKey" in metrics:
        return {**metrics, "ItemCollectionKey": decode_item(metrics["ItemCollectionKey"])}
    return {table: [_decode_metrics(entry) for entry in entries] for table, entries in metrics.items()}


def _decode_slots(slots: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
    return [{"Item": decode_item(slot["Item"])} if slot.get("Item") else {} for slot in slots]


_ENCODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Item": encode_item,
    "Key": encode_item,
    "Keys": _each(encode_item),
    "ExclusiveStartKey": encode_item,
    "ExpressionAttributeValues": encode_item,
    "Parameters": _each(encode_value),
    "TransactItems": _each(_encode_action),
    "AttributeUpdates": _encode_legacy,
    "Expected": _encode_legacy,
    "KeyConditions": _encode_legacy,
    "QueryFilter": _encode_legacy,
    "ScanFilter": _encode_legacy,
}
_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Item": decode_item,
    "Items": _each(decode_item),
    "Attributes": decode_item,
    "ItemCollectionMetrics": _decode_metrics,
    "LastEvaluatedKey": decode_item,
    "Responses": _decode_slots,
}
