from __future__ import annotations

import enum
import sys
from datetime import date, datetime
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar, Union

import pydantic
import pytest
from annotated_types import Gt

from dynamodb_wrapper.schema.annotations import plain_types


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


CustomerId = NewType("CustomerId", str)
GoldId = NewType("GoldId", CustomerId)


@pytest.mark.parametrize(
    ("annotation", "types"),
    [
        (str, {str}),
        (Annotated[int, Gt(0)], {int}),
        (Annotated[Annotated[int, Gt(0)], "more"], {int}),
        (Optional[str], {str, type(None)}),  # noqa: UP045
        (str | None, {str, type(None)}),
        (Union[str, int], {str, int}),  # noqa: UP007
        (Annotated[str | None, "x"] | int, {str, int, type(None)}),
        (Literal["a", "b"], {str}),
        (Literal["a", 1, None], {str, int, type(None)}),
        (CustomerId, {str}),
        (GoldId, {str}),
        (Colour, {str}),
        (Level, {int}),
        (Mixed, {int, str}),
        (Colour | None, {str, type(None)}),
        (pydantic.AwareDatetime, {datetime}),
        (Annotated[datetime, pydantic.AwareDatetime], {datetime}),
        (pydantic.AwareDatetime | None, {datetime, type(None)}),
        (pydantic.NaiveDatetime, {datetime}),
        (pydantic.PastDatetime, {datetime}),
        (pydantic.FutureDatetime, {datetime}),
        (pydantic.PastDate, {date}),
        (pydantic.FutureDate, {date}),
        (pydantic.UUID4, {pydantic.UUID4.__origin__}),  # type: ignore[attr-defined]
        (list[str], {list[str]}),
        (Any, {Any}),
    ],
)
def test_an_annotation_stands_for_the_plain_types_of_its_values(annotation: Any, types: set[Any]) -> None:
    assert set(plain_types(annotation)) == types


def test_a_type_variable_is_no_plain_type() -> None:
    variable = TypeVar("variable")
    assert list(plain_types(variable)) == [variable]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type` statements are new in Python 3.12")
def test_an_alias_stands_for_what_it_names() -> None:
    names: dict[str, Any] = {}
    exec("type Id = str\ntype MaybeId = Id | None", names)
    assert set(plain_types(names["MaybeId"])) == {str, type(None)}
