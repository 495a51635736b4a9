"""The requests that add a stage, without a service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dynamodb_wrapper import ConflictError, PipelineRunLog, RunStatus, StageInfo
from dynamodb_wrapper.engine.flow import Call, Effect, Flow, run
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError
from dynamodb_wrapper.handlers.pipeline_run_logs.stages import PLACES, PutStage
from dynamodb_wrapper.schema import schema_of

MOST_OPERATORS = 300  # of an expression
MOST_BYTES = 4096
SCHEMA = schema_of(PipelineRunLog)


def put(timeout_seconds: float = 30.0) -> PutStage:
    stage = StageInfo(stage_name="load", status=RunStatus.RUNNING)
    key = {"run_id": "r1", "pipeline_id": "p1"}
    return PutStage(schema=SCHEMA, table="runs", key=key, stage=stage, timeout_seconds=timeout_seconds)


def item(names: Sequence[str]) -> dict[str, Any]:
    stages = [StageInfo(stage_name=name, status=RunStatus.RUNNING) for name in names]
    return SCHEMA.codec.encode(
        PipelineRunLog(
            run_id="r1", pipeline_id="p1", status=RunStatus.RUNNING, trigger_type="manual", stages=stages
        )
    )


def calls_until(refusals: Sequence[Sequence[str]], timeout_seconds: float = 30.0) -> list[Call]:
    """The calls of an operation that is refused each time with a run that has stages of these names."""
    sent: list[Call] = []

    def send(call: Call) -> Flow[bytes]:
        sent.append(call)
        yield from ()
        if len(sent) <= len(refusals):
            raise ConditionalCheckFailedError("no", current_item=item(refusals[len(sent) - 1]))
        return (
            b'{"Attributes": {"run_id": {"S": "r1"}, "pipeline_id": {"S": "p1"}, "status": {"S": "running"}, '
            b'"trigger_type": {"S": "manual"}}}'
        )

    def perform(effect: Effect) -> None:
        pytest.fail(f"nothing is awaited, but {effect} was")

    run(put(timeout_seconds).flow(send), perform)
    return sent


@pytest.mark.parametrize("known", [0, 1000, 10_000])
def test_the_condition_keeps_within_the_limits_of_an_expression(known: int) -> None:
    condition = calls_until([[f"s{n}" for n in range(known)]])[-1].body["ConditionExpression"]
    operators = sum(
        condition.count(mark) for mark in (" OR ", " AND ", "NOT ", " = ", " < ", ">= ", "(size", "exists(")
    )
    assert operators <= MOST_OPERATORS
    assert len(condition.encode()) <= MOST_BYTES


def test_a_stage_can_be_sent_again_unharmed() -> None:
    assert all(call.repeatable for call in calls_until([["load"]]))


def test_a_name_that_is_taken_is_replaced_in_its_place() -> None:
    [appended, replaced] = calls_until([["extract", "load", "report"]])
    assert "list_append" in appended.body["UpdateExpression"]
    assert "list_append" not in replaced.body["UpdateExpression"]
    names = {name: mark for mark, name in replaced.body["ExpressionAttributeNames"].items()}
    assert f"{names['stages']}[1].{names['status']} = " in replaced.body["UpdateExpression"]
    assert f"REMOVE {names['stages']}[1]." in replaced.body["UpdateExpression"]


def test_a_longer_list_is_looked_at_behind_what_is_known() -> None:
    [_, again] = calls_until([[f"s{n}" for n in range(PLACES)]])
    condition = again.body["ConditionExpression"]
    assert f"[{PLACES}]." in condition
    assert f"[{2 * PLACES - 1}]." in condition
    assert "[0]." not in condition


def test_a_run_that_never_rests_is_given_up_in_time() -> None:
    with pytest.raises(ConflictError, match="kept changing") as given_up:
        calls_until([["other"]], timeout_seconds=0)
    assert [stage.stage_name for stage in given_up.value.current_item.stages] == ["other"]
