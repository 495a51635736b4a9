"""What a failed call means: one table from the service's codes to this library's errors.

Knows the service's error codes and bodies, and what can be said of a connection that failed. Must not know
sockets. It branches on codes and statuses, never on an error's text, which differs by Region.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and the error
shapes of botocore's models of `dynamodb` and `dynamodbstreams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.wire.endpoint import STREAMS_ACTIONS

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call
    from dynamodb_wrapper.wire.endpoint import Endpoint

ERROR_CLASSES: Final[Mapping[str, type[exc.DynamoDBWrapperError]]] = {
    code: cls
    for cls, codes in {
        exc.ValidationError: (
            "ValidationException SerializationException ValidationError MissingParameter InvalidParameterValue "
            "IdempotentParameterMismatchException InvalidExportTimeException InvalidRestoreTimeException"
        ),
        exc.TableNotFoundError: "ResourceNotFoundException TableNotFoundException IndexNotFoundException",
        exc.ConditionalCheckFailedError: "ConditionalCheckFailedException",
        exc.ConflictError: "DuplicateItemException",
        exc.TransactionConflictError: "TransactionConflictException",
        exc.TransactionCanceledError: "TransactionCanceledException",
        exc.ResourceInUseError: (
            "ResourceInUseException TableAlreadyExistsException TableInUseException BackupInUseException "
            "GlobalTableAlreadyExistsException ReplicaAlreadyExistsException ExportConflictException "
            "ImportConflictException"
        ),
        exc.LimitExceededError: "LimitExceededException ItemCollectionSizeLimitExceededException",
        exc.AuthenticationError: (
            "UnrecognizedClientException InvalidSignatureException SignatureDoesNotMatch ExpiredTokenException "
            "ExpiredToken AccessDeniedException AccessDenied MissingAuthenticationTokenException "
            "MissingAuthenticationToken IncompleteSignatureException IncompleteSignature InvalidClientTokenId "
            "InvalidAccessKeyId RequestExpired RequestTimeTooSkewed NotAuthorized OptInRequired"
        ),
        exc.ProvisionedThroughputExceededError: (
            "ProvisionedThroughputExceededException ThrottlingException Throttling ThrottledException "
            "RequestThrottled RequestThrottledException RequestLimitExceeded TooManyRequestsException"
        ),
        exc.RetryableError: (
            "InternalServerError InternalFailure InternalServerException ServiceUnavailable "
            "ServiceUnavailableException RequestTimeout RequestTimeoutException TransactionInProgressException "
            "ReplicatedWriteConflictException"
        ),
        exc.ServiceError: (
            "UnknownOperationException BackupNotFoundException ContinuousBackupsUnavailableException "
            "ExportNotFoundException GlobalTableNotFoundException ImportNotFoundException PolicyNotFoundException "
            "PointInTimeRecoveryUnavailableException ReplicaNotFoundException ExpiredIteratorException "
            "TrimmedDataAccessException"
        ),
    }.items()
    for code in codes.split()
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
            **_context(call),
            "service_code": code,
            "request_id": headers.get("x-amzn-requestid", ""),
        },
    )
    error.outcome_unknown = status >= 500
    if isinstance(error, exc.RetryableError):
        error.retry_after_seconds = _retry_after(headers)
    _fill(error, call, body)
    return error


def unreachable(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """No connection could be made; nothing was sent."""
    return exc.ConnectionError(
        f"Cannot reach {endpoint.url} ({_reason(cause)}): is the endpoint right and the engine running?",
        cause,
        _context(call),
    )


def untrusted(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """TLS could not be agreed upon; nothing was sent."""
    error = exc.ConnectionError(
        f"No trusted TLS connection to {endpoint.url} ({_reason(cause)}): is it the right endpoint and does it "
        "speak TLS? A certificate authority of your own goes into the file that AWS_CA_BUNDLE names",
        cause,
        _context(call),
    )
    error.retryable = False
    return error


def broken_off(
    call: Call, endpoint: Endpoint, cause: BaseException | None, *, sent: bool
) -> exc.ConnectionError:
    """The connection was lost; the outcome is unknown if the whole request had been sent."""
    state = "before the reply was complete" if sent else "before the request was sent"
    why = f" ({_reason(cause)})" if cause is not None else ""
    error = exc.ConnectionError(
        f"{endpoint.url} broke the connection off {state} to {_asked(call)}{why}", cause, _context(call)
    )
    error.outcome_unknown = sent
    return error


def too_late(
    call: Call, endpoint: Endpoint, waited_for: str, *, sent: bool = False
) -> exc.DeadlineExceededError:
    """The deadline passed; the outcome is unknown if the request had been sent."""
    error = exc.DeadlineExceededError(
        f"The time for {_asked(call)} ran out while waiting for {waited_for} at {endpoint.url}: "
        "raise timeout_seconds, or ask for less at once",
        context=_context(call),
    )
    error.outcome_unknown = sent
    return error


def pool_exhausted(call: Call, endpoint: Endpoint, size: int) -> exc.DeadlineExceededError:
    """No connection of the pool became free before the deadline."""
    return exc.DeadlineExceededError(
        f"The time for {_asked(call)} ran out while waiting for a connection to {endpoint.url}: all {size} are in "
        "use; raise max_pool_connections, or have fewer calls in flight",
        context={**_context(call), "max_pool_connections": size},
    )


def not_dynamodb(
    call: Call, endpoint: Endpoint, status: int, content_type: str, body: bytes
) -> exc.ConnectionError:
    """What answered is not DynamoDB's JSON; a server's own fault (5xx) or a broken 200 may pass."""
    error = exc.ConnectionError(
        f"{endpoint.url} answered {_asked(call)} with HTTP {status}, content type {content_type or 'not given'!r}, "
        f"beginning {body[:60]!r}, which is not DynamoDB's JSON: is this a DynamoDB endpoint?",
        context={**_context(call), "status": status},
    )
    error.retryable = error.outcome_unknown = status == 200 or status >= 500
    return error


def not_http(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """What answered does not speak HTTP/1.1."""
    error = exc.ConnectionError(
        f"{endpoint.url} did not answer {_asked(call)} in HTTP/1.1 ({cause}): is this a DynamoDB endpoint, and is "
        f"{endpoint.scheme!r} right?",
        cause,
        _context(call),
    )
    error.outcome_unknown = True
    return error


def corrupted(call: Call, endpoint: Endpoint, what: str) -> exc.ConnectionError:
    """The reply was altered on its way; the call itself may well have been applied."""
    error = exc.ConnectionError(
        f"The reply of {endpoint.url} to {_asked(call)} was altered on its way: {what}",
        context=_context(call),
    )
    error.outcome_unknown = True
    return error


def unusable(call: Call, what: str) -> exc.ConnectionError:
    """The transport cannot be used like this; nothing was sent, and sending again will not help."""
    error = exc.ConnectionError(what, context=_context(call))
    error.retryable = False
    return error


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
            f"{what} does not exist {place} ({call.action}: {said}): create it with create_table, or check the "
            "table's name, table_prefix, the Region and the endpoint"
        )
    text = f"{_asked(call)} was answered with {code}: {said}"
    if cls is exc.AuthenticationError:
        return (
            f"{text} ({place}): check the credentials, their permissions, the Region and this machine's clock"
        )
    if cls is exc.ConditionalCheckFailedError:
        return f"The condition of {_asked(call)} does not hold; nothing was written ({said})"
    return text


def _asked(call: Call) -> str:
    return f"{call.action} on table {call.table!r}" if call.table else call.action


def _context(call: Call) -> dict[str, Any]:
    return {"table": call.table, "operation": call.action}


def _reason(cause: BaseException) -> str:
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
    return str(text).lower() if text else type(cause).__name__


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`x-amz-retry-after` is in whole milliseconds; anything else is ignored, as botocore does."""
    text = headers.get("x-amz-retry-after", "")
    return int(text) / 1000 if text.isascii() and text.isdigit() else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
