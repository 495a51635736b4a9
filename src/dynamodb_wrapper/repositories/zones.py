"""The datetimes in what goes in and comes out, wherever they stand in it: placed in a zone, or shown in one.

Knows values and models. Must not know repositories, or which zone is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.timezones import ensure_timezone_aware, to_utc

__all__ = ["placed", "show"]

T = TypeVar("T")


def placed(value: T, zone: str | None) -> T:
    """The same value with each naive datetime in it on the wall clock of a zone, and all then in UTC.

    The given value is unchanged.

    Parameters:
        value: a datetime, or a model, list, tuple, set or mapping that holds some; anything else stays.
        zone: an IANA name; None leaves naive ones as they are, to be refused.

    Raises:
        ValidationError: the clock of that zone skipped such a time.
    """
    if zone is None:
        return value
    moved: T = _replaced(value, lambda moment: to_utc(ensure_timezone_aware(moment, zone)))
    return moved


def show(items: Iterable[BaseModel], zone: tzinfo) -> None:
    """Turn the datetimes in items that have just been read to that zone.

    Done in place, so that it changes neither what is known to be set nor what is kept beside the fields.
    """
    for item in items:
        values = vars(item)
        for name in moment_fields(type(item)):
            values[name] = _shown(values.get(name), zone)


@lru_cache(maxsize=512)
def moment_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that may hold a datetime, by themselves or deeper."""
    return tuple(name for name, field in model.model_fields.items() if _may_hold(field.annotation))


def _may_hold(annotation: object) -> bool:
    return any(
        issubclass(kind, datetime | BaseModel)
        if isinstance(kind, type)
        else any(map(_may_hold, get_args(kind)))
        for kind in plain_types(annotation)
    )


def _shown(value: Any, zone: tzinfo) -> Any:
    if isinstance(value, BaseModel):
        show([value], zone)
        return value
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(zone)
    return _each(value, lambda part: _shown(part, zone))


def _replaced(value: Any, change: Callable[[datetime], datetime]) -> Any:
    if isinstance(value, datetime):
        return change(value)
    if isinstance(value, BaseModel):
        given = {name: each for name, each in vars(value).items() if name in type(value).model_fields}
        new = _each(given, lambda part: _replaced(part, change))
        changed = {name: each for name, each in new.items() if each is not given[name]}
        return value.model_copy(update=changed) if changed else value
    return _each(value, lambda part: _replaced(part, change))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container with its parts changed, or itself where none of them is; other values as they are."""
    if isinstance(value, Mapping):
        parts = {name: change(part) for name, part in value.items()}
        return parts if any(parts[name] is not part for name, part in value.items()) else value
    if isinstance(value, list | tuple | set | frozenset):
        many = [change(part) for part in value]
        return type(value)(many) if any(a is not b for a, b in zip(many, value, strict=True)) else value
    return value
