"""The requests that end a run, without a service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_wrapper import ConflictError, ItemNotFoundError, PipelineRunLog, RunStatus, StageInfo
from dynamodb_wrapper.engine.flow import Call, Effect, Flow, run
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.handlers.pipeline_run_logs.ending import EndRun
from dynamodb_wrapper.operations.intents import changes_of
from dynamodb_wrapper.schema import schema_of

MOST_OPERATORS = 300  # of an expression
MOST_BYTES = 4096
SCHEMA = schema_of(PipelineRunLog)
NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
AFTERWARDS = (
    b'{"Attributes": {"run_id": {"S": "r1"}, "pipeline_id": {"S": "p1"}, "status": {"S": "success"}, '
    b'"trigger_type": {"S": "manual"}}}'
)


def end_of_run(timeout_seconds: float = 30.0) -> EndRun:
    return EndRun(
        schema=SCHEMA,
        table="runs",
        key={"run_id": "r1", "pipeline_id": "p1"},
        changes=changes_of(SCHEMA, {"status": RunStatus.SUCCESS}),
        status=RunStatus.SUCCESS,
        end=NOON,
        guard=Compare(Path(("status",)), "=", RunStatus.RUNNING),
        timeout_seconds=timeout_seconds,
    )


def stages(*statuses: str) -> list[StageInfo]:
    return [StageInfo(stage_name=f"s{at}", status=RunStatus(each)) for at, each in enumerate(statuses)]


def item(listed: Sequence[StageInfo]) -> dict[str, Any]:
    return SCHEMA.codec.encode(
        PipelineRunLog(
            run_id="r1",
            pipeline_id="p1",
            status=RunStatus.RUNNING,
            trigger_type="manual",
            stages=list(listed),
        )
    )


def calls_until(refusals: Sequence[Any], timeout_seconds: float = 30.0) -> list[Call]:
    """The calls of an end that is refused each time with a run that has these stages."""
    sent: list[Call] = []

    def send(call: Call) -> Flow[bytes]:
        sent.append(call)
        yield from ()
        if len(sent) <= len(refusals):
            found = refusals[len(sent) - 1]
            raise ConditionalCheckFailedError("no", current_item=None if found is None else item(found))
        return AFTERWARDS

    def perform(effect: Effect) -> None:
        pytest.fail(f"nothing is awaited, but {effect} was")

    run(end_of_run(timeout_seconds).flow(send), perform)
    return sent


def test_a_run_without_open_stages_ends_with_one_request_that_keeps_within_the_limits() -> None:
    [call] = calls_until([])
    condition = call.body["ConditionExpression"]
    operators = sum(
        condition.count(word) for word in (" = ", " < ", " IN ", " OR ", " AND ", "NOT ", "size(")
    )
    assert operators < MOST_OPERATORS
    assert len(condition.encode()) < MOST_BYTES
    assert call == end_of_run().call()


@pytest.mark.parametrize("count", [1, 1000])
def test_open_stages_cost_one_request_more_whose_expressions_do_not_grow(count: int) -> None:
    first, second = calls_until([stages(*["running"] * count)])
    assert len(second.body["ConditionExpression"]) < len(first.body["ConditionExpression"])
    assert len(second.body["UpdateExpression"]) < 200


def test_stages_that_change_meanwhile_are_looked_at_again() -> None:
    assert len(calls_until([stages("running"), stages("running", "running"), stages("success")])) == 4


def test_a_refusal_that_is_not_of_the_stages_is_a_conflict_at_once() -> None:
    for refusals in ([stages()], [stages("success")], [stages("running"), stages("running")]):
        with pytest.raises(ConflictError) as refused:
            calls_until([*refusals, None])
        assert refused.value.current_item.stages == refusals[-1]


def test_a_run_that_is_missing_is_not_found() -> None:
    with pytest.raises(ItemNotFoundError):
        calls_until([None])


def test_stages_that_keep_changing_are_a_conflict_when_the_time_is_over() -> None:
    with pytest.raises(ConflictError):
        calls_until([stages("running")], timeout_seconds=0)
