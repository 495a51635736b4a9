from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.runs.figures import DEEPEST, LONGEST_TEXT, storable, whole
from dynamodb_wrapper.wire.values import encode_value


class Opaque:
    def __repr__(self) -> str:
        return "x" * 5000


@pytest.mark.parametrize(
    "value",
    [None, True, 5, 0.25, Decimal("1.5"), "text", b"\x00", {"a": [1, {"b": "c"}]}, date(2020, 1, 1), {1, 2}],
)
def test_what_can_be_stored_stays_as_it_is(value: object) -> None:
    assert storable(value) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (Decimal("1." + "1" * 50), "1." + "1" * 50),
        (datetime(2020, 1, 1, 12), "2020-01-01 12:00:00"),
        ("broken \ud800", "broken ?"),
        ({1: {"x": math.nan, "y": 2}}, {"1": {"x": "nan", "y": 2}}),
        ([1, (math.inf, "a")], [1, ["inf", "a"]]),
        (Opaque(), "x" * (LONGEST_TEXT - 3) + "..."),
    ],
)
def test_what_cannot_be_stored_becomes_a_text_and_what_is_beside_it_stays(value: Any, stored: Any) -> None:
    assert storable(value) == stored
    encode_value(storable(value))


def test_what_contains_itself_or_is_too_deep_can_be_stored() -> None:
    endless: list[Any] = [datetime.now(UTC)]
    endless.append(endless)
    deep: Any = 1
    for _ in range(100):
        deep = {"a": deep}
    for value in (endless, deep):
        found, levels = storable(value), 0
        encode_value(found)
        while not isinstance(found, str):
            found, levels = (found["a"] if isinstance(found, dict) else found[1]), levels + 1
        assert levels == DEEPEST


@pytest.mark.parametrize(("value", "count"), [(None, None), (3, 3), (4.0, 4), (True, 1)])
def test_a_count_is_a_whole_number(value: Any, count: int | None) -> None:
    assert whole(value) == count


@pytest.mark.parametrize("value", ["5", 5.5, math.nan, math.inf])
def test_anything_else_is_no_count(value: Any) -> None:
    with pytest.raises(TypeError):
        whole(value)
