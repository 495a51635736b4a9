"""The generic write API: what it asks the service for, and what it does when the item changes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dynamodb_wrapper import (
    ConditionalCheckFailedError,
    ConflictError,
    Dto,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    DynamoDBWrapperError,
    ItemNotFoundError,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
    TransactionCanceledError,
    ValidationError,
    WriteApi,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import CancellationReason, RetryableError
from dynamodb_wrapper.handlers.items import UPDATE_ATTEMPTS

Answer = dict[str, Any] | DynamoDBWrapperError | Callable[[Call], dict[str, Any]]


class Service:
    """Gives the answers one after the other, and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.calls: list[Call] = []
        self._answers = iter(answers)

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append(call)
        answer = next(self._answers)
        if isinstance(answer, DynamoDBWrapperError):
            raise answer
        return json.dumps(answer(call) if callable(answer) else answer).encode()

    @property
    def actions(self) -> list[str]:
        return [call.action for call in self.calls]


def client(service: Service) -> DynamoDB:
    return DynamoDB(
        DynamoDBConfig(aws_access_key_id="local", aws_secret_access_key="local"), transport=service
    )


def pipelines(service: Service) -> PipelineConfigWriteApi:
    return PipelineConfigWriteApi(client=client(service))


def item(**attributes: dict[str, str]) -> dict[str, Any]:
    stamp = {"S": "2026-01-31T12:00:00.000000+00:00"}
    needed = {
        name: {"S": "s3"} for name in ("pipeline_id", "pipeline_name", "source_type", "destination_type")
    }
    return needed | {"created_at": stamp, "updated_at": stamp} | attributes


def refused(**attributes: dict[str, str]) -> ConditionalCheckFailedError:
    return ConditionalCheckFailedError("the condition failed", current_item=item(**attributes))


DTO = PipelineConfigUpsert(pipeline_id="p1", pipeline_name="P", source_type="s3", destination_type="s3")


def test_a_create_asks_that_there_be_none_and_is_one_call() -> None:
    service = Service({})
    pipelines(service).create_pipeline(DTO)
    assert service.actions == ["PutItem"]
    body = service.calls[0].body
    assert body["ConditionExpression"] == "attribute_not_exists(#0)"
    assert body["ExpressionAttributeNames"] == {"#0": "pipeline_id"}


def test_an_upsert_is_one_call_without_a_condition() -> None:
    service = Service(lambda call: {"Attributes": item()})
    pipelines(service).upsert_pipeline(DTO)
    assert service.actions == ["UpdateItem"]
    assert "ConditionExpression" not in service.calls[0].body
    assert service.calls[0].repeatable


def test_an_update_that_touches_no_rule_over_fields_is_one_call() -> None:
    service = Service({"Attributes": item()})
    pipelines(service).update_pipeline("p1", {"description": "x"})
    assert service.actions == ["UpdateItem"]


def test_an_update_that_touches_one_reads_first_and_writes_only_over_what_it_read() -> None:
    service = Service({"Item": item(cpu_cores={"N": "4"})}, {"Attributes": item()})
    pipelines(service).update_pipeline("p1", {"memory_gb": 2})
    assert service.actions == ["GetItem", "UpdateItem"]
    assert service.calls[0].body["ConsistentRead"] is True
    assert {"N": "4"} in service.calls[1].body["ExpressionAttributeValues"].values()


def test_what_was_changed_meanwhile_is_judged_anew() -> None:
    service = Service(
        {"Item": item(cpu_cores={"N": "4"})}, refused(cpu_cores={"N": "2"}), {"Attributes": item()}
    )
    pipelines(service).update_pipeline("p1", {"memory_gb": 2})
    assert service.actions == ["GetItem", "UpdateItem", "UpdateItem"]
    service = Service({"Item": item(cpu_cores={"N": "4"})}, refused(cpu_cores={"N": "5"}))
    with pytest.raises(ValidationError, match="per core"):
        pipelines(service).update_pipeline("p1", {"memory_gb": 2})


def test_an_item_that_never_rests_is_given_up() -> None:
    changes = [refused(cpu_cores={"N": str(number % 2 + 1)}) for number in range(UPDATE_ATTEMPTS)]
    service = Service({"Item": item(cpu_cores={"N": "4"})}, *changes)
    with pytest.raises(ConflictError, match="kept changing") as caught:
        pipelines(service).update_pipeline("p1", {"memory_gb": 2})
    assert caught.value.resource_id == "p1"
    assert caught.value.current_item.cpu_cores == 2
    assert len(service.calls) == UPDATE_ATTEMPTS + 1


