"""What an annotation may hold, seen through `Annotated`, unions, literals, new types, aliases and enums."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin

import pydantic

_MARKERS: Final[Mapping[Any, type]] = {
    pydantic.AwareDatetime: datetime,
    pydantic.NaiveDatetime: datetime,
    pydantic.PastDatetime: datetime,
    pydantic.FutureDatetime: datetime,
    pydantic.PastDate: date,
    pydantic.FutureDate: date,
}
"""Classes of pydantic's that stand for a plain type: their values are of that type."""


def plain_types(annotation: Any) -> Iterator[Any]:
    """The plain types of the values that an annotation allows; an enum stands for its values' types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from plain_types(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from plain_types(member)
    elif origin is Literal:
        yield from (type(value) for value in get_args(annotation))
    elif isinstance(annotation, NewType):
        yield from plain_types(annotation.__supertype__)
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from (type(member.value) for member in annotation)
    elif (aliased := getattr(annotation, "__value__", None)) is not None:  # `type Name = ...`
        yield from plain_types(aliased)
    elif isinstance(annotation, type):
        yield _MARKERS.get(annotation, annotation)
    else:
        yield annotation
