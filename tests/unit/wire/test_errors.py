from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from dynamodb_wrapper import exceptions as exc
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.endpoint import Endpoint
from dynamodb_wrapper.wire.errors import ERROR_CLASSES, error_code, service_error

ENDPOINT = Endpoint("http", "127.0.0.1", 8000, "eu-west-1")
PUT = Call("PutItem", {"TableName": "dev_orders"}, "dev_orders")


def refused(
    code: str, status: int = 400, call: Call = PUT, headers: dict[str, str] | None = None, **body: Any
) -> Any:
    return service_error(call, ENDPOINT, status, code, {"message": "said so", **body}, headers or {})


@pytest.mark.usefixtures("botocore_data")
def test_every_modelled_error_has_its_class() -> None:
    modelled = {
        shape.error_code  # type: ignore[attr-defined]
        for service in ("dynamodb", "dynamodbstreams")
        for shape in Session().get_service_model(service).error_shapes
    }
    assert len(modelled) > 30
    assert sorted(modelled - ERROR_CLASSES.keys()) == []
    assert [code for code in sorted(modelled) if type(refused(code)) is not ERROR_CLASSES[code]] == []


@pytest.mark.parametrize(
    ("code", "cls", "retryable"),
    [
        ("ValidationException", exc.ValidationError, False),
        ("SerializationException", exc.ValidationError, False),
        ("ResourceNotFoundException", exc.TableNotFoundError, False),
        ("ConditionalCheckFailedException", exc.ConditionalCheckFailedError, False),
        ("TransactionConflictException", exc.TransactionConflictError, True),
        ("TransactionInProgressException", exc.RetryableError, True),
        ("ReplicatedWriteConflictException", exc.RetryableError, True),
        ("ResourceInUseException", exc.ResourceInUseError, False),
        ("ProvisionedThroughputExceededException", exc.ProvisionedThroughputExceededError, True),
        ("ThrottlingException", exc.ProvisionedThroughputExceededError, True),
        ("RequestLimitExceeded", exc.ProvisionedThroughputExceededError, True),
        ("LimitExceededException", exc.LimitExceededError, False),
        ("UnrecognizedClientException", exc.AuthenticationError, False),
        ("InvalidSignatureException", exc.AuthenticationError, False),
        ("ExpiredTokenException", exc.AuthenticationError, False),
        ("AccessDeniedException", exc.AuthenticationError, False),
        ("MissingAuthenticationTokenException", exc.AuthenticationError, False),
        ("IncompleteSignatureException", exc.AuthenticationError, False),
        ("UnknownOperationException", exc.ServiceError, False),
        ("NeverSeenException", exc.ServiceError, False),
    ],
)
def test_what_a_refusal_means(code: str, cls: type[exc.DynamoDBWrapperError], retryable: bool) -> None:
    error = refused(code, headers={"x-amzn-requestid": "R1"})
    assert type(error) is cls
    assert error.retryable is retryable
    assert not error.outcome_unknown
    assert error.context == {
        "table": "dev_orders",
        "operation": "PutItem",
        "request_id": "R1",
        "service_code": code,
    }
    assert "said so" in error.message


@pytest.mark.parametrize(
    "code", ["InternalServerError", "InternalFailure", "ServiceUnavailable", "NeverSeen", ""]
)
def test_a_fault_of_the_service_may_pass_and_leaves_the_outcome_unknown(code: str) -> None:
    error = refused(code, 503 if code == "ServiceUnavailable" else 500)
    assert type(error) is exc.RetryableError
    assert error.retryable
    assert error.outcome_unknown


def test_a_throttled_call_was_not_applied_whatever_its_status() -> None:
    assert not refused("ThrottlingException", 503).outcome_unknown


@pytest.mark.parametrize("member", ["ThrottlingReasons", "throttlingReasons"])
def test_throttling_names_limit_and_table(member: str) -> None:
    reason = {"reason": "TableReadKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:x"}
    error = service_error(PUT, ENDPOINT, 400, "ThrottlingException", {member: [reason]}, {})
    assert isinstance(error, exc.ProvisionedThroughputExceededError)
    assert error.reasons == (
        exc.ThrottlingReason("TableReadKeyRangeThroughputExceeded", "arn:aws:dynamodb:x"),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1500", 1.5), ("0", 0.0), ("-1", None), ("soon", None), ("\u00b2", None), ("", None)],
)
def test_the_wait_that_the_service_asks_for_is_in_milliseconds(text: str, seconds: float | None) -> None:
    assert refused("ThrottlingException", headers={"x-amz-retry-after": text}).retry_after_seconds == seconds
    assert (
        refused("InternalServerError", 500, headers={"x-amz-retry-after": text}).retry_after_seconds
        == seconds
    )


def test_a_failed_condition_carries_the_item_as_it_is() -> None:
    assert refused("ConditionalCheckFailedException", Item={"pk": {"S": "a"}}).current_item == {
        "pk": {"S": "a"}
    }
    assert refused("ConditionalCheckFailedException").current_item is None


def test_the_reasons_of_a_cancelled_transaction_are_aligned_with_its_actions() -> None:
    error = refused(
        "TransactionCanceledException",
        CancellationReasons=[
            {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Message": "no", "Item": {"pk": {"S": "a"}}},
        ],
    )
    assert error.reasons == (
        exc.CancellationReason("None"),
        exc.CancellationReason("ConditionalCheckFailed", "no", {"pk": {"S": "a"}}),
    )


@pytest.mark.parametrize(
    ("codes", "retryable"),
    [
        (["None", "TransactionConflict"], True),
        (["ThrottlingError"], True),
        (["ProvisionedThroughputExceeded", "TransactionConflict"], True),
        (["TransactionConflict", "ConditionalCheckFailed"], False),
        (["TransactionConflict", "ValidationError"], False),
        (["TransactionConflict", "ItemCollectionSizeLimitExceeded"], False),
        (["None"], False),
        ([], False),
    ],
)
def test_when_a_cancelled_transaction_is_worth_a_retry(codes: list[str], retryable: bool) -> None:
    error = refused("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])
    assert error.retryable is retryable


def test_the_limits_of_streams_lift_by_waiting() -> None:
    assert refused("LimitExceededException", call=Call("GetRecords", {})).retryable
    assert not refused("LimitExceededException", call=Call("CreateTable", {})).retryable


def test_a_missing_table_is_named_with_its_place_and_the_mend() -> None:
    message = refused("ResourceNotFoundException").message
    for part in ("'dev_orders'", "eu-west-1", "http://127.0.0.1:8000", "create_table", "table_prefix"):
        assert part in message


def test_refused_credentials_say_what_to_check() -> None:
    assert "check the credentials" in refused("UnrecognizedClientException").message


@pytest.mark.parametrize(
    "text",
    [
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        "com.amazon.coral.validate#ResourceNotFoundException:http://internal.amazon.com/",
        "ResourceNotFoundException",
    ],
)
def test_a_code_is_read_without_namespace_and_link(text: str) -> None:
    assert error_code(text) == "ResourceNotFoundException"