def test_an_item_deleted_meanwhile_is_not_found() -> None:
    service = Service(
        {"Item": item(cpu_cores={"N": "4"})}, ConditionalCheckFailedError("the condition failed")
    )
    with pytest.raises(ItemNotFoundError):
        pipelines(service).update_pipeline("p1", {"memory_gb": 2})


@pytest.mark.parametrize(
    "write",
    [
        lambda api: api.create_pipeline(DTO),
        lambda api: api.delete_pipeline("p1", condition_expression=api_condition()),
        lambda api: api.update_pipeline("p1", {"description": "x"}, condition_expression=api_condition()),
    ],
)
def test_a_write_that_may_have_been_done_is_not_sent_again_where_that_would_mislead(
    write: Callable[[PipelineConfigWriteApi], object],
) -> None:
    lost = RetryableError("broke off")
    lost.outcome_unknown = True
    service = Service(lost, {})
    with pytest.raises(WriteOutcomeUnknownError):
        write(pipelines(service))
    assert len(service.calls) == 1


def api_condition() -> object:
    from boto3.dynamodb.conditions import Attr

    return Attr("is_active").eq(True)


def cancelled(codes: Sequence[str]) -> TransactionCanceledError:
    return TransactionCanceledError("cancelled", reasons=[CancellationReason(code) for code in codes])


def test_a_transaction_cancelled_for_another_reason_is_told_as_it_is() -> None:
    with pytest.raises(TransactionCanceledError) as caught:
        pipelines(Service(cancelled(["None", "ItemCollectionSizeLimitExceeded"]))).activate_pipelines(
            ["a", "b"]
        )
    assert [reason.code for reason in caught.value.reasons] == ["None", "ItemCollectionSizeLimitExceeded"]


def test_all_missing_items_of_a_transaction_are_named() -> None:
    failed = "ConditionalCheckFailed"
    with pytest.raises(
        ItemNotFoundError, match="'a', 'c' not in table pipeline_config: none of the 3"
    ) as caught:
        pipelines(Service(cancelled([failed, "None", failed]))).activate_pipelines(["a", "b", "c"])
    assert caught.value.key == {"pipeline_id": "a"}


def test_many_keys_given_twice_are_written_once() -> None:
    service = Service({})
    assert pipelines(service).activate_pipelines(["a", "b", "a"]) == 2
    assert len(service.calls[0].body["TransactItems"]) == 2


def test_what_an_index_found_is_changed_only_if_it_still_is_so() -> None:
    keys = {"Items": [{"pipeline_id": {"S": "p1"}}, {"pipeline_id": {"S": "p2"}}], "Count": 2}
    service = Service(keys, refused(environment={"S": "prod"}), {"Attributes": item()})
    assert pipelines(service).archive_old_pipelines("dev") == 1
    assert service.actions == ["Query", "UpdateItem", "UpdateItem"]
    for update in service.calls[1:]:
        asked = update.body["ConditionExpression"]
        names = {
            mark: name for mark, name in update.body["ExpressionAttributeNames"].items() if mark in asked
        }
        assert set(names.values()) == {"pipeline_id", "is_active", "updated_at", "environment"}


class Plain(DynamoDBModel):
    """A model without any of the attributes that the library would set."""

    class Meta:
        table_name = "plain"
        partition_key = "id"

    id: str
    text: str | None = None


class PlainDto(Dto):
    id: str
    text: str | None = None


class PlainWriteApi(WriteApi[Plain, PlainDto]):
    model = Plain
    dto = PlainDto


def test_a_model_without_timestamps_gets_none() -> None:
    service = Service({}, {"Attributes": {"id": {"S": "a"}, "text": {"S": "x"}}})
    api = PlainWriteApi(client=client(service))
    api.create(PlainDto(id="a"))
    assert service.calls[0].body["Item"] == {"id": {"S": "a"}}
    assert api.update("a", {"text": "x"}) == Plain(id="a", text="x")
    assert list(service.calls[1].body["ExpressionAttributeValues"].values()) == [{"S": "x"}]
