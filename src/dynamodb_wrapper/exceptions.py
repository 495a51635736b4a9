"""Every error this library raises, in one leaf module with stable codes.

    DynamoDBWrapperError
    ├── ValidationError                     what the caller gave is wrong; `errors` by field
    ├── DecryptionError                     a stored value is encrypted, and cannot be decrypted as it should
    ├── UnreadableItemError                 a write was applied, but the stored item does not fit its model
    ├── MetaError                           a model's Meta is missing or wrong
    ├── ItemNotFoundError                   no item has that key
    ├── TableNotFoundError                  no table (or index) has that name
    ├── ConflictError                       the item is not in the state that the write needs
    │   ├── ConditionalCheckFailedError     the service refused the condition of one write
    │   ├── NotUniqueError                  another item has a value that must be unique
    │   ├── RunLostError                    a run is over, or has another owner now
    │   ├── TransactionConflictError        another transaction holds the item
    │   └── ResourceInUseError              the table exists already, or is being changed
    ├── TransactionCanceledError            no action of the transaction was applied; `reasons` say why
    ├── AuthenticationError                 no, wrong or expired credentials, or no permission
    ├── LimitExceededError                  a quota that waiting does not lift
    ├── ConnectionError                     the endpoint was not reached, or did not answer as DynamoDB does
    │   └── DeadlineExceededError           the operation's time ran out
    ├── RetryableError                      a passing fault of the service
    │   ├── ProvisionedThroughputExceededError   throttled; `reasons` name the resource
    │   │   └── UnprocessedError            some of a batch was left over; carries it
    │   └── NotSentError                    the client itself held the call back; says for how long
    │       ├── CircuitOpenError            the endpoint failed too often
    │       ├── RateLimitedError            it had to wait for capacity units beyond its deadline
    │       └── BulkheadFullError           too many calls are in flight
    ├── BulkWriteError                      some of many writes failed; says which
    ├── WriteOutcomeUnknownError            a write may or may not have been applied
    └── ServiceError                        any other answer of the service that is not a success

Code never branches on an error's text: wording differs by Region. Branch on the class or on `code`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

# fmt: off
__all__ = [
    "AuthenticationError", "BulkWriteError", "BulkheadFullError", "CancellationReason", "CircuitOpenError",
    "ConditionalCheckFailedError", "ConflictError", "ConnectionError", "DeadlineExceededError",
    "DecryptionError", "DynamoDBWrapperError", "ItemNotFoundError", "LimitExceededError", "MetaError",
    "NotSentError", "NotUniqueError", "ProvisionedThroughputExceededError", "RateLimitedError",
    "ResourceInUseError", "RetryableError", "RunLostError", "ServiceError", "TableNotFoundError",
    "ThrottlingReason", "TransactionCanceledError", "TransactionConflictError", "UnprocessedError",
    "UnreadableItemError", "ValidationError", "WriteOutcomeUnknownError",
]
# fmt: on

Fields: TypeAlias = Mapping[str, Any]
Errors: TypeAlias = Mapping[str, Sequence[str]]


class DynamoDBWrapperError(Exception):
    """The base of all errors of this library.

    Parameters:
        message: what happened, to which table, key or attribute, and how to mend it.
        original_error: the error underneath, if there is one.
        context: facts for logs, such as `table`, `key`, `operation` and `request_id`; never secrets.

    Attributes:
        code: a stable name of the kind of error, for machines.
        status_code: the HTTP status that fits this error.
        retryable: whether the same call may succeed when it is sent again.
        outcome_unknown: whether the service may have applied the call although it failed.
    """

    code: ClassVar[str] = "error"
    status_code: int = 500
    retryable: bool = False
    outcome_unknown: bool = False

    def __init__(
        self, message: str, original_error: BaseException | None = None, context: Fields | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.original_error = original_error
        self.context: dict[str, Any] = dict(context or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class ValidationError(DynamoDBWrapperError):
    """What the caller gave is wrong; nothing was sent or written.

    Parameters:
        errors: what is wrong, by field: `{"memory_gb": ["at least 0.5 GB per core is needed"]}`.
    """

    code = "validation_failed"
    status_code = 400

    def __init__(self, message: str, *cause: Any, errors: Errors | None = None, **facts: Any) -> None:
        super().__init__(message, *cause, **facts)
        self.errors: dict[str, list[str]] = {name: list(texts) for name, texts in (errors or {}).items()}


class UnreadableItemError(DynamoDBWrapperError):
    """A write was applied, but the item as it is stored does not fit its model; `errors` tell by field."""

    code = "item_unreadable"

    def __init__(self, message: str, *cause: Any, errors: Errors | None = None, **facts: Any) -> None:
        super().__init__(message, *cause, **facts)
        self.errors: dict[str, list[str]] = {name: list(texts) for name, texts in (errors or {}).items()}


class DecryptionError(DynamoDBWrapperError):
    """A stored value cannot be decrypted: it was altered or moved, its key is gone, or it is no ciphertext.

    `context` names the table, the key and the attribute; the value itself is never told.
    """

    code = "decryption_failed"


class MetaError(DynamoDBWrapperError):
    """A model's `Meta` is missing or wrong; the message names the model, the attribute and the mend."""

    code = "meta_invalid"


