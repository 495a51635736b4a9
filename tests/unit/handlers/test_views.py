"""Views of items: which attributes are read for one, and in which zone its times are shown."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import Field

from dynamodb_wrapper import DynamoDBModel, ValidationError, View
from dynamodb_wrapper.handlers.views import datetime_fields, paths_of, show_in, zone_of
from dynamodb_wrapper.models.base import Instant
from dynamodb_wrapper.query.selection import view_codec


class Visit(DynamoDBModel):
    class Meta:
        table_name = "visits"
        partition_key = "page"

    page: str
    at: Instant
    seconds: int = 0


class VisitView(View):
    page: str
    at: Instant | None = None
    seconds: int | None = None


def test_an_attribute_is_read_by_its_own_name_where_the_field_has_another() -> None:
    class Aliased(View):
        page: str
        duration: int | None = Field(default=None, alias="seconds")

    assert [str(path) for path in paths_of(Aliased, ["duration"])] == ["seconds", "page"]
    assert [str(path) for path in paths_of(Aliased, None, ("at",))] == ["page", "seconds", "at"]
    read = view_codec(Visit, Aliased).decode({"page": {"S": "home"}, "seconds": {"N": "7"}})
    assert read.duration == 7


def test_a_projection_is_a_list_and_not_a_text() -> None:
    with pytest.raises(ValidationError, match="list of fields"):
        paths_of(VisitView, "page")


def test_the_datetimes_of_a_view_are_found_through_their_annotations() -> None:
    class Timed(View):
        plain: datetime
        aware: Instant | None = None
        described: Annotated[datetime, Field(description="x")] | str = "never"
        text: str = ""
        many: list[datetime] = Field(default_factory=list)

    assert datetime_fields(Timed) == ("plain", "aware", "described")


def test_a_zone_is_known_by_its_iana_name() -> None:
    assert zone_of("Europe/Oslo").key == "Europe/Oslo"
    wrong: Any
    for wrong in ("Oslo", "+02:00", 7):
        with pytest.raises(ValidationError, match="IANA"):
            zone_of(wrong)


@pytest.mark.parametrize(("zone", "shown"), [("Europe/Oslo", ZoneInfo("Europe/Oslo")), (None, UTC)])
def test_times_are_shown_in_the_zone_and_else_in_utc(zone: str | None, shown: tzinfo) -> None:
    noon = datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("America/New_York"))
    views = [VisitView(page="a", at=noon), VisitView(page="b")]
    show_in(zone, views)
    assert [view.at for view in views] == [noon, None]
    assert views[0].at is not None
    assert views[0].at.tzinfo == shown
    show_in(zone, [])
