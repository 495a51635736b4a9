"""Which members a request may have.

The service ignores a member that it does not know: a misspelt `ConditionExpression` would write without its
condition, a misspelt `FilterExpression` would return everything. So they are refused here, as boto3 does.
Source: the request parameters in the Amazon DynamoDB API Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import did_you_mean

_NAMES_AND_VALUES = "ExpressionAttributeNames ExpressionAttributeValues"
_CONDITION = f"ConditionExpression {_NAMES_AND_VALUES} ReturnValuesOnConditionCheckFailure"
_LEGACY_WRITE = "Expected ConditionalOperator"
_REPORTS = "ReturnValues ReturnConsumedCapacity ReturnItemCollectionMetrics"
_SEARCH = (
    f"TableName IndexName Select AttributesToGet Limit ConsistentRead ConditionalOperator ExclusiveStartKey "
    f"ReturnConsumedCapacity ProjectionExpression FilterExpression {_NAMES_AND_VALUES}"
)

MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    action: frozenset(members.split())
    for action, members in {
        "GetItem": (
            "TableName Key AttributesToGet ConsistentRead ReturnConsumedCapacity ProjectionExpression "
            "ExpressionAttributeNames"
        ),
        "Query": f"{_SEARCH} KeyConditions QueryFilter ScanIndexForward KeyConditionExpression",
        "Scan": f"{_SEARCH} ScanFilter TotalSegments Segment",
        "PutItem": f"TableName Item {_LEGACY_WRITE} {_REPORTS} {_CONDITION}",
        "UpdateItem": (
            f"TableName Key AttributeUpdates UpdateExpression {_LEGACY_WRITE} {_REPORTS} {_CONDITION}"
        ),
        "DeleteItem": f"TableName Key {_LEGACY_WRITE} {_REPORTS} {_CONDITION}",
        "TransactWriteItems": (
            "TransactItems ReturnConsumedCapacity ReturnItemCollectionMetrics ClientRequestToken"
        ),
        "TransactGetItems": "TransactItems ReturnConsumedCapacity",
        "ExecuteStatement": (
            "Statement Parameters ConsistentRead NextToken ReturnConsumedCapacity Limit "
            "ReturnValuesOnConditionCheckFailure"
        ),
        "Put": f"TableName Item {_CONDITION}",
        "Update": f"TableName Key UpdateExpression {_CONDITION}",
        "Delete": f"TableName Key {_CONDITION}",
        "ConditionCheck": f"TableName Key {_CONDITION}",
        "Get": "TableName Key ProjectionExpression ExpressionAttributeNames",
    }.items()
}
"""The members by action, and by kind of an action inside a transaction."""


def refuse_unknown(action: str, members: Iterable[str]) -> None:
    """Refuse members that a request of that action does not have.

    Raises:
        ValidationError: names them, and for the first one the member that was probably meant.
    """
    if action not in MEMBERS:
        raise ValidationError(
            f"{action!r} is no action of a transaction: use Put, Update, Delete, ConditionCheck or Get",
            errors={"TransactItems": [f"unknown action {action!r}"]},
        )
    unknown = [member for member in members if member not in MEMBERS[action]]
    if unknown:
        raise ValidationError(
            f"{action} has no member {', '.join(map(repr, unknown))}"
            f"{did_you_mean(unknown[0], MEMBERS[action])}",
            errors={member: [f"not a member of {action}"] for member in unknown},
        )