class ItemNotFoundError(DynamoDBWrapperError):
    """No item has that key.

    Parameters:
        table_name: the table that was read.
        key: the key that was looked for.
    """

    code = "item_not_found"
    status_code = 404

    def __init__(
        self, message: str, *cause: Any, table_name: str = "", key: Fields | None = None, **facts: Any
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.context = {"table": table_name, "key": dict(key or {})} | self.context
        self.table_name = table_name
        self.key: dict[str, Any] = dict(key or {})


class TableNotFoundError(DynamoDBWrapperError):
    """No table or index of that name exists in this account, Region and endpoint."""

    code = "table_not_found"
    status_code = 404


class ConflictError(DynamoDBWrapperError):
    """The item is not in the state that the write needs; nothing was written.

    Parameters:
        resource_id: the id of the item that stands in the way.
        current_item: that item as it is stored now, where the service gave it.
    """

    code = "conflict"
    status_code = 409

    def __init__(
        self, message: str, *cause: Any, resource_id: str | None = None, current_item: Any = None, **more: Any
    ) -> None:
        super().__init__(message, *cause, **more)
        self.resource_id = resource_id
        self.current_item = current_item


class ConditionalCheckFailedError(ConflictError):
    """The service refused the condition of one write; `current_item` is the item as it is, if it is there."""

    code = "conditional_check_failed"


class NotUniqueError(ConflictError):
    """Another item has a value of an attribute in `Meta.unique`; nothing was written.

    Parameters:
        attribute: the one that is unique.
        owner: the key of the item that has the value, where the service gave it.
    """

    code = "not_unique"

    def __init__(
        self, message: str, *cause: Any, attribute: str = "", owner: Fields | None = None, **facts: Any
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.attribute = attribute
        self.owner = None if owner is None else dict(owner)


class RunLostError(ConflictError):
    """A run of a pipeline was closed, or taken over: whoever had it may not write to it any more."""

    code = "run_lost"


class TransactionConflictError(ConflictError):
    """Another transaction holds the item at this moment."""

    code = "transaction_conflict"
    retryable = True


class ResourceInUseError(ConflictError):
    """The table exists already, or is being created, changed or deleted."""

    code = "resource_in_use"


class CancellationReason(Struct, frozen=True):
    """Why one action of a transaction stood in the way.

    Parameters:
        code: "None" for an action that did not.
        item: the item as it is stored, where a condition does not hold of it.
    """

    code: str
    message: str | None = None
    item: Any = None


class TransactionCanceledError(DynamoDBWrapperError):
    """No action of the transaction was applied.

    Parameters:
        reasons: one for each action, in the order of the request.
    """

    code = "transaction_canceled"
    status_code = 409

    def __init__(
        self, message: str, *cause: Any, reasons: Sequence[CancellationReason] = (), **facts: Any
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.reasons = tuple(reasons)


class AuthenticationError(DynamoDBWrapperError):
    """No credentials were found, or the service does not accept them or does not permit the action."""

    code = "authentication_failed"
    status_code = 401


class LimitExceededError(DynamoDBWrapperError):
    """A quota of the account or a size limit of the service that waiting does not lift."""

    code = "limit_exceeded"
    status_code = 400


class ConnectionError(DynamoDBWrapperError):
    """The endpoint was not reached, broke off, or did not answer as DynamoDB does."""

    code = "connection_failed"
    status_code = 503
    retryable = True


class DeadlineExceededError(ConnectionError):
    """The operation's time (`timeout_seconds`) ran out."""

    code = "deadline_exceeded"
    status_code = 504
    retryable = False


class RetryableError(DynamoDBWrapperError):
    """A passing fault of the service that outlasted the attempts.

    Parameters:
        retry_after_seconds: how long the service asked to wait, if it did.
    """

    code = "service_unavailable"
    status_code = 503
    retryable = True

    def __init__(
        self, message: str, *cause: Any, retry_after_seconds: float | None = None, **facts: Any
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.retry_after_seconds = retry_after_seconds


class ThrottlingReason(Struct, frozen=True):
    """Which limit throttled a call (`reason`), and of which table or index (`resource`, an ARN)."""

    reason: str
    resource: str = ""


class ProvisionedThroughputExceededError(RetryableError):
    """The call was throttled; `reasons` name the limit and the table or index, as the service gave them."""

    code = "throttled"
    status_code = 429

    def __init__(
        self, message: str, *cause: Any, reasons: Sequence[ThrottlingReason] = (), **facts: Any
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.reasons = tuple(reasons)


class UnprocessedError(ProvisionedThroughputExceededError):
    """The service left some of a batch over until the time or the attempts ended; the rest was carried out.

    Parameters:
        unprocessed: what was left over, in the order in which it was given.
    """

    code = "unprocessed"

    def __init__(self, message: str, *cause: Any, unprocessed: Sequence[Any] = (), **facts: Any) -> None:
        super().__init__(message, *cause, **facts)
        self.unprocessed = tuple(unprocessed)


class NotSentError(RetryableError):
    """The client itself held the call back, retries included: try again after `retry_after_seconds`."""

    code = "not_sent"


class CircuitOpenError(NotSentError):
    """The circuit breaker is open: the endpoint failed too often for this table."""

    code = "circuit_open"


class RateLimitedError(NotSentError):
    """Read or write units for the call would come free only after its deadline."""

    code = "rate_limited"
    status_code = 429


class BulkheadFullError(NotSentError):
    """As many calls as may be were in flight, and none of them ended in time."""

    code = "bulkhead_full"


class BulkWriteError(DynamoDBWrapperError):
    """Of many writes some failed; those that succeeded stay.

    Parameters:
        succeeded: the ids that were written.
        failed: the error of each id that was not.
        unwritten: the items that were not put and the keys that were not deleted, to be tried again.
    """

    code = "bulk_write_failed"

    def __init__(
        self,
        message: str,
        *cause: Any,
        succeeded: Sequence[str] = (),
        failed: Mapping[str, DynamoDBWrapperError] | None = None,
        unwritten: Sequence[Any] = (),
        **facts: Any,
    ) -> None:
        super().__init__(message, *cause, **facts)
        self.unwritten = tuple(unwritten)
        self.succeeded = tuple(succeeded)
        self.failed: dict[str, DynamoDBWrapperError] = dict(failed or {})


class WriteOutcomeUnknownError(DynamoDBWrapperError):
    """A write may or may not have been applied, and sending it again could apply it twice."""

    code = "write_outcome_unknown"
    status_code = 504
    outcome_unknown = True


class ServiceError(DynamoDBWrapperError):
    """Any other answer of the service that is not a success; `context["service_code"]` is its code."""

    code = "service_error"
