"""Views of items: which attributes are read for one, and in which zone its times are shown.

Knows views and projections. Must not know queries, or how anything is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Path
from dynamodb_wrapper.handlers.given import listed, refused
from dynamodb_wrapper.query.selection import attributes_to_read
from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.timezones import display_zone, validate_timezone_string
from dynamodb_wrapper.validation import did_you_mean

Projection: TypeAlias = Sequence[str] | None


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; a ValidationError where there is none."""
    return ZoneInfo(validate_timezone_string(name))


def refuse_unknown_zone(name: str | None, parameter: str = "user_timezone") -> None:
    """Tell of a wrong zone before anything is sent, also where nothing will be found."""
    if name is None:
        return
    try:
        zone_of(str(name))
    except ValidationError as error:
        texts = [text for told in error.errors.values() for text in told]
        raise ValidationError(error.message, errors={parameter: texts}) from None


def show_in(zone: str | None, items: Sequence[BaseModel]) -> None:
    """Turn the datetimes of views of one class to the zone of that IANA name, or else `display_zone`.

    Done in place: the views are frozen for their readers, and have just been made.
    """
    if not items:
        return
    tz = display_zone(zone)
    fields = datetime_fields(type(items[0]))
    for item in items:
        values = vars(item)
        for field in fields:
            if isinstance(moment := values.get(field), datetime) and moment.tzinfo is not None:
                values[field] = moment.astimezone(tz)


@lru_cache(maxsize=512)
def datetime_fields(view: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a view that hold a datetime."""
    return tuple(name for name, info in view.model_fields.items() if datetime in plain_types(info.annotation))


def paths_of(view: type[BaseModel], projection: Projection, also: Sequence[str] = ()) -> tuple[Path, ...]:
    """The attributes to read for a view: those of the projection, and always what the view requires.

    Parameters:
        also: attributes that are needed besides, such as the keys to go on from.

    Raises:
        ValidationError: the projection names no field, or one that the view does not have.
    """
    names = None if projection is None else tuple(listed("projection", projection, "fields"))
    for name in names or ():
        if not isinstance(name, str):
            raise refused("projection", name, "give names of fields, as text")
    return _paths_of(view, names, tuple(also))


@lru_cache(maxsize=4096)
def _paths_of(
    view: type[BaseModel], projection: tuple[str, ...] | None, also: tuple[str, ...]
) -> tuple[Path, ...]:
    known = view.model_fields
    if projection is not None:
        unknown = {name: ["not a field of the view"] for name in projection if name not in known}
        if unknown or not projection:
            hint = "".join(did_you_mean(name, known) for name in list(unknown)[:1])
            raise ValidationError(
                f"the projection names {', '.join(unknown) or 'nothing'}; {view.__name__} has "
                f"{', '.join(known)}{hint}",
                errors=unknown or {"projection": ["name at least one field"]},
            )
    wanted = attributes_to_read(view, projection or known)
    return tuple(Path((name,)) for name in dict.fromkeys((*wanted, *also)))
