"""Many writes, each for itself: every outcome is told, and none stops the others."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Do, Effect, Flow, Together, run
from dynamodb_wrapper.exceptions import (
    BulkWriteError,
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    ValidationError,
)
from dynamodb_wrapper.handlers.bulk import PASSED_OVER, bulk_error, each, unless_changed


def perform(effect: Effect) -> Any:
    if isinstance(effect, Together):
        return [run(flow, perform) for flow in effect.flows]
    assert isinstance(effect, Do)
    return effect.function(*effect.args)


def gives(value: str) -> Flow[str]:
    return (yield Do(str, (value,)))  # type: ignore[no-any-return]


def fails(error: Exception) -> Flow[str]:
    def throw() -> None:
        raise error

    return (yield Do(throw))  # type: ignore[no-any-return]


def test_the_results_are_by_id() -> None:
    assert run(each("Thing", ["a", "b"], [gives("1"), gives("2")]), perform) == {"a": "1", "b": "2"}
    assert run(each("Thing", [], []), perform) == {}


def test_a_failure_stops_none_of_the_others_and_all_are_told() -> None:
    refused, missing = ValidationError("too big"), ItemNotFoundError("not there")
    flows = [gives("1"), fails(refused), gives("3"), fails(missing)]
    with pytest.raises(BulkWriteError, match="2 of 4 writes of Thing failed; the first: too big") as caught:
        run(each("Thing", ["a", "b", "c", "d"], flows), perform)
    assert caught.value.succeeded == ("a", "c")
    assert caught.value.failed == {"b": refused, "d": missing}
    assert caught.value.original_error is refused


def test_an_error_that_is_not_of_this_library_is_a_mistake_in_it_and_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(each("Thing", ["a"], [fails(ZeroDivisionError())]), perform)


@pytest.mark.parametrize(
    "error", [ItemNotFoundError("gone"), ConflictError("changed"), ConditionalCheckFailedError("changed")]
)
def test_an_item_that_has_changed_is_passed_over(error: Exception) -> None:
    assert run(unless_changed(fails(error)), perform) is PASSED_OVER


def test_another_error_is_not_passed_over() -> None:
    with pytest.raises(ValidationError):
        run(unless_changed(fails(ValidationError("wrong"))), perform)
    assert run(unless_changed(gives("1")), perform) == "1"


def test_the_error_counts_what_succeeded_too() -> None:
    error = bulk_error("Thing", ["a", "b"], {"c": ValidationError("wrong")})
    assert str(error) == "1 of 3 writes of Thing failed; the first: wrong"
