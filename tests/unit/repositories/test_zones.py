from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dynamodb_wrapper import ValidationError
from dynamodb_wrapper.repositories.zones import moment_fields, placed, show

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
CLOCK = datetime(2026, 7, 1, 21)
TOKYO = ZoneInfo("Asia/Tokyo")


class Inner(BaseModel):
    at: datetime | None = None
    inner: Inner | None = None


class Outer(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: datetime | None = None
    aware: AwareDatetime | None = None
    named: Annotated[datetime, Field(description="x")] | str = ""
    many: list[datetime] = []
    by_name: dict[str, tuple[datetime, ...]] = {}
    inners: list[Inner] = []
    day: date | None = None
    text: str = ""
    open_: dict[str, Any] = {}


def test_the_fields_that_may_hold_a_time_are_found_through_their_annotations() -> None:
    assert moment_fields(Outer) == ("at", "aware", "named", "many", "by_name", "inners")


@pytest.mark.parametrize(
    ("given", "became"),
    [
        (CLOCK, NOON),
        (NOON, NOON),
        ([CLOCK, "x"], [NOON, "x"]),
        ((CLOCK,), (NOON,)),
        ({CLOCK}, {NOON}),
        ({"a": {"b": [CLOCK]}}, {"a": {"b": [NOON]}}),
        (None, None),
        ("2026-07-01T21:00:00", "2026-07-01T21:00:00"),
        (date(2026, 7, 1), date(2026, 7, 1)),
    ],
)
def test_a_naive_time_is_placed_wherever_it_stands(given: object, became: object) -> None:
    assert placed(given, "Asia/Tokyo") == became
    assert placed(given, None) is given


def test_a_model_is_copied_only_where_something_in_it_is_placed() -> None:
    outer = Outer(at=CLOCK, inners=[Inner(inner=Inner(at=CLOCK))], text="stays")
    moved = placed(outer, "Asia/Tokyo")
    assert moved.at == NOON
    assert moved.inners[0].inner is not None
    assert moved.inners[0].inner.at == NOON
    assert (outer.at, outer.inners[0].inner) == (CLOCK, Inner(at=CLOCK)), "what was given is unchanged"
    assert moved.model_fields_set == {"at", "inners", "text"}
    unmoved = Outer(text="stays")
    assert placed(unmoved, "Asia/Tokyo") is unmoved


def test_a_time_that_the_clock_skipped_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not exist in Europe/Oslo"):
        placed([datetime(2026, 3, 29, 2, 30)], "Europe/Oslo")


def test_times_are_shown_in_place_and_nothing_becomes_set() -> None:
    outer = Outer.model_construct(
        {"at"}, at=NOON, named="x", many=[NOON], by_name={"a": (NOON,)}, inners=[Inner(at=NOON)], text="t"
    )
    show([outer], TOKYO)
    moments: list[Any] = [outer.at, outer.many[0], outer.by_name["a"][0], outer.inners[0].at]
    assert [moment.isoformat() for moment in moments] == ["2026-07-01T21:00:00+09:00"] * 4
    assert (outer.named, outer.text, outer.model_fields_set) == ("x", "t", {"at"})
