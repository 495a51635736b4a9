from __future__ import annotations

import asyncio

import pytest

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.runs.outcome import LONGEST_MESSAGE, LONGEST_TRACE, outcome_of


class SparkError(Exception):
    """As pyspark's errors: with a condition."""

    def getCondition(self) -> str:
        return "DIVIDE_BY_ZERO"


@pytest.mark.parametrize("error", [None, SystemExit(), SystemExit(0)])
def test_an_end_without_an_error_is_a_success(error: BaseException | None) -> None:
    assert outcome_of(error).status is RunStatus.SUCCESS
    assert outcome_of(error).values() == {"status": RunStatus.SUCCESS}


@pytest.mark.parametrize(
    ("error", "by", "message"),
    [
        (KeyboardInterrupt(), None, "cancelled"),
        (asyncio.CancelledError(), None, "cancelled"),
        (asyncio.CancelledError(), "SIGTERM", "interrupted by SIGTERM"),
    ],
)
def test_an_interruption_is_a_cancellation(error: BaseException, by: str | None, message: str) -> None:
    outcome = outcome_of(error, by)
    assert (outcome.status, outcome.message, outcome.trace) == (RunStatus.CANCELLED, message, None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("bad row"), "ValueError: bad row"),
        (ValueError(), "ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (SparkError("in row 7"), "[DIVIDE_BY_ZERO] SparkError: in row 7"),
        (SparkError("[DIVIDE_BY_ZERO] in row 7"), "SparkError: [DIVIDE_BY_ZERO] in row 7"),
    ],
)
def test_anything_else_is_a_failure_with_its_message(error: BaseException, message: str) -> None:
    outcome = outcome_of(error)
    assert (outcome.status, outcome.message) == (RunStatus.FAILED, message)
    assert outcome.error_class == ("DIVIDE_BY_ZERO" if isinstance(error, SparkError) else None)


def test_long_messages_lose_their_end_and_long_traces_their_beginning() -> None:
    outcome = outcome_of(ValueError("begin" + "x" * 20_000 + "end"))
    assert outcome.message is not None
    assert outcome.trace is not None
    assert (len(outcome.message), len(outcome.trace)) == (LONGEST_MESSAGE, LONGEST_TRACE)
    assert outcome.message.startswith("ValueError: begin")
    assert outcome.trace.endswith("end\n")
