from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable

import pytest

from dynamodb_wrapper import exceptions
from dynamodb_wrapper.exceptions import (
    CancellationReason,
    ConditionalCheckFailedError,
    ConflictError,
    DynamoDBWrapperError,
    ItemNotFoundError,
    ProvisionedThroughputExceededError,
    RetryableError,
    ThrottlingReason,
    TransactionCanceledError,
    ValidationError,
)

CODES = {
    "AuthenticationError": "authentication_failed",
    "BulkWriteError": "bulk_write_failed",
    "BulkheadFullError": "bulkhead_full",
    "CircuitOpenError": "circuit_open",
    "ConditionalCheckFailedError": "conditional_check_failed",
    "ConflictError": "conflict",
    "ConnectionError": "connection_failed",
    "DeadlineExceededError": "deadline_exceeded",
    "DynamoDBWrapperError": "error",
    "ItemNotFoundError": "item_not_found",
    "LimitExceededError": "limit_exceeded",
    "MetaError": "meta_invalid",
    "NotSentError": "not_sent",
    "NotUniqueError": "not_unique",
    "ProvisionedThroughputExceededError": "throttled",
    "RateLimitedError": "rate_limited",
    "ResourceInUseError": "resource_in_use",
    "RetryableError": "service_unavailable",
    "ServiceError": "service_error",
    "TableNotFoundError": "table_not_found",
    "TransactionCanceledError": "transaction_canceled",
    "RunLostError": "run_lost",
    "TransactionConflictError": "transaction_conflict",
    "DecryptionError": "decryption_failed",
    "UnreadableItemError": "item_unreadable",
    "UnprocessedError": "unprocessed",
    "ValidationError": "validation_failed",
    "WriteOutcomeUnknownError": "write_outcome_unknown",
}

DEFINED = {
    name: member
    for name, member in vars(exceptions).items()
    if inspect.isclass(member) and member.__module__ == exceptions.__name__
}
ERRORS: dict[str, type[DynamoDBWrapperError]] = {
    name: member for name, member in DEFINED.items() if issubclass(member, DynamoDBWrapperError)
}


def drawn_tree() -> dict[str, str]:
    """Each error of the drawing in the module's docstring, with the one it stands under."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (exceptions.__doc__ or "").splitlines():
        if (found := re.match(r"^([ │├└─]*)(\w+Error)\b", line)) and line.startswith("    "):
            depth, name = len(found[1]), found[2]
            while above and above[-1][0] >= depth:
                above.pop()
            if above:
                parents[name] = above[-1][1]
            above.append((depth, name))
    return parents


def test_every_public_class_is_exported() -> None:
    assert sorted(DEFINED) == sorted(exceptions.__all__)


def test_codes_are_the_published_ones() -> None:
    assert {name: error.code for name, error in ERRORS.items()} == CODES


def test_every_exception_has_the_base() -> None:
    assert {name for name, member in DEFINED.items() if issubclass(member, BaseException)} == set(ERRORS)


def test_codes_are_unique() -> None:
    assert len(set(CODES.values())) == len(CODES)


def test_the_tree_is_as_drawn() -> None:
    bases = {
        name: error.__bases__[0].__name__ for name, error in ERRORS.items() if name != "DynamoDBWrapperError"
    }
    assert drawn_tree() == bases


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_caught_as_the_base_and_carries_what_it_was_given(name: str) -> None:
    cause = OSError("down")
    with pytest.raises(DynamoDBWrapperError, match="what happened") as caught:
        raise ERRORS[name]("what happened", cause, {"table": "t"})
    assert caught.value.message == str(caught.value) == "what happened"
    assert caught.value.original_error is cause
    assert caught.value.context["table"] == "t" or name == "ItemNotFoundError"


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_says_an_http_status_of_a_failure(name: str) -> None:
    assert 400 <= ERRORS[name].status_code <= 599


WITH_DETAILS = [
    ValidationError("m", errors={"memory_gb": ["more"]}),
    ItemNotFoundError("m", table_name="t", key={"id": "1"}),
    ConflictError("m", resource_id="1", current_item={"id": "1"}),
    ConditionalCheckFailedError("m", current_item={"n": 1}),
    TransactionCanceledError(
        "m", reasons=[CancellationReason("None"), CancellationReason("TransactionConflict")]
    ),
    RetryableError("m", retry_after_seconds=1.5),
    ProvisionedThroughputExceededError("m", reasons=[ThrottlingReason("KeyRangeThroughputExceeded", "arn")]),
]


@pytest.mark.parametrize("way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_errors_survive_pickling_and_copying(
    way: Callable[[DynamoDBWrapperError], DynamoDBWrapperError],
) -> None:
    errors = [*WITH_DETAILS, *(kind("m", None, {"a": 1}) for kind in ERRORS.values())]
    again = [way(error) for error in errors]
    assert [(type(error), str(error), vars(error)) for error in again] == [
        (type(error), str(error), vars(error)) for error in errors
    ]


def test_context_is_a_copy() -> None:
    context = {"table": "t"}
    error = DynamoDBWrapperError("m", context=context)
    context["table"] = "changed"
    assert error.context == {"table": "t"}


def test_a_missing_item_names_its_table_and_key() -> None:
    error = ItemNotFoundError("m", table_name="runs", key={"run_id": "1"})
    assert (error.table_name, error.key) == ("runs", {"run_id": "1"})
    assert error.context == {"table": "runs", "key": {"run_id": "1"}}


@pytest.mark.parametrize(
    ("name", "retryable", "outcome_unknown"),
    [
        ("ProvisionedThroughputExceededError", True, False),
        ("RetryableError", True, False),
        ("TransactionConflictError", True, False),
        ("ConnectionError", True, False),
        ("DeadlineExceededError", False, False),
        ("WriteOutcomeUnknownError", False, True),
        ("ValidationError", False, False),
        ("ConflictError", False, False),
    ],
)
def test_only_what_may_pass_is_retryable(name: str, retryable: bool, outcome_unknown: bool) -> None:
    error = ERRORS[name]("m")
    assert (error.retryable, error.outcome_unknown) == (retryable, outcome_unknown)
