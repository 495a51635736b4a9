"""Points in time: UTC for storage, a user's zone for display.

Knows zones and text forms of datetimes; must not know settings, models or the service. Storage is always UTC.
A naive datetime is never assumed to be in some zone: only `ensure_timezone_aware` and `parse_iso` give it
one, the one that they are told.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import NAIVE_DATETIME, did_you_mean

__all__ = [
    "TimezoneManager",
    "convert_utc_to_user_tz",
    "ensure_timezone_aware",
    "format_iso",
    "get_timezone_manager",
    "now_in_tz",
    "parse_iso",
    "set_global_timezone",
    "to_user_timezone",
    "to_utc",
    "utcnow",
    "validate_timezone_string",
]

_chosen: ContextVar[str | None] = ContextVar("dynamodb_wrapper_timezone", default=None)


def utcnow() -> datetime:
    """Now, in UTC and aware of it."""
    return datetime.now(UTC)


def now_in_tz(name: str | None = None) -> datetime:
    """Now, in the zone of that IANA name; without one in the zone of `set_global_timezone`, else UTC."""
    return datetime.now(_zone(name))


def to_utc(dt: datetime) -> datetime:
    """The same point in time in UTC.

    Raises:
        ValidationError: `dt` is naive.
    """
    return _aware(dt).astimezone(UTC)


def to_user_timezone(dt: datetime, user_tz: str | None = None) -> datetime:
    """The same point in time as a user reads it.

    Parameters:
        dt: an aware datetime.
        user_tz: an IANA name; without one the zone of `set_global_timezone` holds, else UTC.

    Raises:
        ValidationError: `dt` is naive, or there is no such zone.
    """
    return _aware(dt).astimezone(_zone(user_tz))


def convert_utc_to_user_tz(dt: datetime, name: str) -> datetime:
    """`to_user_timezone` with the zone always named."""
    return to_user_timezone(dt, name)


def ensure_timezone_aware(dt: datetime, default_tz: str = "UTC") -> datetime:
    """`dt` itself if it has a zone, else `dt` as the wall clock of `default_tz`.

    Of the two times that the clock shows twice when summer time ends, the first is meant, or the second if
    `dt.fold` is 1.

    Raises:
        ValidationError: there is no such zone, or its clock skipped that time when summer time began.
    """
    if _is_aware(dt):
        return dt
    zone = _named(default_tz)
    aware = dt.replace(tzinfo=zone)
    if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != dt.replace(tzinfo=None, fold=0):
        raise ValidationError(
            f"{dt.isoformat()} does not exist in {default_tz}: the clock was put forward past it; "
            "give a time before or after the gap, or one with a UTC offset",
            errors={"dt": [f"skipped by the clock of {default_tz}"]},
        )
    return aware


def validate_timezone_string(name: str) -> str:
    """That same name, if it is an IANA zone.

    Raises:
        ValidationError: it is not; the message suggests the zone that was perhaps meant.
    """
    _named(name)
    return name


def format_iso(dt: datetime) -> str:
    """The form in which datetimes are stored: UTC and of fixed width, so that the texts sort as the times do.

    Returns:
        Text such as `2026-01-31T12:00:00.000000+00:00`.

    Raises:
        ValidationError: `dt` is naive.
    """
    return to_utc(dt).isoformat(timespec="microseconds")


def parse_iso(text: str, default_tz: str | None = None) -> datetime:
    """The point in time that an ISO 8601 text names, in UTC.

    Parameters:
        text: with `Z` or any offset, with or without fractions of a second.
        default_tz: the zone that a text without an offset is in; such a text is refused if this is left out.

    Raises:
        ValidationError: the text is not ISO 8601, or names no offset and `default_tz` is left out.
    """
    try:
        dt = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        mend = "an ISO 8601 date and time with an offset is needed, such as 2026-01-31T12:00:00Z"
        raise ValidationError(f"{text!r} is not a point in time: {mend}", errors={"text": [mend]}) from None
    return to_utc(dt if default_tz is None else ensure_timezone_aware(dt, default_tz))


def _is_aware(dt: datetime) -> bool:
    return dt.tzinfo is not None and dt.utcoffset() is not None


def _aware(dt: datetime) -> datetime:
    if not _is_aware(dt):
        raise ValidationError(f"{dt.isoformat()}: {NAIVE_DATETIME}", errors={"dt": [NAIVE_DATETIME]})
    return dt


def _zone(name: str | None) -> tzinfo:
    return _named(name or _manager.timezone)


def _named(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):  # OSError: a folder of zones, such as "America"
        text = f"{name!r} is not an IANA time zone such as 'Europe/Oslo' or 'UTC'{_suggestion(str(name))}"
        raise ValidationError(text, errors={"timezone": [text]}) from None


def _suggestion(name: str) -> str:
    wanted = name.strip().replace(" ", "_")
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(_zone_names(), reverse=True)}
    if found := by_city.get(wanted.casefold()):
        return f"; did you mean {found!r}?"
    return did_you_mean(wanted, _zone_names())


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


class TimezoneManager:
    """The zone in which datetimes are shown when a call names none.

    The zone chosen with `set_timezone` holds for the current context (the thread, or the asyncio task and
    those that it starts afterwards), so that two requests served at once do not disturb each other.

    Parameters:
        default: the IANA name that holds where none was chosen.
    """

    def __init__(self, default: str = "UTC") -> None:
        self.default = validate_timezone_string(default)

    @property
    def timezone(self) -> str:
        """The IANA name of the zone that holds in the current context."""
        return _chosen.get() or self.default

    def set_timezone(self, name: str | None) -> None:
        """Choose the zone of the current context; None goes back to the default."""
        _chosen.set(None if name is None else validate_timezone_string(name))

    def now(self, name: str | None = None) -> datetime:
        """Now, in the zone of that name or else in the one that holds here."""
        return datetime.now(_named(name or self.timezone))

    def to_user(self, dt: datetime, name: str | None = None) -> datetime:
        """The same point in time, in the zone of that name or else in the one that holds here."""
        return to_user_timezone(dt, name or self.timezone)

    def to_utc(self, dt: datetime) -> datetime:
        """The same point in time in UTC; a naive datetime is refused."""
        return to_utc(dt)


_manager = TimezoneManager()


def get_timezone_manager() -> TimezoneManager:
    """The manager that `set_global_timezone` sets and the functions of this module ask."""
    return _manager


def set_global_timezone(name: str | None) -> None:
    """Choose the zone for display where a call names none, in the current context; None goes back to UTC."""
    _manager.set_timezone(name)
