"""What the service's refusals mean: one table from its codes to this library's errors.

Knows the service's error codes and the members of their bodies. Must not know connections. It branches on
codes and statuses, never on an error's text, which differs by Region.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and the error
shapes of botocore's models of `dynamodb` and `dynamodbstreams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.wire.endpoint import STREAMS_ACTIONS
from dynamodb_wrapper.wire.failures import asked, context

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call
    from dynamodb_wrapper.wire.endpoint import Endpoint

ERROR_CLASSES: Final[Mapping[str, type[exc.DynamoDBWrapperError]]] = {
    "ValidationException": exc.ValidationError,
    "SerializationException": exc.ValidationError,
    "ValidationError": exc.ValidationError,
    "MissingParameter": exc.ValidationError,
    "InvalidParameterValue": exc.ValidationError,
    "IdempotentParameterMismatchException": exc.ValidationError,
    "InvalidExportTimeException": exc.ValidationError,
    "InvalidRestoreTimeException": exc.ValidationError,
    "ResourceNotFoundException": exc.TableNotFoundError,
    "TableNotFoundException": exc.TableNotFoundError,
    "IndexNotFoundException": exc.TableNotFoundError,
    "ConditionalCheckFailedException": exc.ConditionalCheckFailedError,
    "DuplicateItem": exc.ConflictError,
    "DuplicateItemException": exc.ConflictError,
    "TransactionConflictException": exc.TransactionConflictError,
    "TransactionCanceledException": exc.TransactionCanceledError,
    "ResourceInUseException": exc.ResourceInUseError,
    "TableAlreadyExistsException": exc.ResourceInUseError,
    "TableInUseException": exc.ResourceInUseError,
    "BackupInUseException": exc.ResourceInUseError,
    "GlobalTableAlreadyExistsException": exc.ResourceInUseError,
    "ReplicaAlreadyExistsException": exc.ResourceInUseError,
    "ExportConflictException": exc.ResourceInUseError,
    "ImportConflictException": exc.ResourceInUseError,
    "LimitExceededException": exc.LimitExceededError,
    "ItemCollectionSizeLimitExceededException": exc.LimitExceededError,
    "UnrecognizedClientException": exc.AuthenticationError,
    "InvalidSignatureException": exc.AuthenticationError,
    "SignatureDoesNotMatch": exc.AuthenticationError,
    "ExpiredTokenException": exc.AuthenticationError,
    "ExpiredToken": exc.AuthenticationError,
    "AccessDeniedException": exc.AuthenticationError,
    "AccessDenied": exc.AuthenticationError,
    "MissingAuthenticationTokenException": exc.AuthenticationError,
    "MissingAuthenticationToken": exc.AuthenticationError,
    "IncompleteSignatureException": exc.AuthenticationError,
    "IncompleteSignature": exc.AuthenticationError,
    "InvalidClientTokenId": exc.AuthenticationError,
    "InvalidAccessKeyId": exc.AuthenticationError,
    "RequestExpired": exc.AuthenticationError,
    "RequestTimeTooSkewed": exc.AuthenticationError,
    "NotAuthorized": exc.AuthenticationError,
    "OptInRequired": exc.AuthenticationError,
    "ProvisionedThroughputExceededException": exc.ProvisionedThroughputExceededError,
    "ThrottlingException": exc.ProvisionedThroughputExceededError,
    "Throttling": exc.ProvisionedThroughputExceededError,
    "ThrottledException": exc.ProvisionedThroughputExceededError,
    "RequestThrottled": exc.ProvisionedThroughputExceededError,
    "RequestThrottledException": exc.ProvisionedThroughputExceededError,
    "RequestLimitExceeded": exc.ProvisionedThroughputExceededError,
    "TooManyRequestsException": exc.ProvisionedThroughputExceededError,
    "InternalServerError": exc.RetryableError,
    "InternalFailure": exc.RetryableError,
    "InternalServerException": exc.RetryableError,
    "ServiceUnavailable": exc.RetryableError,
    "ServiceUnavailableException": exc.RetryableError,
    "RequestTimeout": exc.RetryableError,
    "RequestTimeoutException": exc.RetryableError,
    "TransactionInProgressException": exc.RetryableError,
    "ReplicatedWriteConflictException": exc.RetryableError,
    "UnknownOperationException": exc.ServiceError,
    "BackupNotFoundException": exc.ServiceError,
    "ContinuousBackupsUnavailableException": exc.ServiceError,
    "ExportNotFoundException": exc.ServiceError,
    "GlobalTableNotFoundException": exc.ServiceError,
    "ImportNotFoundException": exc.ServiceError,
    "PolicyNotFoundException": exc.ServiceError,
    "PointInTimeRecoveryUnavailableException": exc.ServiceError,
    "ReplicaNotFoundException": exc.ServiceError,
    "ExpiredIteratorException": exc.ServiceError,
    "TrimmedDataAccessException": exc.ServiceError,
}

_FINAL_REASONS: Final = frozenset(
    {"ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded"}
)
_PASSING_REASONS: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)


def service_error(
    call: Call,
    endpoint: Endpoint,
    status: int,
    code: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
) -> exc.DynamoDBWrapperError:
    """The error that an answer of the service means.

    Parameters:
        call: what was asked.
        endpoint: who was asked, for the message.
        status: the HTTP status.
        code: the service's code without its namespace, such as "ThrottlingException"; "" if it gave none.
        body: the error's members as the service's JSON has them.
        headers: the reply's headers, names in lower case.
    """
    cls = ERROR_CLASSES.get(code) or (exc.RetryableError if status >= 500 else exc.ServiceError)
    error = cls(
        _message(cls, call, endpoint, code or f"HTTP {status}", body),
        context={
            **context(call),
            "service_code": code,
            "request_id": headers.get("x-amzn-requestid", ""),
        },
    )
    error.outcome_unknown = status >= 500 and cls is not exc.ProvisionedThroughputExceededError
    if isinstance(error, exc.RetryableError):
        error.retry_after_seconds = _retry_after(headers)
    _fill(error, call, body)
    return error


def error_code(text: str) -> str:
    """A code without namespace and link: `com.amazon#Throttling:http://...` is `Throttling`."""
    return text.rpartition("#")[2].partition(":")[0]


def _fill(error: exc.DynamoDBWrapperError, call: Call, body: Mapping[str, Any]) -> None:
    if isinstance(error, exc.ConditionalCheckFailedError):
        error.current_item = body.get("Item")
    elif isinstance(error, exc.TransactionCanceledError):
        error.reasons = tuple(
            exc.CancellationReason(
                str(reason.get("Code") or "None"), reason.get("Message"), reason.get("Item")
            )
            for reason in _dicts(body.get("CancellationReasons"))
        )
        codes = {reason.code for reason in error.reasons}
        error.retryable = bool(codes & _PASSING_REASONS) and not codes & _FINAL_REASONS
    elif isinstance(error, exc.ProvisionedThroughputExceededError):
        error.reasons = tuple(
            exc.ThrottlingReason(str(reason.get("reason", "")), str(reason.get("resource", "")))
            for reason in _dicts(body.get("ThrottlingReasons") or body.get("throttlingReasons"))
        )
    elif isinstance(error, exc.LimitExceededError):
        error.retryable = call.action in STREAMS_ACTIONS


def _message(
    cls: type[exc.DynamoDBWrapperError], call: Call, endpoint: Endpoint, code: str, body: Mapping[str, Any]
) -> str:
    said = str(body.get("message") or body.get("Message") or "no message").rstrip(". ")
    place = f"in Region {endpoint.region} at {endpoint.url}"
    if cls is exc.TableNotFoundError:
        what = f"Table {call.table!r} or its index" if call.table else "The resource"
        return (
            f"{what} does not exist {place} ({call.action}: {said}): create it with create_table, or check "
            "the table's name, table_prefix, the Region and the endpoint"
        )
    text = f"{asked(call)} was answered with {code}: {said}"
    if cls is exc.AuthenticationError:
        return (
            f"{text} ({place}): check the credentials, their permissions, the Region and this machine's clock"
        )
    if cls is exc.ConditionalCheckFailedError:
        return f"The condition of {asked(call)} does not hold; nothing was written ({said})"
    if cls is exc.ValidationError and (index := call.body.get("IndexName")):
        return (
            f"{text}. If the table has no index {index}, because it was made before that stood in Meta, "
            f"db.create_index(Model, {index!r}) makes it"
        )
    return text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`x-amz-retry-after` is in whole milliseconds; anything else is ignored, as botocore does."""
    text = headers.get("x-amz-retry-after", "")
    return int(text) / 1000 if text.isascii() and text.isdigit() else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
