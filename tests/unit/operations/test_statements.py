from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.statements import Statement


def statement(text: str, *parameters: object, **more: Any) -> Statement[dict[str, Any]]:
    return Statement(text=text, parameters=parameters, reader=plain, **more)


def test_its_request() -> None:
    call = statement('SELECT * FROM "t" WHERE id = ?', "a", consistent=True).call()
    assert call.action == "ExecuteStatement"
    assert call.body == {
        "Statement": 'SELECT * FROM "t" WHERE id = ?',
        "Parameters": [{"S": "a"}],
        "ConsistentRead": True,
    }


@pytest.mark.parametrize(
    ("text", "reads"),
    [(" select * from t", True), ("UPDATE t", False), ("INSERT INTO t", False), ("", False)],
)
def test_only_reads_are_repeatable(text: str, reads: bool) -> None:
    call = statement(text).call()
    assert call.repeatable is reads
    assert ("ReturnValuesOnConditionCheckFailure" in call.body) is not reads
